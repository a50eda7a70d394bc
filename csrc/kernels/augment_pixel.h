// Transforms that change a sample where it stands, and the warp of time. T is float, double or
// uint8_t; noise, normalisation and scaling take the first two.
#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/augment.h"

namespace sf {

// Pixels are computed in Wide<T>; bytes are rounded to even and kept in [0, 255].
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
T stored(Wide<T> value) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    return static_cast<T>(std::nearbyint(std::clamp(value, 0.f, 255.f)));
  } else {
    return value;
  }
}

constexpr int kMaxKnots = 64;  // of a warp of time

template <class T>
void change_sample(const AugmentStep& step, SampleStream& stream, T* x, const SampleShape& shape);

// y[t] = x at time tau(t), linear between the rows of x.
template <class T>
void warp_rows(const AugmentStep& step, SampleStream& stream, const T* x, T* y,
               const SampleShape& shape);

}  // namespace sf
