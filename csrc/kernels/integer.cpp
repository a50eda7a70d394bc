#include "kernels/integer.h"

#include <atomic>
#include <limits>
#include <type_traits>

#include "kernels/launch.h"
#include "kernels/map.h"

namespace sf {
namespace {

// Arithmetic is done on unsigned types, so that it wraps around as in NumPy; a bool saturates: its
// sum is `or`, its product `and`.
template <class T>
struct Wrap {
  using Unsigned = std::make_unsigned_t<T>;
  static T add(T a, T b) { return static_cast<T>(Unsigned(a) + Unsigned(b)); }
  static T sub(T a, T b) { return static_cast<T>(Unsigned(a) - Unsigned(b)); }
  static T mul(T a, T b) { return static_cast<T>(Unsigned(a) * Unsigned(b)); }
  static T neg(T a) { return static_cast<T>(Unsigned(0) - Unsigned(a)); }
};
template <>
struct Wrap<bool> {
  static bool add(bool a, bool b) { return a || b; }
  static bool sub(bool a, bool b) { return a != b; }
  static bool mul(bool a, bool b) { return a && b; }
  static bool neg(bool a) { return a; }
};

// The value of T nearest to a number.
template <class T>
T saturate(double x) {
  using Limits = std::numeric_limits<T>;
  if (x >= static_cast<double>(Limits::max())) return Limits::max();
  return x <= static_cast<double>(Limits::lowest()) ? Limits::lowest() : static_cast<T>(x);
}

template <class T>
T sign_of(T a) {
  return static_cast<T>((a > T(0)) - (a < T(0)));
}

// Divisors are not zero here; the smallest integer divided by -1 wraps around to itself.
template <class T>
T c_remainder(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == T(-1)) return T(0);
  }
  return static_cast<T>(a % b);
}
template <class T>
T python_remainder(T a, T b) {
  const T r = c_remainder(a, b);
  return r != T(0) && (r < T(0)) != (b < T(0)) ? static_cast<T>(r + b) : r;
}
template <class T>
T floor_quotient(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == T(-1)) return Wrap<T>::neg(a);
  }
  const T quotient = static_cast<T>(a / b), r = static_cast<T>(a % b);
  return r != T(0) && (r < T(0)) != (b < T(0)) ? static_cast<T>(quotient - T(1)) : quotient;
}

// By squaring. A negative exponent leaves only 1 and -1 above zero.
template <class T>
T integer_power(T base, T exponent) {
  if (exponent < T(0)) {
    if (base == T(1)) return T(1);
    if (std::is_signed_v<T> && base == static_cast<T>(-1)) {
      return c_remainder(exponent, static_cast<T>(2)) ? static_cast<T>(-1) : T(1);
    }
    return T(0);
  }
  T out = T(1);
  for (auto left = static_cast<uint64_t>(exponent); left; left >>= 1) {
    if (left & 1) out = Wrap<T>::mul(out, base);
    base = Wrap<T>::mul(base, base);
  }
  return out;
}

template <class T>
bool holds_zero(const Array& b) {
  Array no_output = b;  // the walk's first operand names the shape
  const Loop loop = make_loop({&no_output});
  std::atomic<bool> found{false};
  parallel_rows(loop, [&](char* const* at, int64_t n) {
    const T* p = reinterpret_cast<const T*>(at[0]);
    const int64_t step = loop.step(0);
    bool zero = false;
    for (int64_t i = 0; i < n; ++i) zero |= p[i * step] == T(0);
    if (zero) found = true;
  });
  return found;
}

template <class T, class F>
void launch_binary(Binary op, const Array& a, const Array& b, const Array& y, F f) {
  const Loop loop = make_loop({&y, &a, &b});
  launch(name_of(op), [loop, f] { map_rows<T, T, T>(loop, f); });
}

template <class T, class F>
void launch_division(Binary op, const Array& a, const Array& b, const Array& y, F f) {
  const Loop loop = make_loop({&y, &a, &b});
  launch(name_of(op), [loop, f, b, op] {
    if (holds_zero<T>(b))
      throw RuntimeError("[", name_of(op), "] ZeroDivisionError: an integer divided by zero");
    map_rows<T, T, T>(loop, f);
  });
}

template <class T>
void binary(Binary op, const Array& a, const Array& b, const Array& y) {
  switch (op) {
    case Binary::add:
      return launch_binary<T>(op, a, b, y, Wrap<T>::add);
    case Binary::sub:
      return launch_binary<T>(op, a, b, y, Wrap<T>::sub);
    case Binary::mul:
      return launch_binary<T>(op, a, b, y, Wrap<T>::mul);
    case Binary::maximum:
      return launch_binary<T>(op, a, b, y, [](T p, T q) { return p > q ? p : q; });
    case Binary::minimum:
      return launch_binary<T>(op, a, b, y, [](T p, T q) { return p < q ? p : q; });
    case Binary::pow:
      return launch_binary<T>(op, a, b, y, integer_power<T>);
    case Binary::remainder:
      return launch_division<T>(op, a, b, y, python_remainder<T>);
    case Binary::fmod:
      return launch_division<T>(op, a, b, y, c_remainder<T>);
    case Binary::floor_divide:
      return launch_division<T>(op, a, b, y, floor_quotient<T>);
    default:
      throw DtypeError("[", name_of(op), "] is not defined for ", y.dtype,
                       "; convert the arguments to a float dtype");
  }
}

template <class T>
void unary(Unary op, const Array& x, const Array& y, const OpParams& params) {
  const Loop loop = make_loop({&y, &x});
  const auto run = [&](auto f) { launch(name_of(op), [loop, f] { map_rows<T, T>(loop, f); }); };
  switch (op) {
    case Unary::neg:
      if (std::is_same_v<T, bool>) break;
      return run(Wrap<T>::neg);
    case Unary::abs:
      return run([](T a) { return a < T(0) ? Wrap<T>::neg(a) : a; });
    case Unary::sign:
      return run(sign_of<T>);
    case Unary::square:
      return run([](T a) { return Wrap<T>::mul(a, a); });
    case Unary::cube:
      return run([](T a) { return Wrap<T>::mul(Wrap<T>::mul(a, a), a); });
    case Unary::relu:
      return run([](T a) { return a < T(0) ? T(0) : a; });
    case Unary::clamp: {
      const auto low = params.p[0], high = params.p[1];
      return run([low, high](T a) {
        if (static_cast<double>(a) < low) a = saturate<T>(low);
        return static_cast<double>(a) > high ? saturate<T>(high) : a;
      });
    }
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::trunc:
      return run([](T a) { return a; });
    default:
      break;
  }
  throw DtypeError("[", name_of(op), "] is not defined for ", y.dtype,
                   "; convert the argument to a float dtype");
}

}  // namespace

void run_unary_integer(Unary op, const Array& x, const Array& y, const OpParams& params) {
  dispatch_integer(y.dtype, [&](auto zero) { unary<decltype(zero)>(op, x, y, params); });
}

void run_binary_integer(Binary op, const Array& a, const Array& b, const Array& y) {
  dispatch_integer(y.dtype, [&](auto zero) { binary<decltype(zero)>(op, a, b, y); });
}

}  // namespace sf
