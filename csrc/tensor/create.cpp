#include "tensor/create.h"

#include <cmath>
#include <limits>

#include "kernels/copy.h"

namespace sf {
namespace {

template <class N>
[[noreturn]] void refuse_number(Dtype dtype, N value) {
  dispatch_integer(dtype, [&](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    throw ValueError("[number] ", value, " is out of range for ", dtype, ", which holds ",
                     int64_t{Limits::min()}, " to ", int64_t{Limits::max()},
                     "; convert the tensor first, as in x.long() or x.double()");
  });
  __builtin_unreachable();
}

}  // namespace

void check_holds(Dtype dtype, double value) {
  if (!is_integer(dtype)) return;
  dispatch_integer(dtype, [&](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    const double whole = std::trunc(value), low = static_cast<double>(Limits::min());
    const double beyond = 2 * static_cast<double>(Limits::max() / 2 + 1);  // max + 1, exact
    if (!(whole >= low && whole < beyond)) refuse_number(dtype, value);
  });
}

void check_holds(Dtype dtype, int64_t value) {
  if (!holds(dtype, value)) refuse_number(dtype, value);
}

bool holds(Dtype dtype, int64_t value) {
  if (!is_integer(dtype)) return true;
  return dispatch_integer(dtype, [&](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    return value >= int64_t{Limits::min()} && value <= int64_t{Limits::max()};
  });
}

Tensor empty(const Shape& shape, Dtype dtype) {
  const int64_t bytes = checked_bytes("empty", shape, size_of(dtype));
  return Tensor(make_ref<Storage>(bytes), dtype, shape, contiguous_strides(shape), 0);
}

Tensor full(const Shape& shape, double value, Dtype dtype) {
  check_holds(dtype, value);
  Tensor out = empty(shape, dtype);
  run_fill(out.array(), value);
  return out;
}

Tensor full_int(const Shape& shape, int64_t value, Dtype dtype) {
  check_holds(dtype, value);
  Tensor out = empty(shape, dtype);
  run_fill_int(out.array(), value);
  return out;
}

Tensor zeros(const Shape& shape, Dtype dtype) { return full(shape, 0, dtype); }

Tensor copy_as(const Tensor& t, Dtype dtype) {
  Tensor out = empty(t.shape(), dtype);
  run_copy(t.array(), out.array());
  return out;
}

Tensor contiguous_as(const Tensor& t, Dtype dtype) {
  return t.dtype() == dtype && t.is_contiguous() ? t : copy_as(t, dtype);
}

void copy_into(const Tensor& dst, const Tensor& src) {
  run_copy(src.broadcast(dst.shape()), dst.array());
}

namespace {

template <class Out>
Out item(const Tensor& t) {
  if (t.numel() != 1) {
    throw ValueError("[item] a tensor of shape ", t.shape(), " has ", t.numel(),
                     " elements, not one; use tolist() or index it");
  }
  return dispatch(t.dtype(), [&](auto zero) { return static_cast<Out>(*t.as<decltype(zero)>()); });
}

}  // namespace

double item_as_double(const Tensor& t) { return item<double>(t); }
int64_t item_as_int(const Tensor& t) { return item<int64_t>(t); }

}  // namespace sf
