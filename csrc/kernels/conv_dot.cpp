// The gradient of the weight of a convolution with few channels, depthwise ones above all: dot
// products of images, the columns of pixels in the lanes of vectors.
//
// Units and parts are those of conv_weight.cpp; a part keeps the lanes of its sums and folds them
// at the end.
#include <algorithm>

#include "base/parallel.h"
#include "kernels/conv_source.h"
#include "kernels/gemm_product.h"

namespace sf {
namespace {

template <class T>
class WeightDot {
 public:
  WeightDot(const ConvPlan& plan, const T* x, const T* g, T* dw)
      : p_(plan),
        g_(g),
        dw_(dw),
        c_(conv_forward<T>(plan, x, nullptr, nullptr, nullptr)),
        source_(c_),
        kernels_(kernels<T>().conv),
        depth_(plan.in * plan.taps()) {
    const int64_t row_bytes = source_.pitch() * p_.in * static_cast<int64_t>(sizeof(T));
    const int64_t room = kCopyBytes / std::max<int64_t>(row_bytes, 1);
    band_ = std::clamp<int64_t>((room - source_.copied_rows(1)) / c_.step_y + 1, 1, p_.result[0]);
    bands_ = ceil_div(p_.result[0], band_);
    band_ = ceil_div(p_.result[0], bands_);
    source_.set_rows(band_);
    const double macs = static_cast<double>(p_.groups * p_.out * depth_) *
                        static_cast<double>(p_.batch) * static_cast<double>(p_.pixels());
    parts_ = parts_of(macs, p_.groups * p_.out * depth_, p_.batch);
    for (int64_t s = 0; s < p_.in; ++s) {
      for (const Tap& tap : c_.grids[0].taps) {
        at_.push_back(static_cast<int32_t>(source_.at(s, tap)));
      }
    }
    sums_.reset(new T[static_cast<size_t>(parts_ * p_.groups * p_.out * depth_)]);
  }

  void run() {
    const Chunks chunks{parts_ * p_.groups,
                        std::max<int64_t>(1, p_.groups * parts_ / (4 * kMaxParts))};
    std::atomic<bool> out_of_memory{false};
    parallel_for(chunks.count(), [&](int64_t chunk) {
      for (int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) {
        if (!sum_part(i / p_.groups, i % p_.groups)) out_of_memory = true;
      }
    });
    if (out_of_memory) throw MemoryError("[conv] no memory for the copy of an image");
    const int64_t n = p_.groups * p_.out * depth_;
    for (int64_t i = 0; i < n; ++i) {
      T sum = sums_[static_cast<size_t>(i)];
      for (int64_t part = 1; part < parts_; ++part) sum += sums_[static_cast<size_t>(part * n + i)];
      dw_[i] = sum;
    }
  }

 private:
  bool sum_part(int64_t part, int64_t group) const {
    const int64_t copy_size = round_up(source_.image() + kScratchSlack, kDotLanes);
    const int64_t count = p_.out * depth_;
    T* copy = thread_scratch<T>(copy_size + count * kDotLanes);
    if (!copy) return false;
    T* lanes = copy + copy_size;
    std::fill_n(copy, copy_size, T(0));
    std::fill_n(lanes, count * kDotLanes, T(0));
    const int64_t share = ceil_div(p_.batch, parts_);
    for (int64_t i = part * share; i < std::min(p_.batch, (part + 1) * share); ++i) {
      for (int64_t row = 0; row < p_.result[0]; row += band_) {
        const int64_t rows = std::min(band_, p_.result[0] - row);
        source_.copy(group, i, row, rows, copy);
        add_band(group, i, row, rows, copy, lanes);
      }
    }
    T* sums = sums_.get() + (part * p_.groups + group) * count;
    const auto fold = kernels<T>().reduce.rows[static_cast<int>(Reduce::sum)];
    for (int64_t i = 0; i < count; ++i) sums[i] = fold(lanes + i * kDotLanes, kDotLanes);
    return true;
  }

  void add_band(int64_t group, int64_t image, int64_t row, int64_t rows, const T* copy,
                T* lanes) const {
    const T* a = g_ + (image * p_.groups + group) * p_.out * p_.pixels() + row * p_.result[1];
    const Panels panels(p_.out, kernels_.dot_rows);
    for (int64_t i = 0; i < panels.count; ++i) {
      kernels_.dot({.m = panels.rows(i),
                    .taps = depth_,
                    .rows = rows,
                    .cols = p_.result[1],
                    .a = a + panels.start(i) * p_.pixels(),
                    .a_row = p_.pixels(),
                    .a_y = p_.result[1],
                    .b = copy,
                    .b_at = at_.data(),
                    .b_y = source_.row(),
                    .sums = lanes + panels.start(i) * depth_ * kDotLanes,
                    .row = depth_});
    }
  }

  const ConvPlan& p_;
  const T* g_;
  T* dw_;
  const Correlation<T> c_;
  ConvSource<T> source_;
  const ConvKernels<T>& kernels_;
  int64_t depth_;                 // numbers of a row of the weight
  int64_t band_ = 1, bands_ = 1;  // rows of pixels at a time
  int64_t parts_ = 1;
  std::vector<int32_t> at_;
  std::unique_ptr<T[]> sums_;
};

}  // namespace

template <class T>
void conv_weight_dot(const ConvPlan& plan, const T* x, const T* g, T* dw) {
  WeightDot<T>(plan, x, g, dw).run();
}

template void conv_weight_dot<float>(const ConvPlan&, const float*, const float*, float*);
template void conv_weight_dot<double>(const ConvPlan&, const double*, const double*, double*);

}  // namespace sf
