// Pooling, in the signatures of torch.nn.functional; 1-d and 2-d forms are made alike.
#include "bind/op.h"
#include "ops/pool.h"

namespace sf::bind {
namespace {

using MaybeShape = std::optional<Shape>;

template <int dims>
Tensor call_max(const Tensor& input, const Shape& kernel_size, const MaybeShape& stride,
                const Shape& padding, const Shape& dilation, bool ceil_mode) {
  return max_pool(dims, input, {kernel_size, stride, padding, dilation, ceil_mode}, false).values;
}

template <int dims>
std::vector<Tensor> call_max_with_indices(const Tensor& input, const Shape& kernel_size,
                                          const MaybeShape& stride, const Shape& padding,
                                          const Shape& dilation, bool ceil_mode) {
  const Pooled out =
      max_pool(dims, input, {kernel_size, stride, padding, dilation, ceil_mode}, true);
  return {out.values, out.indices};
}

template <int dims>
Tensor call_adaptive_max(const Tensor& input, const Shape& output_size) {
  return adaptive_max_pool(dims, input, output_size, false).values;
}

template <int dims>
std::vector<Tensor> call_adaptive_max_with_indices(const Tensor& input, const Shape& output_size) {
  const Pooled out = adaptive_max_pool(dims, input, output_size, true);
  return {out.values, out.indices};
}

template <int dims>
Tensor call_adaptive_avg(const Tensor& input, const Shape& output_size) {
  return adaptive_avg_pool(dims, input, output_size);
}

void register_1d(OpTable& ops) {
  ops.add(
      "max_pool1d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, "
      "int[] dilation=1, bool ceil_mode=False) -> Tensor",
      &call_max<1>, "The largest element of each window of (N, C, L); padding counts as -inf.",
      Where::kFunction);
  ops.add(
      "max_pool1d_with_indices(Tensor input, int[] kernel_size, int[]? stride=None, "
      "int[] padding=0, int[] dilation=1, bool ceil_mode=False) -> tuple[Tensor, ...]",
      &call_max_with_indices<1>, "max_pool1d, and where each element stood along L.",
      Where::kFunction);
  ops.add(
      "avg_pool1d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, "
      "bool ceil_mode=False, bool count_include_pad=True) -> Tensor",
      [](const Tensor& input, const Shape& kernel_size, const MaybeShape& stride,
         const Shape& padding, bool ceil_mode, bool count_include_pad) {
        return avg_pool(1, input, {kernel_size, stride, padding, Shape{1}, ceil_mode},
                        count_include_pad);
      },
      "The mean of each window of (N, C, L), padded by zeros.", Where::kFunction);
  ops.add("adaptive_max_pool1d(Tensor input, int[] output_size) -> Tensor", &call_adaptive_max<1>,
          "The largest element of each of output_size windows of (N, C, L).", Where::kFunction);
  ops.add("adaptive_max_pool1d_with_indices(Tensor input, int[] output_size) -> tuple[Tensor, ...]",
          &call_adaptive_max_with_indices<1>, "adaptive_max_pool1d, and where each element stood.",
          Where::kFunction);
  ops.add("adaptive_avg_pool1d(Tensor input, int[] output_size) -> Tensor", &call_adaptive_avg<1>,
          "The mean of each of output_size windows of (N, C, L).", Where::kFunction);
}

void register_2d(OpTable& ops) {
  ops.add(
      "max_pool2d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, "
      "int[] dilation=1, bool ceil_mode=False) -> Tensor",
      &call_max<2>, "The largest element of each window of (N, C, H, W); padding counts as -inf.",
      Where::kFunction);
  ops.add(
      "max_pool2d_with_indices(Tensor input, int[] kernel_size, int[]? stride=None, "
      "int[] padding=0, int[] dilation=1, bool ceil_mode=False) -> tuple[Tensor, ...]",
      &call_max_with_indices<2>, "max_pool2d, and where each element stood: h W + w.",
      Where::kFunction);
  ops.add(
      "avg_pool2d(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, "
      "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
      [](const Tensor& input, const Shape& kernel_size, const MaybeShape& stride,
         const Shape& padding, bool ceil_mode, bool count_include_pad,
         const std::optional<int64_t>& divisor_override) {
        return avg_pool(2, input, {kernel_size, stride, padding, Shape{1}, ceil_mode},
                        count_include_pad, divisor_override);
      },
      "The mean of each window of (N, C, H, W), padded by zeros.", Where::kFunction);
  ops.add("adaptive_max_pool2d(Tensor input, int[] output_size) -> Tensor", &call_adaptive_max<2>,
          "The largest element of each of the windows that divide (N, C, H, W).", Where::kFunction);
  ops.add("adaptive_max_pool2d_with_indices(Tensor input, int[] output_size) -> tuple[Tensor, ...]",
          &call_adaptive_max_with_indices<2>,
          "adaptive_max_pool2d, and where each element stood: h W + w.", Where::kFunction);
  ops.add("adaptive_avg_pool2d(Tensor input, int[] output_size) -> Tensor", &call_adaptive_avg<2>,
          "The mean of each of the windows that divide (N, C, H, W).", Where::kFunction);
}

}  // namespace

void register_pool(OpTable& ops) {
  register_1d(ops);
  register_2d(ops);
}

}  // namespace sf::bind
