// Linear layers: a product, a bias and an activation in one pass over the result.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/elementwise.h"
#include "tensor/tensor.h"

namespace sf {

// An elementwise op that a layer applies to its result while that is in cache.
struct Activation {
  Unary op;
  OpParams params;
};
// By the name of its function and the numbers that this takes after the input, all of them.
// ValueError lists the names there are.
Activation activation_named(const std::string& name, const std::vector<double>& arguments);

// activation(x @ weight.T + bias), weight (out, in), bias (out,) or undefined; x (..., in). The
// bits are those of the steps one by one.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const std::optional<Activation>& activation = {});

}  // namespace sf
