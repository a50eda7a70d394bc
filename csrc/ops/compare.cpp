#include "ops/compare.h"

#include <cmath>
#include <limits>

#include "autograd/record.h"
#include "kernels/compare.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// x in another dtype, without history.
Tensor plain(const Tensor& x, Dtype dtype) { return x.dtype() == dtype ? x : copy_as(x, dtype); }

Tensor compare(Compare op, const char* name, const Tensor& a0, const Tensor& b0) {
  const Dtype dtype = promote(a0.dtype(), b0.dtype());
  const Tensor a = plain(a0, dtype), b = plain(b0, dtype);
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  Tensor y = empty(shape, Dtype::kBool);
  run_compare(op, a.broadcast(shape), b.broadcast(shape), y.array());
  return y;
}

void check_bits(const char* name, const Tensor& a, const Tensor& b) {
  if (!is_floating(promote(a.dtype(), b.dtype()))) return;
  throw DtypeError("[", name, "] needs bool or integers, got ", a.dtype(), " and ", b.dtype(),
                   "; compare first, as in (x > 0) & (y > 0)");
}

Tensor bits(Bits op, const char* name, const Tensor& a0, const Tensor& b0) {
  check_bits(name, a0, b0);
  const Dtype dtype = promote(a0.dtype(), b0.dtype());
  const Tensor a = plain(a0, dtype), b = plain(b0, dtype);
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  Tensor y = empty(shape, dtype);
  run_bits(op, a.broadcast(shape), b.broadcast(shape), y.array());
  return y;
}

void check_mask(const char* op, const Tensor& mask) {
  if (mask.dtype() == Dtype::kBool) return;
  throw DtypeError("[", op, "] the condition must be bool, got ", mask.dtype(),
                   "; write it as a comparison, for instance x != 0");
}

Tensor select(const Tensor& mask, const Tensor& x, const Tensor& y, const Shape& shape) {
  Tensor out = empty(shape, x.dtype());
  run_where(mask.broadcast(shape), x.broadcast(shape), y.broadcast(shape), out.array());
  return out;
}

}  // namespace

#define SF_COMPARE(name) \
  Tensor name(const Tensor& a, const Tensor& b) { return compare(Compare::name, #name, a, b); }
SF_COMPARE(eq)
SF_COMPARE(ne)
SF_COMPARE(lt)
SF_COMPARE(le)
SF_COMPARE(gt)
SF_COMPARE(ge)
SF_COMPARE(logical_and)
SF_COMPARE(logical_or)
SF_COMPARE(logical_xor)
#undef SF_COMPARE

#define SF_BITS(name) \
  Tensor name(const Tensor& a, const Tensor& b) { return bits(Bits::name, #name, a, b); }
SF_BITS(bitwise_and)
SF_BITS(bitwise_or)
SF_BITS(bitwise_xor)
#undef SF_BITS

Tensor logical_not(const Tensor& x) { return eq(x, number_like(x, 0)); }

Tensor bitwise_not(const Tensor& x) {
  check_bits("bitwise_not", x, x);
  if (x.dtype() == Dtype::kBool) return logical_not(x);
  const int64_t ones = x.dtype() == Dtype::kUint8 ? 255 : -1;
  return bitwise_xor(x, full_int({}, ones, x.dtype()));
}

Tensor isnan(const Tensor& x) { return ne(x, x); }
Tensor isinf(const Tensor& x) {
  if (!is_floating(x.dtype())) return zeros(x.shape(), Dtype::kBool);
  return eq(abs(detach(x)), number_like(x, kInf));
}
Tensor isfinite(const Tensor& x) {
  if (!is_floating(x.dtype())) return full(x.shape(), 1, Dtype::kBool);
  return lt(abs(detach(x)), number_like(x, kInf));
}

Tensor where(const Tensor& mask, const Tensor& x0, const Tensor& y0) {
  check_mask("where", mask);
  const Dtype dtype = promote(x0.dtype(), y0.dtype());
  const Tensor x = to(x0, dtype), y = to(y0, dtype);
  const Shape shape =
      broadcast_shapes("where", mask.shape(), broadcast_shapes("where", x.shape(), y.shape()));
  return record("where", select(mask, x, y, shape), {&x, &y}, {&mask},
                [x_shape = x.shape(), y_shape = y.shape()](const Backward& b) -> Grads {
                  const Tensor g = b.grad(), chosen = b.saved(0), zero = number_like(g, 0);
                  Grads out(2);
                  if (b.needs(0)) out[0] = sum_to(where(chosen, g, zero), x_shape);
                  if (b.needs(1)) out[1] = sum_to(where(chosen, zero, g), y_shape);
                  return out;
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  if (value.ndim() != 0) {
    throw ShapeError("[masked_fill] the value has shape ", value.shape(),
                     "; give a number or a 0-d tensor, or use where(mask, value, x)");
  }
  if (!can_store(value.dtype(), x.dtype())) {
    throw DtypeError("[masked_fill] a value of ", value.dtype(), " does not fit a tensor of ",
                     x.dtype(), "; convert the tensor first");
  }
  check_mask("masked_fill", mask);
  broadcast_shapes("masked_fill", x.shape(), mask.shape());
  return where(mask, to(value, x.dtype()), x);
}

Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  const Tensor above = low.defined() ? where(lt(x, low), low, x) : x;
  return high.defined() ? where(gt(above, high), high, above) : above;
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  if (!is_floating(x.dtype())) return clone(x);
  const double largest = x.dtype() == Dtype::kFloat32
                             ? static_cast<double>(std::numeric_limits<float>::max())
                             : std::numeric_limits<double>::max();
  const Tensor finite = where(isnan(x), number_like(x, nan), x);
  const Tensor bounded =
      where(eq(finite, number_like(x, kInf)), number_like(x, posinf.value_or(largest)), finite);
  return where(eq(x, number_like(x, -kInf)), number_like(x, neginf.value_or(-largest)), bounded);
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && item_as_int(all(eq(a, b))) != 0;
}

Tensor isclose(const Tensor& a0, const Tensor& b0, double rtol, double atol, bool equal_nan) {
  broadcast_shapes("isclose", a0.shape(), b0.shape());
  const Dtype dtype = promote(promote(a0.dtype(), b0.dtype()), Dtype::kFloat32);
  const Tensor a = plain(detach(a0), dtype), b = plain(detach(b0), dtype);
  const Tensor close = logical_and(le(abs(a - b), abs(b) * rtol + atol), isfinite(b));
  const Tensor same = logical_or(eq(a, b), close);  // equal infinities are close
  return equal_nan ? logical_or(same, logical_and(isnan(a), isnan(b))) : same;
}

}  // namespace sf
