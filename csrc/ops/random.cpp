#include "ops/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "autograd/record.h"
#include "kernels/copy.h"
#include "kernels/random.h"
#include "ops/compare.h"
#include "ops/convert.h"
#include "ops/sort.h"
#include "ops/unary.h"
#include "tensor/create.h"

namespace sf {
namespace {

void check_floating(const char* op, Dtype dtype) {
  if (is_floating(dtype)) return;
  throw DtypeError("[", op, "] draws float32 or float64, not ", dtype,
                   "; use randint for integers");
}

void check_probability(const char* op, double p) {
  if (!(p >= 0 && p <= 1)) throw ValueError("[", op, "] p must be in [0, 1], got ", p);
}

// Fills `self` by draw(contiguous target of its shape and dtype).
template <class Draw>
Tensor drawn_in_place(const char* op, Tensor self, const Draw& draw) {
  const Tensor* inputs[] = {&self};
  check_inplace(op, self, inputs);
  if (self.is_contiguous()) {
    draw(self.array());
  } else {
    const Tensor values = empty(self.shape(), self.dtype());
    draw(values.array());
    copy_into(self, values);
  }
  finish_inplace(op, self, inputs, {}, [](const Backward& b) -> Grads {
    return {zeros(b.grad().shape(), b.grad().dtype())};  // the old values are gone
  });
  return self;
}

}  // namespace

Tensor rand(const Shape& shape, Dtype dtype, Generator& generator) {
  check_floating("rand", dtype);
  Tensor out = empty(shape, dtype);
  run_uniform(out.array(), generator.next(), 0, 1);
  return out;
}

Tensor randn(const Shape& shape, Dtype dtype, Generator& generator) {
  check_floating("randn", dtype);
  Tensor out = empty(shape, dtype);
  run_normal(out.array(), generator.next(), 0, 1);
  return out;
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, Dtype dtype, Generator& generator) {
  if (low >= high) {
    throw ValueError("[randint] needs low < high, got ", low, " and ", high);
  }
  Tensor out = empty(shape, Dtype::kInt64);
  run_randint(out.array(), generator.next(), low, high);
  return to(out, dtype);
}

Tensor randperm(int64_t n, Dtype dtype, Generator& generator) {
  if (n < 0) throw ValueError("[randperm] n must not be negative, got ", n);
  Tensor out = empty({n}, Dtype::kInt64);
  int64_t* p = out.as<int64_t>();
  std::iota(p, p + n, int64_t{0});
  const RandomKey key = generator.next();
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(p[i], p[random_below(key, static_cast<uint64_t>(i), static_cast<uint64_t>(i) + 1)]);
  }
  return to(out, dtype);
}

Tensor bernoulli(const Tensor& p, Generator& generator) {
  check_floating("bernoulli", p.dtype());
  const Tensor q = contiguous_copy(p);
  dispatch_floating(p.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < q.numel(); ++i) {
      const T value = q.as<T>()[i];
      if (value >= 0 && value <= 1) continue;
      throw ValueError("[bernoulli] element ", i, " is ", value, ", not a probability in [0, 1]");
    }
  });
  const Tensor u = rand(p.shape(), p.dtype(), generator);
  return record("bernoulli", to(lt(u, q), p.dtype()), {&p}, {}, [](const Backward& b) -> Grads {
    return {zeros(b.grad().shape(), b.grad().dtype())};
  });
}

namespace {

// One row of weights, running sums into `upto`; the total.
double running_weights(const double* weights, int64_t classes, int64_t row, double* upto) {
  double total = 0;
  for (int64_t c = 0; c < classes; ++c) {
    if (!(weights[c] >= 0) || std::isinf(weights[c])) {
      throw ValueError("[multinomial] weight ", weights[c], " of class ", c, " in row ", row,
                       " is negative or not finite");
    }
    upto[c] = total += weights[c];
  }
  if (total <= 0) throw ValueError("[multinomial] the weights of row ", row, " are all zero");
  return total;
}

// n classes by inversion of the running sums.
void draw_with_replacement(const double* upto, int64_t classes, const double* u, int64_t n,
                           int64_t* out) {
  int64_t last = classes - 1;  // the last class with a weight: what rounding must not pass
  while (last > 0 && upto[last] == upto[last - 1]) --last;
  for (int64_t i = 0; i < n; ++i) {
    const double at = u[i] * upto[classes - 1];
    const int64_t c = std::upper_bound(upto, upto + classes, at) - upto;
    out[i] = c < last ? c : last;
  }
}

// n different classes: those with the smallest -log(u) / weight, in that order.
void draw_without_replacement(const double* weights, int64_t classes, const double* u, int64_t n,
                              int64_t* out) {
  std::vector<std::pair<double, int64_t>> arrivals;
  for (int64_t c = 0; c < classes; ++c) {
    if (weights[c] > 0) arrivals.emplace_back(-std::log1p(-u[c]) / weights[c], c);
  }
  if (static_cast<int64_t>(arrivals.size()) < n) {
    throw ValueError("[multinomial] ", n, " samples without replacement need as many classes of ",
                     "positive weight, there are ", arrivals.size(), "; pass replacement=True");
  }
  std::partial_sort(arrivals.begin(), arrivals.begin() + n, arrivals.end());
  for (int64_t i = 0; i < n; ++i) out[i] = arrivals[static_cast<size_t>(i)].second;
}

}  // namespace

Tensor multinomial(const Tensor& weights, int64_t n, bool replacement, Generator& generator) {
  check_floating("multinomial", weights.dtype());
  if (weights.ndim() < 1 || weights.ndim() > 2 || weights.size(weights.ndim() - 1) == 0) {
    throw ShapeError("[multinomial] weights must be (C,) or (rows, C) with C >= 1, got ",
                     weights.shape());
  }
  if (n <= 0) throw ValueError("[multinomial] num_samples must be positive, got ", n);
  const Tensor w = contiguous_as(weights, Dtype::kFloat64);
  const int64_t classes = w.size(w.ndim() - 1), rows = w.numel() / classes;
  const int64_t numbers = replacement ? n : classes;  // per row
  const Tensor u = rand({rows, numbers}, Dtype::kFloat64, generator);
  Tensor out = empty(w.ndim() == 1 ? Shape{n} : Shape{rows, n}, Dtype::kInt64);
  const Tensor sums = empty({classes}, Dtype::kFloat64);
  double* upto = sums.as<double>();
  for (int64_t r = 0; r < rows; ++r) {
    const double* row = w.as<double>() + r * classes;
    const double* draws = u.as<double>() + r * numbers;
    running_weights(row, classes, r, upto);
    if (replacement) {
      draw_with_replacement(upto, classes, draws, n, out.as<int64_t>() + r * n);
    } else {
      draw_without_replacement(row, classes, draws, n, out.as<int64_t>() + r * n);
    }
  }
  return out;
}

Tensor uniform_(Tensor self, double low, double high, Generator& generator) {
  check_floating("uniform_", self.dtype());
  if (!(low <= high)) {
    throw ValueError("[uniform_] needs from <= to, got ", low, " and ", high);
  }
  const auto draw = [&](const Array& to) { run_uniform(to, generator.next(), low, high); };
  return drawn_in_place("uniform_", self, draw);
}

Tensor normal_(Tensor self, double mean, double std, Generator& generator) {
  check_floating("normal_", self.dtype());
  if (!(std >= 0)) throw ValueError("[normal_] std must not be negative, got ", std);
  const auto draw = [&](const Array& to) { run_normal(to, generator.next(), mean, std); };
  return drawn_in_place("normal_", self, draw);
}

Tensor bernoulli_(Tensor self, double p, Generator& generator) {
  check_probability("bernoulli_", p);
  const auto draw = [&](const Array& to) {
    const Tensor u = rand(to.shape, Dtype::kFloat64, generator);
    run_copy(lt(u, number_like(u, p)).array(), to);
  };
  return drawn_in_place("bernoulli_", self, draw);
}

}  // namespace sf
