// The dropout family: x times a random mask of 0 and a scale.
#include <cmath>

#include "autograd/record.h"
#include "kernels/random.h"
#include "ops/convert.h"
#include "ops/operators.h"
#include "ops/random.h"
#include "tensor/create.h"

namespace sf {
namespace {

void check(const char* op, const Tensor& x, double p) {
  if (!(p >= 0 && p <= 1)) throw ValueError("[", op, "] p must be in [0, 1], got ", p);
  if (is_floating(x.dtype())) return;
  throw DtypeError("[", op, "] needs float32 or float64, got ", x.dtype(), "; write x.float()");
}

struct Mask {
  RandomKey key;
  double p, scale;
};

// x times the mask, which is drawn element by element.
Tensor masked(const Tensor& x, const Mask& mask) {
  Tensor y = empty(x.shape(), x.dtype());
  run_dropout(contiguous(detach(x)).array(), y.array(), mask.key, mask.p, mask.scale);
  return record("dropout", y, {&x}, {},
                [mask](const Backward& b) -> Grads { return {masked(b.grad(), mask)}; });
}

// x times a mask with one number for each channel of (N, C, ...).
Tensor masked_channels(const char* op, const Tensor& x, const Mask& mask) {
  if (x.ndim() < 2) {
    throw ShapeError("[", op, "] needs (batch, channels, ...), got ", x.shape(),
                     "; write x.unsqueeze(0) for a single sample");
  }
  Shape shape = Shape::filled(x.ndim(), 1);
  shape[0] = x.size(0);
  shape[1] = x.size(1);
  return x * masked(full(shape, 1, x.dtype()), mask);
}

template <class Apply>
Tensor dropped(const char* op, const Tensor& x, double p, bool training, Scaling scaling,
               Generator& generator, const Apply& apply) {
  check(op, x, p);
  const bool in_training = scaling == Scaling::kTrain;
  if (!training) return in_training || p == 0 ? x : x * (1 - p);
  if (p == 0) return x;
  return apply(Mask{generator.next(), p, in_training && p < 1 ? 1 / (1 - p) : 1});
}

// With the limit -c of SELU (c = scale alpha of that function) and what remains scaled by a:
// a (x or -c) + a c p has mean 0 and variance 1 if x has, for a = 1 / sqrt((1 - p)(1 + p c^2)).
// It is a ((x + c) or 0) - a c (1 - p), so the mask needs no second term. Klambauer et al. 2017.
template <class Apply>
Tensor alpha_dropped(const char* op, const Tensor& x, double p, bool training, Generator& generator,
                     const Apply& apply) {
  check(op, x, p);
  if (!training || p == 0) return x;
  if (p == 1) return x * 0;
  const double c = 1.7580993408473766;
  const double a = 1 / std::sqrt((1 - p) * (1 + p * c * c));
  return apply(x + c, Mask{generator.next(), p, a}) - a * c * (1 - p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training, Scaling scaling, Generator& generator) {
  return dropped("dropout", x, p, training, scaling, generator,
                 [&](const Mask& mask) { return masked(x, mask); });
}

Tensor feature_dropout(const Tensor& x, double p, bool training, Scaling scaling,
                       Generator& generator) {
  const char* op = "feature_dropout";
  return dropped(op, x, p, training, scaling, generator,
                 [&](const Mask& mask) { return masked_channels(op, x, mask); });
}

Tensor alpha_dropout(const Tensor& x, double p, bool training, Generator& generator) {
  return alpha_dropped("alpha_dropout", x, p, training, generator, masked);
}

Tensor feature_alpha_dropout(const Tensor& x, double p, bool training, Generator& generator) {
  const char* op = "feature_alpha_dropout";
  return alpha_dropped(op, x, p, training, generator, [&](const Tensor& shifted, const Mask& mask) {
    return masked_channels(op, shifted, mask);
  });
}

}  // namespace sf
