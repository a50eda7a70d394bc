#include "ops/linear.h"

#include <algorithm>

#include "autograd/record.h"
#include "kernels/gemm.h"
#include "ops/convert.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/unary.h"
#include "tensor/create.h"

namespace sf {
namespace {

struct Choice {
  Unary op;
  size_t arguments;
};
constexpr Choice kActivations[] = {
    {Unary::relu, 0},     {Unary::leaky_relu, 1},  {Unary::elu, 1},       {Unary::selu, 0},
    {Unary::celu, 1},     {Unary::gelu, 0},        {Unary::gelu_tanh, 0}, {Unary::silu, 0},
    {Unary::mish, 0},     {Unary::softplus, 2},    {Unary::sigmoid, 0},   {Unary::tanh, 0},
    {Unary::hardtanh, 2}, {Unary::hardsigmoid, 0}, {Unary::hardswish, 0}, {Unary::softsign, 0},
};

void check_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.ndim() != 2 || x.ndim() < 1 || x.size(x.ndim() - 1) != weight.size(1)) {
    throw ShapeError("[linear] input ", x.shape(), " and weight ", weight.shape(),
                     ": the weight is (out, in), and the last size of the input must be its in");
  }
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError("[linear] bias ", bias.shape(), " and weight ", weight.shape(),
                     ": the bias needs the weight's first size, (", weight.size(0), ",)");
  }
}

// The gradient of the sums, from that of the result. Saved: x, weight, what the activation needs
// (its argument, the sums, or its result), and the bias if that is the sums.
Tensor gradient_of_sums(const Backward& b, const Activation& activation) {
  const Tensor kept = b.saved(2);
  if (!(needs_of(activation.op) & kNeedsX)) {
    return unary_gradient(b, activation.op, {}, kept, activation.params);
  }
  const Tensor sums = b.graph() ? linear(b.saved(0), b.saved(1), b.saved(3)) : kept;
  return unary_gradient(b, activation.op, sums, {}, activation.params);
}

// From the gradient of the sums (M, N).
Grads linear_gradients(const Backward& b, const Tensor& grad) {
  return {b.needs(0) ? mm(grad, b.saved(1)) : Tensor(),                    // (M, K)
          b.needs(1) ? mm(matrix_transpose(grad), b.saved(0)) : Tensor(),  // (N, K)
          b.needs(2) ? sum_to(grad, {grad.size(1)}) : Tensor()};
}

// x (M, K), weight (N, K), bias (N,): one product; bias and activation while C is in cache.
Tensor linear_2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const std::optional<Activation>& activation) {
  const Tensor* inputs[] = {&x, &weight, &bias};
  const bool recording = should_record("linear", inputs);
  const bool keeps_sums = recording && activation && needs_of(activation->op) & kNeedsX;
  Tensor out = empty({x.size(0), weight.size(0)}, x.dtype());
  const Tensor sums = keeps_sums ? empty(out.shape(), out.dtype()) : out;
  Epilogue epilogue;
  const Tensor row = bias.defined() ? contiguous_copy(bias) : bias;
  if (row.defined()) epilogue.bias = row.data();
  if (activation) {
    epilogue.activation = activation->op;
    epilogue.params = activation->params;
    epilogue.activated = out.data();
  }
  gemm(x.array(),
       as_view(weight, {weight.size(1), weight.size(0)}, {weight.strides()[1], weight.strides()[0]},
               weight.offset())
           .array(),
       sums.array(), 0, epilogue);
  if (!activation) {
    return record("linear", out, inputs, TensorRefs(inputs, 2),
                  [](const Backward& b) { return linear_gradients(b, b.grad()); });
  }
  const Tensor* saved[] = {&x, &weight, &sums, keeps_sums ? &bias : nullptr};
  return record("linear", out, inputs, saved, [with = *activation](const Backward& b) {
    return linear_gradients(b, gradient_of_sums(b, with));
  });
}

}  // namespace

Activation activation_named(const std::string& name, const std::vector<double>& arguments) {
  const auto* end = std::end(kActivations);
  const auto* found = std::find_if(std::begin(kActivations), end,
                                   [&](const Choice& c) { return name == name_of(c.op); });
  if (found == end) {
    std::string known;
    for (const Choice& choice : kActivations) {
      known.append(known.empty() ? "" : ", ").append(name_of(choice.op));
    }
    throw ValueError("[linear] there is no activation '", name, "' to join with; known: ", known);
  }
  if (arguments.size() != found->arguments) {
    throw ValueError("[linear] ", name, " takes ", found->arguments,
                     " numbers after the input, arguments has ", arguments.size());
  }
  Activation activation{found->op, {}};
  std::copy(arguments.begin(), arguments.end(), activation.params.p);
  return activation;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const std::optional<Activation>& activation) {
  check_linear(x, weight, bias);
  Dtype dtype = promote(x.dtype(), weight.dtype());
  if (bias.defined()) dtype = promote(dtype, bias.dtype());
  if (!is_floating(dtype)) {
    throw DtypeError("[linear] needs float32 or float64, got ", x.dtype(), " and ", weight.dtype());
  }
  const Tensor row = bias.defined() ? to(bias, dtype) : bias;
  if (x.ndim() == 2) return linear_2d(to(x, dtype), to(weight, dtype), row, activation);
  Shape shape = x.shape();  // (..., in): the leading dimensions are joined
  shape.erase(shape.ndim() - 1);
  const Tensor rows = reshape(to(x, dtype), {shape.numel(), weight.size(1)});
  shape.push_back(weight.size(0));
  return reshape(linear_2d(rows, to(weight, dtype), row, activation), shape);
}

}  // namespace sf
