// The loops of binary.def: every row becomes a forward and two backwards for float and double.
#include "kernels/isa/lanes.h"
#include "kernels/isa/rowfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

// A step of 0 reads one value for ever; the branch is outside the loop.
template <class Row, int a_step, int b_step, class T>
SF_INLINE void walk(const T* a, const T* b, T* y, int64_t n) {
  using V = Vec<T>;
  const V a0 = a_step || !n ? V(T(0)) : V(*a);
  const V b0 = b_step || !n ? V(T(0)) : V(*b);
  int64_t i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) {
    Row::forward(a_step ? V::load(a + i) : a0, b_step ? V::load(b + i) : b0).store(y + i);
  }
  if (i < n) {
    const V last_a = a_step ? V::load_partial(a + i, n - i) : a0;
    const V last_b = b_step ? V::load_partial(b + i, n - i) : b0;
    Row::forward(last_a, last_b).store_partial(y + i, n - i);
  }
}
template <class Row, class T>
void forward(const T* a, const T* b, T* y, int64_t n, int a_step, int b_step) {
  if (a_step && b_step) return walk<Row, 1, 1>(a, b, y, n);
  if (a_step) return walk<Row, 1, 0>(a, b, y, n);
  if (b_step) return walk<Row, 0, 1>(a, b, y, n);
  walk<Row, 0, 0>(a, b, y, n);
}

template <class Row, int which, class T>
void backward(const T* a, const T* b, const T* y, const T* g, T* out, int64_t n) {
  using V = Vec<T>;
  for_vectors<T>(n, [&](int64_t i, int64_t left) SF_INLINE_LAMBDA {
    const auto read = [&](const T* from, bool needed) SF_INLINE_LAMBDA {
      return needed ? load_or(from + i, left, T(0)) : V(T(0));
    };
    constexpr int kNeeds = which ? Row::kNeedsForB : Row::kNeedsForA;
    const V va = read(a, kNeeds & kNeedsA), vb = read(b, kNeeds & kNeedsB);
    const V vy = read(y, kNeeds & kNeedsY), vg = read(g, true);
    const V d = which ? Row::backward_b(va, vb, vy, vg) : Row::backward_a(va, vb, vy, vg);
    store_some(d, out + i, left);
  });
}

#define SF_BACKWARD(name, of_a, of_b)                                                \
  static constexpr int kNeedsForA = kBinaryNeeds[static_cast<int>(Binary::name)][0]; \
  static constexpr int kNeedsForB = kBinaryNeeds[static_cast<int>(Binary::name)][1]; \
  template <class V>                                                                 \
  static SF_INLINE V backward_a(V a, V b, V y, V g) {                                \
    (void)a, (void)b, (void)y, (void)g;                                              \
    return of_a;                                                                     \
  }                                                                                  \
  template <class V>                                                                 \
  static SF_INLINE V backward_b(V a, V b, V y, V g) {                                \
    (void)a, (void)b, (void)y, (void)g;                                              \
    return of_b;                                                                     \
  }
#define SF_BINARY(name, needs_a, needs_b, of_ab, da, db) \
  struct Row_##name {                                    \
    template <class V>                                   \
    static SF_INLINE V forward(V a, V b) {               \
      return of_ab;                                      \
    }                                                    \
    SF_BACKWARD(name, da, db)                            \
  };
#define SF_BINARY_EXACT(name, needs_a, needs_b, of_ab, da, db) \
  struct Row_##name {                                          \
    SF_BACKWARD(name, da, db)                                  \
  };
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT

template <class T>
void fill(Kernels<T>& kernels) {
#define SF_BINARY_EXACT(name, needs_a, needs_b, of_ab, da, db)                             \
  kernels.binary_backward[static_cast<int>(Binary::name)][0] = backward<Row_##name, 0, T>; \
  kernels.binary_backward[static_cast<int>(Binary::name)][1] = backward<Row_##name, 1, T>;
#define SF_BINARY(name, needs_a, needs_b, of_ab, da, db)                   \
  kernels.binary[static_cast<int>(Binary::name)] = forward<Row_##name, T>; \
  SF_BINARY_EXACT(name, needs_a, needs_b, of_ab, da, db)
#include "kernels/binary.def"
#undef SF_BINARY
#undef SF_BINARY_EXACT
}

}  // namespace

void fill_binary(KernelTable& table) {
  fill(table.f32);
  fill(table.f64);
}

}  // namespace sf::SF_ISA_NAMESPACE
