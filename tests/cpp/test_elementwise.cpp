#include <cmath>
#include <cstring>

#include "arrays.h"
#include "base/parallel.h"
#include "check.h"
#include "kernels/copy.h"
#include "kernels/cost.h"
#include "kernels/elementwise.h"

namespace {

using sf::Array;
using sf::Binary;
using sf::Dtype;
using sf::Shape;
using sf::Unary;

// Layouts of one shape (6, 10, 34): as it is, transposed, flipped, with gaps, broadcast.
const Shape kShape{6, 10, 34};
struct Layouts {
  std::vector<std::unique_ptr<Owned>> owners;
  std::vector<Array> views;
  explicit Layouts(Dtype dtype, uint64_t seed, bool repeats = true) {
    const auto add = [&](const Shape& shape) {
      owners.push_back(random_array(shape, dtype, seed++, 0.5, 9));
      return owners.back()->array;
    };
    views.push_back(add(kShape));
    views.push_back(permuted(add({34, 10, 6}), {2, 1, 0}));
    views.push_back(permuted(add({6, 34, 10}), {0, 2, 1}));
    views.push_back(flipped(flipped(add(kShape), 2), 0));
    views.push_back(every_second(add({6, 10, 68}), 2));
    if (!repeats) return;
    views.push_back(broadcast(add({34}), kShape));
    views.push_back(broadcast(add({6, 1, 1}), kShape));
    views.push_back(broadcast(add({10, 1}), kShape));
    views.push_back(broadcast(add({1}), kShape));
  }
};

bool close(double a, double b, double tolerance) {
  return std::fabs(a - b) <= tolerance * (1 + std::fabs(b)) || (std::isnan(a) && std::isnan(b));
}

double reference(Binary op, double a, double b) {
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return a / b;
    case Binary::pow:
      return std::pow(a, b);
    case Binary::maximum:
      return std::fmax(a, b);
    case Binary::minimum:
      return std::fmin(a, b);
    case Binary::atan2:
      return std::atan2(a, b);
    case Binary::hypot:
      return std::hypot(a, b);
    case Binary::prelu:
      return a > 0 ? a : a * b;
    case Binary::fmod:
      return std::fmod(a, b);
    case Binary::remainder:
      return a - b * std::floor(a / b);
    case Binary::floor_divide:
      return std::floor(a / b);
  }
  return NAN;
}

}  // namespace

TEST(elementwise_unary_takes_every_layout) {
  for_each_isa([](const std::string& isa) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
      const Layouts in(dtype, 1), out(dtype, 50, false);
      for (size_t i = 0; i < in.views.size(); ++i) {
        for (size_t j = 0; j < out.views.size(); ++j) {
          sf::run_unary(Unary::square, in.views[i], out.views[j]);
          const auto x = values(in.views[i]), y = values(out.views[j]);
          for (size_t k = 0; k < x.size(); ++k) {
            if (close(y[k], x[k] * x[k], 1e-6)) continue;
            CHECK_MSG(false, isa, " layouts ", i, " ", j, " element ", k, ": ", y[k]);
            break;
          }
        }
      }
    }
  });
}

TEST(elementwise_binary_takes_every_layout_and_op) {
  for_each_isa([](const std::string& isa) {
    const Layouts a(Dtype::kFloat64, 1), b(Dtype::kFloat64, 20), out(Dtype::kFloat64, 50, false);
    for (size_t i = 0; i < a.views.size(); ++i) {
      for (size_t j = 0; j < b.views.size(); ++j) {
        const auto op = static_cast<Binary>((i * b.views.size() + j) % sf::kNumBinary);
        const Array& y = out.views[(i + j) % out.views.size()];
        sf::run_binary(op, a.views[i], b.views[j], y);
        const auto va = values(a.views[i]), vb = values(b.views[j]), vy = values(y);
        for (size_t k = 0; k < va.size(); ++k) {
          const double want = reference(op, va[k], vb[k]);
          if (close(vy[k], want, 1e-12)) continue;
          CHECK_MSG(false, isa, " ", sf::name_of(op), "(", va[k], ", ", vb[k], ") is ", vy[k]);
          break;
        }
      }
    }
  });
}

TEST(elementwise_backward_is_the_slope_of_forward) {
  const double kStep = 1e-6;
  const sf::OpParams params{1.3, 1.9};
  for_each_isa([&](const std::string& isa) {
    const auto x = random_array({203}, Dtype::kFloat64, 5, -0.95, 0.95);
    const auto g = random_array({203}, Dtype::kFloat64, 6);
    const auto lo = make_array({203}, Dtype::kFloat64), hi = make_array({203}, Dtype::kFloat64);
    const auto y = make_array({203}, Dtype::kFloat64), dx = make_array({203}, Dtype::kFloat64);
    for (int op = 0; op < sf::kNumUnary; ++op) {
      const auto unary = static_cast<Unary>(op);
      const auto shifted = [&](double step, Array& to) {
        const auto moved = random_array({203}, Dtype::kFloat64, 5, -0.95, 0.95);
        for (int i = 0; i < 203; ++i) moved->array.as<double>()[i] += step;
        sf::run_unary(unary, moved->array, to, params);
      };
      shifted(-kStep, lo->array);
      shifted(kStep, hi->array);
      sf::run_unary(unary, x->array, y->array, params);
      const uint8_t needs = sf::needs_of(unary);
      sf::run_unary_backward(unary, needs & sf::kNeedsX ? &x->array : nullptr,
                             needs & sf::kNeedsY ? &y->array : nullptr, g->array, dx->array,
                             params);
      for (int64_t i = 0; i < 203; ++i) {
        if (std::isnan(y->value(i)) || std::fabs(x->value(i)) < 1e-5) continue;
        const double slope = (hi->value(i) - lo->value(i)) / (2 * kStep) * g->value(i);
        if (std::fabs(slope) > 1e4) continue;  // near a pole the difference says nothing
        if (close(dx->value(i), slope, 1e-5 * (1 + std::fabs(slope)))) continue;
        CHECK_MSG(false, isa, " ", sf::kUnaryNames[op], "' at ", x->value(i), " is ", dx->value(i),
                  ", not ", slope);
        break;
      }
    }
  });
}

TEST(elementwise_binary_backward_is_the_slope_of_forward) {
  const double kStep = 1e-6;
  for_each_isa([&](const std::string& isa) {
    const auto a = random_array({77}, Dtype::kFloat64, 8, 0.3, 3),
               b = random_array({77}, Dtype::kFloat64, 9, 0.3, 3);
    const auto g = random_array({77}, Dtype::kFloat64, 6);
    const auto y = make_array({77}, Dtype::kFloat64), d = make_array({77}, Dtype::kFloat64);
    for (int op = 0; op < sf::kNumBinary; ++op) {
      const auto binary = static_cast<Binary>(op);
      sf::run_binary(binary, a->array, b->array, y->array);
      for (int which = 0; which < 2; ++which) {
        const uint8_t needs = sf::needs_of(binary, which);
        sf::run_binary_backward(binary, which, needs & sf::kNeedsA ? &a->array : nullptr,
                                needs & sf::kNeedsB ? &b->array : nullptr,
                                needs & sf::kNeedsY ? &y->array : nullptr, g->array, d->array);
        for (int64_t i = 0; i < 77; ++i) {
          const double p = a->value(i), q = b->value(i), h = kStep;
          const double up = which ? reference(binary, p, q + h) : reference(binary, p + h, q);
          const double down = which ? reference(binary, p, q - h) : reference(binary, p - h, q);
          const double slope = (up - down) / (2 * h) * g->value(i);
          if (std::fabs(slope) > 1e4) continue;  // a jump of the remainder
          CHECK_MSG(close(d->value(i), slope, 1e-5), isa, " ", sf::kBinaryNames[op], " ", which);
        }
      }
    }
  });
}

TEST(elementwise_kinks_and_nan_follow_pytorch) {
  for_each_isa([](const std::string&) {
    auto x = make_array({4}), y = make_array({4}), g = make_array({4}), dx = make_array({4});
    const float in[4] = {0, -1, 2, NAN};
    std::memcpy(x->array.data, in, sizeof in);
    sf::run_fill(g->array, 1);
    sf::run_unary(Unary::relu, x->array, y->array);
    CHECK(y->value(0) == 0 && y->value(1) == 0 && y->value(2) == 2 && std::isnan(y->value(3)));
    sf::run_unary_backward(Unary::relu, nullptr, &y->array, g->array, dx->array);
    CHECK(dx->value(0) == 0 && dx->value(1) == 0 && dx->value(2) == 1);
    sf::run_unary_backward(Unary::abs, &x->array, nullptr, g->array, dx->array);
    CHECK(dx->value(0) == 0 && dx->value(1) == -1 && dx->value(2) == 1);
    sf::run_unary(Unary::clamp, x->array, y->array, {-0.5, 1});
    CHECK(y->value(1) == -0.5 && y->value(2) == 1 && std::isnan(y->value(3)));
    // Equal arguments share the gradient.
    sf::run_binary_backward(Binary::maximum, 0, &x->array, &x->array, nullptr, g->array, dx->array);
    CHECK(dx->value(0) == 0.5);
    for (const Binary op : {Binary::maximum, Binary::minimum}) {
      sf::run_binary(op, x->array, g->array, y->array);
      CHECK(std::isnan(y->value(3)));
      sf::run_binary(op, g->array, x->array, y->array);
      CHECK(std::isnan(y->value(3)));
    }
  });
}

TEST(elementwise_works_in_place_and_on_many_threads) {
  const int before = sf::num_threads();
  const Shape shape{301, 333};
  const auto x = random_array(shape), one = random_array(shape), many = random_array(shape);
  sf::set_num_threads(1);
  sf::run_unary(Unary::gelu, one->array, one->array);
  sf::set_num_threads(4);
  sf::run_unary(Unary::gelu, permuted(many->array, {1, 0}), permuted(many->array, {1, 0}));
  CHECK(!std::memcmp(one->array.data, many->array.data, 301 * 333 * 4));
  CHECK(std::memcmp(one->array.data, x->array.data, 301 * 333 * 4));
  sf::set_num_threads(before);
}

TEST(elementwise_integers_wrap_and_refuse_zero_divisors) {
  auto a = make_array({5}, Dtype::kInt32), b = make_array({5}, Dtype::kInt32);
  auto y = make_array({5}, Dtype::kInt32);
  const int32_t va[5] = {INT32_MAX, INT32_MIN, -7, 7, -7}, vb[5] = {1, -1, 3, -3, 1};
  std::memcpy(a->array.data, va, sizeof va);
  std::memcpy(b->array.data, vb, sizeof vb);
  sf::run_binary(Binary::add, a->array, b->array, y->array);
  CHECK(y->value(0) == INT32_MIN);
  sf::run_binary(Binary::floor_divide, a->array, b->array, y->array);
  CHECK(y->value(1) == INT32_MIN && y->value(2) == -3 && y->value(3) == -3 && y->value(4) == -7);
  sf::run_binary(Binary::remainder, a->array, b->array, y->array);
  CHECK(y->value(1) == 0 && y->value(2) == 2 && y->value(3) == -2);
  sf::run_binary(Binary::fmod, a->array, b->array, y->array);
  CHECK(y->value(2) == -1 && y->value(3) == 1);
  sf::run_binary(Binary::pow, b->array, b->array, y->array);
  CHECK(y->value(0) == 1 && y->value(1) == -1 && y->value(2) == 27 && y->value(3) == 0);
  sf::run_unary(Unary::clamp, a->array, y->array, {-7.5, INFINITY});
  CHECK(y->value(0) == INT32_MAX && y->value(1) == -7 && y->value(2) == -7 && y->value(3) == 7);
  sf::run_fill_int(b->array, 0);
  CHECK_THROWS(sf::RuntimeError, sf::run_binary(Binary::remainder, a->array, b->array, y->array));
  CHECK_THROWS(sf::DtypeError, sf::run_binary(Binary::div, a->array, a->array, y->array));
  CHECK_THROWS(sf::DtypeError, sf::run_unary(Unary::exp, a->array, y->array));
}

TEST(elementwise_float_remainders_are_exact) {
  auto a = make_array({3}), b = make_array({3}), y = make_array({3});
  const float va[3] = {1e10f, -1e10f, 6}, vb[3] = {3, 3, 0.1f};
  std::memcpy(a->array.data, va, sizeof va);
  std::memcpy(b->array.data, vb, sizeof vb);
  sf::run_binary(Binary::remainder, a->array, b->array, y->array);
  CHECK(y->value(0) == 1 && y->value(1) == 2);
  sf::run_binary(Binary::floor_divide, a->array, b->array, y->array);
  CHECK(y->value(2) == std::floor(6.0 / static_cast<double>(0.1f)));
}

TEST(copy_takes_every_layout_and_dtype) {
  for (int from = 0; from < sf::kNumDtypes; ++from) {
    for (int to = 0; to < sf::kNumDtypes; ++to) {
      const Layouts in(static_cast<Dtype>(from), 3), out(static_cast<Dtype>(to), 60, false);
      for (const Array& src : in.views) {
        for (const Array& dst : out.views) {
          sf::run_copy(src, dst);
          const auto x = values(src), y = values(dst);
          bool same = true;
          for (size_t i = 0; i < x.size(); ++i) {
            const double want = to == 0                      ? x[i] != 0
                                : sf::is_floating(dst.dtype) ? x[i]
                                                             : std::trunc(x[i]);
            same &= static_cast<float>(y[i]) == static_cast<float>(want);
          }
          CHECK_MSG(same, src.dtype, " to ", dst.dtype);
        }
      }
    }
  }
}

TEST(copy_of_big_transposes_and_odd_floats) {
  const auto a = random_array({257, 300});
  const auto b = make_array({300, 257});
  sf::run_copy(permuted(a->array, {1, 0}), b->array);
  CHECK(values(permuted(a->array, {1, 0})) == values(b->array));
  auto x = make_array({5});
  const float odd[5] = {NAN, INFINITY, -INFINITY, 3e9f, -2.9f};
  std::memcpy(x->array.data, odd, sizeof odd);
  auto i64 = make_array({5}, Dtype::kInt64);
  sf::run_copy(x->array, i64->array);
  CHECK(i64->array.as<int64_t>()[0] == 0 && i64->array.as<int64_t>()[1] == INT64_MAX);
  CHECK(i64->array.as<int64_t>()[2] == INT64_MIN && i64->array.as<int64_t>()[3] == 3000000000);
  CHECK(i64->array.as<int64_t>()[4] == -2);
}

TEST(elementwise_empty_and_scalar_shapes) {
  const auto none = make_array({0, 3}), scalar = make_array({});
  sf::run_unary(Unary::exp, none->array, none->array);
  sf::run_fill(scalar->array, 2);
  sf::run_unary(Unary::exp, scalar->array, scalar->array);
  CHECK(std::fabs(scalar->value(0) - std::exp(2)) < 1e-5);
  sf::run_binary(Binary::add, scalar->array, scalar->array, scalar->array);
  sf::run_copy(scalar->array, scalar->array);
  CHECK(std::fabs(scalar->value(0) - 2 * std::exp(2)) < 1e-5);
}

TEST(elementwise_costs_follow_the_formulas) {
  CHECK(sf::cost_of(Unary::relu, false) == 0);
  CHECK(sf::cost_of(Unary::tanh, false) == sf::kCostly);
  CHECK(sf::cost_of(Unary::tanh, true) == 0);
  CHECK(sf::cost_of(Unary::mish, true) == 3 * sf::kCostly);
  CHECK(sf::cost_of(Unary::silu, false) > sf::kCostly);
  CHECK(sf::cost_of(Binary::add, 0) == 0);
  CHECK(sf::cost_of(Binary::div, 1) > 0 && sf::cost_of(Binary::div, 1) < sf::kCostly);
  CHECK(sf::cost_of(Binary::pow, 1) == sf::kCostly);
  CHECK(sf::cost_of(Binary::fmod, 0) == sf::kCostly);
}
