// Copies between any two layouts and dtypes, and constants.
#pragma once
#include "base/array.h"

namespace sf {

// dst[...] = src, both of one shape; they may not overlap unless they are the same array.
// Float to integer truncates, NaN gives 0; beyond int64 its bounds are taken, and narrower integers
// wrap around. To bool is != 0.
void run_copy(const Array& src, const Array& dst);

// The same inside a launch of another kernel.
void copy_now(const Array& src, const Array& dst);

void run_fill(const Array& dst, double value);
void run_fill_int(const Array& dst, int64_t value);

}  // namespace sf
