// What losses share: checks of what they are given, and the way from the losses of a batch to the
// result.
#pragma once
#include <initializer_list>
#include <limits>
#include <optional>

#include "autograd/record.h"
#include "ops/loss.h"
#include "ops/operators.h"
#include "tensor/create.h"

namespace sf {

constexpr double kInf = std::numeric_limits<double>::infinity();

// The one place where sample weights and reductions act. `counts`, of the shape of `losses`, is
// what each loss counts in the mean; undefined stands for ones.
Tensor reduce_loss(const char* op, const Tensor& losses, const LossReduction& how,
                   const Tensor& counts = {});

// Throws unless both have the same shape.
void check_same_shape(const char* op, const Tensor& x, const Tensor& target,
                      const char* x_name = "input", const char* target_name = "target");
// The widest dtype of the tensors (undefined ones are passed over), which must be floating.
Dtype loss_dtype(const char* op, std::initializer_list<Tensor> tensors);
// x and target with the same shape, in one floating dtype.
struct Pair {
  Tensor x, target;
};
Pair checked_pair(const char* op, const Tensor& x, const Tensor& target);

// Throws for the first element of x for which `wrong(value)` holds: "[op] WHAT V at element i
// RULE".
template <class Wrong>
void check_elements(const char* op, const char* what, const Tensor& x0, const char* rule,
                    const Wrong& wrong) {
  const Tensor x = contiguous_copy(detach(x0));
  dispatch_floating(x.dtype(), [&](auto zero) {
    const auto* value = x.as<decltype(zero)>();
    const int64_t n = x.numel();
    bool any_wrong = false;  // without a branch the loop is a vector loop
    for (int64_t i = 0; i < n; ++i) any_wrong |= wrong(value[i]);
    for (int64_t i = 0; any_wrong && i < n; ++i) {
      if (wrong(value[i])) {
        throw ValueError("[", op, "] ", what, " ", value[i], " at element ", i, " ", rule);
      }
    }
  });
}
// (n,) labels as int64, each a class or `ignore`, a loss's ignore_index. IndexError names the first
// that is not.
Tensor checked_labels(const char* op, const Tensor& target, int64_t classes,
                      std::optional<int64_t> ignore = std::nullopt);
// NaN passes.
void check_probabilities(const char* op, const char* what, const Tensor& x);

// The losses value(x, target), one per element, as one node of the tape: dx and dtarget are their
// derivatives, in public ops.
template <class Value, class Dx, class Dtarget>
Tensor elementwise_loss(const char* op, const Pair& pair, const Value& value, const Dx& dx,
                        const Dtarget& dtarget) {
  Tensor losses;
  {
    const GradModeGuard no_grad(false);
    losses = value(pair.x, pair.target);
  }
  return record(op, losses, {&pair.x, &pair.target}, {&pair.x, &pair.target},
                [dx, dtarget](const Backward& b) -> Grads {
                  const Tensor g = b.grad(), x = b.saved(0), target = b.saved(1);
                  return {b.needs(0) ? b.flat(dx(x, target) * g) : Tensor(),
                          b.needs(1) ? b.flat(dtarget(x, target) * g) : Tensor()};
                });
}

}  // namespace sf
