// Softmax and losses.
#include "bind/op.h"
#include "ops/loss.h"
#include "ops/softmax.h"

namespace sf::bind {
namespace {

ClassLossOptions class_options(const char* op, const std::optional<Tensor>& weight,
                               int64_t ignore_index, const std::string& reduction,
                               double label_smoothing) {
  return {weight.value_or(Tensor()), ignore_index, reduction_of(op, reduction), label_smoothing};
}

}  // namespace

void register_softmax_loss(OpTable& ops) {
  ops.add("softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &softmax,
          "exp(x) / sum(exp(x)) along dim.");
  ops.add("log_softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", &log_softmax,
          "x - log(sum(exp(x))) along dim.");
  ops.add(
      "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
      "str reduction='mean', float label_smoothing=0.0) -> Tensor",
      [](const Tensor& input, const Tensor& target, const std::optional<Tensor>& weight,
         int64_t ignore_index, const std::string& reduction, double label_smoothing) {
        return cross_entropy(
            input, target,
            class_options("cross_entropy", weight, ignore_index, reduction, label_smoothing));
      },
      "-log(softmax(x)[target]) over scores (N, C, ...) and class labels, or class probabilities.",
      Where::kFunction);
  ops.add(
      "nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
      "str reduction='mean') -> Tensor",
      [](const Tensor& input, const Tensor& target, const std::optional<Tensor>& weight,
         int64_t ignore_index, const std::string& reduction) {
        return nll_loss(input, target,
                        class_options("nll_loss", weight, ignore_index, reduction, 0));
      },
      "-x[target] over log-probabilities (N, C, ...) and class labels.", Where::kFunction);
  ops.add(
      "mse_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor",
      [](const Tensor& input, const Tensor& target, const std::string& reduction) {
        return mse_loss(input, target, reduction_of("mse_loss", reduction));
      },
      "(input - target)^2; both must have the same shape.", Where::kFunction);
  ops.add(
      "l1_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor",
      [](const Tensor& input, const Tensor& target, const std::string& reduction) {
        return l1_loss(input, target, reduction_of("l1_loss", reduction));
      },
      "|input - target|; both must have the same shape.", Where::kFunction);
}

}  // namespace sf::bind
