// Arithmetic on tensors as C++ writes it: what backward formulas are made of.
#pragma once
#include "ops/binary.h"
#include "ops/compare.h"
#include "ops/unary.h"

namespace sf {

inline Tensor operator-(const Tensor& x) { return neg(x); }

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }

inline Tensor operator+(const Tensor& a, double b) { return add(a, number_like(a, b)); }
inline Tensor operator-(const Tensor& a, double b) { return sub(a, number_like(a, b)); }
inline Tensor operator*(const Tensor& a, double b) { return mul(a, number_like(a, b)); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, number_like(a, b)); }
inline Tensor operator-(double a, const Tensor& b) { return sub(number_like(b, a), b); }

inline Tensor operator>(const Tensor& a, double b) { return gt(a, number_like(a, b)); }
inline Tensor operator>=(const Tensor& a, double b) { return ge(a, number_like(a, b)); }
inline Tensor operator<(const Tensor& a, double b) { return lt(a, number_like(a, b)); }
inline Tensor operator<=(const Tensor& a, double b) { return le(a, number_like(a, b)); }
inline Tensor operator&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return logical_or(a, b); }

}  // namespace sf
