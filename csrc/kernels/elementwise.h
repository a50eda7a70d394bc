// Elementwise ops over strided arrays of any layout: stride 0, negative strides, offsets. Operands
// have the shape of the result (broadcast by stride 0) and its dtype. In place is allowed where the
// result is exactly one of the inputs. Every op here is a row of unary.def or binary.def.
#pragma once
#include <initializer_list>

#include "base/array.h"
#include "kernels/table.h"

namespace sf {

// p[0..3] of a row.
struct OpParams {
  double p[kMaxParams] = {};
  OpParams() = default;
  OpParams(std::initializer_list<double> values) {
    int i = 0;
    for (double value : values) p[i++] = value;
  }
};

constexpr const char* name_of(Unary op) { return kUnaryNames[static_cast<int>(op)]; }
constexpr const char* name_of(Binary op) { return kBinaryNames[static_cast<int>(op)]; }
constexpr uint8_t needs_of(Unary op) { return kUnaryNeeds[static_cast<int>(op)]; }
// which: 0 for the first argument, 1 for the second.
constexpr uint8_t needs_of(Binary op, int which) {
  return kBinaryNeeds[static_cast<int>(op)][which];
}

// Float dtypes take every op. Integers take neg, abs, sign, square, cube, relu, clamp and what
// rounds (a no-op); bool takes abs, sign and those; DtypeError otherwise.
void run_unary(Unary op, const Array& x, const Array& y, const OpParams& params = {});

// dx from g; x and y may be null where needs_of(op) does not name them.
void run_unary_backward(Unary op, const Array* x, const Array* y, const Array& g, const Array& dx,
                        const OpParams& params = {});

// Integers take all but div, pow with a negative exponent, atan2 and hypot; they wrap around.
// An integer divided by zero is a RuntimeError.
void run_binary(Binary op, const Array& a, const Array& b, const Array& y);

// The gradient of the first (which = 0) or second argument in the full shape of y; a, b and y may
// be null where needs_of(op, which) does not name them.
void run_binary_backward(Binary op, int which, const Array* a, const Array* b, const Array* y,
                         const Array& g, const Array& out);

}  // namespace sf
