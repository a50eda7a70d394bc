// Resizing of images and sequences, and sub-pixel layouts.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sf {

// Either the sizes or the factors are given: one for each of the last dimensions, or one for all.
struct Resize {
  std::optional<Shape> size;
  std::optional<std::vector<double>> factor;
  std::string mode;  // nearest, nearest-exact, linear, bilinear, area
  std::optional<bool> align_corners;
  bool recompute_factor = false;  // from the sizes, rather than as given
};
// x is (N, C, L) or (N, C, H, W).
Tensor interpolate(const Tensor& x, const Resize& resize);

// (..., C r^2, H, W) as (..., C, H r, W r), and back.
Tensor pixel_shuffle(const Tensor& x, int64_t factor);
Tensor pixel_unshuffle(const Tensor& x, int64_t factor);
// (N, C, ...): channels in groups, dealt out in turn.
Tensor channel_shuffle(const Tensor& x, int64_t groups);

}  // namespace sf
