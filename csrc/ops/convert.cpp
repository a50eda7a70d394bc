#include "ops/convert.h"

#include "autograd/record.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {

Tensor to(const Tensor& x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  const Dtype from = x.dtype();
  return record("to", copy_as(x, dtype), {&x}, {},
                [from](const Backward& b) -> Grads { return {to(b.grad(), from)}; });
}

Tensor clone(const Tensor& x) {
  return record("clone", copy_as(x, x.dtype()), {&x}, {},
                [](const Backward& b) -> Grads { return {b.grad()}; });
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor copy_(Tensor self, const Tensor& source) {
  const Tensor* inputs[] = {&self, &source};
  check_inplace("copy_", self, inputs);
  if (broadcast_shapes("copy_", self.shape(), source.shape()) != self.shape()) {
    throw ShapeError("[copy_] source of shape ", source.shape(), " does not broadcast to ",
                     self.shape());
  }
  // A source that overlaps the target is read whole before anything is written.
  copy_into(self, source.storage() == self.storage() ? copy_as(source, self.dtype()) : source);
  finish_inplace("copy_", self, inputs, {},
                 [shape = source.shape(), dtype = source.dtype()](const Backward& b) -> Grads {
                   return {Tensor(), b.needs(1) ? to(sum_to(b.grad(), shape), dtype) : Tensor()};
                 });
  return self;
}

}  // namespace sf
