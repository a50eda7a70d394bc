// The copy of what a unit of a correlation reads: rows of an image with zeros around them, the
// columns sorted by their place modulo the step, so that the columns of every tap lie side by side.
#pragma once
#include "kernels/conv_parts.h"
#include "kernels/dispatch.h"

namespace sf {

template <class T>
class ConvSource {
 public:
  explicit ConvSource(const Correlation<T>& c);
  // A copy holds what `rows` rows of results read; ShapeError if that is too much to address.
  void set_rows(int64_t rows);

  // Rows of the copy that `rows` rows of results read.
  int64_t copied_rows(int64_t rows) const { return (rows - 1) * c_.step_y + top_ + bottom_ + 1; }
  int64_t pitch() const { return pitch_; }
  int64_t row() const { return c_.step_y * pitch_; }  // from one row of results to the next
  int64_t image() const { return channel_ * c_.channels; }
  // Where a tap begins.
  int64_t at(int64_t channel, const Tap& tap) const {
    const int64_t x = tap.x + left_;
    return channel * channel_ + (tap.y + top_) * pitch_ + x % c_.step_x * phase_ + x / c_.step_x;
  }

  // The channels of `group` in `image`, for the results of rows [row, row + rows). `to` must hold
  // zeros before the first copy; those around an image stay for the next.
  void copy(int64_t group, int64_t image, int64_t row, int64_t rows, T* to) const;

 private:
  void zero_rows(T* to, int64_t rows) const;
  void copy_rows(T* to, const T* from, int64_t rows) const;

  const Correlation<T>& c_;
  const ConvKernels<T>& kernels_;
  bool whole_ = true;               // a copy holds all rows of an image
  int64_t top_ = 0, left_ = 0;      // zeros before the first row and column
  int64_t bottom_ = 0, right_ = 0;  // places of the farthest tap
  int64_t phase_ = 0, pitch_ = 0;   // columns of a phase, of all of a row
  int64_t channel_ = 0;             // numbers of a channel
};

}  // namespace sf
