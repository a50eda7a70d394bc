// Where the pixels of a sample come from: a map of pixels of the result to places of the source.
#pragma once
#include "kernels/augment.h"

namespace sf {

// A pixel (i, j) of the result is read in three steps:
// 1. (i', j') = (row + i row_step, column + j column_step), the steps 1 or -1;
// 2. the reader: without `affine` the place (i', j') itself, with it
//    (m0 i' + m1 j' + m2, m3 i' + m4 j' + m5), to the nearest pixel or bilinear; what lies outside
//    the source follows `mode`;
// 3. the source may be flipped.
struct WarpMap {
  int64_t row = 0, column = 0, row_step = 1, column_step = 1;
  bool affine = false, bilinear = false;
  double m[6] = {1, 0, 0, 0, 1, 0};
  PadMode mode = PadMode::kConstant;
  double fill = 0;
  bool flip_rows = false, flip_columns = false;
};

// Geometry that runs as one warp. A step that may read outside the picture joins only after flips,
// which map the picture onto itself: after a crop it would have to see the crop's border.
bool is_geometry(AugmentKind kind);
bool may_join(const std::vector<AugmentStep>& steps, size_t begin, size_t at);

// The map of the steps [begin, end) for one sample; `shape` becomes that of the result.
WarpMap warp_map(const AugmentRun& run, size_t begin, size_t end, int64_t index,
                 SampleShape& shape);

// y = x read through the map; T is float, double or uint8_t.
template <class T>
void warp_sample(const WarpMap& map, const T* x, const SampleShape& from, T* y,
                 const SampleShape& to);

}  // namespace sf
