#include "ops/inplace.h"

#include <vector>

#include "autograd/record.h"
#include "ops/convert.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf {

Tensor old_value(const char* op, const Tensor& self, std::initializer_list<Tensor> others) {
  std::vector<const Tensor*> inputs = {&self};
  for (const Tensor& other : others) {
    if (other.defined()) inputs.push_back(&other);
  }
  check_inplace(op, self, inputs);
  return should_record(op, inputs) ? clone(self) : self;
}

Tensor store_(const char* op, Tensor self, const Tensor& result) {
  if (!can_store(result.dtype(), self.dtype())) {
    throw DtypeError("[", op, "] the result is ", result.dtype(), ", which a tensor of ",
                     self.dtype(), " cannot hold; use the form without the underscore");
  }
  if (result.shape() != self.shape()) {
    throw ShapeError("[", op, "] the result has shape ", result.shape(), ", which a tensor of ",
                     "shape ", self.shape(), " cannot hold; use the form without the underscore");
  }
  return copy_(self, result);
}

Tensor fill_(Tensor self, const Tensor& value) {
  if (value.ndim() != 0) {
    throw ShapeError("[fill_] the value has shape ", value.shape(),
                     "; give a number or a 0-d tensor, or use copy_()");
  }
  const Tensor* inputs[] = {&self, &value};
  check_inplace("fill_", self, inputs);
  copy_into(self, value);
  finish_inplace("fill_", self, inputs, {}, [dtype = value.dtype()](const Backward& b) -> Grads {
    const Tensor g = b.grad();  // the old values are gone: their gradient is zero
    return {b.needs(0) ? zeros(g.shape(), g.dtype()) : Tensor(),
            b.needs(1) ? to(sum(g), dtype) : Tensor()};
  });
  return self;
}

}  // namespace sf
