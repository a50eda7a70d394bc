#include "ops/unary.h"

#include "autograd/record.h"
#include "kernels/reduce.h"
#include "ops/convert.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr const char* kInplaceNames[] = {
#define SF_UNARY(name, ...) #name "_",
#include "kernels/unary.def"
#undef SF_UNARY
};

bool needs_x(Unary op) { return needs_of(op) & kNeedsX; }
bool needs_y(Unary op) { return needs_of(op) & kNeedsY; }

Grads unary_backward(const Backward& b, Unary op, const OpParams& p) {
  const Tensor x = needs_x(op) ? b.saved(0) : Tensor();
  const Tensor y = needs_y(op) ? b.saved(needs_x(op) ? 1 : 0) : Tensor();
  return {unary_gradient(b, op, x, y, p)};
}

// The formula as the tape keeps it: without parameters it is small enough not to be allocated.
Formula formula_of(Unary op, const OpParams& p) {
  if (!info(op).has_params) {
    return [op](const Backward& b) { return unary_backward(b, op, {}); };
  }
  return [op, p](const Backward& b) { return unary_backward(b, op, p); };
}

struct Saved {
  const Tensor* refs[2];
  size_t count = 0;
  Saved(Unary op, const Tensor& x, const Tensor& y) {
    if (needs_x(op)) refs[count++] = &x;
    if (needs_y(op)) refs[count++] = &y;
  }
  operator TensorRefs() const { return {refs, count}; }
};

}  // namespace

Tensor number_like(const Tensor& x, double value) { return full({}, value, x.dtype()); }

Tensor unary(Unary op, const Tensor& x, const OpParams& p) {
  if (!is_floating(x.dtype()) && info(op).integers == UnaryInfo::Integers::kToFloat) {
    return unary(op, to(x, Dtype::kFloat32), p);
  }
  Tensor y = empty(x.shape(), x.dtype());
  run_unary(op, x.array(), y.array(), p);
  const Tensor* inputs[] = {&x};
  if (should_record(name_of(op), inputs)) {
    detail::record(name_of(op), std::span(&y, 1), inputs, Saved(op, x, y), formula_of(op, p));
  }
  return y;
}

Tensor unary_gradient(const Backward& b, Unary op, const Tensor& x, const Tensor& y,
                      const OpParams& p, const Tensor& column_sums) {
  const Tensor dx = b.graph() ? Tensor() : b.reusable_grad(), g = b.grad();
  if (b.graph()) {
    const Tensor formula = info(op).formula(g, x, y, p);
    return needs_of(op) ? b.flat(formula) : formula;
  }
  const Array xs = x.defined() ? x.array() : Array{}, ys = y.defined() ? y.array() : Array{};
  if (column_sums.defined()) {
    run_unary_backward_sum(op, &xs, &ys, g.array(), dx.array(), column_sums.array(), p);
  } else {
    run_unary_backward(op, &xs, &ys, g.array(), dx.array(), p);
  }
  return dx;
}

Tensor unary_(Unary op, Tensor self, const OpParams& p) {
  const char* name = kInplaceNames[static_cast<size_t>(op)];
  const Tensor* inputs[] = {&self};
  check_inplace(name, self, inputs);
  if (!is_floating(self.dtype()) && info(op).integers == UnaryInfo::Integers::kToFloat) {
    throw DtypeError("[", name, "] the result is float32, which a tensor of ", self.dtype(),
                     " cannot hold; use ", name_of(op), "()");
  }
  // What backward needs of the old values is kept aside before they are overwritten.
  const bool recording = should_record(name, inputs);
  const Tensor x = recording && needs_x(op) ? clone(self) : Tensor();
  run_unary(op, self.array(), self.array(), p);
  if (recording) {
    finish_inplace(name, self, inputs, Saved(op, x, self), formula_of(op, p));
  } else {
    self.storage()->bump(name);
  }
  return self;
}

}  // namespace sf
