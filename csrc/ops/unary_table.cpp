// One row per regular op: how it treats integers, its documentation, and its backward in public
// ops, which is what can be differentiated again. The kernel row of the same name holds the fused
// one.
#include <array>
#include <limits>

#include "base/error.h"
#include "ops/operators.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kSqrt2 = 1.4142135623730951;
constexpr double kInvSqrt2Pi = 0.3989422804014327;    // 1 / sqrt(2 pi)
constexpr double kTwoInvSqrtPi = 1.1283791670955126;  // 2 / sqrt(pi)
constexpr double kGeluInner = 0.7978845608028654;     // sqrt(2 / pi)
constexpr double kGeluCube = 0.044715;
constexpr double kLn2 = 0.6931471805599453;
constexpr double kLn10 = 2.302585092994046;
constexpr double kSeluScale = 1.0507009873554805;
constexpr double kSeluAlpha = 1.6732632423543772;

using P = OpParams;
using T = const Tensor&;
constexpr auto kToFloat = UnaryInfo::Integers::kToFloat;
constexpr auto kKeep = UnaryInfo::Integers::kKeep;

Tensor zero(const Tensor& g) { return zeros(g.shape(), g.dtype()); }
// Zero where the mask holds, g elsewhere.
Tensor stop(const Tensor& mask, const Tensor& g) { return where(mask, number_like(g, 0), g); }
Tensor pass(const Tensor& mask, const Tensor& g) { return where(mask, g, number_like(g, 0)); }
// exp(x) for x <= 0; above, where the caller does not look, it stays finite.
Tensor exp_below_zero(const Tensor& x) { return exp(clamp(x, -kInf, 0)); }

Tensor gelu_backward(T g, T x, T, const P&) {
  const Tensor cdf = (erf(x / kSqrt2) + 1) * 0.5;
  const Tensor pdf = exp(square(x) * -0.5) * kInvSqrt2Pi;
  return g * (cdf + x * pdf);
}

Tensor gelu_tanh_backward(T g, T x, T, const P&) {
  const Tensor x2 = square(x);
  const Tensor t = tanh(x * (x2 * kGeluCube + 1) * kGeluInner);
  const Tensor inner_slope = (x2 * (3 * kGeluCube) + 1) * kGeluInner;
  return g * 0.5 * (t + 1 + x * (1 - square(t)) * inner_slope);
}

Tensor silu_backward(T g, T x, T, const P&) {
  const Tensor s = sigmoid(x);
  return g * (s * (x * (1 - s) + 1));
}

Tensor mish_backward(T g, T x, T, const P&) {
  const Tensor t = tanh(softplus(x));
  return g * (t + x * (1 - square(t)) * sigmoid(x));
}

// clang-format off
const UnaryInfo kTable[] = {
  {Unary::neg, kKeep, false, "-x, elementwise.", [](T g, T, T, const P&) { return -g; }},
  {Unary::abs, kKeep, false, "|x|, elementwise.",
   [](T g, T x, T, const P&) { return g * sign(x); }},
  {Unary::sign, kKeep, false, "-1, 0 or 1 by the sign of x.",
   [](T g, T, T, const P&) { return zero(g); }},
  {Unary::square, kKeep, false, "x * x, elementwise.",
   [](T g, T x, T, const P&) { return g * (x * 2); }},
  {Unary::cube, kKeep, true, "x * x * x, elementwise.",
   [](T g, T x, T, const P&) { return g * (square(x) * 3); }},
  {Unary::sqrt, kToFloat, false, "Square root, elementwise; NaN below zero.",
   [](T g, T, T y, const P&) { return g * 0.5 / y; }},
  {Unary::rsqrt, kToFloat, false, "1 / sqrt(x), elementwise.",
   [](T g, T, T y, const P&) { return g * -0.5 * (y * y * y); }},
  {Unary::reciprocal, kToFloat, false, "1 / x, elementwise.",
   [](T g, T, T y, const P&) { return -(g * (y * y)); }},
  {Unary::exp, kToFloat, false, "e to the power of x, elementwise.",
   [](T g, T, T y, const P&) { return g * y; }},
  {Unary::expm1, kToFloat, false, "exp(x) - 1, exact also near zero.",
   [](T g, T, T y, const P&) { return g * (y + 1); }},
  {Unary::log, kToFloat, false, "Natural logarithm, elementwise.",
   [](T g, T x, T, const P&) { return g / x; }},
  {Unary::log1p, kToFloat, false, "log(1 + x), exact also near zero.",
   [](T g, T x, T, const P&) { return g / (x + 1); }},
  {Unary::log2, kToFloat, false, "Logarithm to base 2, elementwise.",
   [](T g, T x, T, const P&) { return g / (x * kLn2); }},
  {Unary::log10, kToFloat, false, "Logarithm to base 10, elementwise.",
   [](T g, T x, T, const P&) { return g / (x * kLn10); }},
  {Unary::sin, kToFloat, false, "Sine of x in radians.",
   [](T g, T x, T, const P&) { return g * cos(x); }},
  {Unary::cos, kToFloat, false, "Cosine of x in radians.",
   [](T g, T x, T, const P&) { return -(g * sin(x)); }},
  {Unary::tan, kToFloat, false, "Tangent of x in radians.",
   [](T g, T, T y, const P&) { return g * (square(y) + 1); }},
  {Unary::asin, kToFloat, false, "Arc sine, in radians.",
   [](T g, T x, T, const P&) { return g * rsqrt(1 - square(x)); }},
  {Unary::acos, kToFloat, false, "Arc cosine, in radians.",
   [](T g, T x, T, const P&) { return -(g * rsqrt(1 - square(x))); }},
  {Unary::atan, kToFloat, false, "Arc tangent, in radians.",
   [](T g, T x, T, const P&) { return g / (square(x) + 1); }},
  {Unary::sinh, kToFloat, false, "Hyperbolic sine.",
   [](T g, T x, T, const P&) { return g * cosh(x); }},
  {Unary::cosh, kToFloat, false, "Hyperbolic cosine.",
   [](T g, T x, T, const P&) { return g * sinh(x); }},
  {Unary::tanh, kToFloat, false, "Hyperbolic tangent.",
   [](T g, T, T y, const P&) { return g * ((1 - y) * (y + 1)); }},
  {Unary::erf, kToFloat, false, "Error function: 2 / sqrt(pi) times the integral of exp(-t^2).",
   [](T g, T x, T, const P&) { return g * kTwoInvSqrtPi * exp(-square(x)); }},
  {Unary::floor, kKeep, false, "The largest integer not above x.",
   [](T g, T, T, const P&) { return zero(g); }},
  {Unary::ceil, kKeep, false, "The smallest integer not below x.",
   [](T g, T, T, const P&) { return zero(g); }},
  {Unary::round, kKeep, false, "The nearest integer, the even one of two.",
   [](T g, T, T, const P&) { return zero(g); }},
  {Unary::trunc, kKeep, false, "x without its fraction.",
   [](T g, T, T, const P&) { return zero(g); }},
  {Unary::pow_scalar, kToFloat, true, "x to the power of a number.",
   [](T g, T x, T, const P& p) {
     return p.p[0] == 0 ? zero(g) : g * (pow(x, p.p[0] - 1) * p.p[0]);
   }},
  {Unary::clamp, kToFloat, true, "max(min, min(x, max)); no bound for None.",
   [](T g, T x, T, const P& p) { return pass((x >= p.p[0]) & (x <= p.p[1]), g); }},
  {Unary::sigmoid, kToFloat, false, "1 / (1 + exp(-x)), elementwise.",
   [](T g, T, T y, const P&) { return g * ((1 - y) * y); }},
  {Unary::relu, kKeep, false, "max(x, 0), elementwise.",
   [](T g, T, T y, const P&) { return stop(y <= 0, g); }},
  {Unary::leaky_relu, kToFloat, true, "x above zero, negative_slope * x below.",
   [](T g, T x, T, const P& p) { return where(x > 0, g, g * p.p[0]); }},
  {Unary::gelu, kToFloat, true, "x * Phi(x) with Phi the normal distribution function.",
   gelu_backward},
  {Unary::gelu_tanh, kToFloat, true, "gelu with tanh in place of erf.", gelu_tanh_backward},
  {Unary::silu, kToFloat, false, "x * sigmoid(x), also called swish.", silu_backward},
  {Unary::mish, kToFloat, false, "x * tanh(log(1 + exp(x))).", mish_backward},
  {Unary::softplus, kToFloat, true, "log(1 + exp(beta x)) / beta, linear above the threshold.",
   [](T g, T x, T, const P& p) {
     const Tensor scaled = x * p.p[0];
     return where(scaled > p.p[1], g, g * sigmoid(scaled));
   }},
  {Unary::logsigmoid, kToFloat, false, "log(sigmoid(x)), finite for large |x|.",
   [](T g, T x, T, const P&) { return g * sigmoid(-x); }},
  {Unary::elu, kToFloat, true, "x above zero, alpha * (exp(x) - 1) below.",
   [](T g, T x, T, const P& p) { return where(x > 0, g, g * (exp_below_zero(x) * p.p[0])); }},
  {Unary::celu, kToFloat, true, "x above zero, alpha * (exp(x / alpha) - 1) below.",
   [](T g, T x, T, const P& p) { return where(x > 0, g, g * exp_below_zero(x / p.p[0])); }},
  {Unary::selu, kToFloat, false, "scale * (x above zero, alpha * (exp(x) - 1) below).",
   [](T g, T x, T, const P&) {
     return where(x > 0, g * kSeluScale, g * (exp_below_zero(x) * (kSeluScale * kSeluAlpha)));
   }},
  {Unary::hardtanh, kToFloat, true, "x cut off at min_val and max_val.",
   [](T g, T x, T, const P& p) { return stop((x <= p.p[0]) | (x >= p.p[1]), g); }},
  {Unary::hardsigmoid, kToFloat, false, "min(max(x + 3, 0), 6) / 6.",
   [](T g, T x, T, const P&) { return pass((x > -3) & (x < 3), g / 6); }},
  {Unary::hardswish, kToFloat, false, "x * min(max(x + 3, 0), 6) / 6.",
   [](T g, T x, T, const P&) { return stop(x < -3, where(x <= 3, g * (x / 3 + 0.5), g)); }},
  {Unary::softsign, kToFloat, false, "x / (1 + |x|).",
   [](T g, T x, T, const P&) { return g / square(abs(x) + 1); }},
  {Unary::tanhshrink, kToFloat, false, "x - tanh(x).",
   [](T g, T x, T, const P&) { return g * square(tanh(x)); }},
  {Unary::softshrink, kToFloat, true, "x moved towards zero by lambd, zero where it would pass it.",
   [](T g, T x, T, const P& p) { return stop((x >= -p.p[0]) & (x <= p.p[0]), g); }},
  {Unary::hardshrink, kToFloat, true, "x, but zero between -lambd and lambd.",
   [](T g, T x, T, const P& p) { return stop((x >= -p.p[0]) & (x <= p.p[0]), g); }},
  {Unary::threshold, kToFloat, true, "x above the threshold, value at and below it.",
   [](T g, T x, T, const P& p) { return stop(x <= p.p[0], g); }},
};
// clang-format on

constexpr size_t kCount = 0
#define SF_UNARY(...) +1
#include "kernels/unary.def"
#undef SF_UNARY
    ;
static_assert(std::size(kTable) == kCount, "a kernel row without a row here, or the other way");

}  // namespace

const UnaryInfo& info(Unary op) {
  const UnaryInfo& row = kTable[static_cast<size_t>(op)];
  if (row.op != op) throw RuntimeError("[", name_of(op), "] the table of ops is out of order");
  return row;
}

}  // namespace sf
