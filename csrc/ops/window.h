// What the ops on windows of (C, L) and (C, H, W) share: checks and sizes.
#pragma once
#include "base/shape.h"
#include "tensor/tensor.h"

namespace sf {

// Floating (N, C, L), (C, L), (N, C, H, W) or (C, H, W) with nothing empty but the batch.
void check_planes(const char* op, int dims, const Tensor& x);

// `given` as one number for each of dims; each at least `least`. ValueError naming the argument.
Shape per_dim(const char* op, const char* name, const Shape& given, int dims, int64_t least);

// How many windows fit into size + 2 padding. ShapeError if none does.
struct Steps {
  int64_t kernel, stride, padding, dilation;
  bool ceil_mode = false;
};
int64_t windows_in(const char* op, const Shape& x, int64_t size, const Steps& steps);

// The shape of x with its last dimensions replaced.
Shape with_last(const Shape& x, const Shape& last);

// MemoryError, before tables of a large result are built, if there is no room for the result.
void check_room(const char* op, const Shape& out, Dtype dtype);

}  // namespace sf
