// The gradient of the weight of a convolution: dW (out x K) = sum over images and pixels of
// dY (out x pixels) X (pixels x K).
//
// A unit of work, a band of rows of an image or a few small images, is copied with the channels
// innermost and zeros around it: row p of X, the channels of one row of taps at pixel p, then lies
// side by side in that copy. Units are shared out over parts, a function of the shape; each part
// sums in order into a dW of its own, and the parts are summed in order at the end.
#include <algorithm>

#include "base/parallel.h"
#include "kernels/conv_parts.h"
#include "kernels/dispatch.h"
#include "kernels/gemm_product.h"

namespace sf {
namespace {

// Whether the pixels fill vectors so much better than the channels that they had better do so; a
// function of the shape alone, as the two ways sum in different orders.
bool better_by_pixels(const ConvPlan& p) {
  const auto waste = [](int64_t n) {
    return static_cast<double>(round_up(n, kDotLanes)) / static_cast<double>(n);
  };
  const int64_t width = p.dilation[1] == 1 ? p.kernel[1] * p.in : p.in;
  return p.result[1] >= 8 && waste(width) > 1.3 * waste(p.result[1]);
}

template <class T>
class WeightGrad {
 public:
  WeightGrad(const ConvPlan& plan, const T* x, const T* g, T* dw)
      : p_(plan),
        x_(x),
        g_(g),
        dw_(dw),
        kernels_(kernels<T>()),
        panels_(plan.out, kernels_.gemm.rows) {
    if (p_.kernel[0] == 1 && p_.padding[0] == 0) {  // reads every stride-th row only
      row_step_ = p_.stride[0];
      p_.stride[0] = 1;
    }
    a_k_ = round_up(panels_.rows(0), kernels_.gemm.width);
    whole_rows_ = p_.dilation[1] == 1;
    width_ = whole_rows_ ? p_.kernel[1] * p_.in : p_.in;
    choose_units();
    choose_parts();
    fill_places();
    sums_.reset(new T[static_cast<size_t>(parts_ * p_.groups * weights())]);
  }

  void run() {
    std::atomic<bool> out_of_memory{false};
    parallel_for(parts_ * p_.groups, [&](int64_t i) {
      if (!sum_part(i / p_.groups, i % p_.groups)) out_of_memory = true;
    });
    if (out_of_memory) throw MemoryError("[conv] no memory for the copy of an image");
    const int64_t rows = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, p_.in * p_.taps()));
    const Chunks chunks{p_.groups * p_.out, rows};
    parallel_for(chunks.count(), [&](int64_t chunk) {
      for (int64_t row = chunks.begin(chunk); row < chunks.end(chunk); ++row) join(row);
    });
  }

 private:
  int64_t weights() const { return p_.out * p_.in * p_.taps(); }  // of a group

  int64_t copied_rows(int64_t rows) const {
    return (rows - 1) * p_.stride[0] + (p_.kernel[0] - 1) * p_.dilation[0] + 1;
  }

  void choose_units() {
    pitch_ = (p_.result[1] - 1) * p_.stride[1] + (p_.kernel[1] - 1) * p_.dilation[1] + 1;
    const int64_t row_bytes = pitch_ * p_.in * static_cast<int64_t>(sizeof(T));
    const int64_t room = kCopyBytes / std::max<int64_t>(row_bytes, 1);
    band_ = std::clamp<int64_t>((room - copied_rows(1)) / p_.stride[0] + 1, 1, p_.result[0]);
    bands_ = ceil_div(p_.result[0], band_);
    band_ = ceil_div(p_.result[0], bands_);
    check_copy_size(static_cast<double>(copied_rows(band_)) * static_cast<double>(pitch_) *
                    static_cast<double>(p_.in));
    image_ = copied_rows(band_) * pitch_ * p_.in;
    if (bands_ == 1) {  // the longer K is, the less often sums are stored
      const int64_t bytes = image_ * static_cast<int64_t>(sizeof(T));
      images_ = std::min(kMaxDepth<T> / p_.pixels(), kCopyBytes / std::max<int64_t>(bytes, 1));
      images_ = std::clamp<int64_t>(images_, 1, std::max<int64_t>(1, p_.batch / kMaxParts));
    }
    blocks_ = ceil_div(p_.batch, images_);
  }

  void choose_parts() {
    const double macs = static_cast<double>(weights()) * static_cast<double>(p_.batch) *
                        static_cast<double>(p_.pixels());
    parts_ = parts_of(macs, weights() * p_.groups, blocks_ * bands_);
  }

  // Where the pixels of a unit begin in its copy.
  void fill_places() {
    for (int64_t i = 0; i < images_; ++i) {
      for (int64_t y = 0; y < band_; ++y) {
        for (int64_t x = 0; x < p_.result[1]; ++x) {
          const int64_t at = i * image_ + (y * p_.stride[0] * pitch_ + x * p_.stride[1]) * p_.in;
          at_.push_back(static_cast<int32_t>(at));
        }
      }
    }
  }

  bool sum_part(int64_t part, int64_t group) const {
    T* sums = sums_.get() + (part * p_.groups + group) * weights();
    std::fill_n(sums, weights(), T(0));
    const int64_t copy_size = images_ * image_ + kScratchSlack;
    T* copy = thread_scratch<T>(copy_size + kMaxDepth<T> * a_k_ + kScratchSlack);
    if (!copy) return false;
    const int64_t units = blocks_ * bands_, share = ceil_div(units, parts_);
    for (int64_t u = part * share; u < std::min(units, (part + 1) * share); ++u) {
      const int64_t image = u / bands_ * images_, row = u % bands_ * band_;
      const int64_t images = std::min(images_, p_.batch - image);
      const int64_t rows = std::min(band_, p_.result[0] - row);
      for (int64_t i = 0; i < images; ++i) {
        copy_image(group, image + i, row, copied_rows(rows), copy + i * image_);
      }
      add_unit(group, image, images, row, rows, copy, copy + copy_size, sums);
    }
    return true;
  }

  // Pixels of several images follow one another in at_ only if the images are whole.
  void add_unit(int64_t group, int64_t image, int64_t images, int64_t row, int64_t rows,
                const T* copy, T* a, T* sums) const {
    const int64_t pixels = rows * p_.result[1], total = images * pixels;
    const int64_t depth = block_depth<T>(total);
    for (int64_t k = 0; k < total; k += depth) {
      const int64_t deep = std::min(depth, total - k);
      for (int64_t i = 0; i < panels_.count; ++i) {
        const int64_t channel = group * p_.out + panels_.start(i);
        pack_panel(channel, panels_.rows(i), image, row, pixels, k, deep, a);
        multiply(i, deep, k, a, copy, sums);
      }
    }
  }

  // Columns [k, k + depth) of the panel of dY from `channel` on: a[(column - k) * a_k + i].
  void pack_panel(int64_t channel, int64_t rows, int64_t image, int64_t row, int64_t pixels,
                  int64_t k, int64_t depth, T* a) const {
    for (int64_t at = k; at < k + depth;) {
      const int64_t i = at / pixels, pixel = at % pixels;
      const int64_t n = std::min(pixels - pixel, k + depth - at);
      const T* from = g_ + ((image + i) * p_.groups * p_.out + channel) * p_.pixels() +
                      row * p_.result[1] + pixel;
      kernels_.gemm.pack(a + (at - k) * a_k_, a_k_, from, p_.pixels(), 1, rows, n);
      at += n;
    }
  }

  // sums[o][u][v][c] += sum over the pixels of a[.., o] copy[pixel + (u, v), c].
  void multiply(int64_t panel, int64_t depth, int64_t k, const T* a, const T* copy, T* sums) const {
    const int64_t width = kernels_.width, vecs = ceil_div(width_, width);
    const int64_t steps = whole_rows_ ? 1 : p_.kernel[1];
    IndexedPanel<T> p{.m = panels_.rows(panel),
                      .k = depth,
                      .vecs = vecs,
                      .lanes = width,
                      .last = width_ - (vecs - 1) * width,
                      .a = a,
                      .a_k = a_k_,
                      .b = nullptr,
                      .b_at = at_.data() + k,
                      .b_vec = width,
                      .c = nullptr,
                      .c_row = p_.taps() * p_.in,
                      .c_vec = width,
                      .add = true,
                      .bias = nullptr};
    for (int64_t u = 0; u < p_.kernel[0]; ++u) {
      for (int64_t v = 0; v < steps; ++v) {
        p.b = copy + (u * p_.dilation[0] * pitch_ + v * p_.dilation[1]) * p_.in;
        p.c = sums + panels_.start(panel) * p.c_row + (u * p_.kernel[1] + v) * p_.in;
        kernels_.conv.indexed(p);
      }
    }
  }

  // ------------------------------------------------------------------------ copying an image

  void copy_image(int64_t group, int64_t image, int64_t row, int64_t rows, T* to) const {
    const int64_t size = p_.size[0] * p_.size[1], first = row * p_.stride[0] - p_.padding[0];
    const T* from = x_ + (image * p_.groups + group) * p_.in * size;
    for (int64_t r = 0; r < rows; ++r, to += pitch_ * p_.in) {
      const int64_t y = first + r;
      if (y < 0 || y * row_step_ >= p_.size[0]) {
        std::fill_n(to, pitch_ * p_.in, T(0));
      } else {
        copy_row(from + y * row_step_ * p_.size[1], size, to);
      }
    }
  }

  // A row of all channels, `channel` apart: to[x * in + c].
  void copy_row(const T* from, int64_t channel, T* to) const {
    const int64_t left = std::min(p_.padding[1], pitch_), in = p_.in;
    const int64_t n = std::min(p_.size[1], pitch_ - left);
    std::fill_n(to, left * in, T(0));
    T* at = to + left * in;
    // A vector of channels at a time, the incomplete one first: what it writes beyond the channels
    // of a pixel, the next pixel, the other vectors or the zeros overwrite.
    const int64_t full = in - in % kernels_.gemm.width;
    if (full < in)
      kernels_.gemm.pack(at + full, in, from + full * channel, channel, 1, in - full, n);
    if (full > 0) kernels_.gemm.pack(at, in, from, channel, 1, full, n);
    std::fill(at + n * in, to + pitch_ * in, T(0));
  }

  // ------------------------------------------------------------------------ the end

  // dw[o][c][u][v] = the sum of the parts' sums[o][u][v][c].
  void join(int64_t row) const {
    const int64_t taps = p_.taps(), in = p_.in, n = taps * in;
    const T* from = sums_.get() + row * n;
    T* to = dw_ + row * n;
    for (int64_t c = 0; c < in; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        const T* at = from + t * in + c;
        T sum = *at;
        for (int64_t part = 1; part < parts_; ++part) {
          sum += at[part * p_.groups * weights()];
        }
        to[c * taps + t] = sum;
      }
    }
  }

  ConvPlan p_;
  int64_t row_step_ = 1;  // between the rows of x that a copy holds
  const T* x_;
  const T* g_;
  T* dw_;
  const Kernels<T>& kernels_;
  const Panels panels_;
  int64_t a_k_;                      // from one pixel of packed dY to the next
  bool whole_rows_;                  // the taps of a row of the kernel lie side by side
  int64_t width_;                    // numbers of X that do
  int64_t pitch_ = 0, image_ = 0;    // columns of a copy; numbers of the copy of an image
  int64_t band_ = 1, bands_ = 1;     // rows of a unit, units of an image
  int64_t images_ = 1, blocks_ = 1;  // images of a unit, such groups of images
  int64_t parts_ = 1;
  std::vector<int32_t> at_;
  std::unique_ptr<T[]> sums_;
};

}  // namespace

template <class T>
void conv_weight_grad(const ConvPlan& plan, const T* x, const T* g, T* dw) {
  if (plan.batch == 0 || plan.pixels() == 0) {
    std::fill_n(dw, plan.groups * plan.out * plan.in * plan.taps(), T(0));
    return;
  }
  if (better_by_pixels(plan)) return conv_weight_dot(plan, x, g, dw);
  WeightGrad<T>(plan, x, g, dw).run();
}

template void conv_weight_grad<float>(const ConvPlan&, const float*, const float*, float*);
template void conv_weight_grad<double>(const ConvPlan&, const double*, const double*, double*);

}  // namespace sf
