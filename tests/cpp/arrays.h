// Arrays with an owner, for tests of the kernels.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <vector>

#include "base/array.h"

// Memory that ends where a forbidden page begins: reading or writing past it is a crash.
class GuardedMemory {
 public:
  explicit GuardedMemory(int64_t bytes) {
    const auto page = static_cast<int64_t>(sysconf(_SC_PAGESIZE));
    const int64_t usable = (bytes + page - 1) / page * page;
    mapped_ = static_cast<size_t>(usable + page);
    base_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + usable, static_cast<size_t>(page), PROT_NONE)) {
      throw sf::MemoryError("no memory for a test array");
    }
    data_ = base_ + usable - bytes;
  }
  ~GuardedMemory() { munmap(base_, mapped_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  char* data() const { return data_; }

 private:
  size_t mapped_;
  char *base_, *data_;
};

// A tensor's worth of memory and a view of it.
struct Owned {
  GuardedMemory memory;
  sf::Array array;

  Owned(const sf::Shape& shape, sf::Dtype dtype)
      : memory(shape.numel() * sf::size_of(dtype)),
        array{memory.data(), shape, sf::contiguous_strides(shape), dtype} {}

  double at(std::initializer_list<int64_t> index) const {
    int64_t offset = 0;
    int d = 0;
    for (int64_t i : index) offset += i * array.strides[d++];
    return value(offset);
  }
  double value(int64_t offset) const {
    return sf::dispatch(array.dtype, [&](auto zero) {
      return static_cast<double>(array.as<decltype(zero)>()[offset]);
    });
  }
};

inline std::unique_ptr<Owned> make_array(const sf::Shape& shape,
                                         sf::Dtype dtype = sf::Dtype::kFloat32) {
  return std::make_unique<Owned>(shape, dtype);
}

// Random values in [low, high), rounded to whole numbers for integer dtypes.
inline std::unique_ptr<Owned> random_array(const sf::Shape& shape,
                                           sf::Dtype dtype = sf::Dtype::kFloat32, uint64_t seed = 1,
                                           double low = -2, double high = 2) {
  auto out = make_array(shape, dtype);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> even(low, high);
  sf::dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < shape.numel(); ++i)
      out->array.as<T>()[i] = static_cast<T>(even(random));
  });
  return out;
}

inline sf::Array permuted(const sf::Array& a, std::initializer_list<int> order) {
  sf::Array out = a;
  int d = 0;
  for (int from : order) {
    out.shape[d] = a.shape[from];
    out.strides[d++] = a.strides[from];
  }
  return out;
}

inline sf::Array flipped(const sf::Array& a, int dim) {
  sf::Array out = a;
  out.data =
      static_cast<char*>(a.data) + (a.shape[dim] - 1) * a.strides[dim] * sf::size_of(a.dtype);
  out.strides[dim] = -a.strides[dim];
  return out;
}

inline sf::Array broadcast(const sf::Array& a, const sf::Shape& shape) {
  sf::Array out = a;
  out.strides = sf::broadcast_strides(a.shape, a.strides, shape);
  out.shape = shape;
  return out;
}

// Every second element along a dimension.
inline sf::Array every_second(const sf::Array& a, int dim) {
  sf::Array out = a;
  out.shape[dim] = a.shape[dim] / 2;
  out.strides[dim] = 2 * a.strides[dim];
  return out;
}

// The elements in row-major order of the shape, as doubles: the slow truth that tests compare with.
inline std::vector<double> values(const sf::Array& a) {
  std::vector<double> out;
  const int64_t n = a.numel();
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, offset = 0;
    for (int d = a.shape.ndim() - 1; d >= 0; --d) {
      offset += rest % a.shape[d] * a.strides[d];
      rest /= a.shape[d];
    }
    out.push_back(sf::dispatch(
        a.dtype, [&](auto zero) { return static_cast<double>(a.as<decltype(zero)>()[offset]); }));
  }
  return out;
}
