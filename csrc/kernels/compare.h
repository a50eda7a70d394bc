// Comparisons, bit operations and selection over strided arrays of any layout: stride 0, negative
// strides, offsets. All operands have the shape of the result.
#pragma once
#include "base/array.h"

namespace sf {

enum class Compare { eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor };
enum class Bits { bitwise_and, bitwise_or, bitwise_xor };

// a and b of one dtype, y bool. The logical ones take what is not zero as true.
void run_compare(Compare op, const Array& a, const Array& b, const Array& y);
// All of one dtype: bool or integers.
void run_bits(Bits op, const Array& a, const Array& b, const Array& y);
// y = a where the mask (bool) holds, b elsewhere; a, b and y of one dtype, y apart from the others.
void run_where(const Array& mask, const Array& a, const Array& b, const Array& y);

}  // namespace sf
