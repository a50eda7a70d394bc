// Losses. Each takes reduction, and sample_weight as its last keyword.
#include "bind/gil.h"
#include "bind/numpy_interop.h"
#include "bind/op.h"
#include "ops/ctc_loss.h"
#include "ops/loss.h"

namespace sf::bind {
namespace {

using T = const Tensor&;
using Maybe = const std::optional<Tensor>&;
using Text = const std::string&;

LossReduction reducing(const char* op, Text reduction, Maybe sample_weight) {
  return {reduction_of(op, reduction), or_undefined(sample_weight)};
}

// "NAME(" + parameters + ", str reduction='mean'" + more + ", *, Tensor? sample_weight=None)".
std::string loss_signature(const char* name, const char* parameters, const char* more = "") {
  return str(name, "(", parameters, ", str reduction='mean'", more,
             ", *, Tensor? sample_weight=None) -> Tensor");
}

constexpr const char* kPair = "Tensor input, Tensor target";

template <class F>
void add_loss(OpTable& ops, const std::string& signature, F fn, const char* doc) {
  ops.add(signature.c_str(), fn, doc, Where::kFunction);
}

void register_class_losses(OpTable& ops) {
  add_loss(
      ops,
      loss_signature("cross_entropy",
                     "Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100",
                     ", float label_smoothing=0.0"),
      [](T x, T y, Maybe weight, int64_t ignore_index, Text reduction, double smoothing, Maybe w) {
        return cross_entropy(x, y,
                             {or_undefined(weight), ignore_index,
                              reducing("cross_entropy", reduction, w), smoothing});
      },
      "-log(softmax(x)[target]) over scores (N, C, ...) and class labels, or class probabilities.");
  add_loss(
      ops,
      loss_signature("nll_loss",
                     "Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100"),
      [](T x, T y, Maybe weight, int64_t ignore_index, Text reduction, Maybe w) {
        return nll_loss(
            x, y, {or_undefined(weight), ignore_index, reducing("nll_loss", reduction, w), 0});
      },
      "-x[target] over log-probabilities (N, C, ...) and class labels.");
}

void register_regression_losses(OpTable& ops) {
  add_loss(
      ops, loss_signature("mse_loss", kPair),
      [](T x, T y, Text reduction, Maybe w) {
        return mse_loss(x, y, reducing("mse_loss", reduction, w));
      },
      "(input - target)^2; both must have the same shape.");
  add_loss(
      ops, loss_signature("l1_loss", kPair),
      [](T x, T y, Text reduction, Maybe w) {
        return l1_loss(x, y, reducing("l1_loss", reduction, w));
      },
      "|input - target|; both must have the same shape.");
  add_loss(
      ops, loss_signature("huber_loss", kPair, ", float delta=1.0"),
      [](T x, T y, Text reduction, double delta, Maybe w) {
        return huber_loss(x, y, delta, reducing("huber_loss", reduction, w));
      },
      "d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond, with d = input - target.");
  add_loss(
      ops, loss_signature("smooth_l1_loss", kPair, ", float beta=1.0"),
      [](T x, T y, Text reduction, double beta, Maybe w) {
        return smooth_l1_loss(x, y, beta, reducing("smooth_l1_loss", reduction, w));
      },
      "d^2 / (2 beta) for |d| < beta, |d| - beta / 2 beyond, with d = input - target.");
}

void register_likelihood_losses(OpTable& ops) {
  add_loss(
      ops,
      loss_signature("poisson_nll_loss",
                     "Tensor input, Tensor target, bool log_input=True, bool full=False, "
                     "float eps=1e-08"),
      [](T x, T y, bool log_input, bool full, double eps, Text reduction, Maybe w) {
        return poisson_nll_loss(x, y, {log_input, full, eps},
                                reducing("poisson_nll_loss", reduction, w));
      },
      "exp(input) - target input, or input - target log(input + eps) without log_input; full adds "
      "Stirling's log(target!).");
  add_loss(
      ops,
      loss_signature("gaussian_nll_loss",
                     "Tensor input, Tensor target, Tensor|Number var, bool full=False, "
                     "float eps=1e-06"),
      [](T x, T y, const Operand& var, bool full, double eps, Text reduction, Maybe w) {
        return gaussian_nll_loss(x, y, var.resolve(x.dtype()), full, eps,
                                 reducing("gaussian_nll_loss", reduction, w));
      },
      "(log(var) + (input - target)^2 / var) / 2 with var at least eps; full adds log(2 pi) / 2.");
}

void register_probability_losses(OpTable& ops) {
  add_loss(
      ops,
      loss_signature("binary_cross_entropy", "Tensor input, Tensor target, Tensor? weight=None"),
      [](T x, T y, Maybe weight, Text reduction, Maybe w) {
        return binary_cross_entropy(x, y, or_undefined(weight),
                                    reducing("binary_cross_entropy", reduction, w));
      },
      "-(target log(input) + (1 - target) log(1 - input)), logarithms at least -100.");
  add_loss(
      ops,
      loss_signature("binary_cross_entropy_with_logits",
                     "Tensor input, Tensor target, Tensor? weight=None",
                     ", Tensor? pos_weight=None"),
      [](T x, T y, Maybe weight, Text reduction, Maybe pos_weight, Maybe w) {
        return binary_cross_entropy_with_logits(
            x, y, or_undefined(weight), or_undefined(pos_weight),
            reducing("binary_cross_entropy_with_logits", reduction, w));
      },
      "binary_cross_entropy(sigmoid(input), target), finite and accurate for large inputs.");
  add_loss(
      ops,
      loss_signature("multilabel_soft_margin_loss",
                     "Tensor input, Tensor target, Tensor? weight=None"),
      [](T x, T y, Maybe weight, Text reduction, Maybe w) {
        return multilabel_soft_margin_loss(x, y, or_undefined(weight),
                                           reducing("multilabel_soft_margin_loss", reduction, w));
      },
      "The mean over the last dim of binary_cross_entropy_with_logits: (N, C) gives (N,).");
  add_loss(
      ops, loss_signature("kl_div", kPair, ", bool log_target=False"),
      [](T x, T y, Text reduction, bool log_target, Maybe w) {
        return kl_div(x, y, log_target, {reduction_of("kl_div", reduction, true), or_undefined(w)});
      },
      "target (log(target) - input), input being log-probabilities; reduction may be 'batchmean'.");
}

void register_margin_losses(OpTable& ops) {
  add_loss(
      ops, loss_signature("hinge_loss", kPair, ", float margin=1.0, bool squared=False"),
      [](T x, T y, Text reduction, double margin, bool squared, Maybe w) {
        return hinge_loss(x, y, margin, squared, reducing("hinge_loss", reduction, w));
      },
      "max(0, margin - target input), or its square, for targets -1 and 1.");
  add_loss(
      ops, loss_signature("hinge_embedding_loss", "Tensor input, Tensor target, float margin=1.0"),
      [](T x, T y, double margin, Text reduction, Maybe w) {
        return hinge_embedding_loss(x, y, margin, reducing("hinge_embedding_loss", reduction, w));
      },
      "input where target is 1, max(0, margin - input) where it is -1.");
  add_loss(
      ops, loss_signature("soft_margin_loss", kPair),
      [](T x, T y, Text reduction, Maybe w) {
        return soft_margin_loss(x, y, reducing("soft_margin_loss", reduction, w));
      },
      "log(1 + exp(-target input)) for targets -1 and 1.");
  add_loss(
      ops,
      loss_signature("multi_margin_loss",
                     "Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None"),
      [](T x, T y, int64_t p, double margin, Maybe weight, Text reduction, Maybe w) {
        return multi_margin_loss(x, y, p, margin, or_undefined(weight),
                                 reducing("multi_margin_loss", reduction, w));
      },
      "sum over i other than t of max(0, margin - x[t] + x[i])^p / C, times weight[t], per row.");
  add_loss(
      ops, loss_signature("multilabel_margin_loss", kPair),
      [](T x, T y, Text reduction, Maybe w) {
        return multilabel_margin_loss(x, y, reducing("multilabel_margin_loss", reduction, w));
      },
      "sum over labels t and other classes i of max(0, 1 - x[t] + x[i]) / C, per row; -1 ends the "
      "labels of a row.");
}

// A tensor, or a list or tuple of integers.
Tensor lengths_of(const py::object& given) {
  return is_tensor(given.ptr()) ? unwrap(given.ptr()) : new_tensor(given, std::nullopt);
}

void register_sequence_losses(OpTable& ops) {
  add_loss(
      ops,
      loss_signature("ctc_loss",
                     "Tensor log_probs, Tensor targets, Any input_lengths, Any target_lengths, "
                     "int blank=0",
                     ", bool zero_infinity=False"),
      [](T x, T y, const py::object& input_lengths, const py::object& target_lengths, int64_t blank,
         Text reduction, bool zero_infinity, Maybe w) {
        const CtcTargets targets{y, lengths_of(input_lengths), lengths_of(target_lengths)};
        const LossReduction how = reducing("ctc_loss", reduction, w);
        return without_gil([&] { return ctc_loss(x, targets, {blank, zero_infinity}, how); });
      },
      "-log of the probability of targets, summed over their layouts in time with blanks between, "
      "for log_probs (T, N, C).");
}

void register_embedding_losses(OpTable& ops) {
  add_loss(
      ops,
      loss_signature("margin_ranking_loss",
                     "Tensor input1, Tensor input2, Tensor target, float margin=0.0"),
      [](T a, T b, T y, double margin, Text reduction, Maybe w) {
        return margin_ranking_loss(a, b, y, margin, reducing("margin_ranking_loss", reduction, w));
      },
      "max(0, margin - target (input1 - input2)) for targets -1 and 1.");
  add_loss(
      ops,
      loss_signature("cosine_embedding_loss",
                     "Tensor input1, Tensor input2, Tensor target, float margin=0.0"),
      [](T a, T b, T y, double margin, Text reduction, Maybe w) {
        return cosine_embedding_loss(a, b, y, margin,
                                     reducing("cosine_embedding_loss", reduction, w));
      },
      "1 - cos where target is 1, max(0, cos - margin) where it is -1, for rows of (N, D).");
  add_loss(
      ops,
      loss_signature("triplet_margin_loss",
                     "Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, "
                     "float p=2.0, float eps=1e-06, bool swap=False"),
      [](T a, T b, T c, double margin, double p, double eps, bool swap, Text reduction, Maybe w) {
        return triplet_margin_loss(a, b, c, {margin, p, eps, swap},
                                   reducing("triplet_margin_loss", reduction, w));
      },
      "max(0, |anchor - positive|_p - |anchor - negative|_p + margin) for rows of (N, D).");
}

}  // namespace

void register_loss(OpTable& ops) {
  register_class_losses(ops);
  register_regression_losses(ops);
  register_likelihood_losses(ops);
  register_probability_losses(ops);
  register_margin_losses(ops);
  register_embedding_losses(ops);
  register_sequence_losses(ops);
}

}  // namespace sf::bind
