#include "tensor/order.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "base/error.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr int kMostBits = 16;   // of the buckets' number: more would not stay in the cache
constexpr int64_t kShort = 24;  // rows that insertion sorts fastest

struct Item {
  uint64_t key;
  int64_t row;
  bool operator<(const Item& other) const {
    return key != other.key ? key < other.key : row < other.row;
  }
};

void sort_bucket(Item* begin, Item* end) {
  if (end - begin > kShort) return std::sort(begin, end);
  for (Item* item = begin + 1; item < end; ++item) {
    const Item moved = *item;
    Item* hole = item;
    for (; hole > begin && moved < hole[-1]; --hole) *hole = hole[-1];
    *hole = moved;
  }
}

}  // namespace

Tensor order_of_keys(const Tensor& keys) {
  if (keys.dtype() != Dtype::kInt64 || keys.ndim() != 1 || !keys.is_contiguous()) {
    throw DtypeError("[order_of_keys] keys must be int64 of shape (N,), got ", keys.dtype(), " ",
                     keys.shape());
  }
  const int64_t n = keys.numel();
  const int64_t* key = keys.as<int64_t>();
  const Tensor out = empty(Shape{n}, Dtype::kInt64);
  const int bits =
      std::clamp(static_cast<int>(std::bit_width(static_cast<uint64_t>(n))), 1, kMostBits);
  const auto bucket = [&](int64_t i) { return static_cast<uint64_t>(key[i]) >> (64 - bits); };
  std::vector<int64_t> end((size_t{1} << bits) + 1);  // of the bucket before, and then its own
  for (int64_t i = 0; i < n; ++i) ++end[bucket(i) + 1];
  for (size_t b = 1; b < end.size(); ++b) end[b] += end[b - 1];
  std::vector<Item> items(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    items[static_cast<size_t>(end[bucket(i)]++)] = {static_cast<uint64_t>(key[i]), i};
  }
  int64_t begin = 0;
  for (size_t b = 0; b + 1 < end.size(); begin = end[b++]) {
    sort_bucket(items.data() + begin, items.data() + end[b]);
  }
  std::transform(items.begin(), items.end(), out.as<int64_t>(),
                 [](const Item& item) { return item.row; });
  return out;
}

}  // namespace sf
