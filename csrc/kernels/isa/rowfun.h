// What rows of unary.def and binary.def use besides the mathematical functions.
#pragma once
#include "kernels/isa/actfun.h"
#include "kernels/isa/trigfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
SF_INLINE Vec<T> hypot(Vec<T> a, Vec<T> b) {
  const Vec<T> big = max_nan(abs(a), abs(b)), small = min_nan(abs(a), abs(b));
  const Vec<T> ratio = small / select(big > T(0), big, Vec<T>(T(1)));
  const Vec<T> y = big * sqrt(fma(ratio, ratio, Vec<T>(T(1))));
  return select((abs(a) == Const<T>::kInf) | (abs(b) == Const<T>::kInf), Const<T>::kInf, y);
}

}  // namespace
}  // namespace sf::SF_ISA_NAMESPACE
