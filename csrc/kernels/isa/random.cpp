// Philox 4x32-10 (Salmon et al. 2011), 16 counters at a time in plain loops that the compiler turns
// into vectors, and what is made of its words.
#include "kernels/isa/trigfun.h"
#include "kernels/table.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

constexpr int kCounters = 16;

void words(uint64_t seed, uint64_t draw, uint64_t first, uint32_t* out) {
  uint32_t c[4][kCounters];
  for (int i = 0; i < kCounters; ++i) {
    const uint64_t counter = first + static_cast<uint64_t>(i);
    c[0][i] = static_cast<uint32_t>(counter);
    c[1][i] = static_cast<uint32_t>(counter >> 32);
    c[2][i] = static_cast<uint32_t>(draw);
    c[3][i] = static_cast<uint32_t>(draw >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kCounters; ++i) {
      const uint64_t p = uint64_t{0xD2511F53} * c[0][i], q = uint64_t{0xCD9E8D57} * c[2][i];
      c[0][i] = static_cast<uint32_t>(q >> 32) ^ c[1][i] ^ k0;
      c[1][i] = static_cast<uint32_t>(q);
      c[2][i] = static_cast<uint32_t>(p >> 32) ^ c[3][i] ^ k1;
      c[3][i] = static_cast<uint32_t>(p);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int i = 0; i < kCounters; ++i) {
    for (int w = 0; w < 4; ++w) out[4 * i + w] = c[w][i];
  }
}

void uniform(const uint32_t* from, float* out) {
  for (int i = 0; i < kRandomBatch<float>; ++i) {
    out[i] = static_cast<float>(static_cast<int32_t>(from[i] >> 8)) * 0x1p-24f;
  }
}
void uniform(const uint32_t* from, double* out) {
  for (int i = 0; i < kRandomBatch<double>; ++i) {
    const uint64_t bits = uint64_t{from[2 * i]} << 32 | from[2 * i + 1];
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
