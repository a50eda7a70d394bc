// Philox 4x32-10 (Salmon et al. 2011), 16 counters at a time, and what is made of its words.
#include "kernels/isa/trigfun.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

constexpr int kCounters = 16;
constexpr int kLanes = kVecBytes / 8;  // a word has a 64-bit lane, which holds its products

typedef uint32_t U32Half __attribute__((vector_size(kVecBytes / 2)));

SF_INLINE U64 all(uint64_t x) { return U64{} + x; }

SF_INLINE void philox_rounds(U64* c, uint64_t seed) {
  const U64 low = all(0xffffffff);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const U64 p = multiply_low_halves(c[0], all(0xD2511F53));
    const U64 q = multiply_low_halves(c[2], all(0xCD9E8D57));
    c[0] = (q >> 32) ^ c[1] ^ all(k0);
    c[1] = q & low;
    c[2] = (p >> 32) ^ c[3] ^ all(k1);
    c[3] = p & low;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

void words(uint64_t seed, uint64_t draw, uint64_t first, uint32_t* out) {
  for (int i = 0; i < kCounters; i += kLanes) {
    U64 counter;
    for (int lane = 0; lane < kLanes; ++lane) {
      counter[lane] = first + static_cast<uint64_t>(i + lane);
    }
    U64 c[4] = {counter & all(0xffffffff), counter >> 32, all(draw & 0xffffffff), all(draw >> 32)};
    philox_rounds(c, seed);
    for (int w = 0; w < 4; ++w) {
      const U32Half half = __builtin_convertvector(c[w], U32Half);
      __builtin_memcpy(out + w * kCounters + i, &half, sizeof half);
    }
  }
}

void uniform(const uint32_t* from, float* out) {
  for (int i = 0; i < kRandomBatch<float>; ++i) {
    out[i] = static_cast<float>(static_cast<int32_t>(from[i] >> 8)) * 0x1p-24f;
  }
}
void uniform(const uint32_t* from, double* out) {
  for (int i = 0; i < kRandomBatch<double>; ++i) {
    const uint64_t bits = uint64_t{from[i]} << 32 | from[i + kRandomBatch<double>];
    out[i] = static_cast<double>(static_cast<int64_t>(bits >> 11)) * 0x1p-53;
  }
}

template <class T>
void normal(const uint32_t* from, T* out) {
  using V = Vec<T>;
  constexpr int kHalf = kRandomBatch<T> / 2;
  T u[2 * kHalf];
  uniform(from, u);
  for (int i = 0; i < kHalf; i += V::kWidth) {
    const V radius = sqrt(log(V(T(1)) - V::load(u + i)) * T(-2));
    const V angle = V::load(u + kHalf + i) * T(2 * kPi);
    (radius * cos(angle)).store(out + i);
    (radius * sin(angle)).store(out + kHalf + i);
  }
}

template <class T>
void dropout(const uint32_t* from, uint32_t threshold, const T* x, T scale, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = from[i] >= threshold ? x[i] * scale : T(0);
}

template <class T>
void fill(RandomKernels<T>& kernels) {
  kernels.words = words;
  kernels.uniform = uniform;
  kernels.normal = normal<T>;
  kernels.dropout = dropout<T>;
}

}  // namespace

void fill_random(KernelTable& table);

void fill_random(KernelTable& table) {
  fill(table.f32.random);
  fill(table.f64.random);
}

}  // namespace sf::SF_ISA_NAMESPACE
