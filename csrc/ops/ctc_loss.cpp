// Connectionist temporal classification (Graves et al. 2006): the probability of a label sequence,
// summed over all ways to lay it out in time. A layout emits one class a step; repeated classes
// merge, then blanks go. A target of S labels is 2 S + 1 states: its labels with blanks around.
#include "ops/ctc_loss.h"

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "base/parallel.h"
#include "kernels/launch.h"
#include "ops/convert.h"
#include "ops/loss_support.h"
#include "ops/reduce.h"
#include "ops/scatter.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr const char* kOp = "ctc_loss";
constexpr double kNever = -std::numeric_limits<double>::infinity();  // log of no probability

// The checked targets of a batch.
struct Batch {
  int64_t steps, samples, classes, states;  // states: of the longest target
  Tensor inputs, lengths;                   // (N,) int64: steps of each sample, labels of each
  Tensor labels;                            // (N, states) int64, blanks in the even places
  int64_t blank;

  int64_t steps_of(int64_t n) const { return inputs.as<int64_t>()[n]; }
  int64_t states_of(int64_t n) const { return 2 * lengths.as<int64_t>()[n] + 1; }
  const int64_t* labels_of(int64_t n) const { return labels.as<int64_t>() + n * states; }
};

// Whether a layout may go from state s - 2 to s: over a blank between labels that differ.
bool may_skip(const int64_t* labels, int64_t s) {
  return s % 2 == 1 && s >= 2 && labels[s] != labels[s - 2];
}

double log_sum(double a, double b, double c = kNever) {
  const double top = std::max({a, b, c});
  if (top == kNever || top != top) return top;
  return top + std::log(std::exp(a - top) + std::exp(b - top) + std::exp(c - top));
}

// ------------------------------------------------------------------------------------- checks

Tensor checked_lengths(const char* name, const Tensor& lengths, int64_t samples, int64_t most) {
  if (!is_integer(lengths.dtype())) {
    throw DtypeError("[", kOp, "] ", name, " must be integers, got ", lengths.dtype());
  }
  if (lengths.numel() != samples || lengths.ndim() > 1) {
    throw ShapeError("[", kOp, "] ", name, " ", lengths.shape(), ": must be one number for each ",
                     "of the ", samples, " samples");
  }
  const Tensor plain = reshape(contiguous_as(lengths, Dtype::kInt64), {samples});
  for (int64_t n = 0; n < samples; ++n) {
    const int64_t length = plain.as<int64_t>()[n];
    if (length >= 0 && length <= most) continue;
    throw ValueError("[", kOp, "] ", name, "[", n, "] is ", length, ": must be from 0 to ", most);
  }
  return plain;
}

// Labels of the samples one behind the other, or in rows.
Tensor states_of(const Batch& batch, const Tensor& targets) {
  const bool in_rows = targets.ndim() == 2;
  const Tensor all = contiguous_as(targets, Dtype::kInt64);
  const Tensor out = full_int({batch.samples, batch.states}, batch.blank, Dtype::kInt64);
  int64_t at = 0;
  for (int64_t n = 0; n < batch.samples; ++n) {
    if (in_rows) at = n * targets.size(1);
    const int64_t count = batch.lengths.as<int64_t>()[n];
    for (int64_t k = 0; k < count; ++k) {
      const int64_t label = all.as<int64_t>()[at++];
      if (label < 0 || label >= batch.classes || label == batch.blank) {
        throw IndexError("[", kOp, "] label ", label, " at place ", k, " of target ", n,
                         ": must be from 0 to ", batch.classes - 1, " and not the blank, ",
                         batch.blank);
      }
      out.as<int64_t>()[n * batch.states + 2 * k + 1] = label;
    }
  }
  return out;
}

Batch checked(const Tensor& x, const CtcTargets& given, int64_t blank) {
  if (x.ndim() != 3 || x.size(2) == 0) {
    throw ShapeError("[", kOp, "] log_probs ", x.shape(), ": must be (steps, batch, classes) or ",
                     "(steps, classes)");
  }
  loss_dtype(kOp, {x});
  Batch batch{x.size(0), x.size(1), x.size(2), 1, {}, {}, {}, blank};
  if (blank < 0 || blank >= batch.classes) {
    throw ValueError("[", kOp, "] blank=", blank, ": must be one of the ", batch.classes,
                     " classes, 0 to ", batch.classes - 1);
  }
  const Tensor& targets = given.targets;
  if (!is_integer(targets.dtype())) {
    throw DtypeError("[", kOp, "] targets must be integers, got ", targets.dtype());
  }
  const bool in_rows = targets.ndim() == 2;
  if ((targets.ndim() != 1 && !in_rows) || (in_rows && targets.size(0) != batch.samples)) {
    throw ShapeError("[", kOp, "] targets ", targets.shape(), " for ", batch.samples,
                     " samples: must be (batch, longest), or (sum of target_lengths,)");
  }
  batch.inputs = checked_lengths("input_lengths", given.input_lengths, batch.samples, batch.steps);
  batch.lengths = checked_lengths("target_lengths", given.target_lengths, batch.samples,
                                  in_rows ? targets.size(1) : targets.numel());
  int64_t longest = 0, total = 0;
  for (int64_t n = 0; n < batch.samples; ++n) {
    longest = std::max(longest, batch.lengths.as<int64_t>()[n]);
    total += batch.lengths.as<int64_t>()[n];
  }
  if (!in_rows && total != targets.numel()) {
    throw ShapeError("[", kOp, "] targets ", targets.shape(), ": target_lengths add up to ", total);
  }
  batch.states = 2 * longest + 1;
  batch.labels = states_of(batch, targets);
  return batch;
}

// ------------------------------------------------------------------------- forward and backward

// alpha[t, s]: log of the probability of all beginnings that are in state s at step t.
template <class T>
double run_alpha(const Batch& b, const T* x, int64_t n, double* alpha) {
  const int64_t steps = b.steps_of(n), states = b.states_of(n), row = b.samples * b.classes;
  const int64_t* labels = b.labels_of(n);
  if (steps == 0) return states == 1 ? 0 : kNever;
  x += n * b.classes;
  for (int64_t t = 0; t < steps; ++t, x += row, alpha += b.states) {
    const double* before = t > 0 ? alpha - b.states : nullptr;
    for (int64_t s = 0; s < states; ++s) {
      double reached = t == 0 && s < 2 ? 0 : kNever;
      if (t > 0) {
        reached = log_sum(before[s], s > 0 ? before[s - 1] : kNever,
                          may_skip(labels, s) ? before[s - 2] : kNever);
      }
      alpha[s] = reached + static_cast<double>(x[labels[s]]);
    }
  }
  const double* last = alpha - b.states;
  return log_sum(last[states - 1], states > 1 ? last[states - 2] : kNever);
}

// dx -= g * (share of the layouts that emit class c at step t), from alpha and, step by step
// backwards, beta[s]: log of the probability of all endings behind state s.
template <class T>
void run_beta(const Batch& b, const T* x, int64_t n, const double* alpha, double log_total,
              double g, double* beta, T* dx) {
  const int64_t steps = b.steps_of(n), states = b.states_of(n), row = b.samples * b.classes;
  const int64_t* labels = b.labels_of(n);
  for (int64_t t = steps - 1; t >= 0; --t) {
    const T* next = x + (t + 1) * row + n * b.classes;
    const auto behind = [&](int64_t s) { return beta[s] + static_cast<double>(next[labels[s]]); };
    T* to = dx + t * row + n * b.classes;
    for (int64_t s = 0; s < states; ++s) {  // upwards: beta[s] needs no smaller state
      if (t == steps - 1) {
        beta[s] = s >= states - 2 ? 0 : kNever;
      } else {
        beta[s] = log_sum(behind(s), s + 1 < states ? behind(s + 1) : kNever,
                          s + 2 < states && may_skip(labels, s + 2) ? behind(s + 2) : kNever);
      }
      to[labels[s]] -= static_cast<T>(g * std::exp(alpha[t * b.states + s] + beta[s] - log_total));
    }
  }
}

Chunks chunks_of(const Batch& b) {
  const int64_t work = b.steps * b.states;
  return {b.samples, std::max<int64_t>(1, 4096 / std::max<int64_t>(1, work))};
}

// The losses (N,) of x's dtype, and alpha and the logs of the totals for backward.
struct Computed {
  Tensor losses, alpha, totals;
};

Computed forward(const Batch& b, const Tensor& x) {
  Computed out{empty({b.samples}, x.dtype()),
               empty({b.samples, b.steps, b.states}, Dtype::kFloat64),
               empty({b.samples}, Dtype::kFloat64)};
  dispatch_floating(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    launch(kOp, [b, p = x.as<const T>(), y = out.losses.as<T>(), alpha = out.alpha.as<double>(),
                 totals = out.totals.as<double>()] {
      const Chunks chunks = chunks_of(b);
      parallel_for(chunks.count(), [&](int64_t chunk) {
        for (int64_t n = chunks.begin(chunk); n < chunks.end(chunk); ++n) {
          totals[n] = run_alpha(b, p, n, alpha + n * b.steps * b.states);
          y[n] = static_cast<T>(-totals[n]);
        }
      });
    });
  });
  return out;
}

Tensor fused_backward(const Batch& b, const Tensor& x, const Tensor& alpha, const Tensor& totals,
                      const Tensor& grad) {
  const Tensor dx = zeros(x.shape(), x.dtype()), g = contiguous_copy(grad);
  const Tensor room = empty({b.samples, b.states}, Dtype::kFloat64);
  dispatch_floating(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    launch("ctc_loss_backward", [b, p = x.as<const T>(), from = g.as<const T>(), to = dx.as<T>(),
                                 a = alpha.as<const double>(), total = totals.as<const double>(),
                                 beta = room.as<double>()] {
      const Chunks chunks = chunks_of(b);
      parallel_for(chunks.count(), [&](int64_t chunk) {
        for (int64_t n = chunks.begin(chunk); n < chunks.end(chunk); ++n) {
          if (from[n] == T(0)) continue;  // also of an impossible target, with zero_infinity
          run_beta(b, p, n, a + n * b.steps * b.states, total[n], static_cast<double>(from[n]),
                   beta + n * b.states, to);
        }
      });
    });
  });
  return dx;
}

// ----------------------------------------------------------------- in public ops, to differentiate

constexpr double kLow = -1e30;  // stands for the log of nothing, and has a gradient: zero

Tensor log_add(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Tensor top = detach(maximum(maximum(a, b), c));
  return top + log(exp(a - top) + exp(b - top) + exp(c - top));
}

// Row s of the result is row s - by of x (N, states).
Tensor shifted(const Tensor& x, int64_t by) {
  const int64_t states = x.size(1), kept = std::max<int64_t>(0, states - by);
  const Tensor none = full({x.size(0), states - kept}, kLow, x.dtype());
  return kept ? cat({none, narrow(x, 1, 0, kept)}, 1) : none;
}

// (N, states): whether holds(n, s).
template <class F>
Tensor mask_of(const Batch& b, const F& holds) {
  const Tensor out = empty({b.samples, b.states}, Dtype::kBool);
  for (int64_t n = 0; n < b.samples; ++n) {
    for (int64_t s = 0; s < b.states; ++s) out.as<bool>()[n * b.states + s] = holds(n, s);
  }
  return out;
}

Tensor formula(const Batch& b, const Tensor& x) {
  const Tensor low = full({}, kLow, x.dtype()), zero = number_like(x, 0);
  const Tensor skips = mask_of(b, [&](auto n, auto s) { return may_skip(b.labels_of(n), s); });
  const Tensor starts = mask_of(b, [&](auto, auto s) { return s < 2; });
  const Tensor ends = mask_of(b, [&](auto n, auto s) {
    return s < b.states_of(n) && s >= b.states_of(n) - 2 && b.steps_of(n) > 0;
  });
  Tensor alpha = full({b.samples, b.states}, 0, x.dtype());
  for (int64_t t = 0; t < b.steps; ++t) {
    const Tensor emitted = gather(select(x, 0, t), 1, b.labels);
    const Tensor reached =
        t == 0 ? where(starts, zero, low)
               : log_add(alpha, shifted(alpha, 1), where(skips, shifted(alpha, 2), low));
    const Tensor going = mask_of(b, [&](auto n, auto) { return t < b.steps_of(n); });
    alpha = where(going, reached + emitted, alpha);
  }
  return -logsumexp(where(ends, alpha, low), Shape{1}, false);
}

Grads differentiable_backward(const Batch& b, const Tensor& x, const Tensor& totals,
                              const Tensor& g) {
  const Tensor in = view(x, x.shape());
  const Tensor never = logical_and(isinf(totals), ne(g, number_like(g, 0)));
  const Tensor from = where(never, number_like(g, std::nan("")), g);  // as the kernel gives
  return grad({formula(b, in)}, {in}, {from}, {.create_graph = true, .allow_unused = true});
}

}  // namespace

Tensor ctc_loss(const Tensor& x0, const CtcTargets& targets, const CtcOptions& options,
                const LossReduction& how) {
  const bool single = x0.ndim() == 2;
  const Tensor x = contiguous(single ? unsqueeze(x0, 1) : x0);
  const Batch b = checked(x, targets, options.blank);
  const Computed done = forward(b, x);
  Tensor losses =
      record(kOp, done.losses, {&x}, {&x, &done.alpha, &done.totals}, [b](const Backward& back) {
        const Tensor in = back.saved(0);
        if (back.graph()) return differentiable_backward(b, in, back.saved(2), back.grad());
        return Grads{fused_backward(b, in, back.saved(1), back.saved(2), back.grad())};
      });
  if (options.zero_infinity) {
    losses = where(eq(losses, number_like(losses, kInf)), number_like(losses, 0), losses);
  }
  if (how.reduction == Reduction::kMean) {
    const Tensor lengths = to(b.lengths, losses.dtype());
    losses = losses / maximum(lengths, number_like(lengths, 1));
  }
  return reduce_loss(kOp, single ? reshape(losses, {}) : losses, how);
}

}  // namespace sf
