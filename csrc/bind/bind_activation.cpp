// Activations that take parameters, and softmax; those without are rows of unary.def.
#include "bind/op.h"
#include "ops/activation.h"
#include "ops/binary.h"
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

// Those that look at a whole dimension, at a learned slope or at random numbers.
void register_gates(OpTable& ops) {
  ops.add("prelu(Tensor input, Tensor weight) -> Tensor", &prelu, info(Binary::prelu).doc);
  ops.add(
      "rrelu(Tensor input, float lower=0.125, float upper=0.3333333333333333, "
      "bool training=False, *, Generator? generator=None) -> Tensor",
      [](const Tensor& input, double lower, double upper, bool training, Generator* generator) {
        return rrelu(input, lower, upper, training, *generator);
      },
      "input above zero, below it times a slope drawn from [lower, upper) in training, their mean "
      "otherwise.");
  ops.add("glu(Tensor input, int dim=-1) -> Tensor", &glu,
          "a * sigmoid(b) with a and b the halves of input along dim.");
  ops.add("maxout(Tensor input, int k, int dim=-1) -> Tensor", &maxout,
          "The largest of every k neighbours along dim, whose size becomes k times smaller.");
}

void register_softmax(OpTable& ops) {
  ops.add("softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &softmax,
          "exp(x) / sum(exp(x)) along dim.");
  ops.add("log_softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &log_softmax,
          "x - log(sum(exp(x))) along dim.");
  ops.add("softmin(Tensor input, int dim, dtype? dtype=None) -> Tensor", &softmin,
          "softmax(-x) along dim.");
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
  register_gates(ops);
  register_softmax(ops);
}

}  // namespace sf::bind
