// The kinds of transforms by name, and what they make of the shape of a sample.
#include <iterator>

#include "kernels/augment.h"

namespace sf {
namespace {

constexpr AugmentInfo kKinds[] = {
    {"flip_rows", "RandomVerticalFlip", 1, AugmentTakes::kPictures, false},
    {"flip_columns", "RandomHorizontalFlip", 1, AugmentTakes::kPictures, false},
    {"crop", "RandomCrop", 8, AugmentTakes::kPictures, false},
    {"affine", "RandomAffine", 15, AugmentTakes::kPictures, false},
    {"shift_rows", "TimeShift", 3, AugmentTakes::kSequences, false},
    {"warp_rows", "TimeWarp", 2, AugmentTakes::kSequences, true},
    {"noise", "GaussianNoise", 2, AugmentTakes::kAll, true},
    {"normalize", "Normalize", -1, AugmentTakes::kPictures, false},
    {"color", "ColorJitter", 6, AugmentTakes::kPictures, false},
    {"gray", "RandomGrayscale", 1, AugmentTakes::kPictures, false},
    {"scale_columns", "Scaling", 1, AugmentTakes::kSequences, true},
    {"erase", "RandomErasing", 6, AugmentTakes::kPictures, false},
    {"cutout", "Cutout", 3, AugmentTakes::kPictures, false},
    {"mask_rows", "TimeMask", 3, AugmentTakes::kSequences, false},
};
static_assert(std::size(kKinds) == static_cast<size_t>(AugmentKind::kMaskRows) + 1);

SampleShape cropped(const AugmentStep& step, const SampleShape& shape) {
  const int64_t rows = shape.rows + step.whole(2) + step.whole(4);
  const int64_t columns = shape.columns + step.whole(3) + step.whole(5);
  const int64_t height = step.whole(0), width = step.whole(1);
  if (height > rows || width > columns) {
    throw ShapeError("[RandomCrop] size (", height, ", ", width, ") of pictures of (", shape.rows,
                     ", ", shape.columns, ") that padding makes (", rows, ", ", columns,
                     "): a crop is no larger than what it is cut from; pass more padding");
  }
  return {shape.channels, height, width};
}

}  // namespace

AugmentKind augment_kind(const std::string& name) {
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if (name == kKinds[i].name) return static_cast<AugmentKind>(i);
  }
  throw ValueError("[augment] no transform is called ", name);
}

const AugmentInfo& augment_info(AugmentKind kind) { return kKinds[static_cast<size_t>(kind)]; }

SampleShape shape_after(const AugmentStep& step, const SampleShape& shape) {
  switch (step.kind) {
    case AugmentKind::kCrop:
      return cropped(step, shape);
    case AugmentKind::kColor:
    case AugmentKind::kGray:
      if (shape.channels != 1 && shape.channels != 3) {
        throw ShapeError("[", augment_info(step.kind).title, "] pictures of ", shape.channels,
                         " channels: expected 1 or 3 (RGB)");
      }
      return shape;
    case AugmentKind::kNormalize:
      if (static_cast<int64_t>(step.options.size()) != 2 * shape.channels) {
        throw ShapeError("[Normalize] ", step.options.size() / 2, " means for pictures of ",
                         shape.channels, " channels: expected one for each channel");
      }
      return shape;
    default:
      return shape;
  }
}

}  // namespace sf
