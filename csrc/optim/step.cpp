#include "optim/step.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/launch.h"
#include "kernels/update.h"
#include "tensor/create.h"

namespace sf {
namespace {

Update update_named(std::string_view name) {
  for (int i = 0; i < kNumUpdates; ++i) {
    if (name == kUpdateRows[i].name) return static_cast<Update>(i);
  }
  throw ValueError("[_update_] there is no rule '", name, "'");
}

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

using StateLists = std::span<const std::vector<Tensor>>;
using CoefficientLists = std::span<const std::vector<double>>;

// The arrays of one step, made contiguous where they are not, and the way back.
class Step {
 public:
  Step(Update rule, Tensors params, Tensors grads, StateLists states, CoefficientLists coefficients)
      : rule_(rule),
        row_(kUpdateRows[static_cast<int>(rule)]),
        params_(params),
        grads_(grads),
        states_(states),
        coefficients_(coefficients) {
    check_lengths();
    for (size_t i = 0; i < params_.size(); ++i) check_tensors(i);
  }

  void run() {
    std::vector<UpdateTask> tasks;
    tasks.reserve(params_.size());
    kept_.reserve(params_.size());
    for (size_t i = 0; i < params_.size(); ++i) {
      UpdateTask task{params_[i].dtype(), {}};
      task.span.p = changed(params_[i]).data();
      task.span.g = kept_.emplace_back(contiguous_copy(grads_[i])).data();
      for (size_t k = 0; k < states_.size(); ++k) task.span.s[k] = changed(states_[k][i]).data();
      task.span.n = params_[i].numel();
      const auto& c = coefficients_[coefficients_.size() == 1 ? 0 : i];
      std::copy(c.begin(), c.end(), task.span.c);
      tasks.push_back(task);
    }
    launch(row_.name, [rule = rule_, tasks = std::move(tasks)] { run_update(rule, tasks); });
    for (const auto& [original, copy] : copied_) copy_into(original, copy);
    for (const Tensor& param : params_) param.storage()->bump(row_.name);
  }

 private:
  void check_length(size_t got, size_t wanted, const char* what) const {
    if (got != wanted) throw ValueError("[", row_.name, "] ", wanted, " ", what, ", got ", got);
  }

  void check_lengths() const {
    check_length(grads_.size(), params_.size(), "gradients needed, one per parameter");
    check_length(states_.size(), static_cast<size_t>(row_.states), "lists of states needed");
    for (const auto& state : states_) {
      check_length(state.size(), params_.size(), "states needed, one per parameter");
    }
    if (coefficients_.size() != 1) {
      check_length(coefficients_.size(), params_.size(), "lists of coefficients needed, or 1");
    }
    for (const auto& c : coefficients_) {
      check_length(c.size(), static_cast<size_t>(row_.coefficients), "coefficients needed");
    }
  }

  void check_tensors(size_t i) const {
    if (!is_floating(params_[i].dtype())) {
      throw DtypeError("[", row_.name, "] parameter ", i, " must be float32 or float64, got ",
                       params_[i].dtype());
    }
    check_writable(row_.name, params_[i]);
    check_like(row_.name, i, params_[i], grads_[i], "gradient");
    for (const auto& state : states_) check_like(row_.name, i, params_[i], state[i], "state");
  }

  // t, or a contiguous stand-in that is copied back after the step.
  const Tensor& changed(const Tensor& t) {
    if (t.is_contiguous()) return t;
    return copied_.emplace_back(t, contiguous_copy(t)).second;
  }

  Update rule_;
  const UpdateRow& row_;
  Tensors params_, grads_;
  StateLists states_;
  CoefficientLists coefficients_;
  std::vector<Tensor> kept_;
  std::vector<std::pair<Tensor, Tensor>> copied_;
};

}  // namespace

void update_(std::string_view rule, Tensors params, Tensors grads, StateLists states,
             CoefficientLists coefficients) {
  Step(update_named(rule), params, grads, states, coefficients).run();
}

}  // namespace sf
