// Losses. They refuse what is almost surely a mistake: shapes that would broadcast, labels that are
// no integers or out of range, targets that are no probabilities.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace sf {

enum class Reduction { kNone, kMean, kSum, kBatchMean };
// 'batchmean', the sum over the number of samples, is what kl_div takes besides the three.
Reduction reduction_of(const char* op, const std::string& name, bool batchmean = false);

// How the losses of a batch become the result. With a sample weight w of shape (N,), or of the
// first dimensions of the losses: 'none' gives w * losses, 'sum' their sum, 'mean' sum(w * losses)
// divided by the sum of w over all losses (0 if that is 0).
struct LossReduction {
  Reduction reduction = Reduction::kMean;
  Tensor sample_weight{};  // or undefined
};

// ---- classes (class_loss.cpp) ----

struct ClassLossOptions {
  Tensor weight;  // (C,), or undefined
  int64_t ignore_index = -100;
  LossReduction reduction{};
  double label_smoothing = 0;
};

// Scores x: (C,), (N, C) or (N, C, d...); target: labels of that shape without C, or probabilities
// of the shape of x. The mean is over the weights of the labels that are not ignored; it is 0 if
// all are.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const ClassLossOptions& options);
// The same for log-probabilities, labels only.
Tensor nll_loss(const Tensor& x, const Tensor& target, const ClassLossOptions& options);

// ---- numbers (regression_loss.cpp) ----

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossReduction& how);
Tensor l1_loss(const Tensor& x, const Tensor& target, const LossReduction& how);
// d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond.
Tensor huber_loss(const Tensor& x, const Tensor& target, double delta, const LossReduction& how);
// huber_loss / beta; |d| for beta = 0.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, double beta, const LossReduction& how);

struct PoissonOptions {
  bool log_input = true, full = false;
  double eps = 1e-8;
};
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, const PoissonOptions& options,
                        const LossReduction& how);
// var: of the shape of x, that shape with a last 1, that shape without its last size, or 0-d.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var, bool full,
                         double eps, const LossReduction& how);

// ---- probabilities (binary_loss.cpp); weights may be undefined and are broadcast to x ----

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                            const LossReduction& how);
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const Tensor& weight,
                                        const Tensor& pos_weight, const LossReduction& how);
// The mean over the last dimension, (N, C) -> (N,), of the former without pos_weight.
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const Tensor& weight,
                                   const LossReduction& how);
Tensor kl_div(const Tensor& x, const Tensor& target, bool log_target, const LossReduction& how);

// ---- margins (margin_loss.cpp); y is -1 or 1 ----

// max(0, margin - y x), or its square.
Tensor hinge_loss(const Tensor& x, const Tensor& y, double margin, bool squared,
                  const LossReduction& how);
// x where y is 1, max(0, margin - x) where it is -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y, double margin,
                            const LossReduction& how);
// log(1 + exp(-y x)).
Tensor soft_margin_loss(const Tensor& x, const Tensor& y, const LossReduction& how);
// sum over i != t of max(0, margin - x[t] + x[i])^p / C, times weight[t]; x (N, C) or (C,).
Tensor multi_margin_loss(const Tensor& x, const Tensor& target, int64_t p, double margin,
                         const Tensor& weight, const LossReduction& how);
// sum over the labels t of a row and all i that are no label of it of max(0, 1 - x[t] + x[i]) / C;
// x and target (N, C) or (C,), the labels of a row first and -1 behind them.
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, const LossReduction& how);
// max(0, margin - y (a - b)).
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin,
                           const LossReduction& how);
// 1 - cos(a, b) where y is 1, max(0, cos(a, b) - margin) where it is -1; a, b (N, D) or (D,).
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin,
                             const LossReduction& how);

struct TripletOptions {
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;
};
// max(0, |anchor - positive| - |anchor - negative| + margin) over (..., D).
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletOptions& options, const LossReduction& how);

}  // namespace sf
