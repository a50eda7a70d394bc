// Elementwise arithmetic on integers and bools, behind run_unary and run_binary.
#pragma once
#include "base/array.h"
#include "kernels/elementwise.h"

namespace sf {

void run_unary_integer(Unary op, const Array& x, const Array& y, const OpParams& params);
void run_binary_integer(Binary op, const Array& a, const Array& b, const Array& y);

}  // namespace sf
