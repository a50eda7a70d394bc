// The loops of unary.def: every row becomes a forward and a backward for float and double.
#include "kernels/isa/lanes.h"
#include "kernels/isa/rowfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
struct Params {
  Vec<T> p[kMaxParams];
  explicit SF_INLINE Params(const T* from) {
    for (int i = 0; i < kMaxParams; ++i) p[i] = from ? Vec<T>(from[i]) : Vec<T>(T(0));
  }
};

// y[i...] = f(i, lanes left). Two vectors a turn, which the compiler interleaves: long formulas
// wait for their own results otherwise.
template <class T, class F>
SF_INLINE void map_vectors(int64_t n, T* y, const F& f) {
  constexpr int64_t kWidth = Vec<T>::kWidth;
  int64_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
    const Vec<T> first = f(i, kWidth), second = f(i + kWidth, kWidth);
    first.store(y + i);
    second.store(y + i + kWidth);
  }
  for (; i < n; i += kWidth) store_some(f(i, n - i), y + i, n - i);
}

template <class Row, class T>
void forward(const T* x, T* y, int64_t n, const T* params) {
  const Params<T> with(params);
  map_vectors(n, y, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    return Row::forward(load_or(x + i, left, T(0)), with.p);
  });
}

template <class Row, class T>
void backward(const T* x, const T* y, const T* g, T* dx, int64_t n, const T* params) {
  using V = Vec<T>;
  const Params<T> with(params);
  map_vectors(n, dx, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const auto read = [&](const T* from, bool needed) SF_INLINE_LAMBDA {
      return needed ? load_or(from + i, left, T(0)) : V(T(0));
    };
    return Row::backward(read(x, Row::kNeeds & kNeedsX), read(y, Row::kNeeds & kNeedsY),
                         read(g, true), with.p);
  });
}

// The rows. Arguments that a row does not use are cast away, so that the compiler stays quiet.
#define SF_UNARY(name, needs, forward_of_x, backward_of_g)                    \
  struct Row_##name {                                                         \
    static constexpr int kNeeds = kUnaryNeeds[static_cast<int>(Unary::name)]; \
    template <class V>                                                        \
    static SF_INLINE V forward(V x, const V* p) {                             \
      (void)x, (void)p;                                                       \
      return forward_of_x;                                                    \
    }                                                                         \
    template <class V>                                                        \
    static SF_INLINE V backward(V x, V y, V g, const V* p) {                  \
      (void)x, (void)y, (void)g, (void)p;                                     \
      return backward_of_g;                                                   \
    }                                                                         \
  };
#include "kernels/unary.def"
#undef SF_UNARY

template <class T>
void fill(Kernels<T>& kernels) {
#define SF_UNARY(name, needs, forward_of_x, backward_of_g)               \
  kernels.unary[static_cast<int>(Unary::name)] = forward<Row_##name, T>; \
  kernels.unary_backward[static_cast<int>(Unary::name)] = backward<Row_##name, T>;
#include "kernels/unary.def"
#undef SF_UNARY
}

}  // namespace

void fill_unary(KernelTable& table) {
  fill(table.f32);
  fill(table.f64);
}

}  // namespace sf::SF_ISA_NAMESPACE
