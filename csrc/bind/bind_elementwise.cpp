// Arithmetic: the rows of unary.def and binary.def, and those that take more than their tensors.
#include <cmath>
#include <limits>

#include "bind/op.h"
#include "ops/binary.h"
#include "ops/compare.h"
#include "ops/convert.h"
#include "ops/inplace.h"
#include "ops/unary.h"

namespace sf::bind {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// ---- rows without parameters ----

template <Unary op>
Tensor call_unary(const Tensor& input) {
  return unary(op, input);
}
template <Unary op>
Tensor call_unary_(const Tensor& input) {
  return unary_(op, input);
}
template <Binary op>
Tensor call_binary(const Operand& input, const Operand& other) {
  const auto [a, b] = resolve(input, other);
  return binary(op, a, b);
}
template <Binary op>
Tensor call_binary_(const Tensor& input, const Operand& other) {
  return binary_(op, input, other.resolve(input.dtype()));
}

struct UnaryRow {
  Unary op;
  Tensor (*call)(const Tensor&);
  Tensor (*inplace)(const Tensor&);
};
constexpr UnaryRow kUnaryRows[] = {
#define SF_UNARY(name, ...) {Unary::name, &call_unary<Unary::name>, &call_unary_<Unary::name>},
#include "kernels/unary.def"
#undef SF_UNARY
};

struct BinaryRow {
  Binary op;
  Tensor (*call)(const Operand&, const Operand&);
  Tensor (*inplace)(const Tensor&, const Operand&);
};
constexpr BinaryRow kBinaryRows[] = {
#define SF_BINARY(name, ...) \
  {Binary::name, &call_binary<Binary::name>, &call_binary_<Binary::name>},
#define SF_BINARY_EXACT SF_BINARY
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
};

void register_rows(OpTable& ops) {
  for (const UnaryRow& row : kUnaryRows) {
    if (info(row.op).has_params) continue;
    const std::string name = name_of(row.op);
    ops.add((name + "(Tensor input) -> Tensor").c_str(), row.call, info(row.op).doc);
    ops.add((name + "_(Tensor input) -> Tensor").c_str(), row.inplace, "The same, in place.",
            Where::kMethod);
  }
  for (const BinaryRow& row : kBinaryRows) {
    if (info(row.op).bound_by_hand) continue;
    const std::string name = name_of(row.op);
    ops.add((name + "(Tensor|Number input, Tensor|Number other) -> Tensor").c_str(), row.call,
            info(row.op).doc);
    ops.add((name + "_(Tensor input, Tensor|Number other) -> Tensor").c_str(), row.inplace,
            "The same, in place.", Where::kMethod);
  }
}

// ---- arithmetic with more to say ----

Tensor scaled(const Tensor& x, const Operand& alpha) {
  return alpha.number == 1 && !alpha.tensor.defined() ? x : mul(x, alpha.resolve(x.dtype()));
}

template <Binary op>
Tensor call_scaled(const Operand& input, const Operand& other, const Operand& alpha) {
  const auto [a, b] = resolve(input, other);
  return binary(op, a, scaled(b, alpha));
}
template <Binary op>
Tensor call_scaled_(const Tensor& input, const Operand& other, const Operand& alpha) {
  return binary_(op, input, scaled(other.resolve(input.dtype()), alpha));
}

using Rounding = std::optional<std::string>;

Tensor call_div(const Operand& input, const Operand& other, const Rounding& mode) {
  const auto [a, b] = resolve(input, other);
  if (!mode) return div(a, b);
  if (*mode == "floor") return floor_divide(a, b);
  if (*mode == "trunc") return trunc_divide(a, b);
  throw ValueError("[div] rounding_mode must be None, 'trunc' or 'floor', got '", *mode, "'");
}

Tensor call_div_(const Tensor& input, const Operand& other, const Rounding& mode) {
  const Tensor b = other.resolve(input.dtype());
  if (!mode) return binary_(Binary::div, input, b);
  Operand old, divisor;
  old.tensor = old_value("div_", input, {b});
  divisor.tensor = b;
  return store_("div_", input, call_div(old, divisor, mode));
}

Tensor call_pow(const Operand& input, const Operand& exponent) {
  const auto [a, b] = resolve(input, exponent);
  return pow(a, b);
}

Tensor call_pow_(const Tensor& input, const Operand& exponent) {
  const Tensor b = exponent.resolve(input.dtype());
  return store_("pow_", input, pow(old_value("pow_", input, {b}), b));
}

void register_arithmetic(OpTable& ops) {
  ops.add("add(Tensor|Number input, Tensor|Number other, *, Number alpha=1) -> Tensor",
          &call_scaled<Binary::add>, info(Binary::add).doc);
  ops.add("add_(Tensor input, Tensor|Number other, *, Number alpha=1) -> Tensor",
          &call_scaled_<Binary::add>, "The same, in place.", Where::kMethod);
  ops.add("sub(Tensor|Number input, Tensor|Number other, *, Number alpha=1) -> Tensor",
          &call_scaled<Binary::sub>, info(Binary::sub).doc);
  ops.add("sub_(Tensor input, Tensor|Number other, *, Number alpha=1) -> Tensor",
          &call_scaled_<Binary::sub>, "The same, in place.", Where::kMethod);
  ops.add("div(Tensor|Number input, Tensor|Number other, *, str? rounding_mode=None) -> Tensor",
          &call_div, info(Binary::div).doc);
  ops.add("div_(Tensor input, Tensor|Number other, *, str? rounding_mode=None) -> Tensor",
          &call_div_, "The same, in place.", Where::kMethod);
  ops.add("pow(Tensor|Number input, Tensor|Number exponent) -> Tensor", &call_pow,
          info(Binary::pow).doc);
  ops.add("pow_(Tensor input, Tensor|Number exponent) -> Tensor", &call_pow_, "The same, in place.",
          Where::kMethod);
}

// ---- clamp and fill ----

using Bound = std::optional<Operand>;

bool is_number(const Bound& bound) { return !bound || !bound->tensor.defined(); }
// A number that clamps a tensor of this dtype without changing the dtype.
bool keeps_dtype(const Bound& bound, Dtype dtype) {
  return !bound || (is_number(bound) && bound->promoted(dtype) == dtype);
}
OpParams bounds(const Bound& low, const Bound& high) {
  return {low ? low->number : -kInf, high ? high->number : kInf};
}
Tensor bound_tensor(const Bound& bound, Dtype dtype) {
  return bound ? bound->resolve(dtype) : Tensor();
}

void check_bounds(const Bound& low, const Bound& high) {
  if (!low && !high) throw ValueError("[clamp] needs min, max or both; both are None");
}

Tensor call_clamp(const Tensor& input, const Bound& min, const Bound& max) {
  check_bounds(min, max);
  const Dtype dtype = input.dtype();
  if (is_floating(dtype) && keeps_dtype(min, dtype) && keeps_dtype(max, dtype)) {
    return unary(Unary::clamp, input, bounds(min, max));
  }
  return clamp(input, bound_tensor(min, dtype), bound_tensor(max, dtype));
}

Tensor call_clamp_(const Tensor& input, const Bound& min, const Bound& max) {
  check_bounds(min, max);
  const Dtype dtype = input.dtype();
  if (is_floating(dtype) && keeps_dtype(min, dtype) && keeps_dtype(max, dtype)) {
    return unary_(Unary::clamp, input, bounds(min, max));
  }
  const Tensor low = bound_tensor(min, dtype), high = bound_tensor(max, dtype);
  return store_("clamp_", input, clamp(old_value("clamp_", input, {low, high}), low, high));
}

void register_clamp(OpTable& ops) {
  ops.add("clamp(Tensor input, Tensor|Number? min=None, Tensor|Number? max=None) -> Tensor",
          &call_clamp, info(Unary::clamp).doc);
  ops.add("clamp_(Tensor input, Tensor|Number? min=None, Tensor|Number? max=None) -> Tensor",
          &call_clamp_, "The same, in place.", Where::kMethod);
  ops.add(
      "fill_(Tensor input, Tensor|Number value) -> Tensor",
      [](const Tensor& input, const Operand& value) {
        return fill_(input, value.stored(input.dtype()));
      },
      "Sets every element to the value, in place.", Where::kMethod);
  ops.add(
      "zero_(Tensor input) -> Tensor",
      [](const Tensor& input) { return fill_(input, number_like(input, 0)); },
      "Sets every element to 0, in place.", Where::kMethod);
}

}  // namespace

void register_elementwise(OpTable& ops) {
  register_rows(ops);
  register_arithmetic(ops);
  register_clamp(ops);
}

}  // namespace sf::bind
