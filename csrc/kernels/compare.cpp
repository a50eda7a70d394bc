#include "kernels/compare.h"

#include <bit>
#include <type_traits>

#include "kernels/launch.h"
#include "kernels/loop.h"

namespace sf {
namespace {

// y = f(a, b) over rows; a row against one repeated value is a loop of its own, so that the
// compiler can use vectors.
template <class Out, class T, class F>
void pair_rows(const Loop& loop, const F& f) {
  parallel_rows(loop, [&](char* const* at, int64_t n) {
    Out* y = reinterpret_cast<Out*>(at[0]);
    const T* a = reinterpret_cast<const T*>(at[1]);
    const T* b = reinterpret_cast<const T*>(at[2]);
    const int64_t y_step = loop.step(0), a_step = loop.step(1), b_step = loop.step(2);
    if (y_step == 1 && a_step == 1 && b_step == 1) {
      for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
    } else if (y_step == 1 && a_step == 1 && b_step == 0) {
      const T q = *b;
      for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], q);
    } else if (y_step == 1 && a_step == 0 && b_step == 1) {
      const T p = *a;
      for (int64_t i = 0; i < n; ++i) y[i] = f(p, b[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i * y_step] = f(a[i * a_step], b[i * b_step]);
    }
  });
}

// The integer of the same size: a choice by masks of bits has no branch to mispredict.
template <size_t size>
using UnsignedOf =
    std::conditional_t<size == 1, uint8_t, std::conditional_t<size == 4, uint32_t, uint64_t>>;

// Steps that the compiler knows: 0 or 1.
template <int a_step, int b_step, class T>
void choose(const bool* __restrict mask, const T* a, const T* b, T* __restrict y, int64_t n) {
  using U = UnsignedOf<sizeof(T)>;
  for (int64_t i = 0; i < n; ++i) {
    const U keep = static_cast<U>(U(0) - U(mask[i]));
    const U p = std::bit_cast<U>(a[i * a_step]), q = std::bit_cast<U>(b[i * b_step]);
    y[i] = std::bit_cast<T>(static_cast<U>((p & keep) | (q & static_cast<U>(~keep))));
  }
}

template <class T>
void where_row(const Loop& loop, char* const* at, int64_t n) {
  T* y = reinterpret_cast<T*>(at[0]);
  const bool* mask = reinterpret_cast<const bool*>(at[1]);
  const T* a = reinterpret_cast<const T*>(at[2]);
  const T* b = reinterpret_cast<const T*>(at[3]);
  const int64_t y_step = loop.step(0), m_step = loop.step(1);
  const int64_t a_step = loop.step(2), b_step = loop.step(3);
  const bool plain = y_step == 1 && m_step == 1;
  if (plain && a_step == 1 && b_step == 1) return choose<1, 1>(mask, a, b, y, n);
  if (plain && a_step == 1 && b_step == 0) return choose<1, 0>(mask, a, b, y, n);
  if (plain && a_step == 0 && b_step == 1) return choose<0, 1>(mask, a, b, y, n);
  for (int64_t i = 0; i < n; ++i) {
    y[i * y_step] = mask[i * m_step] ? a[i * a_step] : b[i * b_step];
  }
}

template <class T, class F>
void launch_compare(const char* name, const Loop& loop, const F& f) {
  launch(name, [loop, f] { pair_rows<bool, T>(loop, f); });
}

template <class T>
void compare(Compare op, const Loop& loop) {
  switch (op) {
#define SF_CASE(name, expression) \
  case Compare::name:             \
    return launch_compare<T>(#name, loop, [](T p, T q) { return expression; });
    SF_CASE(eq, p == q)
    SF_CASE(ne, p != q)
    SF_CASE(lt, p < q)
    SF_CASE(le, p <= q)
    SF_CASE(gt, p > q)
    SF_CASE(ge, p >= q)
    SF_CASE(logical_and, (p != T(0)) & (q != T(0)))
    SF_CASE(logical_or, (p != T(0)) | (q != T(0)))
    SF_CASE(logical_xor, (p != T(0)) != (q != T(0)))
#undef SF_CASE
  }
}

template <class T>
void bits(Bits op, const Loop& loop) {
  switch (op) {
#define SF_CASE(name, sign)                                                     \
  case Bits::name:                                                              \
    return launch(#name, [loop] {                                               \
      pair_rows<T, T>(loop, [](T p, T q) { return static_cast<T>(p sign q); }); \
    });
    SF_CASE(bitwise_and, &)
    SF_CASE(bitwise_or, |)
    SF_CASE(bitwise_xor, ^)
#undef SF_CASE
  }
}

}  // namespace

void run_compare(Compare op, const Array& a, const Array& b, const Array& y) {
  const Loop loop = make_loop({&y, &a, &b});
  dispatch(a.dtype, [&](auto zero) { compare<decltype(zero)>(op, loop); });
}

void run_bits(Bits op, const Array& a, const Array& b, const Array& y) {
  const Loop loop = make_loop({&y, &a, &b});
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) bits<T>(op, loop);
  });
}

void run_where(const Array& mask, const Array& a, const Array& b, const Array& y) {
  const Loop loop = make_loop({&y, &mask, &a, &b});
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("where", [loop] {
      parallel_rows(loop, [&](char* const* at, int64_t n) { where_row<T>(loop, at, n); });
    });
  });
}

}  // namespace sf
