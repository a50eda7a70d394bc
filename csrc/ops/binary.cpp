#include "ops/binary.h"

#include "autograd/record.h"
#include "ops/compare.h"
#include "ops/convert.h"
#include "ops/inplace.h"
#include "ops/reduce.h"
#include "ops/unary.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr const char* kInplaceNames[] = {
#define SF_BINARY(name, ...) #name "_",
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
};

// Bits of Needs: what the wanted gradients are computed from.
int needs_of(Binary op, bool need_a, bool need_b) {
  return (need_a ? sf::needs_of(op, 0) : 0) | (need_b ? sf::needs_of(op, 1) : 0);
}

// The tensors that backward will ask for: a, b, y.
struct Saved {
  const Tensor* refs[3];
  Saved(int needs, const Tensor& a, const Tensor& b, const Tensor& y)
      : refs{needs & kNeedsA ? &a : nullptr, needs & kNeedsB ? &b : nullptr,
             needs & kNeedsY ? &y : nullptr} {}
  operator TensorRefs() const { return refs; }
};

Grads by_formula(const Backward& back, Binary op) {
  const Tensor g = back.grad(), a = back.saved(0), b = back.saved(1), y = back.saved(2);
  Grads out(2);
  const auto depends = [](const Tensor& saved) { return saved.defined() && requires_grad(saved); };
  const bool may_change = depends(a) || depends(b) || depends(y);
  const auto tied = [&](const Tensor& grad) { return may_change ? back.flat(grad) : grad; };
  if (back.needs(0)) out[0] = tied(info(op).da(g, a, b, y));
  if (back.needs(1)) out[1] = tied(info(op).db(g, a, b, y));
  return out;
}

Grads by_kernel(const Backward& back, Binary op) {
  const Tensor g = back.grad();
  Array operands[3];
  for (size_t i = 0; i < 3; ++i) {
    const Tensor t = back.saved(i);
    if (t.defined()) operands[i] = t.broadcast(g.shape());
  }
  Grads out(2);
  for (int i = 0; i < 2; ++i) {
    if (!back.needs(static_cast<size_t>(i))) continue;
    Tensor dx = empty(g.shape(), g.dtype());
    run_binary_backward(op, i, &operands[0], &operands[1], &operands[2], g.array(), dx.array());
    out[static_cast<size_t>(i)] = dx;
  }
  return out;
}

Formula formula_of(Binary op) {
  return [op](const Backward& back) -> Grads {
    Grads out = back.graph() || !info(op).fused ? by_formula(back, op) : by_kernel(back, op);
    for (size_t i = 0; i < 2; ++i) {
      if (out[i].defined()) out[i] = sum_to(out[i], back.input_shape(i));
    }
    return out;
  };
}

bool has_negative(const Tensor& x) {
  if (x.numel() == 0) return false;
  return item_as_int(any(lt(x, number_like(x, 0)))) != 0;
}

Dtype result_dtype(Binary op, const Tensor& a, const Tensor& b) {
  const Dtype dtype = promote(a.dtype(), b.dtype());
  if (is_floating(dtype)) return dtype;
  if (!info(op).integers) return Dtype::kFloat32;
  if (dtype == Dtype::kBool && op == Binary::sub) {
    throw DtypeError("[sub] bool - bool is not a number; use logical_xor (^), logical_not (~), ",
                     "or to(int64) first");
  }
  return dtype;
}

void check_exponent(Binary op, const Tensor& b) {
  if (op == Binary::pow && !is_floating(b.dtype()) && has_negative(b)) {
    throw RuntimeError("[pow] an integer to a negative power is no integer; convert the base to ",
                       "a floating dtype");
  }
}

bool overlaps_otherwise(const Tensor& self, const Tensor& other) {
  if (self.storage() != other.storage()) return false;
  return self.offset() != other.offset() || self.shape() != other.shape() ||
         self.strides() != other.strides();
}

}  // namespace

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  const char* name = name_of(op);
  const Dtype dtype = result_dtype(op, a, b);
  if (a.dtype() != dtype || b.dtype() != dtype) return binary(op, to(a, dtype), to(b, dtype));
  check_exponent(op, b);
  Tensor y = empty(broadcast_shapes(name, a.shape(), b.shape()), dtype);
  run_binary(op, a.broadcast(y.shape()), b.broadcast(y.shape()), y.array());
  const Tensor* inputs[] = {&a, &b};
  if (should_record(name, inputs)) {
    const Saved saved(needs_of(op, requires_grad(a), requires_grad(b)), a, b, y);
    detail::record(name, std::span(&y, 1), inputs, saved, formula_of(op));
  }
  return y;
}

Tensor binary_(Binary op, Tensor self, const Tensor& other) {
  const char* name = kInplaceNames[static_cast<size_t>(op)];
  const Tensor* inputs[] = {&self, &other};
  check_inplace(name, self, inputs);
  const bool recording = should_record(name, inputs);
  const Dtype dtype = result_dtype(op, self, other);
  if (dtype != self.dtype() ||
      broadcast_shapes(name, self.shape(), other.shape()) != self.shape()) {
    return store_(name, self, binary(op, old_value(name, self, {other}), other));
  }
  const Tensor b = to(overlaps_otherwise(self, other) ? clone(other) : other, dtype);
  check_exponent(op, b);
  const int needs = recording ? needs_of(op, requires_grad(self), requires_grad(b)) : 0;
  // What backward needs of the old values is kept aside before they are overwritten.
  const Tensor a = needs & kNeedsA ? clone(self) : Tensor();
  const Tensor kept_b = needs & kNeedsB && b.storage() == self.storage() ? clone(b) : b;
  run_binary(op, self.array(), b.broadcast(self.shape()), self.array());
  if (!recording) {
    self.storage()->bump(name);
    return self;
  }
  const Tensor* recorded[] = {&self, &b};
  finish_inplace(name, self, recorded, Saved(needs, a, kept_b, self), formula_of(op));
  return self;
}

Tensor pow(const Tensor& a, const Tensor& b) {
  const bool constant = b.ndim() == 0 && !requires_grad(b) && is_floating(a.dtype()) &&
                        promote(a.dtype(), b.dtype()) == a.dtype();
  if (!constant) return binary(Binary::pow, a, b);
  const double exponent = item_as_double(b);
  if (exponent == 2) return square(a);
  if (exponent == 3) return unary(Unary::cube, a);
  if (exponent == 0.5) return sqrt(a);
  if (exponent == 1) return clone(a);
  if (exponent == -1) return unary(Unary::reciprocal, a);
  return pow(a, exponent);
}

Tensor trunc_divide(const Tensor& a, const Tensor& b) {
  if (is_floating(promote(a.dtype(), b.dtype()))) return trunc(div(a, b));
  return floor_divide(sub(a, fmod(a, b)), b);
}

}  // namespace sf
