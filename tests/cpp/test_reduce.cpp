#include <cmath>
#include <cstring>

#include "arrays.h"
#include "base/parallel.h"
#include "check.h"
#include "kernels/reduce.h"

namespace {

using sf::Array;
using sf::Dtype;
using sf::Reduce;
using sf::Shape;

double start_of(Reduce op) {
  return op == Reduce::prod || op == Reduce::all ? 1
         : op == Reduce::max                     ? -INFINITY
         : op == Reduce::min                     ? INFINITY
                                                 : 0;
}
double join(Reduce op, double a, double b) {
  switch (op) {
    case Reduce::prod:
      return a * b;
    case Reduce::max:
      return std::fmax(a, b);
    case Reduce::min:
      return std::fmin(a, b);
    case Reduce::sumsq:
      return a + b * b;
    case Reduce::any:
      return a != 0 || b != 0;
    case Reduce::all:
      return a != 0 && b != 0;
    default:
      return a + b;
  }
}

Shape kept_shape(const Shape& shape, unsigned reduced) {
  Shape out = shape;
  for (int d = 0; d < shape.ndim(); ++d) {
    if (reduced >> d & 1) out[d] = 1;
  }
  return out;
}

// Where element i (row-major) of `shape` lands in the kept shape.
int64_t target(const Shape& shape, const Shape& kept, int64_t i) {
  int64_t at = 0, scale = 1;
  for (int d = shape.ndim() - 1; d >= 0; --d) {
    if (kept[d] != 1) at += i % shape[d] * scale;
    scale *= kept[d];
    i /= shape[d];
  }
  return at;
}

std::vector<double> reference(Reduce op, const Array& x, const Shape& kept) {
  std::vector<double> out(static_cast<size_t>(kept.numel()), start_of(op));
  const auto all = values(x);
  for (size_t i = 0; i < all.size(); ++i) {
    double& to = out[static_cast<size_t>(target(x.shape, kept, static_cast<int64_t>(i)))];
    to = join(op, to, all[i]);
  }
  return out;
}

void check_all_dims(const std::string& isa, Reduce op, const Array& x, double tolerance) {
  for (unsigned reduced = 0; reduced < 1u << x.shape.ndim(); ++reduced) {
    const Shape kept = kept_shape(x.shape, reduced);
    const auto y = make_array(kept, x.dtype);
    sf::run_reduce(op, x, y->array);
    const auto want = reference(op, x, kept), got = values(y->array);
    for (size_t i = 0; i < want.size(); ++i) {
      if (std::fabs(got[i] - want[i]) <= tolerance * (1 + std::fabs(want[i])) || got[i] == want[i])
        continue;
      CHECK_MSG(false, isa, " reduction ", static_cast<int>(op), " of ", x.shape, " dims ", reduced,
                " element ", i, ": ", got[i], ", not ", want[i]);
      break;
    }
  }
}

}  // namespace

TEST(reduce_takes_every_layout_and_dims) {
  for_each_isa([](const std::string& isa) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64, Dtype::kInt64}) {
      const bool whole = !sf::is_floating(dtype);
      for (const Reduce op : {Reduce::sum, Reduce::prod, Reduce::max, Reduce::min, Reduce::sumsq}) {
        if (whole && op == Reduce::sumsq) continue;
        const double low = op == Reduce::prod ? 0.99 : -3, high = op == Reduce::prod ? 1.01 : 3;
        const double tolerance = dtype == Dtype::kFloat32 ? 2e-4 : 1e-11;
        const auto a = random_array({5, 70, 9}, dtype, 1, low, high);
        check_all_dims(isa, op, a->array, tolerance);
        check_all_dims(isa, op, permuted(a->array, {2, 0, 1}), tolerance);
        check_all_dims(isa, op, flipped(a->array, 2), tolerance);
        check_all_dims(isa, op, every_second(a->array, 1), tolerance);
        const auto b = random_array({70, 1}, dtype, 2, low, high);
        check_all_dims(isa, op, broadcast(b->array, {3, 70, 11}), tolerance);
      }
    }
  });
}

TEST(reduce_of_big_arrays) {
  for_each_isa([](const std::string& isa) {
    for (const Shape& shape :
         {Shape{200003}, Shape{3, 50021}, Shape{50021, 3}, Shape{700, 300}, Shape{9, 40, 333}}) {
      const auto x = random_array(shape, Dtype::kFloat32, 4, -1, 1);
      check_all_dims(isa, Reduce::sum, x->array, 1e-4);
      check_all_dims(isa, Reduce::max, x->array, 0);
    }
  });
}

TEST(reduce_gives_equal_bits_for_any_threads_and_wide_isas) {
  const int before = sf::num_threads();
  const std::string isa = sf::isa_name();
  for (const Shape& shape :
       {Shape{200003}, Shape{3, 50021}, Shape{50021, 3}, Shape{700, 300}, Shape{9, 40, 333}}) {
    const auto x = random_array(shape, Dtype::kFloat32, 4, -1, 1);
    for (unsigned reduced = 1; reduced < 1u << shape.ndim(); ++reduced) {
      const Shape kept = kept_shape(shape, reduced);
      const auto first = make_array(kept), other = make_array(kept);
      const auto bytes = static_cast<size_t>(kept.numel() * 4);
      sf::set_num_threads(1);
      sf::run_reduce(Reduce::sum, x->array, first->array);
      for (int threads : {2, 3, 8}) {
        sf::set_num_threads(threads);
        sf::run_reduce(Reduce::sum, x->array, other->array);
        CHECK_MSG(!std::memcmp(first->array.data, other->array.data, bytes), shape, " ", reduced);
      }
      if (sf::available_isas().size() < 3) continue;
      sf::set_isa("avx2");
      sf::run_reduce(Reduce::sum, x->array, first->array);
      sf::set_isa("avx512");
      sf::run_reduce(Reduce::sum, x->array, other->array);
      sf::set_isa(isa);
      CHECK_MSG(!std::memcmp(first->array.data, other->array.data, bytes), shape, " ", reduced);
    }
  }
  sf::set_num_threads(before);
}

namespace {

// dx and its column sums in one go, against the two steps.
void check_made_columns(sf::Unary op, const Shape& shape, const Array& g, bool in_place) {
  const Dtype dtype = g.dtype;
  const auto kept = random_array(shape, dtype, 5, -4, 4);
  const auto want = make_array(shape, dtype), dx = make_array(shape, dtype);
  const auto sums = make_array({1, shape[1]}, dtype), got = make_array({shape[1]}, dtype);
  const sf::OpParams params{0.5, 2};
  sf::set_num_threads(1);
  sf::run_unary_backward(op, &kept->array, &kept->array, g, want->array, params);
  sf::run_reduce(Reduce::sum, want->array, sums->array);
  const auto bytes = static_cast<size_t>(shape.numel() * sf::size_of(dtype));
  const auto row = static_cast<size_t>(shape[1] * sf::size_of(dtype));
  for (int threads : {1, 2, 3, 8}) {
    sf::set_num_threads(threads);
    if (in_place) std::memcpy(dx->array.data, g.data, bytes);
    sf::run_unary_backward_sum(op, &kept->array, &kept->array, in_place ? dx->array : g, dx->array,
                               got->array, params);
    CHECK_MSG(!std::memcmp(dx->array.data, want->array.data, bytes), sf::name_of(op), shape);
    CHECK_MSG(!std::memcmp(got->array.data, sums->array.data, row), sf::name_of(op), shape);
  }
}

}  // namespace

TEST(reduce_of_columns_made_on_the_way_has_the_bits_of_both_steps) {
  const int before = sf::num_threads();
  for_each_isa([](const std::string&) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
      for (const Shape& shape :
           {Shape{1, 5}, Shape{7, 1}, Shape{65, 3}, Shape{2, 4}, Shape{7, 65}, Shape{1031, 10},
            Shape{1500, 65}, Shape{300, 600}, Shape{70, 1100}, Shape{0, 5}, Shape{5, 0}}) {
        const auto g = random_array(shape, dtype, 6);
        const auto turned = random_array({shape[1], shape[0]}, dtype, 7);
        const auto one = random_array({1, 1}, dtype, 8);
        for (const sf::Unary op : {sf::Unary::relu, sf::Unary::gelu, sf::Unary::elu}) {
          check_made_columns(op, shape, g->array, true);
          check_made_columns(op, shape, g->array, false);
          check_made_columns(op, shape, permuted(turned->array, {1, 0}), false);
          check_made_columns(op, shape, broadcast(one->array, shape), false);
        }
      }
    }
  });
  sf::set_num_threads(before);
}

TEST(reduce_passes_nan_and_knows_empty) {
  for_each_isa([](const std::string&) {
    for (int64_t at : {0, 5, 99, 130}) {
      auto x = random_array({131});
      x->array.as<float>()[at] = NAN;
      for (const Reduce op : {Reduce::max, Reduce::min, Reduce::sum}) {
        const auto y = make_array({1});
        sf::run_reduce(op, x->array, y->array);
        CHECK(std::isnan(y->value(0)));
      }
      auto where = make_array({1}, Dtype::kInt64);
      sf::run_arg_reduce(Reduce::argmax, x->array, where->array, 0);
      CHECK(where->value(0) == static_cast<double>(at));
      sf::run_arg_reduce(Reduce::argmin, x->array, where->array, 0);
      CHECK(where->value(0) == static_cast<double>(at));
    }
    const auto none = make_array({0, 3}), y = make_array({1, 3});
    for (const Reduce op : {Reduce::sum, Reduce::prod, Reduce::max}) {
      sf::run_reduce(op, none->array, y->array);
      CHECK(y->value(0) == start_of(op) && y->value(2) == start_of(op));
    }
    sf::run_reduce(Reduce::mean, none->array, y->array);
    CHECK(std::isnan(y->value(0)));
  });
}

TEST(reduce_mean_and_variance_stay_accurate_far_from_zero) {
  for_each_isa([](const std::string& isa) {
    const auto x = random_array({7, 5003}, Dtype::kFloat32, 3, 1000, 1001);
    for (int dim = 0; dim < 2; ++dim) {
      const Shape kept = kept_shape({7, 5003}, 1u << dim);
      const auto mean = make_array(kept), var = make_array(kept);
      sf::run_reduce(Reduce::mean, x->array, mean->array);
      sf::run_var(x->array, var->array, 1);
      const auto all = values(x->array), sums = reference(Reduce::sum, x->array, kept);
      const double n = dim ? 5003 : 7;
      std::vector<double> squares(sums.size());
      for (size_t i = 0; i < all.size(); ++i) {
        const auto to = static_cast<size_t>(target(x->array.shape, kept, static_cast<int64_t>(i)));
        squares[to] += (all[i] - sums[to] / n) * (all[i] - sums[to] / n);
      }
      for (size_t i = 0; i < sums.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        CHECK(std::fabs(mean->value(at) - sums[i] / n) < 2e-4);
        CHECK_MSG(std::fabs(var->value(at) - squares[i] / (n - 1)) < 1e-4, isa, " ",
                  var->value(at));
      }
    }
  });
}

TEST(reduce_integers_and_bools) {
  auto x = make_array({3, 4}, Dtype::kBool);
  const bool bits[12] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1};
  std::memcpy(x->array.data, bits, sizeof bits);
  const auto y = make_array({3, 1}, Dtype::kBool);
  sf::run_reduce(Reduce::any, x->array, y->array);
  CHECK((values(y->array) == std::vector<double>{1, 0, 1}));
  sf::run_reduce(Reduce::all, x->array, y->array);
  CHECK((values(y->array) == std::vector<double>{1, 0, 0}));
  CHECK_THROWS(sf::DtypeError, sf::run_reduce(Reduce::sum, x->array, y->array));
  CHECK_THROWS(sf::DtypeError,
               sf::run_reduce(Reduce::any, make_array({2})->array, make_array({1})->array));
}

TEST(cumsum_runs_both_ways_along_any_dim) {
  const auto x = random_array({4, 5, 6}, Dtype::kFloat64);
  for (int dim = 0; dim < 3; ++dim) {
    for (const bool reverse : {false, true}) {
      const auto y = make_array({4, 5, 6}, Dtype::kFloat64);
      sf::run_cumsum(x->array, y->array, dim, reverse);
      for (int64_t i = 0; i < 4; ++i) {
        for (int64_t j = 0; j < 5; ++j) {
          for (int64_t k = 0; k < 6; ++k) {
            const int64_t here = dim == 0 ? i : dim == 1 ? j : k;
            double want = 0;
            for (int64_t m = reverse ? here : 0; m < (reverse ? x->array.shape[dim] : here + 1);
                 ++m) {
              want += dim == 0 ? x->at({m, j, k}) : dim == 1 ? x->at({i, m, k}) : x->at({i, j, m});
            }
            CHECK(std::fabs(y->at({i, j, k}) - want) < 1e-12);
          }
        }
      }
    }
  }
}

TEST(argmax_takes_the_first_of_equals_along_any_dim) {
  const auto x = random_array({6, 50, 7}, Dtype::kInt32, 3, -4, 4);
  for (int dim = 0; dim < 3; ++dim) {
    const Shape kept = kept_shape(x->array.shape, 1u << dim);
    const auto y = make_array(kept, Dtype::kInt64), best = make_array(kept, Dtype::kInt32);
    sf::run_arg_reduce(Reduce::argmax, x->array, y->array, dim);
    sf::run_reduce(Reduce::max, x->array, best->array);
    for (int64_t i = 0; i < kept.numel(); ++i) {
      int64_t at = 0, rest = i;
      for (int d = 2; d >= 0; --d) at += rest % kept[d] * x->array.strides[d], rest /= kept[d];
      int64_t want = 0;
      while (x->value(at + want * x->array.strides[dim]) != best->value(i)) ++want;
      CHECK(y->value(i) == static_cast<double>(want));
    }
  }
}
