// Shapes and strides: up to kMaxDims sizes held inline, with overflow-checked arithmetic.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>

#include "base/error.h"

namespace sf {

constexpr int kMaxDims = 8;

class Shape {
 public:
  using value_type = int64_t;
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes) {
    for (int64_t size : sizes) push_back(size);
  }
  // ndim copies of one value.
  static Shape filled(int ndim, int64_t value) {
    Shape out;
    for (int i = 0; i < ndim; ++i) out.push_back(value);
    return out;
  }

  int ndim() const { return ndim_; }
  bool empty() const { return ndim_ == 0; }
  size_t size() const { return static_cast<size_t>(ndim_); }
  int64_t operator[](int i) const { return sizes_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return sizes_[static_cast<size_t>(i)]; }
  int64_t back() const { return (*this)[ndim_ - 1]; }
  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + ndim_; }
  int64_t* begin() { return sizes_.data(); }
  int64_t* end() { return sizes_.data() + ndim_; }

  void push_back(int64_t value) {
    if (ndim_ == kMaxDims) refuse_dim();
    sizes_[static_cast<size_t>(ndim_++)] = value;
  }
  void insert(int at, int64_t value);
  void erase(int at);

  // Number of elements; wraps around if it does not fit, which checked_bytes finds.
  int64_t numel() const {
    uint64_t n = 1;
    for (int64_t size : *this) n *= static_cast<uint64_t>(size);
    return static_cast<int64_t>(n);
  }
  bool operator==(const Shape& other) const;

 private:
  [[noreturn]] static void refuse_dim();

  std::array<int64_t, kMaxDims> sizes_{};
  int ndim_ = 0;
};

using Strides = Shape;  // in elements

std::ostream& operator<<(std::ostream& out, const Shape& shape);  // (2, 3), (4,), ()

// numel * item_bytes with every size >= 0 and no overflow; ValueError otherwise.
int64_t checked_bytes(const char* op, const Shape& shape, int64_t item_bytes);

Strides contiguous_strides(const Shape& shape);
bool is_contiguous(const Shape& shape, const Strides& strides);

// dim in [-ndim, ndim) as [0, ndim); 0-d tensors accept -1 and 0. IndexError otherwise.
int normalize_dim(const char* op, int64_t dim, int ndim);

// NumPy's rule; ShapeError names op and both shapes.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

// Strides that read `shape` as the larger `target`: stride 0 along repeated dimensions.
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target);

}  // namespace sf
