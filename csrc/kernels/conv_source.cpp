#include "kernels/conv_source.h"

#include <algorithm>
#include <cstring>

#include "kernels/gemm_product.h"

namespace sf {

template <class T>
ConvSource<T>::ConvSource(const Correlation<T>& c) : c_(c), kernels_(kernels<T>().conv) {
  int64_t cols = 0;
  for (const Grid& grid : c.grids) {
    cols = std::max(cols, grid.cols);
    for (const Tap& tap : grid.taps) {
      top_ = std::max(top_, -tap.y);
      left_ = std::max(left_, -tap.x);
      bottom_ = std::max(bottom_, tap.y);
      right_ = std::max(right_, tap.x);
    }
  }
  phase_ = ceil_div(left_ + right_ + (cols - 1) * c.step_x + 1, c.step_x);
  pitch_ = phase_ * c.step_x;
}

template <class T>
void ConvSource<T>::set_rows(int64_t rows) {
  whole_ = true;
  for (const Grid& grid : c_.grids) whole_ = whole_ && grid.rows <= rows;
  channel_ = copied_rows(rows) * pitch_;
  check_copy_size(static_cast<double>(copied_rows(rows)) * static_cast<double>(pitch_) *
                  static_cast<double>(c_.channels));
}

template <class T>
void ConvSource<T>::copy(int64_t group, int64_t image, int64_t row, int64_t rows, T* to) const {
  const T* from = c_.from + image * c_.from_batch + group * c_.channels * c_.from_channel;
  const int64_t first = row * c_.step_y - top_, count = copied_rows(rows);
  const int64_t above = std::clamp<int64_t>(-first, 0, count);
  const int64_t begin = std::max<int64_t>(first, 0);
  const int64_t copied = std::clamp<int64_t>(c_.h - begin, 0, count - above);
  from += begin * c_.from_row;
  for (int64_t s = 0; s < c_.channels; ++s, to += channel_, from += c_.from_channel) {
    if (!whole_) zero_rows(to, above);
    copy_rows(to + above * pitch_, from, copied);
    if (!whole_) zero_rows(to + (above + copied) * pitch_, count - above - copied);
  }
}

template <class T>
void ConvSource<T>::zero_rows(T* to, int64_t rows) const {
  if (rows > 0) std::memset(to, 0, static_cast<size_t>(rows * pitch_) * sizeof(T));
}

// The columns of a row of the source that have the same place modulo the step go side by side.
template <class T>
void ConvSource<T>::copy_rows(T* to, const T* from, int64_t rows) const {
  const int64_t step = c_.step_x, stride = step * c_.from_col;
  for (int64_t x = 0; x < std::min(step, c_.w); ++x) {
    const int64_t place = x + left_, begin = place / step;
    const int64_t n = std::min(ceil_div(c_.w - x, step), phase_ - begin);
    T* target = to + place % step * phase_ + begin;
    const T* source = from + x * c_.from_col;
    if (stride == 1) {
      kernels_.pad_rows(target, pitch_, source, c_.from_row, rows, 0, n);
      return;
    }
    for (int64_t r = 0; r < rows; ++r, target += pitch_, source += c_.from_row) {
      if (stride == 2 && n > 0) {
        kernels_.take_second(target, source, n);
      } else {
        for (int64_t i = 0; i < n; ++i) target[i] = source[i * stride];
      }
    }
  }
}

template class ConvSource<float>;
template class ConvSource<double>;

}  // namespace sf
