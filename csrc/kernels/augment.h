// Augmentation: a program of random transforms, run sample by sample over a batch. What happens to
// a sample is a function of (seed, epoch, place of the transform, index of the sample) alone. A
// sample is C planes of H rows of W columns; a sequence is one plane of T rows of F features.
#pragma once
#include <string>
#include <vector>

#include "base/array.h"
#include "kernels/random.h"

namespace sf {

enum class AugmentKind {
  kFlipRows,      // p
  kFlipColumns,   // p
  kCrop,          // height, width, top, left, bottom, right padding, PadMode, fill
  kAffine,        // degrees, shift of columns and rows as shares, scale, shear of x and of y in
                  // degrees: each from, to; then bilinear, PadMode, fill
  kShiftRows,     // most rows, PadMode, fill
  kWarpRows,      // sigma, knots
  kNoise,         // mean, sigma
  kNormalize,     // C means, C standard deviations
  kColor,         // brightness, contrast, saturation: each from, to
  kGray,          // p
  kScaleColumns,  // sigma
  kErase,         // p, share of the area from, to, height / width from, to, value
  kCutout,        // height, width, value
  kMaskRows,      // most rows, number of masks, value
};

enum class AugmentTakes { kPictures, kSequences, kAll };
struct AugmentInfo {
  const char* name;
  const char* title;  // as the user knows it
  int options;        // how many; -1: two for every channel
  AugmentTakes takes;
  bool floats_only;
};
AugmentKind augment_kind(const std::string& name);  // ValueError for a name that is none
const AugmentInfo& augment_info(AugmentKind kind);

enum class PadMode { kConstant, kEdge, kReflect, kSymmetric, kWrap };

struct AugmentStep {
  AugmentKind kind;
  uint32_t place;
  std::vector<double> options;

  double operator[](int i) const { return options[static_cast<size_t>(i)]; }
  int64_t whole(int i) const { return static_cast<int64_t>((*this)[i]); }
};

struct SampleShape {
  int64_t channels = 1, rows = 0, columns = 0;
  int64_t plane() const { return rows * columns; }
  int64_t numel() const { return channels * plane(); }
  bool operator==(const SampleShape&) const = default;
};

// The stream of a sample: numbers drawn one after the other.
struct AugmentKey {
  uint64_t seed, epoch;
};
class SampleStream {
 public:
  SampleStream(AugmentKey key, uint32_t place, int64_t index);
  const RandomKey& key() const { return key_; }  // for fields of numbers instead of single ones

  double uniform();  // in [0, 1)
  double uniform(double low, double high) { return low + uniform() * (high - low); }
  int64_t below(int64_t bound) {
    return random_below(key_, drawn_++, static_cast<uint64_t>(bound));
  }
  bool chance(double p) { return uniform() < p; }
  double normal();
  double beta(double alpha);  // Beta(alpha, alpha)

 private:
  double log_gamma_number(double alpha);  // log of a Gamma(alpha, 1) number
  RandomKey key_;
  uint64_t drawn_ = 0;
};

// The shape that a step makes of a sample. ShapeError, naming the transform, if it cannot.
SampleShape shape_after(const AugmentStep& step, const SampleShape& shape);

struct AugmentRun {
  AugmentKey key;
  const int64_t* index;
  std::vector<AugmentStep> steps;
};

// y of shape (N, what the steps make of a sample) = x of (N, sample) transformed; row i is sample
// index[i]. scratch has augment_scratch elements. All are contiguous, of one dtype: uint8, float32,
// float64; floats_only steps and kNormalize take no uint8.
int64_t augment_scratch(const std::vector<AugmentStep>& steps, const SampleShape& from, int64_t n);
void run_augment(const Array& x, const Array& y, const Array& scratch, const SampleShape& from,
                 const AugmentRun& run);

// y = (x / 255 - mean) / std of each channel: uint8 to float32.
void run_normalize_bytes(const Array& x, const Array& y, const SampleShape& shape,
                         const AugmentStep& step);

}  // namespace sf
