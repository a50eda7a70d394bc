#include "kernels/augment_pixel.h"

#include <array>
#include <utility>

#include "kernels/dispatch.h"

namespace sf {
namespace {

// Calls fn(first, n, z) with n standard normal numbers for the elements first, first + 1, ...
template <class T, class F>
void for_normals(RandomKey key, int64_t total, const F& fn) {
  const auto& random = kernels<T>().random;
  uint32_t words[kRandomWords];
  T z[kRandomBatch<T>];
  for (int64_t i = 0; i < total; i += kRandomBatch<T>) {
    const int64_t block = i / kRandomBatch<T> * (kRandomWords / 4);
    random.words(key.seed, key.draw, static_cast<uint64_t>(block), words);
    random.normal(words, z);
    fn(i, std::min(kRandomBatch<T>, total - i), z);
  }
}

template <class T>
void add_noise(const AugmentStep& step, const SampleStream& stream, T* x, int64_t n) {
  const T mean = static_cast<T>(step[0]), sigma = static_cast<T>(step[1]);
  for_normals<T>(stream.key(), n, [&](int64_t first, int64_t count, const T* z) {
    for (int64_t k = 0; k < count; ++k) x[first + k] += mean + sigma * z[k];
  });
}

template <class T>
void scale_columns(const AugmentStep& step, const SampleStream& stream, T* x,
                   const SampleShape& shape) {
  const T sigma = static_cast<T>(step[0]);
  for_normals<T>(stream.key(), shape.columns, [&](int64_t first, int64_t count, const T* z) {
    for (int64_t t = 0; t < shape.channels * shape.rows; ++t) {
      T* row = x + t * shape.columns + first;
      for (int64_t k = 0; k < count; ++k) row[k] *= T(1) + sigma * z[k];
    }
  });
}

template <class T>
void normalize(const AugmentStep& step, T* x, const SampleShape& shape) {
  for (int64_t c = 0; c < shape.channels; ++c, x += shape.plane()) {
    const T mean = static_cast<T>(step[static_cast<int>(c)]);
    const T std = static_cast<T>(step[static_cast<int>(shape.channels + c)]);
    for (int64_t i = 0; i < shape.plane(); ++i) x[i] = (x[i] - mean) / std;
  }
}

// Luma of ITU-R BT.601, as torchvision has it.
template <class T>
Wide<T> gray(const T* x, int64_t i, const SampleShape& shape) {
  using W = Wide<T>;
  if (shape.channels == 1) return static_cast<W>(x[i]);
  return W(0.2989) * static_cast<W>(x[i]) + W(0.587) * static_cast<W>(x[shape.plane() + i]) +
         W(0.114) * static_cast<W>(x[2 * shape.plane() + i]);
}

// Colours are numbers from 0 to this.
template <class T>
constexpr Wide<T> kWhite = std::is_same_v<T, uint8_t> ? 255 : 1;

template <class T>
T blend(T value, Wide<T> factor, Wide<T> other) {
  using W = Wide<T>;
  const W mixed = factor * static_cast<W>(value) + (W(1) - factor) * other;
  // Written so that NaN stays.
  return stored<T>(mixed < 0 ? W(0) : mixed > kWhite<T> ? kWhite<T> : mixed);
}

template <class T>
void change_contrast(Wide<T> factor, T* x, const SampleShape& shape) {
  double sum = 0;
  for (int64_t i = 0; i < shape.plane(); ++i) sum += static_cast<double>(gray(x, i, shape));
  const auto mean = static_cast<Wide<T>>(sum / static_cast<double>(shape.plane()));
  for (int64_t i = 0; i < shape.numel(); ++i) x[i] = blend(x[i], factor, mean);
}

template <class T>
void change_saturation(Wide<T> factor, T* x, const SampleShape& shape) {
  if (shape.channels == 1) return;
  for (int64_t i = 0; i < shape.plane(); ++i) {
    const Wide<T> level = gray(x, i, shape);
    for (int64_t c = 0; c < 3; ++c) {
      T& pixel = x[c * shape.plane() + i];
      pixel = blend(pixel, factor, level);
    }
  }
}

template <class T>
void jitter_color(const AugmentStep& step, SampleStream& stream, T* x, const SampleShape& shape) {
  if (shape.numel() == 0) return;
  constexpr int kOrders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  Wide<T> factor[3];
  for (int k = 0; k < 3; ++k) {
    factor[k] = static_cast<Wide<T>>(stream.uniform(step[2 * k], step[2 * k + 1]));
  }
  for (int which : kOrders[stream.below(6)]) {
    if (step[2 * which] == 1 && step[2 * which + 1] == 1) continue;
    if (which == 0) {
      for (int64_t i = 0; i < shape.numel(); ++i) x[i] = blend(x[i], factor[0], Wide<T>(0));
    } else if (which == 1) {
      change_contrast(factor[1], x, shape);
    } else {
      change_saturation(factor[2], x, shape);
    }
  }
}

struct Box {
  int64_t row, column, rows, columns;
};

template <class T>
void fill_box(const Box& box, double value, T* x, const SampleShape& shape) {
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int64_t i = box.row; i < box.row + box.rows; ++i) {
      T* row = x + c * shape.plane() + i * shape.columns + box.column;
      std::fill(row, row + box.columns, stored<T>(static_cast<Wide<T>>(value)));
    }
  }
}

// Ten tries for a box of that area and form that fits; none: nothing is erased.
Box box_to_erase(const AugmentStep& step, SampleStream& stream, const SampleShape& shape) {
  const double low = std::log(step[3]), high = std::log(step[4]);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = static_cast<double>(shape.plane()) * stream.uniform(step[1], step[2]);
    const double form = std::exp(stream.uniform(low, high));
    const double height = std::nearbyint(std::sqrt(area * form));
    const double width = std::nearbyint(std::sqrt(area / form));
    if (!(height < static_cast<double>(shape.rows) && width < static_cast<double>(shape.columns))) {
      continue;
    }
    const auto rows = static_cast<int64_t>(height), columns = static_cast<int64_t>(width);
    const int64_t row = stream.below(shape.rows - rows + 1);
    return {row, stream.below(shape.columns - columns + 1), rows, columns};
  }
  return {0, 0, 0, 0};
}

// A box around a pixel of the picture, cut off at its border.
Box box_to_cut(const AugmentStep& step, SampleStream& stream, const SampleShape& shape) {
  if (shape.plane() == 0) return {0, 0, 0, 0};
  const int64_t row = stream.below(shape.rows) - step.whole(0) / 2;
  const int64_t column = stream.below(shape.columns) - step.whole(1) / 2;
  const int64_t r0 = std::max<int64_t>(row, 0), c0 = std::max<int64_t>(column, 0);
  return {r0, c0, std::min(row + step.whole(0), shape.rows) - r0,
          std::min(column + step.whole(1), shape.columns) - c0};
}

template <class T>
void mask_rows(const AugmentStep& step, SampleStream& stream, T* x, const SampleShape& shape) {
  const int64_t most = std::min(step.whole(0), shape.rows);
  for (int64_t k = 0; k < step.whole(1); ++k) {
    const int64_t rows = stream.below(most + 1);
    const int64_t row = stream.below(shape.rows - rows + 1);
    fill_box(Box{row, 0, rows, shape.columns}, step[2], x, shape);
  }
}

// The steps that bytes cannot take.
template <class T>
void change_numbers(const AugmentStep& step, SampleStream& stream, T* x, const SampleShape& shape) {
  if (step.kind == AugmentKind::kNoise) {
    add_noise(step, stream, x, shape.numel());
  } else if (step.kind == AugmentKind::kNormalize) {
    normalize(step, x, shape);
  } else {
    scale_columns(step, stream, x, shape);
  }
}

}  // namespace

template <class T>
void change_sample(const AugmentStep& step, SampleStream& stream, T* x, const SampleShape& shape) {
  switch (step.kind) {
    case AugmentKind::kColor:
      return jitter_color(step, stream, x, shape);
    case AugmentKind::kGray:
      if (stream.chance(step[0])) change_saturation(Wide<T>(0), x, shape);
      return;
    case AugmentKind::kErase:
      if (!stream.chance(step[0])) return;
      return fill_box(box_to_erase(step, stream, shape), step[5], x, shape);
    case AugmentKind::kCutout:
      return fill_box(box_to_cut(step, stream, shape), step[2], x, shape);
    case AugmentKind::kMaskRows:
      return mask_rows(step, stream, x, shape);
    default:
      if constexpr (!std::is_same_v<T, uint8_t>) change_numbers(step, stream, x, shape);
  }
}

// Between knots at equal distances time runs at the speeds exp(sigma z); the whole takes as long as
// before: tau(0) = 0, tau(T - 1) = T - 1.
template <class T>
void warp_rows(const AugmentStep& step, SampleStream& stream, const T* x, T* y,
               const SampleShape& shape) {
  using W = Wide<T>;
  const auto pieces = static_cast<int>(step[1]) + 1;
  std::array<double, kMaxKnots + 2> reached{};
  for (int k = 0; k < pieces; ++k) {
    reached[static_cast<size_t>(k) + 1] =
        reached[static_cast<size_t>(k)] + std::exp(step[0] * stream.normal());
  }
  const double total = reached[static_cast<size_t>(pieces)];
  const auto last = static_cast<double>(shape.rows - 1);
  for (int64_t t = 0; t < shape.rows; ++t) {
    const double at = shape.rows > 1 ? static_cast<double>(t) / last * pieces : 0;
    const int piece = std::min(static_cast<int>(at), pieces - 1);
    const double from = reached[static_cast<size_t>(piece)];
    const double to = reached[static_cast<size_t>(piece) + 1];
    const double tau = std::min((from + (to - from) * (at - piece)) / total * last, last);
    const auto row = static_cast<int64_t>(tau);
    const auto weight = static_cast<W>(tau - static_cast<double>(row));
    const T* a = x + row * shape.columns;
    const T* b = x + std::min(row + 1, shape.rows - 1) * shape.columns;
    for (int64_t k = 0; k < shape.columns; ++k) {
      const W low = static_cast<W>(a[k]), high = static_cast<W>(b[k]);
      y[t * shape.columns + k] = weight == 0 ? a[k] : stored<T>(low + weight * (high - low));
    }
  }
}

#define SF_INSTANTIATE(T)                                                                 \
  template void change_sample(const AugmentStep&, SampleStream&, T*, const SampleShape&); \
  template void warp_rows(const AugmentStep&, SampleStream&, const T*, T*, const SampleShape&);
SF_INSTANTIATE(float)
SF_INSTANTIATE(double)
SF_INSTANTIATE(uint8_t)
#undef SF_INSTANTIATE

}  // namespace sf
