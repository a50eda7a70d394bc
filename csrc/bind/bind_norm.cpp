// Normalisation, in the signatures of torch.nn.functional.
#include "bind/op.h"
#include "ops/norm.h"

namespace sf::bind {
namespace {

using MaybeTensor = std::optional<Tensor>;

Tensor call_batch_norm(const Tensor& input, const MaybeTensor& running_mean,
                       const MaybeTensor& running_var, const MaybeTensor& weight,
                       const MaybeTensor& bias, bool training, double momentum, double eps,
                       const MaybeTensor& batches) {
  return batch_norm(
      input,
      {or_undefined(running_mean), or_undefined(running_var), momentum, or_undefined(batches)},
      {or_undefined(weight), or_undefined(bias)}, training, eps);
}

Tensor call_instance_norm(const Tensor& input, const MaybeTensor& running_mean,
                          const MaybeTensor& running_var, const MaybeTensor& weight,
                          const MaybeTensor& bias, bool use_input_stats, double momentum,
                          double eps, const MaybeTensor& batches) {
  return instance_norm(
      input,
      {or_undefined(running_mean), or_undefined(running_var), momentum, or_undefined(batches)},
      {or_undefined(weight), or_undefined(bias)}, use_input_stats, eps);
}

}  // namespace

void register_norm(OpTable& ops) {
  ops.add(
      "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
      "float eps=1e-5) -> Tensor",
      [](const Tensor& input, const Shape& normalized_shape, const MaybeTensor& weight,
         const MaybeTensor& bias, double eps) {
        return layer_norm(input, normalized_shape, {or_undefined(weight), or_undefined(bias)}, eps);
      },
      "(x - mean) / sqrt(var + eps) over the last dimensions, times weight plus bias.",
      Where::kFunction);
  ops.add(
      "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> "
      "Tensor",
      [](const Tensor& input, const Shape& normalized_shape, const MaybeTensor& weight,
         std::optional<double> eps) {
        return rms_norm(input, normalized_shape, or_undefined(weight), eps);
      },
      "x / sqrt(mean(x^2) + eps) over the last dimensions, times weight; eps of the dtype if None.",
      Where::kFunction);
  ops.add(
      "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, "
      "float eps=1e-5) -> Tensor",
      [](const Tensor& input, int64_t num_groups, const MaybeTensor& weight,
         const MaybeTensor& bias, double eps) {
        return group_norm(input, num_groups, {or_undefined(weight), or_undefined(bias)}, eps);
      },
      "(x - mean) / sqrt(var + eps) over each group of channels of a sample (N, C, ...).",
      Where::kFunction);
  ops.add(
      "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, "
      "Tensor? weight=None, Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, "
      "float eps=1e-5, *, Tensor? num_batches_tracked=None) -> Tensor",
      &call_instance_norm,
      "(x - mean) / sqrt(var + eps) over each channel of a sample (N, C, ...); a counter, if "
      "given, "
      "makes the momentum 1 / num_batches_tracked.",
      Where::kFunction);
  ops.add(
      "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, "
      "Tensor? bias=None, bool training=False, float momentum=0.1, float eps=1e-5, *, "
      "Tensor? num_batches_tracked=None) -> Tensor",
      &call_batch_norm,
      "(x - mean) / sqrt(var + eps) per channel of (N, C, ...), by the statistics of the batch in "
      "training, else by the running ones, which training moves; a counter, if given, makes the "
      "momentum 1 / num_batches_tracked.",
      Where::kFunction);
}

}  // namespace sf::bind
