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
  for (int64_t s = 0; s < c_.channels; ++s, to += channel_, from += c_.from_channel) {
    zero_rows(to, above);
    copy_rows(to + above * pitch_, from + begin * c_.from_row, copied);
    zero_rows(to + (above + copied) * pitch_, count - above - copied);
  }
}

template <class T>
void ConvSource<T>::zero_rows(T* to, int64_t rows) const {
  if (rows > 0) std::memset(to, 0, static_cast<size_t>(rows * pitch_) * sizeof(T));
}

template <class T>
void ConvSource<T>::copy_rows(T* to, const T* from, int64_t rows) const {
  if (c_.step_x == 1 && c_.from_col == 1) {
    const int64_t width = std::min(c_.w, pitch_ - left_);
    kernels_.pad_rows(to, pitch_, from, c_.from_row, rows, left_, width);
    return;
  }
  for (int64_t r = 0; r < rows; ++r, from += c_.from_row) {
    for (int64_t q = 0; q < c_.step_x; ++q, to += phase_) copy_phase(to, from, q);
  }
}

// Every step_x-th column, from the q-th of the padded row on.
template <class T>
void ConvSource<T>::copy_phase(T* to, const T* from, int64_t q) const {
  const int64_t step = c_.step_x, before = left_ - q;  // column of `from`: j step - before
  const int64_t begin = std::min(before > 0 ? ceil_div(before, step) : 0, phase_);
  const int64_t end = std::clamp(ceil_div(c_.w + before, step), begin, phase_);
  std::fill(to, to + begin, T(0));
  from += (begin * step - before) * c_.from_col;
  for (int64_t j = begin; j < end; ++j, from += step * c_.from_col) to[j] = *from;
  std::fill(to + end, to + phase_, T(0));
}

template class ConvSource<float>;
template class ConvSource<double>;

}  // namespace sf
