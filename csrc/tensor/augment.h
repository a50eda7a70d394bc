// Random transforms of a whole batch, without gradients: checks and memory for kernels/augment.h.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "kernels/augment.h"
#include "tensor/tensor.h"

namespace sf {

// A step as it comes from the user: name, place in the program, options.
struct AugmentRequest {
  std::string name;
  uint32_t place;
  std::vector<double> options;
};

// x is (N, C, H, W), (N, H, W) or (N, T, F), for some transforms any (N, ...); index (N,) int64 are
// the numbers of the samples in the data set. uint8, float32 or float64; Normalize makes float32 of
// uint8. ShapeError, DtypeError.
Tensor augment(const Tensor& x, AugmentKey key, const Tensor& index,
               const std::vector<AugmentRequest>& requests);

// "mixup" or "cutmix" of a batch and its targets: labels (N,) int64 become shares (N, classes) in
// float32, real numbers (N, ...) are mixed as they are. IndexError for a label out of range.
struct MixRequest {
  std::string name;
  uint32_t place;
  double alpha;
  int64_t classes;  // 0: not known
};
std::pair<Tensor, Tensor> mix_samples(const Tensor& x, const Tensor& targets, AugmentKey key,
                                      const Tensor& index, const MixRequest& request);

}  // namespace sf
