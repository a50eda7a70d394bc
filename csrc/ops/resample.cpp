#include "ops/resample.h"

#include "autograd/record.h"
#include "ops/convert.h"
#include "tensor/create.h"

namespace sf {
namespace {

Tensor mapped(const char* op, const Tensor& x0, const ResampleRef& plan, const Shape& out) {
  const Tensor x = contiguous(x0);
  const Tensor y = empty(out, x.dtype());
  run_resample(plan, x.array(), y.array());
  return record(op, y, {&x}, {}, [op, plan, from = x.shape()](const Backward& b) -> Grads {
    const auto back = std::make_shared<const Resample>(plan->transposed());
    return {mapped(op, b.grad(), back, from)};
  });
}

}  // namespace

Tensor resample(const char* op, const Tensor& x, const Resample& plan, const Shape& out) {
  return mapped(op, x, std::make_shared<const Resample>(plan), out);
}

}  // namespace sf
