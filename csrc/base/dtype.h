// Element types, their promotion, and the one place that turns a run-time dtype into a C++ type.
#pragma once
#include <cstdint>
#include <ostream>

#include "base/error.h"

namespace sf {

// Ordered by promotion: the wider of two dtypes is the one that stands later (see promote).
enum class Dtype : uint8_t { kBool, kUint8, kInt32, kInt64, kFloat32, kFloat64 };

constexpr int kNumDtypes = 6;

constexpr bool is_floating(Dtype dtype) { return dtype >= Dtype::kFloat32; }
constexpr bool is_integer(Dtype dtype) { return dtype >= Dtype::kUint8 && dtype <= Dtype::kInt64; }
// True if a value of `from` may be stored into `to` by an in-place op: bool -> integer -> float,
// never back. Inside one kind any width may be stored, as in PyTorch.
constexpr int kind_of(Dtype dtype) { return dtype == Dtype::kBool ? 0 : is_integer(dtype) ? 1 : 2; }
constexpr bool can_store(Dtype from, Dtype to) { return kind_of(from) <= kind_of(to); }

// Array-API promotion; an integer with a float gives that float.
constexpr Dtype promote(Dtype a, Dtype b) { return a > b ? a : b; }

constexpr int64_t size_of(Dtype dtype) {
  constexpr int64_t kSizes[kNumDtypes] = {1, 1, 4, 8, 4, 8};
  return kSizes[static_cast<int>(dtype)];
}

constexpr const char* name_of(Dtype dtype) {
  constexpr const char* kNames[kNumDtypes] = {"bool",  "uint8",   "int32",
                                              "int64", "float32", "float64"};
  return kNames[static_cast<int>(dtype)];
}

inline std::ostream& operator<<(std::ostream& out, Dtype dtype) { return out << name_of(dtype); }

template <class T>
struct DtypeOf;
template <>
struct DtypeOf<bool> {
  static constexpr Dtype value = Dtype::kBool;
};
template <>
struct DtypeOf<uint8_t> {
  static constexpr Dtype value = Dtype::kUint8;
};
template <>
struct DtypeOf<int32_t> {
  static constexpr Dtype value = Dtype::kInt32;
};
template <>
struct DtypeOf<int64_t> {
  static constexpr Dtype value = Dtype::kInt64;
};
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::kFloat32;
};
template <>
struct DtypeOf<double> {
  static constexpr Dtype value = Dtype::kFloat64;
};
template <class T>
constexpr Dtype dtype_of = DtypeOf<T>::value;

// dispatch(dtype, [&](auto zero) { using T = decltype(zero); ... }): calls with a zero of the type.
// For the integer dtypes and bool only; the caller has checked.
template <class F>
decltype(auto) dispatch_integer(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::kBool:
      return f(bool{});
    case Dtype::kUint8:
      return f(uint8_t{});
    case Dtype::kInt32:
      return f(int32_t{});
    case Dtype::kInt64:
      return f(int64_t{});
    default:
      throw DtypeError("expected an integer dtype, got ", dtype);
  }
}

// For the floating dtypes only; the caller has checked.
template <class F>
decltype(auto) dispatch_floating(Dtype dtype, F&& f) {
  if (dtype == Dtype::kFloat32) return f(float{});
  if (dtype == Dtype::kFloat64) return f(double{});
  throw DtypeError("expected float32 or float64, got ", dtype);
}

// For all dtypes.
template <class F>
decltype(auto) dispatch(Dtype dtype, F&& f) {
  if (is_floating(dtype)) return dispatch_floating(dtype, f);
  return dispatch_integer(dtype, f);
}

}  // namespace sf
