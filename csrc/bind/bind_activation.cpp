// Activations that take parameters, and softmax; those without are rows of unary.def.
#include "bind/op.h"
#include "ops/softmax.h"
#include "ops/unary.h"

namespace sf::bind {
namespace {

// An activation with one or two numbers, and its in-place form: the signature after the name.
template <Unary op>
void add_with_one(OpTable& ops, const std::string& parameters) {
  const std::string name = name_of(op);
  ops.add((name + "(Tensor input, " + parameters + ") -> Tensor").c_str(),
          [](const Tensor& input, double a) { return unary(op, input, {a}); }, info(op).doc);
  ops.add((name + "_(Tensor input, " + parameters + ") -> Tensor").c_str(),
          [](const Tensor& input, double a) { return unary_(op, input, {a}); },
          "The same, in place.", Where::kMethod);
}
template <Unary op>
void add_with_two(OpTable& ops, const std::string& parameters) {
  const std::string name = name_of(op);
  ops.add((name + "(Tensor input, " + parameters + ") -> Tensor").c_str(),
          [](const Tensor& input, double a, double b) { return unary(op, input, {a, b}); },
          info(op).doc);
  ops.add((name + "_(Tensor input, " + parameters + ") -> Tensor").c_str(),
          [](const Tensor& input, double a, double b) { return unary_(op, input, {a, b}); },
          "The same, in place.", Where::kMethod);
}

Unary gelu_kind(const std::string& approximate) {
  if (approximate == "none") return Unary::gelu;
  if (approximate == "tanh") return Unary::gelu_tanh;
  throw ValueError("[gelu] approximate must be 'none' or 'tanh', got '", approximate, "'");
}

}  // namespace

void register_activation(OpTable& ops) {
  add_with_one<Unary::leaky_relu>(ops, "float negative_slope=0.01");
  add_with_one<Unary::elu>(ops, "float alpha=1.0");
  add_with_one<Unary::celu>(ops, "float alpha=1.0");
  add_with_one<Unary::softshrink>(ops, "float lambd=0.5");
  add_with_one<Unary::hardshrink>(ops, "float lambd=0.5");
  add_with_two<Unary::softplus>(ops, "float beta=1.0, float threshold=20.0");
  add_with_two<Unary::hardtanh>(ops, "float min_val=-1.0, float max_val=1.0");
  add_with_two<Unary::threshold>(ops, "float threshold, float value");
  ops.add(
      "relu6(Tensor input) -> Tensor",
      [](const Tensor& input) { return unary(Unary::hardtanh, input, {0, 6}); },
      "min(max(x, 0), 6), elementwise.");
  ops.add(
      "gelu(Tensor input, *, str approximate='none') -> Tensor",
      [](const Tensor& input, const std::string& approximate) {
        return unary(gelu_kind(approximate), input);
      },
      "x * Phi(x), Phi the normal distribution function; approximate='tanh' for its tanh form.");
  ops.add("softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &softmax,
          "exp(x) / sum(exp(x)) along dim.");
  ops.add("log_softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &log_softmax,
          "x - log(sum(exp(x))) along dim.");
}

}  // namespace sf::bind
