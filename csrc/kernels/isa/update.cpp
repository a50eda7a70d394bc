// Optimizer rules: the rows of update.def as loops over one range of one tensor.
#include "kernels/isa/vec.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {

void fill_update(KernelTable& table);

namespace {

#define SF_UPDATE(name, num_states, num_coefficients, ...)                                         \
  template <class V>                                                                               \
  struct name##_rule {                                                                             \
    static_assert(num_states <= kMaxUpdateStates);                                                 \
    static_assert(num_coefficients <= kMaxUpdateCoefficients);                                     \
    static constexpr int kStates = num_states;                                                     \
    static SF_INLINE void formula(V& p, V g, [[maybe_unused]] V& s0, [[maybe_unused]] V& s1,       \
                                  [[maybe_unused]] V& s2, const V* c) __VA_ARGS__ static SF_INLINE \
        void step(V& p, V g, V* s, const V* c) {                                                   \
      formula(p, fma(c[1], p, g * c[0]), s[0], s[1], s[2], c);                                     \
    }                                                                                              \
  };
#include "kernels/update.def"
#undef SF_UPDATE

template <class T, template <class> class Rule>
void update(const UpdateSpan& span, int64_t begin, int64_t end) {
  using V = Vec<T>;
  constexpr int kStates = Rule<V>::kStates;
  V c[kMaxUpdateCoefficients];
  for (int k = 0; k < kMaxUpdateCoefficients; ++k) c[k] = V(static_cast<T>(span.c[k]));
  T* p = static_cast<T*>(span.p);
  const T* g = static_cast<const T*>(span.g);
  T* s[kMaxUpdateStates];
  for (int k = 0; k < kMaxUpdateStates; ++k) s[k] = static_cast<T*>(span.s[k]);

  V state[kMaxUpdateStates] = {};
  int64_t i = begin;
  for (; i + V::kWidth <= end; i += V::kWidth) {
    V x = V::load(p + i);
    for (int k = 0; k < kStates; ++k) state[k] = V::load(s[k] + i);
    Rule<V>::step(x, V::load(g + i), state, c);
    x.store(p + i);
    for (int k = 0; k < kStates; ++k) state[k].store(s[k] + i);
  }
  if (const int64_t rest = end - i; rest > 0) {
    V x = V::load_partial(p + i, rest);
    for (int k = 0; k < kStates; ++k) state[k] = V::load_partial(s[k] + i, rest);
    Rule<V>::step(x, V::load_partial(g + i, rest), state, c);
    x.store_partial(p + i, rest);
    for (int k = 0; k < kStates; ++k) state[k].store_partial(s[k] + i, rest);
  }
}

template <class T>
void fill(Kernels<T>& kernels) {
#define SF_UPDATE(name, ...) \
  kernels.update.rules[static_cast<int>(Update::name)] = update<T, name##_rule>;
#include "kernels/update.def"
#undef SF_UPDATE
}

}  // namespace

void fill_update(KernelTable& table) {
  fill(table.f32);
  fill(table.f64);
}

}  // namespace sf::SF_ISA_NAMESPACE
