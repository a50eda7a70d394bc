// What the parts of the convolution share.
#pragma once
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/scratch.h"
#include "kernels/conv.h"
#include "kernels/gemm_product.h"

namespace sf {

// Kernels write whole vectors: what lies behind a block of scratch may be overwritten that far.
constexpr int64_t kScratchSlack = 64;
// The copy of a part of an image that a thread works on stays in the second-level cache.
constexpr int64_t kCopyBytes = 256 << 10;

// Offsets into such a copy are 32 bits wide.
inline void check_copy_size(double elements) {
  if (elements > static_cast<double>(std::numeric_limits<int32_t>::max()) / 2) {
    throw ShapeError("[conv] the rows that one row of the result is made of hold ", elements,
                     " numbers with their padding: more than the kernels can address");
  }
}

// A tap of a correlation: its place in the source, relative to that of the result, and in the
// kernel.
struct Tap {
  int64_t y, x, weight;
};

// Results with the same taps: rows x cols, the first of them `first` behind the start of a channel.
struct Grid {
  int64_t rows, cols, first;
  std::vector<Tap> taps;
};

// to[row, col] = bias + sum over channels and taps of weight * from[row step + y, col step + x],
// with zeros around `from`. Strides in elements; weight strides of group, result and channel.
template <class T>
struct Correlation {
  int64_t batch, groups, channels, outs;  // channels of a group
  const T* from;
  int64_t h, w, from_row, from_col, from_channel, from_batch;
  T* to;
  int64_t to_row, to_col, to_channel, to_batch;
  const T* weight;
  int64_t w_group, w_out, w_in;
  const T* bias;  // groups * outs, or null
  int64_t step_y, step_x;
  std::vector<Grid> grids;
};

// y = conv(x, w) + bias as a correlation of one grid.
template <class T>
Correlation<T> conv_forward(const ConvPlan& plan, const T* x, const T* w, const T* bias, T* y);

template <class T>
void correlate(const Correlation<T>& correlation);

// Sums over pixels with the channels in vectors (conv_weight.cpp), or with the pixels in vectors,
// for few channels in long rows (conv_dot.cpp).
template <class T>
void conv_weight_grad(const ConvPlan& plan, const T* x, const T* g, T* dw);
template <class T>
void conv_weight_dot(const ConvPlan& plan, const T* x, const T* g, T* dw);

constexpr int64_t kMaxParts = 8;              // of a sum over images
constexpr int64_t kPartMacs = 4'000'000;      // a part is worth its sums
constexpr int64_t kMaxPartNumbers = 4 << 20;  // of the sums of all parts together

// The number of private sums of `numbers` each, for `units` of work and `macs` in all.
inline int64_t parts_of(double macs, int64_t numbers, int64_t units) {
  const auto worth = static_cast<int64_t>(
      macs / static_cast<double>(kPartMacs) < 1e6 ? macs / static_cast<double>(kPartMacs) : 1e6);
  const int64_t room = kMaxPartNumbers / (numbers > 0 ? numbers : 1);
  int64_t parts = worth < room ? worth : room;
  parts = parts < units ? parts : units;
  return parts < 1 ? 1 : parts < kMaxParts ? parts : kMaxParts;
}

}  // namespace sf
