#include "ops/linear.h"

#include <algorithm>

#include "autograd/record.h"
#include "kernels/gemm.h"
#include "kernels/reduce.h"
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

// The gradients of the sums (M, N) and of the bias (N,), from that of the result.
struct Prologue {
  Tensor sums, bias;
};

// Without an activation. Nothing is recorded unless a graph is wanted: then sum_to() is the kernel.
Prologue prologue(const Backward& b) {
  const Tensor grad = b.grad();
  const int64_t n = grad.size(1);
  if (!b.needs(2) || b.graph()) return {grad, b.needs(2) ? sum_to(grad, {n}) : Tensor()};
  const Tensor bias = empty({n}, grad.dtype());
  run_reduce(Reduce::sum, grad.array(), {bias.data(), {1, n}, {n, 1}, bias.dtype()});
  return {grad, bias};
}

// Saved: x, weight, what the activation needs (its argument, the sums, or its result), and the bias
// if that is the sums.
Prologue prologue(const Backward& b, const Activation& activation) {
  const Tensor kept = b.saved(2);
  const bool wants_sums = needs_of(activation.op) & kNeedsX;
  const Tensor x = !wants_sums ? Tensor()
                   : b.graph() ? linear(b.saved(0), b.saved(1), b.saved(3))
                               : kept;
  Prologue out;
  if (b.needs(2) && !b.graph()) out.bias = empty({kept.size(1)}, kept.dtype());
  out.sums = unary_gradient(b, activation.op, x, wants_sums ? Tensor() : kept, activation.params,
                            out.bias);
  if (b.needs(2) && b.graph()) out.bias = sum_to(out.sums, {kept.size(1)});
  return out;
}

Grads linear_gradients(const Backward& b, const Prologue& grads) {
  return {b.needs(0) ? mm(grads.sums, b.saved(1)) : Tensor(),                    // (M, K)
          b.needs(1) ? mm(matrix_transpose(grads.sums), b.saved(0)) : Tensor(),  // (N, K)
          grads.bias};
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
                  [](const Backward& b) { return linear_gradients(b, prologue(b)); });
  }
  const Tensor* saved[] = {&x, &weight, &sums, keeps_sums ? &bias : nullptr};
  return record("linear", out, inputs, saved, [with = *activation](const Backward& b) {
    return linear_gradients(b, prologue(b, with));
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
