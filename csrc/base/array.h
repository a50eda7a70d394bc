// A strided view of memory that somebody else owns: what kernels take instead of tensors.
#pragma once
#include "base/dtype.h"
#include "base/shape.h"

namespace sf {

struct Array {
  void* data = nullptr;  // first element (offset applied)
  Shape shape;
  Strides strides;  // in elements; 0 repeats, negative runs backwards
  Dtype dtype = Dtype::kFloat32;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  int64_t numel() const { return shape.numel(); }
  bool contiguous() const { return is_contiguous(shape, strides); }
};

}  // namespace sf
