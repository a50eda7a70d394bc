// New tensors of regular content. Filled ones are in tensor/create.h, random ones in random.h.
#pragma once
#include "tensor/tensor.h"

namespace sf {

// start, start + step, ... up to but without end.
Tensor arange(double start, double end, double step, Dtype dtype);
Tensor arange_int(int64_t start, int64_t end, int64_t step, Dtype dtype);
// steps numbers from start to end, both included.
Tensor linspace(double start, double end, int64_t steps, Dtype dtype);
// Ones on the diagonal.
Tensor eye(int64_t rows, int64_t columns, Dtype dtype);
// (...) labels -> (..., num_classes) int64; num_classes -1 stands for the largest label + 1.
Tensor one_hot(const Tensor& labels, int64_t num_classes);

}  // namespace sf
