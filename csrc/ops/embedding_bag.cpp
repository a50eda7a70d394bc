#include <algorithm>
#include <limits>
#include <vector>

#include "ops/convert.h"
#include "ops/embedding_support.h"
#include "ops/operators.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

constexpr const char* kOp = "embedding_bag";

// Where bag i begins in the flat indices; one more entry says where the last one ends.
using Bounds = std::vector<int64_t>;

Bounds bounds_of_rows(const Tensor& indices, const BagOptions& bag) {
  if (bag.offsets.defined()) {
    throw ValueError("[", kOp, "] offsets are for 1-d indices; of indices ", indices.shape(),
                     " each row is a bag");
  }
  Bounds out;
  for (int64_t i = 0; i <= indices.size(0); ++i) out.push_back(i * indices.size(1));
  return out;
}

Bounds bounds_of_offsets(const Tensor& indices, const BagOptions& bag) {
  if (!bag.offsets.defined()) {
    throw ValueError("[", kOp, "] 1-d indices need offsets, where each bag begins");
  }
  if (bag.offsets.ndim() != 1 || !is_integer(bag.offsets.dtype())) {
    throw ShapeError("[", kOp, "] offsets must be integers of shape (B,), got ",
                     bag.offsets.dtype(), " of shape ", bag.offsets.shape());
  }
  const Tensor offsets = contiguous_as(bag.offsets, Dtype::kInt64);
  const auto* first = offsets.as<int64_t>();
  Bounds out(first, first + offsets.numel());
  if (bag.include_last_offset && out.empty()) {
    throw ValueError("[", kOp, "] include_last_offset=True needs one offset or more");
  }
  if (!bag.include_last_offset) out.push_back(indices.numel());
  if (out.size() > 1 && out[0] != 0) {
    throw ValueError("[", kOp, "] offsets[0] must be 0, got ", out[0]);
  }
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    if (out[i] <= out[i + 1] && out[i + 1] <= indices.numel()) continue;
    throw ValueError("[", kOp, "] bag ", i, " begins at ", out[i], " and ends at ", out[i + 1],
                     " of ", indices.numel(), " indices: offsets must ascend and stay within");
  }
  return out;
}

void check_weights(const Tensor& indices, const Tensor& weight, const BagOptions& bag) {
  const Tensor& each = bag.per_sample_weights;
  if (!is_floating(weight.dtype())) {
    throw DtypeError("[", kOp, "] weight must be float32 or float64, got ", weight.dtype());
  }
  if (!each.defined()) return;
  if (bag.mode != BagOptions::kSum) {
    throw NotImplementedError("[", kOp, "] per_sample_weights are for mode='sum' only");
  }
  if (each.shape() != indices.shape()) {
    throw ShapeError("[", kOp, "] per_sample_weights ", each.shape(), " for indices ",
                     indices.shape(), ": both must have the same shape");
  }
  if (each.dtype() == weight.dtype()) return;
  throw DtypeError("[", kOp, "] per_sample_weights are ", each.dtype(), ", the weight is ",
                   weight.dtype(), ": both must have the same dtype");
}

// Which indices take part: each in its bag, without padding.
struct Members {
  Tensor bag;                  // (N): the bag of each index, or -1
  std::vector<int64_t> count;  // by bag
};

Members members_of(const Bounds& bounds, const Tensor& back) {
  Members out{full_int({back.numel()}, -1, Dtype::kInt64), std::vector<int64_t>(bounds.size() - 1)};
  const auto* row = back.as<int64_t>();
  auto* bag = out.bag.as<int64_t>();
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    for (int64_t k = bounds[i]; k < bounds[i + 1]; ++k) {
      if (row[k] < 0) continue;
      bag[k] = static_cast<int64_t>(i);
      ++out.count[i];
    }
  }
  return out;
}

Tensor summed(const Tensor& weight, const Lookup& lookup, const Members& members,
              const BagOptions& bag) {
  const auto bags = static_cast<int64_t>(members.count.size());
  Tensor rows = picked(weight, lookup);
  if (bag.per_sample_weights.defined()) {
    rows = rows * reshape(bag.per_sample_weights, {rows.size(0), 1});
  }
  const Tensor sums = placed(rows, members.bag, bags);
  if (bag.mode == BagOptions::kSum) return sums;
  Tensor counts = empty({bags, 1}, Dtype::kInt64);
  std::transform(members.count.begin(), members.count.end(), counts.as<int64_t>(),
                 [](int64_t n) { return std::max<int64_t>(n, 1); });
  return sums / to(counts, sums.dtype());
}

// Bags padded to one length with -inf: (B, length, D), its largest along dim 1.
Tensor largest(const Tensor& weight, const Lookup& lookup, const Members& members) {
  const auto bags = static_cast<int64_t>(members.count.size());
  const int64_t length = *std::max_element(members.count.begin(), members.count.end());
  Lookup slots{full_int({bags * length}, -1, Dtype::kInt64)};
  const Tensor from = full_int({bags * length}, -1, Dtype::kInt64);
  std::vector<int64_t> used(members.count.size());
  for (int64_t k = 0; k < lookup.at.numel(); ++k) {
    const int64_t bag = members.bag.as<int64_t>()[k];
    if (bag < 0) continue;
    const int64_t slot = bag * length + used[static_cast<size_t>(bag)]++;
    slots.at.as<int64_t>()[slot] = lookup.at.as<int64_t>()[k];
    from.as<int64_t>()[slot] = k;
  }
  if (lookup.scale.defined()) slots.scale = picked(lookup.scale, {from});
  const Tensor none = reshape(slots.at < 0, {bags, length, 1});
  const Tensor rows = reshape(picked(weight, slots), {bags, length, weight.size(1)});
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor best = max(where(none, number_like(rows, -inf), rows), 1).values;
  return where(reshape(all(none, Shape{1}), {bags, 1}), number_like(best, 0), best);
}

}  // namespace

Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options,
                     const BagOptions& bag) {
  if (indices.ndim() != 1 && indices.ndim() != 2) {
    throw ShapeError("[", kOp, "] indices must be (B, L), or (N,) with offsets, got ",
                     indices.shape());
  }
  const Bounds bounds =
      indices.ndim() == 2 ? bounds_of_rows(indices, bag) : bounds_of_offsets(indices, bag);
  check_weights(indices, weight, bag);
  Lookup lookup = prepared_lookup(kOp, indices, weight, options);
  if (lookup.back.defined()) lookup.at = lookup.back;
  const Members members = members_of(bounds, lookup.at);
  const bool any =
      std::any_of(members.count.begin(), members.count.end(), [](int64_t n) { return n > 0; });
  if (bag.mode == BagOptions::kMax && any) return largest(weight, lookup, members);
  BagOptions how = bag;
  if (bag.mode == BagOptions::kMax) how.mode = BagOptions::kSum;  // of nothing
  return summed(weight, lookup, members, how);
}

}  // namespace sf
