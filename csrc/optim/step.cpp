#include "optim/step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include "kernels/launch.h"
#include "kernels/update.h"
#include "tensor/create.h"

namespace sf {
namespace {

using Coefficients = std::array<double, kMaxUpdateCoefficients>;

void check_like(const char* op, size_t i, const Tensor& param, const Tensor& other,
                const char* what) {
  if (other.shape() != param.shape()) {
    throw ShapeError("[", op, "] parameter ", i, " has shape ", param.shape(), ", its ", what,
                     " has ", other.shape());
  }
  if (other.dtype() != param.dtype()) {
    throw DtypeError("[", op, "] parameter ", i, " has dtype ", param.dtype(), ", its ", what,
                     " has ", other.dtype());
  }
}

// The arrays of one step, made contiguous where they are not, and the way back.
class Step {
 public:
  Step(const char* op, Tensors params, Tensors grads, std::initializer_list<Tensors> states)
      : op_(op), params_(params), grads_(grads) {
    for (const Tensors& state : states) {
      if (!state.empty()) states_.push_back(state);
    }
    check();
  }

  template <class F>
  void run(Update rule, F&& coefficients) {
    std::vector<UpdateTask> tasks;
    tasks.reserve(params_.size());
    for (size_t i = 0; i < params_.size(); ++i) {
      UpdateTask task{params_[i].dtype(), {}};
      task.span.p = changed(params_[i]).data();
      task.span.g = kept_.emplace_back(contiguous_copy(grads_[i])).data();
      for (size_t k = 0; k < states_.size(); ++k) task.span.s[k] = changed(states_[k][i]).data();
      task.span.n = params_[i].numel();
      const Coefficients c = coefficients(i);
      std::copy(c.begin(), c.end(), task.span.c);
      tasks.push_back(task);
    }
    launch(op_, [rule, tasks = std::move(tasks)] { run_update(rule, tasks); });
    for (const auto& [original, copy] : copied_) copy_into(original, copy);
    for (const Tensor& param : params_) param.storage()->bump(op_);
  }

 private:
  void check() const {
    if (grads_.size() != params_.size()) {
      throw ValueError("[", op_, "] ", params_.size(), " parameters, ", grads_.size(),
                       " gradients");
    }
    for (const Tensors& state : states_) {
      if (state.size() != params_.size()) {
        throw ValueError("[", op_, "] ", params_.size(), " parameters, ", state.size(), " states");
      }
    }
    for (size_t i = 0; i < params_.size(); ++i) {
      if (!is_floating(params_[i].dtype())) {
        throw DtypeError("[", op_, "] parameter ", i, " must be float32 or float64, got ",
                         params_[i].dtype());
      }
      check_writable(op_, params_[i]);
      check_like(op_, i, params_[i], grads_[i], "gradient");
      for (const Tensors& state : states_) check_like(op_, i, params_[i], state[i], "state");
    }
  }

  // t, or a contiguous stand-in that is copied back after the step.
  const Tensor& changed(const Tensor& t) {
    if (t.is_contiguous()) return t;
    return copied_.emplace_back(t, contiguous_copy(t)).second;
  }

  const char* op_;
  Tensors params_, grads_;
  std::vector<Tensors> states_;
  std::vector<Tensor> kept_;
  std::vector<std::pair<Tensor, Tensor>> copied_;
};

}  // namespace

void sgd_step_(Tensors params, Tensors grads, Tensors velocities, std::span<const uint8_t> fresh,
               const SgdOptions& o) {
  const double sign = o.maximize ? -1 : 1;
  Step step("sgd_step_", params, grads, {velocities});
  if (velocities.empty()) {
    step.run(Update::sgd, [&](size_t) { return Coefficients{sign, o.weight_decay, o.lr}; });
    return;
  }
  if (fresh.size() != params.size()) {
    throw ValueError("[sgd_step_] ", params.size(), " parameters, ", fresh.size(), " marks");
  }
  // v = momentum v + taken g;  p -= rate v, with Nesterov p -= rate (taken_again g + momentum v)
  const double rate = o.form == MomentumForm::kClassical ? 1 : o.lr;
  const auto taken = [&](bool first) {
    if (o.form == MomentumForm::kClassical) return o.lr;
    if (o.form == MomentumForm::kEma) return 1 - o.momentum;
    return first ? 1 : 1 - o.dampening;
  };
  if (!o.nesterov) {
    step.run(Update::momentum, [&](size_t i) {
      return Coefficients{sign, o.weight_decay, rate, o.momentum, taken(fresh[i])};
    });
    return;
  }
  step.run(Update::nesterov, [&](size_t i) {
    return Coefficients{sign,       o.weight_decay,  rate * o.momentum,
                        o.momentum, taken(fresh[i]), rate * taken(fresh[i])};
  });
}

void adam_step_(Tensors params, Tensors grads, Tensors averages, Tensors squares, Tensors largest,
                std::span<const int64_t> steps, const AdamOptions& o) {
  if (averages.size() != params.size() || squares.size() != params.size() ||
      steps.size() != params.size()) {
    throw ValueError("[adam_step_] ", params.size(), " parameters, ", averages.size(),
                     " averages, ", squares.size(), " squares, ", steps.size(), " step counts");
  }
  const double sign = o.maximize ? -1 : 1;
  // 1 - beta^t without cancellation for the large t and beta near 1 of long runs.
  const auto correction = [&](double beta, int64_t t) {
    if (!o.bias_correction) return 1.0;
    return beta == 0 ? 1.0 : -std::expm1(static_cast<double>(t) * std::log(beta));
  };
  Step step("adam_step_", params, grads, {averages, squares, largest});
  step.run(largest.empty() ? Update::adam : Update::amsgrad, [&](size_t i) {
    return Coefficients{sign,
                        o.weight_decay,
                        o.lr / correction(o.beta1, steps[i]),
                        o.beta1,
                        1 - o.beta1,
                        o.beta2,
                        1 - o.beta2,
                        1 / correction(o.beta2, steps[i]),
                        o.eps_inside ? o.eps : 0,
                        o.eps_inside ? 0 : o.eps};
  });
}

}  // namespace sf
