// New tensors of regular content.
#include "autograd/meta.h"
#include "bind/op.h"
#include "ops/create.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

using MaybeDtype = std::optional<Dtype>;

Tensor marked(Tensor t, bool requires_grad) {
  if (requires_grad) set_requires_grad(t, true);
  return t;
}

Dtype float_or(MaybeDtype dtype) { return dtype.value_or(Dtype::kFloat32); }
Dtype like_or(const Tensor& t, MaybeDtype dtype) { return dtype.value_or(t.dtype()); }

Tensor filled(const Shape& shape, const Operand& value, MaybeDtype dtype) {
  if (value.tensor.defined()) throw TypeError("[full] the value must be a number");
  const Dtype natural = value.is_float  ? Dtype::kFloat32
                        : value.is_bool ? Dtype::kBool
                                        : Dtype::kInt64;
  const Dtype result = dtype.value_or(natural);
  return value.is_float ? full(shape, value.number, result)
                        : full_int(shape, value.integer, result);
}

void register_filled(OpTable& ops) {
  const auto add = [&ops](const char* signature, auto fn, const char* doc) {
    ops.add(signature, fn, doc, Where::kFunction);
  };
  add(
      "empty(int... size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Shape& size, MaybeDtype dtype, bool requires_grad) {
        return marked(empty(size, float_or(dtype)), requires_grad);
      },
      "A tensor whose values are not set.");
  add(
      "zeros(int... size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Shape& size, MaybeDtype dtype, bool requires_grad) {
        return marked(zeros(size, float_or(dtype)), requires_grad);
      },
      "A tensor of zeros.");
  add(
      "ones(int... size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Shape& size, MaybeDtype dtype, bool requires_grad) {
        return marked(full(size, 1, float_or(dtype)), requires_grad);
      },
      "A tensor of ones.");
  add(
      "full(int[] size, Number fill_value, *, dtype? dtype=None, bool requires_grad=False) -> "
      "Tensor",
      [](const Shape& size, const Operand& value, MaybeDtype dtype, bool requires_grad) {
        return marked(filled(size, value, dtype), requires_grad);
      },
      "A tensor of one value; its dtype is that of the value unless given.");
}

void register_like(OpTable& ops) {
  const auto add = [&ops](const char* signature, auto fn, const char* doc) {
    ops.add(signature, fn, doc, Where::kFunction);
  };
  add(
      "empty_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Tensor& input, MaybeDtype dtype, bool requires_grad) {
        return marked(empty(input.shape(), like_or(input, dtype)), requires_grad);
      },
      "A tensor with the shape and dtype of input whose values are not set.");
  add(
      "zeros_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Tensor& input, MaybeDtype dtype, bool requires_grad) {
        return marked(zeros(input.shape(), like_or(input, dtype)), requires_grad);
      },
      "Zeros with the shape and dtype of input.");
  add(
      "ones_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](const Tensor& input, MaybeDtype dtype, bool requires_grad) {
        return marked(full(input.shape(), 1, like_or(input, dtype)), requires_grad);
      },
      "Ones with the shape and dtype of input.");
  add(
      "full_like(Tensor input, Number fill_value, *, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      [](const Tensor& input, const Operand& value, MaybeDtype dtype, bool requires_grad) {
        return marked(filled(input.shape(), value, like_or(input, dtype)), requires_grad);
      },
      "One value with the shape and dtype of input.");
}

// arange(end), arange(start, end), arange(start, end, step).
Tensor call_arange(const Operand& first, const std::optional<Operand>& end, const Operand& step,
                   MaybeDtype dtype, bool requires_grad) {
  Operand zero;
  const Operand& start = end ? first : zero;
  const Operand& stop = end ? *end : first;
  for (const Operand* operand : {&start, &stop, &step}) {
    if (operand->tensor.defined()) throw TypeError("[arange] start, end and step must be numbers");
  }
  const bool floating = start.is_float || stop.is_float || step.is_float;
  const Dtype result = dtype.value_or(floating ? Dtype::kFloat32 : Dtype::kInt64);
  const Tensor out = floating ? arange(start.number, stop.number, step.number, result)
                              : arange_int(start.integer, stop.integer, step.integer, result);
  return marked(out, requires_grad);
}

void register_sequences(OpTable& ops) {
  const auto add = [&ops](const char* signature, auto fn, const char* doc) {
    ops.add(signature, fn, doc, Where::kFunction);
  };
  add("arange(Number start, Number? end=None, Number step=1, *, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      &call_arange, "start, start + step, ... below end; arange(n) counts 0 to n - 1.");
  add(
      "linspace(Number start, Number end, int steps, *, dtype? dtype=None, "
      "bool requires_grad=False) -> Tensor",
      [](const Operand& start, const Operand& end, int64_t steps, MaybeDtype dtype,
         bool requires_grad) {
        return marked(linspace(start.number, end.number, steps, float_or(dtype)), requires_grad);
      },
      "steps numbers from start to end, both included, at equal distances.");
  add(
      "eye(int n, int? m=None, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
      [](int64_t n, std::optional<int64_t> m, MaybeDtype dtype, bool requires_grad) {
        return marked(eye(n, m.value_or(n), float_or(dtype)), requires_grad);
      },
      "The (n, m) matrix with ones on its diagonal.");
  add("one_hot(Tensor input, int num_classes=-1) -> Tensor", &one_hot,
      "Labels (...) as int64 rows (..., num_classes) with a 1 at the label.");
}

}  // namespace

void register_create(OpTable& ops) {
  register_filled(ops);
  register_like(ops);
  register_sequences(ops);
}

}  // namespace sf::bind
