#include "ops/interpolate.h"

#include <algorithm>
#include <cmath>

#include "ops/pool.h"
#include "ops/resample.h"
#include "ops/shape.h"
#include "ops/window.h"

namespace sf {
namespace {

// One axis: its sizes, and the factor if source positions are to be taken from that.
struct Scale {
  int64_t in, out;
  std::optional<double> factor;
  double step() const {
    return factor ? 1 / *factor : static_cast<double>(in) / static_cast<double>(out);
  }
};

// Output i reads the element that holds its start (its centre).
Taps nearest(const Scale& s, bool exact) {
  Taps taps(s.in);
  for (int64_t i = 0; i < s.out; ++i) {
    int64_t from = exact ? (2 * i + 1) * s.in / (2 * s.out) : i * s.in / s.out;
    if (s.factor) {
      const double at = (static_cast<double>(i) + (exact ? 0.5 : 0)) / *s.factor;
      from = static_cast<int64_t>(std::min(std::floor(at), static_cast<double>(s.in - 1)));
    }
    taps.add(from);
    taps.next();
  }
  return taps;
}

// Output i lies between two elements: at the same place between the outer edges, or (aligned)
// between the centres of the first and the last.
Taps linear(const Scale& s, bool align_corners) {
  Taps taps(s.in);
  const double aligned =
      s.out > 1 ? static_cast<double>(s.in - 1) / static_cast<double>(s.out - 1) : 0;
  for (int64_t i = 0; i < s.out; ++i) {
    const auto place = static_cast<double>(i);
    const double at = align_corners ? place * aligned : (place + 0.5) * s.step() - 0.5;
    const double inside = std::clamp(at, 0.0, static_cast<double>(s.in - 1));
    const auto left = static_cast<int64_t>(inside);
    const double share = inside - static_cast<double>(left);
    taps.add(left, left + 1 < s.in ? 1 - share : 1);
    if (left + 1 < s.in) taps.add(left + 1, share);
    taps.next();
  }
  return taps;
}

void check_mode(const Tensor& x, const Resize& r) {
  const bool nearest = r.mode == "nearest" || r.mode == "nearest-exact";
  const bool linear = r.mode == "linear" || r.mode == "bilinear";
  if (r.mode == "bicubic" || r.mode == "trilinear") {
    throw NotImplementedError("[interpolate] mode '", r.mode, "' is not available; use 'bilinear'");
  }
  if (!nearest && !linear && r.mode != "area") {
    throw ValueError("[interpolate] mode '", r.mode, "': must be 'nearest', 'nearest-exact', ",
                     "'linear', 'bilinear' or 'area'");
  }
  if (x.ndim() == 5) {
    throw NotImplementedError("[interpolate] volumes are not available, got ", x.shape(),
                              "; resize (N * D, C, H, W) and (N * H * W, C, D) in turn");
  }
  if (x.ndim() != 3 && x.ndim() != 4) {
    throw ShapeError("[interpolate] needs (N, C, L) or (N, C, H, W), got ", x.shape(),
                     "; write x.unsqueeze(0) for a single sample");
  }
  if (linear && (r.mode == "linear") != (x.ndim() == 3)) {
    throw ShapeError("[interpolate] mode '", r.mode, "' for ", x.shape(),
                     ": 'linear' is for (N, C, L), 'bilinear' for (N, C, H, W)");
  }
  if (!linear && r.align_corners) {
    throw ValueError("[interpolate] align_corners has no meaning for mode '", r.mode,
                     "': only for 'linear' and 'bilinear'");
  }
  check_planes("interpolate", x.ndim() - 2, x);
}

// Whether positions come from the ratio of the sizes although a factor was given: as PyTorch has
// it, where linear modes keep the size, and where 'nearest' keeps or doubles that of an image.
bool by_sizes(const Scale& s, const std::string& mode, int dims) {
  if (mode == "linear" || mode == "bilinear") return s.out == s.in;
  return mode == "nearest" && dims == 2 && (s.out == s.in || s.out == 2 * s.in);
}

template <class List>
int64_t length(const List& list) {
  return static_cast<int64_t>(list.size());
}

std::vector<Scale> scales_of(const Tensor& x, const Resize& r) {
  const int dims = x.ndim() - 2;
  if (r.size.has_value() == r.factor.has_value()) {
    throw ValueError("[interpolate] needs size or scale_factor, ",
                     r.size ? "not both" : "got neither");
  }
  if (r.recompute_factor && r.size) {
    throw ValueError("[interpolate] recompute_scale_factor goes with scale_factor, not with size");
  }
  const int64_t given = r.size ? length(*r.size) : length(*r.factor);
  if (given != 1 && given != dims) {
    throw ValueError("[interpolate] ", given, r.size ? " sizes" : " factors", " for ", x.shape(),
                     ": must be ", dims == 1 ? "1" : "1 or 2");
  }
  std::vector<Scale> out;
  for (int d = 0; d < dims; ++d) {
    const int which = given == 1 ? 0 : d;
    Scale s{x.size(2 + d), r.size ? (*r.size)[which] : 0, std::nullopt};
    if (r.factor) {
      const double factor = (*r.factor)[static_cast<size_t>(which)];
      if (!(factor > 0) || !(factor * static_cast<double>(s.in) < 0x1p31)) {
        throw ValueError("[interpolate] scale_factor=", factor, " for ", x.shape(),
                         ": must be positive and give sizes below 2^31");
      }
      s.out = static_cast<int64_t>(static_cast<double>(s.in) * factor);
      if (!r.recompute_factor && !by_sizes(s, r.mode, dims)) s.factor = factor;
    }
    if (s.out < 1 || s.out >= int64_t{1} << 31) {
      throw ValueError("[interpolate] output size ", s.out, " along dim ", 2 + d, " of ", x.shape(),
                       ": must be at least 1 and below 2^31");
    }
    out.push_back(s);
  }
  return out;
}

int64_t product(const Shape& shape, int count) {
  int64_t n = 1;
  for (int d = 0; d < count; ++d) n *= shape[d];
  return n;
}

void check_factor(const char* op, const char* name, int64_t factor) {
  if (factor < 1) throw ValueError("[", op, "] ", name, "=", factor, ": must be at least 1");
}

void check_image(const char* op, const Tensor& x) {
  if (x.ndim() < 3) throw ShapeError("[", op, "] needs (..., C, H, W), got ", x.shape());
}

}  // namespace

Tensor interpolate(const Tensor& x, const Resize& resize) {
  check_mode(x, resize);
  const std::vector<Scale> scales = scales_of(x, resize);
  Shape size;
  for (const Scale& s : scales) size.push_back(s.out);
  if (resize.mode == "area") return adaptive_avg_pool(size.ndim(), x, size);
  check_room("interpolate", with_last(x.shape(), size), x.dtype());
  const auto taps = [&](const Scale& s) {
    if (resize.mode == "nearest" || resize.mode == "nearest-exact") {
      return nearest(s, resize.mode == "nearest-exact");
    }
    return linear(s, resize.align_corners.value_or(false));
  };
  const Taps h = scales.size() == 1 ? Taps::identity(1) : taps(scales[0]);
  return resample("interpolate", x, {h, taps(scales.back()), {}, {}}, with_last(x.shape(), size));
}

Tensor pixel_shuffle(const Tensor& x, int64_t r) {
  check_image("pixel_shuffle", x);
  check_factor("pixel_shuffle", "upscale_factor", r);
  const int c = x.ndim() - 3;
  if (r > x.size(c) || x.size(c) % (r * r) != 0) {
    throw ShapeError("[pixel_shuffle] input ", x.shape(), ": ", x.size(c),
                     " channels are no multiple of ", r, " * ", r);
  }
  const int64_t channels = x.size(c) / (r * r), h = x.size(c + 1), w = x.size(c + 2);
  const Tensor parts = reshape(x, {product(x.shape(), c), channels, r, r, h, w});
  return reshape(permute(parts, {0, 1, 4, 2, 5, 3}),
                 with_last(x.shape(), {channels, h * r, w * r}));
}

Tensor pixel_unshuffle(const Tensor& x, int64_t r) {
  check_image("pixel_unshuffle", x);
  check_factor("pixel_unshuffle", "downscale_factor", r);
  const int c = x.ndim() - 3;
  const int64_t channels = x.size(c), h = x.size(c + 1) / r, w = x.size(c + 2) / r;
  if (h * r != x.size(c + 1) || w * r != x.size(c + 2)) {
    throw ShapeError("[pixel_unshuffle] input ", x.shape(), ": height and width must be multiples ",
                     "of ", r);
  }
  const Tensor parts = reshape(x, {product(x.shape(), c), channels, h, r, w, r});
  return reshape(permute(parts, {0, 1, 3, 5, 2, 4}),
                 with_last(x.shape(), {channels * r * r, h, w}));
}

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  check_factor("channel_shuffle", "groups", groups);
  if (x.ndim() < 3 || x.size(1) % groups != 0) {
    throw ShapeError("[channel_shuffle] needs (N, C, ...) with C a multiple of ", groups, ", got ",
                     x.shape());
  }
  int64_t rest = 1;
  for (int d = 2; d < x.ndim(); ++d) rest *= x.size(d);
  const Tensor parts = reshape(x, {x.size(0), groups, x.size(1) / groups, rest});
  return reshape(transpose(parts, 1, 2), x.shape());
}

}  // namespace sf
