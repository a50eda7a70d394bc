// A row of unary.def bound to a dtype and its parameters, for kernels that call it.
#pragma once
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"

namespace sf {

template <class T>
struct UnaryRow {
  Unary op;
  const Kernels<T>* kernels;
  T p[kMaxParams];

  UnaryRow(Unary asked, const OpParams& params)
      : op(simplified(asked, params)), kernels(&sf::kernels<T>()) {
    for (int i = 0; i < kMaxParams; ++i) p[i] = static_cast<T>(params.p[i]);
  }
  void forward(const T* x, T* y, int64_t n) const {
    kernels->unary[static_cast<int>(op)](x, y, n, p);
  }
  void backward(const T* x, const T* y, const T* g, T* dx, int64_t n) const {
    kernels->unary_backward[static_cast<int>(op)](x, y, g, dx, n, p);
  }

 private:
  // x^2 and x^3 need no logarithm.
  static Unary simplified(Unary op, const OpParams& params) {
    if (op != Unary::pow_scalar) return op;
    return params.p[0] == 2 ? Unary::square : params.p[0] == 3 ? Unary::cube : op;
  }
};

}  // namespace sf
