#include "ops/padding.h"

#include <algorithm>

#include "ops/index.h"
#include "ops/resample.h"
#include "ops/scatter.h"
#include "ops/shape.h"
#include "ops/window.h"
#include "tensor/create.h"

namespace sf {
namespace {

IndexItem whole(int64_t size) { return {.length = size}; }

enum class Beyond { kReflect, kReplicate, kCircular };

Beyond beyond_of(const std::string& mode) {
  if (mode == "reflect") return Beyond::kReflect;
  if (mode == "replicate") return Beyond::kReplicate;
  if (mode == "circular") return Beyond::kCircular;
  throw ValueError("[pad] mode '", mode,
                   "': must be 'constant', 'reflect', 'replicate' or 'circular'");
}

// Where position i of the padded axis reads: i counts from the first element, from -left on. What
// negative padding cuts does not come round.
int64_t source(Beyond mode, int64_t i, int64_t size, int64_t left, int64_t right) {
  if (mode == Beyond::kReplicate) return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == Beyond::kReflect) return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
  const int64_t begin = std::max<int64_t>(-left, 0), end = size - std::max<int64_t>(-right, 0);
  return i < begin ? i + (end - begin) : i >= end ? i - (end - begin) : i;
}

// The source of every position, checked.
std::vector<int64_t> sources(Beyond mode, const Tensor& x, int d, int64_t left, int64_t right) {
  const int64_t size = x.size(d), most = std::max(left, right);
  if (size == 0) throw ShapeError("[pad] dim ", d, " of ", x.shape(), " has nothing to pad with");
  if (mode == Beyond::kReflect && most >= size) {
    throw ShapeError("[pad] reflect by ", most, " along dim ", d, " of ", x.shape(),
                     ": padding must be less than its size ", size);
  }
  const bool cuts_all = std::min(left, right) < -size;
  const int64_t cut = cuts_all ? 0 : std::min<int64_t>(left, 0) + std::min<int64_t>(right, 0);
  if (mode == Beyond::kCircular && !cuts_all && most > size + cut) {
    throw ShapeError("[pad] circular by ", most, " along dim ", d, " of ", x.shape(),
                     ": padding must be at most its size ", size + cut);
  }
  int64_t length = 0;
  if (cuts_all || __builtin_add_overflow(size, left, &length) ||
      __builtin_add_overflow(length, right, &length) || length < 1) {
    throw ShapeError("[pad] (", left, ", ", right, ") along dim ", d, " of ", x.shape(),
                     " must leave at least 1 element, and no more than a tensor can hold");
  }
  Shape shape = x.shape();
  shape[d] = length;
  check_room("pad", shape, x.dtype());
  std::vector<int64_t> out;
  for (int64_t i = -left; i < size + right; ++i) out.push_back(source(mode, i, size, left, right));
  return out;
}

Taps taps_of(const std::vector<int64_t>& from, int64_t size) {
  Taps taps(size);
  for (const int64_t i : from) {
    taps.add(i);
    taps.next();
  }
  return taps;
}

// Dim d of x read at `from`; `inner` elements follow each of its positions.
Tensor read_along(const Tensor& x, int d, const std::vector<int64_t>& from) {
  if (!is_floating(x.dtype())) {
    const Tensor positions = empty({static_cast<int64_t>(from.size())}, Dtype::kInt64);
    std::ranges::copy(from, positions.as<int64_t>());
    return index_select(x, d, positions);
  }
  int64_t inner = 1;
  for (int i = d + 1; i < x.ndim(); ++i) inner *= x.size(i);
  Shape out = x.shape();
  out[d] = static_cast<int64_t>(from.size());
  const Taps taps = taps_of(from, x.size(d));
  if (inner == 1) return resample("pad", x, {Taps::identity(1), taps, {}, {}}, out);
  return resample("pad", x, {taps, Taps::identity(inner), {}, {}}, out);
}

}  // namespace

Tensor pad(const Tensor& x, const Shape& pad, double value) {
  if (pad.ndim() % 2 != 0 || pad.ndim() / 2 > x.ndim()) {
    throw ValueError("[pad] ", pad, " must hold a pair for each of at most ", x.ndim(),
                     " dimensions, the last first");
  }
  Shape shape = x.shape();
  Index inner;  // where x lies in the result
  Index kept;   // what of x lies in the result: negative padding cuts
  for (int64_t size : x.shape()) {
    inner.push_back(whole(size));
    kept.push_back(whole(size));
  }
  for (int i = 0; i < pad.ndim() / 2; ++i) {
    const int d = x.ndim() - 1 - i;
    const int64_t size = x.size(d), left = pad[2 * i], right = pad[2 * i + 1];
    const bool fits = std::min(left, right) >= -size;  // so that the sums below do not overflow
    const int64_t length =
        fits ? size + std::min<int64_t>(left, 0) + std::min<int64_t>(right, 0) : -1;
    if (length < 0) {
      throw ShapeError("[pad] ", pad, " cuts away more than the ", size, " elements of dim ", d,
                       " of ", x.shape());
    }
    if (__builtin_add_overflow(shape[d], left, &shape[d]) ||
        __builtin_add_overflow(shape[d], right, &shape[d])) {
      throw ShapeError("[pad] ", pad, " is more than a tensor can hold");
    }
    inner[static_cast<size_t>(d)] = {.start = std::max<int64_t>(left, 0), .length = length};
    kept[static_cast<size_t>(d)] = {.start = std::max<int64_t>(-left, 0), .length = length};
  }
  Tensor out = full(shape, value, x.dtype());
  index_put(out, inner, index(x, kept));
  return out;
}

Tensor pad_by_mode(const Tensor& x, const Shape& pad, const std::string& mode) {
  const Beyond beyond = beyond_of(mode);
  const int dims = pad.ndim() / 2;
  if (pad.ndim() % 2 != 0 || dims < 1 || dims > 3 ||
      (x.ndim() != dims + 1 && x.ndim() != dims + 2)) {
    throw ShapeError("[pad] mode '", mode, "' with ", pad, " for ", x.shape(),
                     ": needs a pair for each of the 1 to 3 dimensions behind (C) or (N, C)");
  }
  Tensor out = x;
  if (dims >= 2 && is_floating(x.dtype())) {  // the last two in one pass
    const int h = x.ndim() - 2, w = x.ndim() - 1;
    const auto rows = sources(beyond, x, h, pad[2], pad[3]);
    const auto columns = sources(beyond, x, w, pad[0], pad[1]);
    Shape shape = x.shape();
    shape[h] = static_cast<int64_t>(rows.size());
    shape[w] = static_cast<int64_t>(columns.size());
    out =
        resample("pad", x, {taps_of(rows, x.size(h)), taps_of(columns, x.size(w)), {}, {}}, shape);
  } else {
    for (int i = 0; i < std::min(dims, 2); ++i) {
      const int d = x.ndim() - 1 - i;
      out = read_along(out, d, sources(beyond, x, d, pad[2 * i], pad[2 * i + 1]));
    }
  }
  if (dims < 3) return out;
  const int d = x.ndim() - 3;
  return read_along(out, d, sources(beyond, x, d, pad[4], pad[5]));
}

}  // namespace sf
