#include "tensor/augment.h"

#include <algorithm>

#include "kernels/augment_mix.h"
#include "tensor/create.h"

namespace sf {
namespace {

SampleShape sample_shape(const Tensor& x) {
  if (x.ndim() == 4) return {x.size(1), x.size(2), x.size(3)};
  if (x.ndim() == 3) return {1, x.size(1), x.size(2)};
  int64_t columns = 1;
  for (int d = 1; d < x.ndim(); ++d) columns *= x.size(d);
  return {1, 1, columns};
}

void check_index(const Tensor& x, const Tensor& index) {
  if (x.ndim() == 0) throw ShapeError("[augment] a 0-d tensor is no batch");
  if (index.dtype() != Dtype::kInt64 || index.ndim() != 1 || index.size(0) != x.size(0)) {
    throw ShapeError("[augment] a batch ", x.shape(), " with indices ", index.dtype(), " ",
                     index.shape(), ": expected one int64 for each of the ", x.size(0), " samples");
  }
}

void check_layout(const std::string& title, AugmentTakes takes, const Tensor& x) {
  const bool picture = x.ndim() == 3 || x.ndim() == 4;
  if (takes == AugmentTakes::kPictures && !picture) {
    throw ShapeError("[", title, "] a batch of shape ", x.shape(),
                     ": expected pictures (N, C, H, W) or (N, H, W)");
  }
  if (takes == AugmentTakes::kSequences && x.ndim() != 3) {
    throw ShapeError("[", title, "] a batch of shape ", x.shape(),
                     ": expected sequences (N, T, F)");
  }
  if (takes != AugmentTakes::kAll && sample_shape(x).plane() == 0) {
    throw ShapeError("[", title, "] a batch of shape ", x.shape(), " has no pixels");
  }
}

void check_step(const AugmentStep& step, const Tensor& x, Dtype dtype) {
  const AugmentInfo& info = augment_info(step.kind);
  if (info.options >= 0 && static_cast<int>(step.options.size()) != info.options) {
    throw ValueError("[", info.title, "] ", step.options.size(), " options, expected ",
                     info.options);
  }
  check_layout(info.title, info.takes, x);
  if (info.floats_only && dtype == Dtype::kUint8) {
    throw DtypeError("[", info.title, "] takes float32 or float64, got uint8; put Normalize ",
                     "before it, or convert with .float()");
  }
}

// The steps, checked against the batch; the last shape is that of the result.
std::vector<SampleShape> check_steps(const std::vector<AugmentStep>& steps, const Tensor& x) {
  if (x.dtype() != Dtype::kUint8 && !is_floating(x.dtype())) {
    throw DtypeError("[augment] takes uint8, float32 or float64, got ", x.dtype(),
                     "; convert with .float()");
  }
  std::vector<SampleShape> shapes{sample_shape(x)};
  Dtype dtype = x.dtype();
  for (const AugmentStep& step : steps) {
    check_step(step, x, dtype);
    shapes.push_back(shape_after(step, shapes.back()));
    const SampleShape& now = shapes.back();  // memory for two of them may be wanted
    checked_bytes("augment", {2, x.size(0), now.channels, now.rows, now.columns}, size_of(dtype));
    if (step.kind == AugmentKind::kNormalize && dtype == Dtype::kUint8) dtype = Dtype::kFloat32;
  }
  return shapes;
}

Tensor result_of(const Tensor& x, const SampleShape& shape, Dtype dtype) {
  Shape out = x.shape();
  if (out.ndim() == 3 || out.ndim() == 4) {
    out[out.ndim() - 2] = shape.rows;
    out[out.ndim() - 1] = shape.columns;
  }
  return empty(out, dtype);
}

// Steps of one dtype.
Tensor run_part(const Tensor& x, const SampleShape& from, const SampleShape& to,
                const AugmentRun& run) {
  const Tensor y = result_of(x, to, x.dtype());
  const int64_t spare = augment_scratch(run.steps, from, x.size(0));
  const Tensor scratch = empty({spare}, x.dtype());
  run_augment(x.array(), y.array(), scratch.array(), from, run);
  return y;
}

const Tensor& check_labels(const Tensor& labels, int64_t classes, const char* title) {
  if (classes < 1) {
    throw ValueError("[", title, "] labels are mixed as shares of the classes: pass num_classes");
  }
  const int64_t* label = labels.as<int64_t>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] < 0 || label[i] >= classes) {
      throw IndexError("[", title, "] label ", label[i], " in row ", i, " is out of range for ",
                       classes, " classes");
    }
  }
  return labels;
}

Tensor mixed_targets(const Tensor& targets, const Tensor& share, int64_t classes,
                     const char* title) {
  if (targets.dtype() == Dtype::kInt64 && targets.ndim() == 1) {
    const Tensor y = empty({targets.size(0), std::max<int64_t>(classes, 0)}, Dtype::kFloat32);
    run_mix_labels(check_labels(targets, classes, title).array(), y.array(), share.array());
    return y;
  }
  if (!is_floating(targets.dtype())) {
    throw DtypeError("[", title, "] targets ", targets.dtype(), " ", targets.shape(),
                     ": expected labels (N,) int64 or real numbers (N, ...)");
  }
  const Tensor y = empty(targets.shape(), targets.dtype());
  run_mix_numbers(targets.array(), y.array(), share.array());
  return y;
}

}  // namespace

Tensor augment(const Tensor& input, AugmentKey key, const Tensor& index,
               const std::vector<AugmentRequest>& requests) {
  check_index(input, index);
  std::vector<AugmentStep> steps;
  for (const AugmentRequest& request : requests) {
    steps.push_back({augment_kind(request.name), request.place, request.options});
  }
  const std::vector<SampleShape> shapes = check_steps(steps, input);
  const Tensor rows = contiguous_copy(index);
  Tensor x = contiguous_copy(input);
  AugmentRun run{key, rows.as<int64_t>(), {}};
  size_t begin = 0;
  for (size_t k = 0; k < steps.size(); ++k) {
    const bool converts = steps[k].kind == AugmentKind::kNormalize && x.dtype() == Dtype::kUint8;
    if (!converts) {
      run.steps.push_back(steps[k]);
      continue;
    }
    if (!run.steps.empty()) x = run_part(x, shapes[begin], shapes[k], run);
    const Tensor y = result_of(x, shapes[k], Dtype::kFloat32);
    run_normalize_bytes(x.array(), y.array(), shapes[k], steps[k]);
    x = y;
    run.steps.clear();
    begin = k + 1;
  }
  if (!run.steps.empty()) x = run_part(x, shapes[begin], shapes.back(), run);
  return x.same(input) ? run_part(x, shapes[0], shapes[0], run) : x;  // never the batch itself
}

std::pair<Tensor, Tensor> mix_samples(const Tensor& input, const Tensor& given, AugmentKey key,
                                      const Tensor& index, const MixRequest& request) {
  const bool cut = request.name == "cutmix";
  const char* title = cut ? "CutMix" : "MixUp";
  check_index(input, index);
  check_layout(title, cut ? AugmentTakes::kPictures : AugmentTakes::kAll, input);
  if (cut ? input.dtype() != Dtype::kUint8 && !is_floating(input.dtype())
          : !is_floating(input.dtype())) {
    throw DtypeError("[", title, "] got ", input.dtype(), "; convert with .float()");
  }
  if (given.ndim() == 0 || given.size(0) != input.size(0)) {
    throw ShapeError("[", title, "] inputs ", input.shape(), " and targets ", given.shape(),
                     ": expected one target for each sample");
  }
  const Tensor rows = contiguous_copy(index), x = contiguous_copy(input);
  const Tensor targets = contiguous_copy(given);
  const Tensor y = empty(x.shape(), x.dtype());
  const Tensor share = empty({x.size(0)}, Dtype::kFloat64);
  run_mix(x.array(), y.array(), share.array(), sample_shape(x),
          {cut, request.alpha, key, request.place, rows.as<int64_t>()});
  return {y, mixed_targets(targets, share, request.classes, title)};
}

}  // namespace sf
