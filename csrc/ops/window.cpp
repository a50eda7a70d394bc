#include "ops/window.h"

#include <limits>

#include "tensor/create.h"

namespace sf {

void check_planes(const char* op, int dims, const Tensor& x) {
  if (!is_floating(x.dtype())) {
    throw DtypeError("[", op, "] needs float32 or float64, got ", x.dtype(), "; write x.float()");
  }
  const char* layout = dims == 1 ? "(N, C, L) or (C, L)" : "(N, C, H, W) or (C, H, W)";
  if (x.ndim() != dims + 1 && x.ndim() != dims + 2) {
    throw ShapeError("[", op, "] needs ", layout, ", got ", x.shape());
  }
  int64_t plane = 1;
  for (int d = x.ndim() - dims; d < x.ndim(); ++d) plane *= x.size(d);
  if (plane == 0) {
    throw ShapeError("[", op, "] ", x.shape(), " as ", layout, ": only the batch may be empty");
  }
  if (plane > std::numeric_limits<int32_t>::max()) {
    throw ShapeError("[", op, "] ", x.shape(), ": a channel must have fewer than 2^31 elements");
  }
}

Shape per_dim(const char* op, const char* name, const Shape& given, int dims, int64_t least) {
  if (given.ndim() != 1 && given.ndim() != dims) {
    throw ValueError("[", op, "] ", name, "=", given, ": must be ", dims == 1 ? "" : "1 or ", dims,
                     dims == 1 ? " number" : " numbers");
  }
  Shape out = given.ndim() == dims ? given : Shape::filled(dims, given[0]);
  for (const int64_t n : out) {
    if (n < least || n > std::numeric_limits<int32_t>::max()) {
      throw ValueError("[", op, "] ", name, "=", n, ": must be at least ", least,
                       n < least ? "" : " and less than 2^31");
    }
  }
  return out;
}

int64_t windows_in(const char* op, const Shape& x, int64_t size, const Steps& s) {
  const int64_t reach = s.dilation * (s.kernel - 1) + 1;
  const int64_t padded = size + 2 * s.padding;
  // In ceil mode a window may stick out by less than a stride.
  const int64_t room = padded - reach + (s.ceil_mode ? s.stride - 1 : 0);
  if (room < 0) {
    throw ShapeError("[", op, "] input ", x, ": a kernel of ", s.kernel, " (dilation ", s.dilation,
                     ") spans ", reach, ", more than the padded size ", size, " + 2 * ", s.padding,
                     " = ", padded, "; use a smaller kernel or more padding");
  }
  const int64_t out = room / s.stride + 1;
  // The last window must begin inside the input or its left padding.
  return s.ceil_mode && (out - 1) * s.stride >= size + s.padding ? out - 1 : out;
}

Shape with_last(const Shape& x, const Shape& last) {
  Shape out = x;
  for (int d = 0; d < last.ndim(); ++d) out[x.ndim() - last.ndim() + d] = last[d];
  return out;
}

void check_room(const char* op, const Shape& out, Dtype dtype) {
  constexpr int64_t kLarge = 64 << 20;
  if (checked_bytes(op, out, size_of(dtype)) > kLarge) empty(out, dtype);
}

}  // namespace sf
