#include "kernels/random.h"

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/loop.h"

namespace sf {
namespace {

// Calls fn(first element, elements, words) for every batch of `batch` elements, in chunks.
template <class T, class F>
void for_batches(RandomKey key, int64_t n, int64_t batch, const F& fn) {
  const auto words = kernels<T>().random.words;
  const Chunks chunks{n, n <= kSerialBelow / 2 ? std::max<int64_t>(n, 1) : kChunkElements / 2};
  parallel_for(chunks.count(), [&](int64_t c) {
    uint32_t block[kRandomWords];
    for (int64_t i = chunks.begin(c); i < chunks.end(c); i += batch) {
      words(key.seed, key.draw, static_cast<uint64_t>(i / batch) * (kRandomWords / 4), block);
      fn(i, std::min(batch, n - i), block);
    }
  });
}

// y[i] = change(number i), the numbers made batch by batch.
template <class T, class Make, class Change>
void fill_numbers(const Array& y, RandomKey key, Make make, const Change& change) {
  T* out = y.as<T>();
  for_batches<T>(key, y.numel(), kRandomBatch<T>, [&](int64_t i, int64_t n, const uint32_t* words) {
    T numbers[kRandomWords];
    make(words, numbers);
    for (int64_t k = 0; k < n; ++k) out[i + k] = change(numbers[k]);
  });
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p = uint64_t{0xD2511F53} * c[0], q = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(q >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(q),
         static_cast<uint32_t>(p >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

uint64_t random_bits(RandomKey key, uint64_t i) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  // Word i % 32 of batch i / 32 and the one 32 further on: two words of one counter.
  const uint64_t counter = i / 32 * 16 + i % 16;
  const auto words = philox({low(counter), low(counter >> 32), low(key.draw), low(key.draw >> 32)},
                            {low(key.seed), low(key.seed >> 32)});
  const size_t word = i % 32 / 16;
  return uint64_t{words[word]} << 32 | words[word + 2];
}

int64_t random_below(RandomKey key, uint64_t i, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<int64_t>(static_cast<Wide>(random_bits(key, i)) * bound >> 64);
}

void run_uniform(const Array& y, RandomKey key, double low, double high) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto make = kernels<T>().random.uniform;
    const T from = static_cast<T>(low), to = static_cast<T>(high), width = to - from;
    launch("uniform", [=] {
      fill_numbers<T>(y, key, make, [=](T u) {
        const T value = from + u * width;
        return value < to ? value : from;  // rounding may not reach the open end
      });
    });
  });
}

void run_normal(const Array& y, RandomKey key, double mean, double std) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto make = kernels<T>().random.normal;
    const T center = static_cast<T>(mean), scale = static_cast<T>(std);
    launch("normal",
           [=] { fill_numbers<T>(y, key, make, [=](T z) { return center + z * scale; }); });
  });
}

void run_randint(const Array& y, RandomKey key, int64_t low, int64_t high) {
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  launch("randint", [=] {
    __extension__ using Wide = unsigned __int128;
    int64_t* out = y.as<int64_t>();
    const auto fill = [&](int64_t i, int64_t n, const uint32_t* words) {
      for (int64_t k = 0; k < n; ++k) {
        const uint64_t bits = uint64_t{words[k]} << 32 | words[k + 32];
        const auto below = static_cast<uint64_t>(static_cast<Wide>(bits) * range >> 64);
        out[i + k] = static_cast<int64_t>(static_cast<uint64_t>(low) + below);
      }
    };
    for_batches<float>(key, y.numel(), kRandomWords / 2, fill);
  });
}

void run_dropout(const Array& x, const Array& y, RandomKey key, double p, double scale) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto kernel = kernels<T>().random.dropout;
    // p = 1 would need a threshold of 2^32: there the factor drops the last one in 2^32.
    const auto threshold = static_cast<uint32_t>(std::fmin(p * 0x1p32, 0x1p32 - 1));
    const T factor = p < 1 ? static_cast<T>(scale) : T(0);
    launch("dropout", [=] {
      for_batches<T>(key, y.numel(), kRandomWords,
                     [&](int64_t i, int64_t n, const uint32_t* words) {
                       kernel(words, threshold, x.as<T>() + i, factor, y.as<T>() + i, n);
                     });
    });
  });
}

}  // namespace sf
