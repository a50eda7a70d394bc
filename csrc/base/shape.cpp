#include "base/shape.h"

#include <algorithm>

namespace sf {

void Shape::refuse_dim() { throw ValueError("a tensor has at most ", kMaxDims, " dimensions"); }

void Shape::insert(int at, int64_t value) {
  push_back(value);
  std::rotate(begin() + at, end() - 1, end());
}

void Shape::erase(int at) {
  std::copy(begin() + at + 1, end(), begin() + at);
  --ndim_;
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.ndim(); ++i) out << (i ? ", " : "") << shape[i];
  return out << (shape.ndim() == 1 ? ",)" : ")");
}

int64_t checked_bytes(const char* op, const Shape& shape, int64_t item_bytes) {
  int64_t bytes = item_bytes;
  bool overflow = false;
  bool has_zero = false;
  for (int64_t size : shape) {
    if (size < 0) throw ValueError("[", op, "] negative size in shape ", shape);
    has_zero |= size == 0;
    overflow |= __builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes);
  }
  if (overflow) {
    throw ValueError("[", op, "] shape ", shape, " has more bytes than a 64-bit integer can count");
  }
  return has_zero ? 0 : bytes;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides = Shape::filled(shape.ndim(), 1);
  for (int i = shape.ndim() - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * std::max<int64_t>(shape[i + 1], 1);
  }
  return strides;
}

bool is_contiguous(const Shape& shape, const Strides& strides) {
  int64_t expected = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

int normalize_dim(const char* op, int64_t dim, int ndim) {
  const int64_t n = std::max(ndim, 1);
  if (dim < -n || dim >= n) {
    throw IndexError("[", op, "] dim ", dim, " is out of range for a tensor of ", ndim,
                     " dimensions: use ", -n, " to ", n - 1);
  }
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const int ndim = std::max(a.ndim(), b.ndim());
  Shape out = Shape::filled(ndim, 1);
  for (int i = 1; i <= ndim; ++i) {
    const int64_t x = i <= a.ndim() ? a[a.ndim() - i] : 1;
    const int64_t y = i <= b.ndim() ? b[b.ndim() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      throw ShapeError("[", op, "] ", a, " and ", b, ": sizes ", x, " and ", y, " at dim ", -i,
                       " differ and neither is 1; reshape, unsqueeze or expand one of them");
    }
    out[ndim - i] = x == 1 ? y : x;
  }
  return out;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target) {
  Strides out = Shape::filled(target.ndim(), 0);
  const int lead = target.ndim() - shape.ndim();
  for (int i = 0; i < shape.ndim(); ++i) {
    out[lead + i] = shape[i] == target[lead + i] && shape[i] != 1 ? strides[i] : 0;
  }
  return out;
}

}  // namespace sf
