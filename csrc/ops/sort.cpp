#include "ops/sort.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "base/parallel.h"
#include "base/scratch.h"
#include "kernels/launch.h"
#include "ops/scatter.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr int64_t kElementsPerChunk = 16384;

// a before b in ascending order, NaN last.
template <class T>
bool less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a < b || (b != b && a == a);
  return a < b;
}

// order[0..k) = the positions of the k first elements of a row; false if there is no memory.
template <class T>
bool sort_row(const T* row, int64_t n, int64_t k, bool descending, int64_t* order) {
  auto* positions = thread_scratch<int64_t>(n);
  if (!positions) return false;
  std::iota(positions, positions + n, int64_t{0});
  // The position decides between equals, so that any algorithm is stable.
  const auto before = [&](int64_t i, int64_t j) {
    const T a = descending ? row[j] : row[i];
    const T b = descending ? row[i] : row[j];
    return less(a, b) || (!less(b, a) && i < j);
  };
  std::partial_sort(positions, positions + k, positions + n, before);
  std::copy_n(positions, k, order);
  return true;
}

// The order along the last dimension of a contiguous tensor, as (..., k) of int64.
Tensor order_of(const Tensor& x, int64_t k, bool descending) {
  Shape shape = x.shape();
  const int64_t n = shape.back();
  shape[shape.ndim() - 1] = k;
  Tensor out = empty(shape, Dtype::kInt64);
  const int64_t rows = n == 0 ? 0 : x.numel() / n;
  const Chunks chunks{rows, std::max<int64_t>(kElementsPerChunk / std::max<int64_t>(n, 1), 1)};
  const Array in = x.array();
  auto* order = out.as<int64_t>();
  launch("sort", [=] {
    std::atomic<bool> out_of_memory{false};
    parallel_for(chunks.count(), [&](int64_t c) {
      dispatch(in.dtype, [&](auto zero) {
        using T = decltype(zero);
        for (int64_t i = chunks.begin(c); i < chunks.end(c); ++i) {
          if (!sort_row(in.as<T>() + i * n, n, k, descending, order + i * k)) out_of_memory = true;
        }
      });
    });
    if (out_of_memory) throw MemoryError("[sort] no memory for the order of a row");
  });
  return out;
}

Sorted first_of_order(const char* op, const Tensor& x, int64_t dim, bool descending, int64_t k) {
  const int d = normalize_dim(op, dim, x.ndim());
  if (x.ndim() == 0) return {reshape(x, {}), zeros({}, Dtype::kInt64)};
  const Tensor last = movedim(x, d, -1);
  const Tensor order = order_of(contiguous_copy(last), k, descending);
  const Tensor indices = contiguous_copy(movedim(order, -1, d));
  return {gather(x, d, indices), indices};
}

}  // namespace

Sorted sort(const Tensor& x, int64_t dim, bool descending) {
  const int d = normalize_dim("sort", dim, x.ndim());
  return first_of_order("sort", x, dim, descending, x.ndim() ? x.size(d) : 1);
}

Sorted topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const int d = normalize_dim("topk", dim, x.ndim());
  const int64_t size = x.ndim() ? x.size(d) : 1;
  if (k < 0 || k > size) {
    throw IndexError("[topk] k = ", k, " is out of range for dim ", d, " of size ", size);
  }
  return first_of_order("topk", x, dim, largest, k);
}

}  // namespace sf
