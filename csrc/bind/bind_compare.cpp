// Comparisons, logic and selection.
#include "bind/op.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/inplace.h"
#include "ops/reduce.h"
#include "tensor/create.h"

namespace sf::bind {
namespace {

using Function = Tensor (*)(const Tensor&, const Tensor&);

using Resolve = std::pair<Tensor, Tensor> (*)(const Operand&, const Operand&);

template <Function function, Resolve as_tensors>
Tensor call(const Operand& input, const Operand& other) {
  const auto [a, b] = as_tensors(input, other);
  return function(a, b);
}

template <Function function, Resolve as_tensors = resolve_exact>
void add_pair(OpTable& ops, const std::string& name, const char* doc) {
  ops.add((name + "(Tensor|Number input, Tensor|Number other) -> Tensor").c_str(),
          &call<function, as_tensors>, doc);
}

void register_comparisons(OpTable& ops) {
  add_pair<&eq>(ops, "eq", "input == other, elementwise, as bool.");
  add_pair<&ne>(ops, "ne", "input != other, elementwise, as bool.");
  add_pair<&lt>(ops, "lt", "input < other, elementwise, as bool.");
  add_pair<&le>(ops, "le", "input <= other, elementwise, as bool.");
  add_pair<&gt>(ops, "gt", "input > other, elementwise, as bool.");
  add_pair<&ge>(ops, "ge", "input >= other, elementwise, as bool.");
  ops.add("equal(Tensor input, Tensor other) -> bool", &equal,
          "Whether both have the same shape and the same values.");
  ops.add(
      "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, "
      "bool equal_nan=False) -> Tensor",
      &isclose, "|input - other| <= atol + rtol |other|, elementwise.");
  ops.add(
      "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, "
      "bool equal_nan=False) -> bool",
      [](const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
        return item_as_int(all(isclose(a, b, rtol, atol, equal_nan))) != 0;
      },
      "Whether isclose holds everywhere.");
}

void register_logic(OpTable& ops) {
  add_pair<&logical_and>(ops, "logical_and", "Whether both are not zero, elementwise.");
  add_pair<&logical_or>(ops, "logical_or", "Whether one of them is not zero, elementwise.");
  add_pair<&logical_xor>(ops, "logical_xor", "Whether exactly one is not zero, elementwise.");
  ops.add("logical_not(Tensor input) -> Tensor", &logical_not, "Whether x is zero, elementwise.");
  add_pair<&bitwise_and, resolve>(ops, "bitwise_and",
                                  "The bits set in both; bool and integers (x & y).");
  add_pair<&bitwise_or, resolve>(ops, "bitwise_or",
                                 "The bits set in either; bool and integers (x | y).");
  add_pair<&bitwise_xor, resolve>(ops, "bitwise_xor",
                                  "The bits set in one; bool and integers (x ^ y).");
  ops.add("bitwise_not(Tensor input) -> Tensor", &bitwise_not,
          "The other bits; of bool the negation (~x).");
  ops.add("isnan(Tensor input) -> Tensor", &isnan, "Whether x is NaN, elementwise.");
  ops.add("isinf(Tensor input) -> Tensor", &isinf, "Whether x is +-infinity, elementwise.");
  ops.add("isfinite(Tensor input) -> Tensor", &isfinite,
          "Whether x is neither NaN nor infinite, elementwise.");
}

void register_selection(OpTable& ops) {
  ops.add(
      "where(Tensor condition, Tensor|Number? input=None, Tensor|Number? other=None) -> "
      "Tensor|tuple[Tensor]",
      [](const Tensor& condition, const std::optional<Operand>& input,
         const std::optional<Operand>& other) -> TensorOrTuple {
        if (!input && !other) return {{}, nonzero_tuple(condition)};
        if (!input || !other) throw TypeError("[where] give both input and other, or neither");
        const auto [x, y] = resolve(*input, *other);
        return {where(condition, x, y)};
      },
      "input where the condition holds, other elsewhere; the gradient goes where the value "
      "came from. where(condition) is nonzero(condition, as_tuple=True).",
      Where::kFunction);
  ops.add(
      "masked_fill(Tensor input, Tensor mask, Tensor|Number value) -> Tensor",
      [](const Tensor& input, const Tensor& mask, const Operand& value) {
        return masked_fill(input, mask, value.stored(input.dtype()));
      },
      "The value where the mask holds, input elsewhere.");
  ops.add(
      "masked_fill_(Tensor input, Tensor mask, Tensor|Number value) -> Tensor",
      [](const Tensor& input, const Tensor& mask, const Operand& value) {
        const Tensor fill = value.stored(input.dtype());
        return store_("masked_fill_", input,
                      masked_fill(old_value("masked_fill_", input, {fill}), mask, fill));
      },
      "The same, in place.", Where::kMethod);
  ops.add(
      "nan_to_num(Tensor input, float nan=0.0, float? posinf=None, float? neginf=None) -> Tensor",
      &nan_to_num, "NaN and infinities replaced; None stands for the largest number of the dtype.");
}

}  // namespace

void register_compare(OpTable& ops) {
  register_comparisons(ops);
  register_logic(ops);
  register_selection(ops);
}

}  // namespace sf::bind
