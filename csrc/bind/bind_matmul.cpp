#include "bind/from_python.h"
#include "bind/gil.h"
#include "bind/module.h"
#include "bind/op.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "tensor/orthonormal.h"

namespace sf::bind {

void bind_linalg(py::module_& m) {
  m.def(
      "_orthonormal_rows",
      [](const Tensor& x) { return without_gil([&] { return orthonormal_rows(x); }); },
      py::arg("x"),
      "The rows of x (n, m), n <= m, orthonormal one after the other as by Gram and Schmidt; of "
      "float64, without gradients.");
}

void register_matmul(OpTable& ops) {
  ops.add(
      "matmul(Tensor input, Tensor other) -> Tensor", &matmul,
      "Matrix product; leading dimensions are batches and broadcast, 1-d operands are vectors.");
  ops.add("mm(Tensor input, Tensor mat2) -> Tensor", &mm, "Product of two matrices.");
  ops.add("bmm(Tensor input, Tensor mat2) -> Tensor", &bmm, "Products of two stacks of matrices.");
  ops.add("mv(Tensor input, Tensor vec) -> Tensor", &mv, "Matrix times vector.");
  ops.add("dot(Tensor input, Tensor tensor) -> Tensor", &dot, "Inner product of two vectors.");
  ops.add("outer(Tensor input, Tensor vec2) -> Tensor", &outer, "out[i, j] = input[i] * vec2[j].");
  ops.add("addmm(Tensor input, Tensor mat1, Tensor mat2, *, float beta=1, float alpha=1) -> Tensor",
          &addmm, "beta * input + alpha * (mat1 @ mat2).");
  ops.add(
      "linear(Tensor input, Tensor weight, Tensor? bias=None, *, str? activation=None, "
      "float[] arguments=()) -> Tensor",
      [](const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias,
         const std::optional<std::string>& activation, const std::vector<double>& arguments) {
        if (!activation) return linear(input, weight, or_undefined(bias));
        const Activation with = activation_named(*activation, arguments);
        return linear(input, weight, or_undefined(bias), with);
      },
      "input @ weight.T + bias, with weight of shape (out, in); then, in the same pass and with "
      "the same bits, the function of the name `activation` with the numbers `arguments` after "
      "its input (torch has no such argument).",
      Where::kFunction);
}

}  // namespace sf::bind
