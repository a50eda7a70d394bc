// One reduction of one dtype: what a chunk gives, how chunks are joined, what is stored.
#pragma once
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "kernels/dispatch.h"
#include "kernels/loop.h"
#include "kernels/reduce_table.h"

namespace sf {

template <class T>
struct FloatReducer {
  using Acc = double;
  Reduce op;  // never mean: that is sum with a scale
  const ReduceKernels<T>* kernels;
  double divisor;

  FloatReducer(Reduce asked, int64_t count)
      : op(asked == Reduce::mean ? Reduce::sum : asked),
        kernels(&sf::kernels<T>().reduce),
        divisor(asked == Reduce::mean ? static_cast<double>(count) : 1) {
    if (static_cast<int>(op) >= kNumFloatReductions) {
      throw DtypeError("[reduce] any and all take bool and integers; compare first");
    }
  }
  int64_t cost() const { return sizeof(T); }  // of an element, in bytes moved (loop.h)
  T start() const {
    constexpr T kInf = std::numeric_limits<T>::infinity();
    return op == Reduce::prod ? T(1) : op == Reduce::max ? -kInf : op == Reduce::min ? kInf : T(0);
  }
  Acc row(const T* x, int64_t n) const { return kernels->rows[static_cast<int>(op)](x, n); }
  void columns(const T* x, int64_t stride, int64_t rows, int64_t n, T* acc) const {
    kernels->columns[static_cast<int>(op)](x, stride, rows, n, acc);
  }
  Acc join(Acc a, Acc b) const {
    switch (op) {
      case Reduce::prod:
        return a * b;
      case Reduce::max:
        return a > b || a != a ? a : b;
      case Reduce::min:
        return a < b || a != a ? a : b;
      default:
        return a + b;
    }
  }
  T finish(Acc a) const { return static_cast<T>(divisor == 1 ? a : a / divisor); }
};

// Integers and bool; sums and products wrap around.
template <class T>
struct IntegerReducer {
  using Acc = T;
  using Wide = std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, int, T>>;
  Reduce op;

  IntegerReducer(Reduce asked, int64_t) : op(asked) {
    const bool counts = op == Reduce::sum || op == Reduce::prod;
    const bool chooses =
        op == Reduce::max || op == Reduce::min || op == Reduce::any || op == Reduce::all;
    if (!chooses && !(counts && !std::is_same_v<T, bool>)) {
      throw DtypeError("[reduce] is not defined for ", dtype_of<T>, "; convert it first");
    }
  }
  int64_t cost() const { return kCostly; }
  T start() const {
    if (op == Reduce::max) return std::numeric_limits<T>::lowest();
    if (op == Reduce::min) return std::numeric_limits<T>::max();
    return static_cast<T>(op == Reduce::prod || op == Reduce::all);
  }
  T join(T a, T b) const {
    switch (op) {
      case Reduce::sum:
        return static_cast<T>(static_cast<Wide>(a) + static_cast<Wide>(b));
      case Reduce::prod:
        return static_cast<T>(static_cast<Wide>(a) * static_cast<Wide>(b));
      case Reduce::max:
        return a > b ? a : b;
      case Reduce::min:
        return a < b ? a : b;
      case Reduce::any:
        return static_cast<T>((a != T(0)) | (b != T(0)));
      default:
        return static_cast<T>((a != T(0)) & (b != T(0)));
    }
  }
  T row(const T* x, int64_t n) const {
    T acc = start();
    if (op == Reduce::sum) {  // the one that is common enough to deserve its own loop
      Wide sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += static_cast<Wide>(x[i]);
      return static_cast<T>(sum);
    }
    for (int64_t i = 0; i < n; ++i) acc = join(acc, x[i]);
    return acc;
  }
  void columns(const T* x, int64_t stride, int64_t rows, int64_t n, T* acc) const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < n; ++j) acc[j] = join(acc[j], x[r * stride + j]);
    }
  }
  T finish(T a) const { return a; }
};

template <class T>
using Reducer = std::conditional_t<std::is_floating_point_v<T>, FloatReducer<T>, IntegerReducer<T>>;

}  // namespace sf
