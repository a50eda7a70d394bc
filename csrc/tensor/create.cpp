#include "tensor/create.h"

#include "kernels/copy.h"

namespace sf {

Tensor empty(const Shape& shape, Dtype dtype) {
  const int64_t bytes = checked_bytes("empty", shape, size_of(dtype));
  return Tensor(make_ref<Storage>(bytes), dtype, shape, contiguous_strides(shape), 0);
}

Tensor full(const Shape& shape, double value, Dtype dtype) {
  Tensor out = empty(shape, dtype);
  run_fill(out.array(), value);
  return out;
}

Tensor full_int(const Shape& shape, int64_t value, Dtype dtype) {
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
