#include "tensor/tensor.h"

namespace sf {

TensorImpl::~TensorImpl() = default;

Tensor alias(const Tensor& t) { return as_view(t, t.shape(), t.strides(), t.offset()); }

Tensor as_view(const Tensor& t, const Shape& shape, const Strides& strides, int64_t offset) {
  return Tensor(t.storage(), t.dtype(), shape, strides, offset);
}

void check_writable(const char* op, const Tensor& t) {
  if (!t.storage()->writable()) {
    throw RuntimeError("[", op, "] the tensor shares the memory of a read-only array; ",
                       "clone() it first");
  }
  for (int i = 0; i < t.ndim(); ++i) {
    if (t.strides()[i] == 0 && t.size(i) > 1) {
      throw RuntimeError("[", op, "] the tensor of shape ", t.shape(),
                         " repeats its elements along dim ", i,
                         " (it was expanded); clone() it before changing it in place");
    }
  }
}

}  // namespace sf
