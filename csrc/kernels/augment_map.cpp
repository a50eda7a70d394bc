// The geometry of one sample: its random parameters, and several steps as one map.
#include <cmath>
#include <numbers>

#include "kernels/augment_warp.h"

namespace sf {
namespace {

bool is_flip(AugmentKind kind) {
  return kind == AugmentKind::kFlipRows || kind == AugmentKind::kFlipColumns;
}

bool may_read_outside(const AugmentStep& step) {
  if (step.kind != AugmentKind::kCrop) return !is_flip(step.kind);
  return step[2] > 0 || step[3] > 0 || step[4] > 0 || step[5] > 0;
}

// What was flips so far becomes the flip of the source, in front of a reader.
void begin_reader(WarpMap& map, PadMode mode, double fill) {
  map.flip_rows = map.row_step < 0;
  map.flip_columns = map.column_step < 0;
  map.row = map.column = 0;
  map.row_step = map.column_step = 1;
  map.mode = mode;
  map.fill = fill;
}

// The next step reads pixel (i + row, j + column) of the one before.
void shift(WarpMap& map, int64_t row, int64_t column) {
  map.row += map.row_step * row;
  map.column += map.column_step * column;
}

void add_crop(WarpMap& map, const AugmentStep& step, SampleStream& stream,
              const SampleShape& shape) {
  const int64_t top = step.whole(2), left = step.whole(3);
  const int64_t height = shape.rows + top + step.whole(4);
  const int64_t width = shape.columns + left + step.whole(5);
  if (may_read_outside(step)) {
    begin_reader(map, static_cast<PadMode>(step.whole(6)), step[7]);
  }
  const int64_t row = stream.below(height - step.whole(0) + 1);
  shift(map, row - top, stream.below(width - step.whole(1) + 1) - left);
}

void add_shift(WarpMap& map, const AugmentStep& step, SampleStream& stream) {
  const int64_t most = step.whole(0);
  begin_reader(map, static_cast<PadMode>(step.whole(1)), step[2]);
  shift(map, stream.below(2 * most + 1) - most, 0);
}

// Draws from [step[at], step[at + 1]); nothing where the range is one number.
double draw(const AugmentStep& step, int at, SampleStream& stream) {
  return step[at] == step[at + 1] ? step[at] : stream.uniform(step[at], step[at + 1]);
}

// Forwards, x to the right and y down: about the centre, shear along y after shear along x, then
// rotation and scale, then the shift. The map needs the inverse. A whole shift alone stays exact.
void add_affine(WarpMap& map, const AugmentStep& step, SampleStream& stream,
                const SampleShape& shape) {
  begin_reader(map, static_cast<PadMode>(step.whole(13)), step[14]);
  constexpr double kRadian = std::numbers::pi / 180;
  const double angle = draw(step, 0, stream) * kRadian;
  const double dx = std::nearbyint(draw(step, 2, stream) * static_cast<double>(shape.columns));
  const double dy = std::nearbyint(draw(step, 4, stream) * static_cast<double>(shape.rows));
  const double scale = draw(step, 6, stream);
  const double tx = std::tan(draw(step, 8, stream) * kRadian);
  const double ty = std::tan(draw(step, 10, stream) * kRadian);
  if (angle == 0 && scale == 1 && tx == 0 && ty == 0) {
    return shift(map, -static_cast<int64_t>(dy), -static_cast<int64_t>(dx));
  }
  const double cos = std::cos(angle), sin = std::sin(angle);
  const double xx = cos + sin * ty, yx = sin - cos * ty;  // columns of rotation * shear along y
  const double a = scale * xx, b = scale * (-tx * xx - sin);
  const double c = scale * yx, d = scale * (-tx * yx + cos);
  const double det = a * d - b * c;
  const double cy = static_cast<double>(shape.rows - 1) / 2;
  const double cx = static_cast<double>(shape.columns - 1) / 2;
  map.affine = true;
  map.bilinear = step[12] != 0;
  double* m = map.m;  // (row, column) order
  m[0] = a / det, m[1] = -c / det, m[3] = -b / det, m[4] = d / det;
  m[2] = cy - m[0] * (cy + dy) - m[1] * (cx + dx);
  m[5] = cx - m[3] * (cy + dy) - m[4] * (cx + dx);
}

}  // namespace

bool is_geometry(AugmentKind kind) { return kind <= AugmentKind::kShiftRows; }

bool may_join(const std::vector<AugmentStep>& steps, size_t begin, size_t at) {
  if (!is_geometry(steps[at].kind)) return false;
  if (!may_read_outside(steps[at])) return true;
  for (size_t k = begin; k < at; ++k) {
    if (!is_flip(steps[k].kind)) return false;
  }
  return true;
}

WarpMap warp_map(const AugmentRun& run, size_t begin, size_t end, int64_t index,
                 SampleShape& shape) {
  WarpMap map;
  for (size_t k = begin; k < end; ++k) {
    const AugmentStep& step = run.steps[k];
    SampleStream stream(run.key, step.place, index);
    switch (step.kind) {
      case AugmentKind::kFlipRows:
        if (!stream.chance(step[0])) break;
        shift(map, shape.rows - 1, 0);
        map.row_step = -map.row_step;
        break;
      case AugmentKind::kFlipColumns:
        if (!stream.chance(step[0])) break;
        shift(map, 0, shape.columns - 1);
        map.column_step = -map.column_step;
        break;
      case AugmentKind::kCrop:
        add_crop(map, step, stream, shape);
        break;
      case AugmentKind::kAffine:
        add_affine(map, step, stream, shape);
        break;
      default:
        add_shift(map, step, stream);
    }
    shape = shape_after(step, shape);
  }
  return map;
}

}  // namespace sf
