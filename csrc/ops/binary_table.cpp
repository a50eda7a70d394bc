// One row per regular op of two arguments: its documentation and its backward in public ops, which
// is what can be differentiated again. The kernel row of the same name holds the fused one.
#include <array>

#include "base/error.h"
#include "ops/operators.h"
#include "tensor/create.h"

namespace sf {
namespace {

using T = const Tensor&;

Tensor zero(const Tensor& g) { return zeros(g.shape(), g.dtype()); }
Tensor stop(const Tensor& mask, const Tensor& g) { return where(mask, number_like(g, 0), g); }

// b a^(b-1); where b is 0 the slope is 0 even at a = 0.
Tensor pow_da(T g, T a, T b, T) {
  const Tensor flat = eq(b, number_like(b, 0));
  const Tensor exponent = where(flat, number_like(b, 1), b);
  return stop(flat, g * (b * pow(a, exponent - 1)));
}

// a^b log(a); where a is 0 and b is not negative the slope is 0.
Tensor pow_db(T g, T a, T b, T y) {
  const Tensor flat = logical_and(eq(a, number_like(a, 0)), b >= 0);
  return stop(flat, g * (y * log(where(flat, number_like(a, 1), a))));
}

// Equal arguments share the gradient.
Tensor winner(T g, T mine, T other) {
  return where(eq(mine, other), g * 0.5, stop(lt(mine, other), g));
}

// clang-format off
const BinaryInfo kTable[] = {
  {Binary::add, true, false, true, "input + alpha * other.",
   [](T g, T, T, T) { return g; }, [](T g, T, T, T) { return g; }},
  {Binary::sub, true, false, true, "input - alpha * other.",
   [](T g, T, T, T) { return g; }, [](T g, T, T, T) { return -g; }},
  {Binary::mul, true, false, false, "input * other.",
   [](T g, T, T b, T) { return g * b; }, [](T g, T a, T, T) { return g * a; }},
  {Binary::div, false, false, true,
   "input / other, rounded by rounding_mode ('trunc', 'floor') if given.",
   [](T g, T, T b, T) { return g / b; }, [](T g, T a, T b, T) { return -(g * (a / b / b)); }},
  {Binary::pow, true, true, true, "input to the power of exponent.", pow_da, pow_db},
  {Binary::maximum, true, true, false, "The larger of the two; NaN if one is NaN.",
   [](T g, T a, T b, T) { return winner(g, a, b); },
   [](T g, T a, T b, T) { return winner(g, b, a); }},
  {Binary::minimum, true, true, false, "The smaller of the two; NaN if one is NaN.",
   [](T g, T a, T b, T) { return winner(g, -a, -b); },
   [](T g, T a, T b, T) { return winner(g, -b, -a); }},
  {Binary::atan2, false, true, false, "The angle of the point (other, input), in radians.",
   [](T g, T a, T b, T) { return g * (b / (a * a + b * b)); },
   [](T g, T a, T b, T) { return -(g * (a / (a * a + b * b))); }},
  {Binary::hypot, false, true, false, "sqrt(input^2 + other^2) without overflow.",
   [](T g, T a, T, T y) { return g * (a / y); }, [](T g, T, T b, T y) { return g * (b / y); }},
  {Binary::prelu, false, true, true, "input above zero, weight * input below; weight per channel.",
   [](T g, T a, T b, T) { return where(a > 0, g, g * b); },
   [](T g, T a, T, T) { return stop(a > 0, g * a); }},
  {Binary::remainder, true, true, false, "Python's %: the remainder with the sign of other.",
   [](T g, T, T, T) { return g; }, [](T g, T a, T b, T y) { return g * ((y - a) / b); }},
  {Binary::fmod, true, true, false, "C's fmod: the remainder with the sign of input.",
   [](T g, T, T, T) { return g; }, [](T g, T a, T b, T y) { return g * ((y - a) / b); }},
  {Binary::floor_divide, true, false, false, "The quotient rounded down; its gradient is zero.",
   [](T g, T, T, T) { return zero(g); }, [](T g, T, T, T) { return zero(g); }},
};
// clang-format on

constexpr size_t kCount = 0
#define SF_BINARY(...) +1
#define SF_BINARY_EXACT(...) +1
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
    ;
static_assert(std::size(kTable) == kCount, "a kernel row without a row here, or the other way");

}  // namespace

const BinaryInfo& info(Binary op) {
  const BinaryInfo& row = kTable[static_cast<size_t>(op)];
  if (row.op != op) throw RuntimeError("[", name_of(op), "] the table of ops is out of order");
  return row;
}

}  // namespace sf
