#include "kernels/elementwise.h"

#include <cmath>

#include "kernels/cost.h"
#include "kernels/dispatch.h"
#include "kernels/integer.h"
#include "kernels/launch.h"
#include "kernels/loop.h"
#include "kernels/unary_row.h"

namespace sf {
namespace {

constexpr int64_t kBlock = 512;  // elements that a strided operand is gathered in

template <class T>
void gather(const T* from, int64_t step, T* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = from[i * step];
}
template <class T>
void scatter(const T* from, T* to, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i * step] = from[i];
}

// Which operands have to be gathered (scattered, for operand 0) for a kernel that wants contiguous
// ones; with kRepeats it also takes a single repeated value.
struct Staging {
  bool operand[kMaxOperands];
  bool any;
  Staging(const Loop& loop, bool repeats) : any(false) {
    for (int k = 0; k < loop.operands; ++k) {
      const int64_t step = loop.step(k);
      operand[k] = loop.data[k] && step != 1 && !(repeats && k && step == 0);
      any |= operand[k];
    }
  }
};

template <class T, int kIn, class Kernel>
void staged_row(const Loop& loop, const Staging& staging, char* const* at, int64_t n,
                const Kernel& kernel) {
  alignas(64) T scratch[kIn + 1][kBlock];
  const T* in[kIn];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    for (int k = 1; k <= kIn; ++k) {
      const T* p = reinterpret_cast<const T*>(at[k]);
      in[k - 1] = p ? p + i * loop.step(k) : nullptr;
      if (!staging.operand[k]) continue;
      gather(in[k - 1], loop.step(k), scratch[k], m);
      in[k - 1] = scratch[k];
    }
    T* out = reinterpret_cast<T*>(at[0]) + i * loop.step(0);
    kernel(in, staging.operand[0] ? scratch[0] : out, m);
    if (staging.operand[0]) scatter(scratch[0], out, loop.step(0), m);
  }
}

// Runs kernel(in, out, n) over rows; operand 0 of the loop is the output. A float costs as much as
// `cost` bytes moved, a double twice that.
template <class T, int kIn, bool kRepeats, class Kernel>
void stream(const Loop& loop, int64_t cost, const Kernel& kernel) {
  const Staging staging(loop, kRepeats);
  const auto row = [&](char* const* at, int64_t n) {
    if (staging.any) return staged_row<T, kIn>(loop, staging, at, n, kernel);
    const T* in[kIn];
    for (int k = 0; k < kIn; ++k) in[k] = reinterpret_cast<const T*>(at[k + 1]);
    kernel(in, reinterpret_cast<T*>(at[0]), n);
  };
  parallel_rows(loop, row, cost * static_cast<int64_t>(sizeof(T) / sizeof(float)));
}

// Exact remainders and quotients: std::fmod subtracts as often as it takes, a rounded a / b may be
// off by one.
template <class T>
T exact_remainder(T a, T b) {
  const T r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
template <class T>
T exact_floor_divide(T a, T b) {
  if (b == 0) return a / b;
  const T r = std::fmod(a, b);
  const T quotient = (a - r) / b - (r != 0 && (r < 0) != (b < 0) ? T(1) : T(0));
  const T whole = std::floor(quotient);
  return quotient - whole > T(0.5) ? whole + T(1) : whole;
}

template <class T>
void exact_row(Binary op, const T* pa, const T* pb, T* py, int64_t n, int a_step, int b_step) {
  const auto each = [&](auto f) {
    for (int64_t i = 0; i < n; ++i) py[i] = f(pa[i * a_step], pb[i * b_step]);
  };
  switch (op) {
#define SF_BINARY(...)
#define SF_BINARY_EXACT(name, needs_a, needs_b, forward, da, db) \
  case Binary::name:                                             \
    return each([](T a, T b) { return forward; });
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
    default:
      return;
  }
}

}  // namespace

void run_unary(Unary op, const Array& x, const Array& y, const OpParams& params) {
  if (!is_floating(y.dtype)) return run_unary_integer(op, x, y, params);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch(name_of(op), [loop = make_loop({&y, &x}), of = UnaryRow<T>(op, params)] {
      stream<T, 1, false>(loop, cost_of(of.op, false), [&](const T* const* in, T* out, int64_t n) {
        of.forward(in[0], out, n);
      });
    });
  });
}

void run_unary_backward(Unary op, const Array* x, const Array* y, const Array& g, const Array& dx,
                        const OpParams& params) {
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    const UnaryRow<T> of(op, params);
    const uint8_t needs = needs_of(of.op);
    const Loop loop =
        make_loop({&dx, needs & kNeedsX ? x : nullptr, needs & kNeedsY ? y : nullptr, &g});
    launch(name_of(op), [loop, of] {
      stream<T, 3, false>(loop, cost_of(of.op, true), [&](const T* const* in, T* out, int64_t n) {
        of.backward(in[0], in[1], in[2], out, n);
      });
    });
  });
}

void run_binary(Binary op, const Array& a, const Array& b, const Array& y) {
  if (!is_floating(y.dtype)) return run_binary_integer(op, a, b, y);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto kernel = kernels<T>().binary[static_cast<int>(op)];
    launch(name_of(op), [loop = make_loop({&y, &a, &b}), kernel, op] {
      const int a_step = loop.step(1) ? 1 : 0, b_step = loop.step(2) ? 1 : 0;
      stream<T, 2, true>(loop, cost_of(op, 0), [&](const T* const* in, T* out, int64_t n) {
        kernel ? kernel(in[0], in[1], out, n, a_step, b_step)
               : exact_row(op, in[0], in[1], out, n, a_step, b_step);
      });
    });
  });
}

void run_binary_backward(Binary op, int which, const Array* a, const Array* b, const Array* y,
                         const Array& g, const Array& out) {
  dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const uint8_t needs = needs_of(op, which);
    const Loop loop = make_loop({&out, needs & kNeedsA ? a : nullptr, needs & kNeedsB ? b : nullptr,
                                 needs & kNeedsY ? y : nullptr, &g});
    const auto kernel = kernels<T>().binary_backward[static_cast<int>(op)][which];
    launch(name_of(op), [loop, kernel, op, which] {
      stream<T, 4, false>(loop, cost_of(op, which + 1), [&](const T* const* in, T* to, int64_t n) {
        kernel(in[0], in[1], in[2], in[3], to, n);
      });
    });
  });
}

}  // namespace sf
