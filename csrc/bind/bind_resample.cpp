// Padding, resizing, windows as columns.
#include "bind/op.h"
#include "ops/interpolate.h"
#include "ops/padding.h"
#include "ops/unfold.h"

namespace sf::bind {
namespace {

Tensor call_interpolate(const Tensor& input, const std::optional<Shape>& size,
                        const std::optional<std::vector<double>>& scale_factor,
                        const std::string& mode, std::optional<bool> align_corners,
                        std::optional<bool> recompute_scale_factor, bool antialias) {
  if (antialias) {
    throw NotImplementedError(
        "[interpolate] antialias is not available; use mode='area' to shrink");
  }
  return interpolate(
      input, {size, scale_factor, mode, align_corners, recompute_scale_factor.value_or(false)});
}

void register_resizing(OpTable& ops) {
  ops.add(
      "interpolate(Tensor input, int[]? size=None, float[]? scale_factor=None, str mode='nearest', "
      "bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) -> "
      "Tensor",
      &call_interpolate,
      "(N, C, L) or (N, C, H, W) resized to `size`, or by scale_factor: nearest, nearest-exact, "
      "linear, bilinear or area.",
      Where::kFunction);
  ops.add("pixel_shuffle(Tensor input, int upscale_factor) -> Tensor", &pixel_shuffle,
          "(..., C r^2, H, W) as (..., C, H r, W r).", Where::kFunction);
  ops.add("pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor", &pixel_unshuffle,
          "(..., C, H r, W r) as (..., C r^2, H, W).", Where::kFunction);
  ops.add("channel_shuffle(Tensor input, int groups) -> Tensor", &channel_shuffle,
          "(N, C, ...) with the channels of its groups dealt out in turn.", Where::kFunction);
}

void register_unfold(OpTable& ops) {
  ops.add(
      "unfold(Tensor input, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1) "
      "-> Tensor",
      [](const Tensor& input, const Shape& kernel_size, const Shape& dilation, const Shape& padding,
         const Shape& stride) { return unfold(input, {kernel_size, dilation, padding, stride}); },
      "The windows of (N, C, H, W) as columns: (N, C * taps, windows).", Where::kFunction);
  ops.add(
      "fold(Tensor input, int[] output_size, int[] kernel_size, int[] dilation=1, int[] padding=0, "
      "int[] stride=1) -> Tensor",
      [](const Tensor& input, const Shape& output_size, const Shape& kernel_size,
         const Shape& dilation, const Shape& padding, const Shape& stride) {
        return fold(input, output_size, {kernel_size, dilation, padding, stride});
      },
      "Columns (N, C * taps, windows) added up to an image (N, C, H, W).", Where::kFunction);
}

}  // namespace

void register_resample(OpTable& ops) {
  ops.add(
      "pad(Tensor input, int[] pad, str mode='constant', float? value=None) -> Tensor",
      [](const Tensor& input, const Shape& sizes, const std::string& mode,
         const std::optional<double>& value) {
        if (mode == "constant") return pad(input, sizes, value.value_or(0));
        if (value.value_or(0) != 0) {
          throw ValueError("[pad] value=", *value, " with mode '", mode,
                           "': only mode 'constant' takes a value");
        }
        return pad_by_mode(input, sizes, mode);
      },
      "Pads with a constant, or by reflect, replicate or circular; `pad` counts from the last "
      "dimension: (left, right, top, bottom, ...). Negative numbers cut.",
      Where::kFunction);
  register_resizing(ops);
  register_unfold(ops);
}

}  // namespace sf::bind
