#include "kernels/augment_mix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/parallel.h"
#include "kernels/launch.h"

namespace sf {
namespace {

int64_t neighbour(int64_t i, int64_t n) { return i == 0 ? n - 1 : i - 1; }

template <class T>
void mix(const T* a, const T* b, double share, T* y, int64_t n) {
  const T keep = static_cast<T>(share), give = static_cast<T>(1 - share);
  for (int64_t i = 0; i < n; ++i) y[i] = keep * a[i] + give * b[i];
}

// A box of the share 1 - lambda around a pixel of the picture, cut off at its border. Returns what
// is left to the sample itself.
double paste_box(double lambda, SampleStream& stream, const SampleShape& shape, int64_t item,
                 const char* from, char* to) {
  const double side = 0.5 * std::sqrt(1 - lambda);
  const auto half_rows = static_cast<int64_t>(side * static_cast<double>(shape.rows));
  const auto half_columns = static_cast<int64_t>(side * static_cast<double>(shape.columns));
  const int64_t row = stream.below(shape.rows), column = stream.below(shape.columns);
  const int64_t r0 = std::max<int64_t>(row - half_rows, 0);
  const int64_t r1 = std::min(row + half_rows, shape.rows);
  const int64_t c0 = std::max<int64_t>(column - half_columns, 0);
  const int64_t c1 = std::min(column + half_columns, shape.columns);
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t r = r0; r < r1; ++r) {
      const int64_t at = (c * shape.plane() + r * shape.columns + c0) * item;
      std::memcpy(to + at, from + at, static_cast<size_t>((c1 - c0) * item));
    }
  }
  return 1 - static_cast<double>((r1 - r0) * (c1 - c0)) / static_cast<double>(shape.plane());
}

// Some samples a chunk.
Chunks chunks_of(int64_t n, int64_t numel) {
  return {n, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, numel))};
}

template <class F>
void for_samples(const Chunks& chunks, const F& fn) {
  parallel_for(chunks.count(), [&](int64_t chunk) {
    for (int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) fn(i);
  });
}

void run_mixup(const Array& x, const Array& y, const Array& share, const SampleShape& shape,
               const MixRun& run) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = x.shape[0], size = shape.numel();
    launch("mixup", [=] {
      for_samples(chunks_of(n, size), [&](int64_t i) {
        SampleStream stream(run.key, run.place, run.index[i]);
        const double lambda = share.as<double>()[i] = stream.beta(run.alpha);
        const T* from = x.as<T>();
        mix(from + i * size, from + neighbour(i, n) * size, lambda, y.as<T>() + i * size, size);
      });
    });
  });
}

void run_cutmix(const Array& x, const Array& y, const Array& share, const SampleShape& shape,
                const MixRun& run) {
  const int64_t n = x.shape[0], item = size_of(x.dtype), bytes = shape.numel() * item;
  launch("cutmix", [=] {
    for_samples(chunks_of(n, shape.numel()), [&](int64_t i) {
      SampleStream stream(run.key, run.place, run.index[i]);
      const char* from = x.as<char>();
      char* to = y.as<char>() + i * bytes;
      std::memcpy(to, from + i * bytes, static_cast<size_t>(bytes));
      const double lambda = stream.beta(run.alpha);
      const char* other = from + neighbour(i, n) * bytes;
      share.as<double>()[i] = paste_box(lambda, stream, shape, item, other, to);
    });
  });
}

}  // namespace

void run_mix(const Array& x, const Array& y, const Array& share, const SampleShape& shape,
             const MixRun& run) {
  if (run.cut) {
    run_cutmix(x, y, share, shape, run);
  } else {
    run_mixup(x, y, share, shape, run);
  }
}

void run_mix_numbers(const Array& x, const Array& y, const Array& share) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = x.shape[0], size = n == 0 ? 0 : x.numel() / n;
    launch("mix_numbers", [=] {
      for (int64_t i = 0; i < n; ++i) {
        mix(x.as<T>() + i * size, x.as<T>() + neighbour(i, n) * size, share.as<double>()[i],
            y.as<T>() + i * size, size);
      }
    });
  });
}

void run_mix_labels(const Array& labels, const Array& y, const Array& share) {
  const int64_t n = labels.shape[0], classes = y.shape[1];
  launch("mix_labels", [=] {
    const int64_t* label = labels.as<int64_t>();
    std::fill(y.as<float>(), y.as<float>() + n * classes, 0.f);
    for (int64_t i = 0; i < n; ++i) {
      const double keep = share.as<double>()[i];
      float* row = y.as<float>() + i * classes;
      if (label[i] == label[neighbour(i, n)]) {
        row[label[i]] = 1;
        continue;
      }
      row[label[i]] = static_cast<float>(keep);
      row[label[neighbour(i, n)]] = 1 - static_cast<float>(keep);
    }
  });
}

}  // namespace sf
