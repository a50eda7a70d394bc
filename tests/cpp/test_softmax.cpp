#include <cmath>
#include <cstring>

#include "arrays.h"
#include "base/parallel.h"
#include "check.h"
#include "kernels/softmax.h"

namespace {

using sf::Array;
using sf::Dtype;
using sf::Shape;

// fn(values along dim) -> values along dim, for every line of row-major values.
template <class F>
std::vector<double> along(const std::vector<double>& in, const Shape& shape, int dim, const F& fn) {
  int64_t step = 1;
  for (int d = dim + 1; d < shape.ndim(); ++d) step *= shape[d];
  const int64_t n = shape[dim];
  std::vector<double> out(in.size());
  for (int64_t i = 0; i < shape.numel(); ++i) {
    if (i / step % n) continue;
    std::vector<double> line;
    for (int64_t k = 0; k < n; ++k) line.push_back(in[static_cast<size_t>(i + k * step)]);
    fn(line);
    for (int64_t k = 0; k < n; ++k) {
      out[static_cast<size_t>(i + k * step)] = line[static_cast<size_t>(k)];
    }
  }
  return out;
}

void softmax_line(std::vector<double>& line) {
  double top = -INFINITY, sum = 0;
  for (double v : line) top = std::fmax(top, v);
  for (double v : line) sum += std::exp(v - top);
  for (double& v : line) v = std::exp(v - top) / sum;
}

bool all_close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= tolerance * (1 + std::fabs(b[i])))) return false;
  }
  return a.size() == b.size();
}

}  // namespace

TEST(softmax_takes_every_dim_layout_and_length) {
  for_each_isa([](const std::string& isa) {
    for (const Shape& shape :
         {Shape{3, 1, 7}, Shape{5, 33, 10}, Shape{2, 300, 129}, Shape{70, 3, 200}}) {
      for (int dim = 0; dim < 3; ++dim) {
        const auto x = random_array(shape, Dtype::kFloat32, 1, -9, 9);
        const auto y = make_array(shape);
        const auto want = along(values(x->array), shape, dim, softmax_line);
        sf::run_softmax(x->array, y->array, dim, false);
        CHECK_MSG(all_close(values(y->array), want, 1e-6), isa, shape, dim);
        auto logs = want;
        for (double& v : logs) v = std::log(v);
        sf::run_softmax(x->array, y->array, dim, true);
        CHECK_MSG(all_close(values(y->array), logs, 2e-6), isa, shape, dim);
        const Array turned = permuted(x->array, {2, 0, 1});
        const auto y2 = make_array(turned.shape);
        sf::run_softmax(turned, y2->array, dim, false);
        const auto want2 = along(values(turned), turned.shape, dim, softmax_line);
        CHECK_MSG(all_close(values(y2->array), want2, 1e-6), isa, shape, dim, " turned");
      }
    }
  });
}

TEST(softmax_backward_is_the_vector_jacobian_product) {
  for_each_isa([](const std::string& isa) {
    const Shape shape{4, 37, 6};
    for (int dim = 0; dim < 3; ++dim) {
      for (const bool log : {false, true}) {
        const auto x = random_array(shape, Dtype::kFloat64, 1),
                   g = random_array(shape, Dtype::kFloat64, 2);
        const auto y = make_array(shape, Dtype::kFloat64), dx = make_array(shape, Dtype::kFloat64);
        sf::run_softmax(x->array, y->array, dim, log);
        sf::run_softmax_backward(y->array, g->array, dx->array, dim, log);
        // One direction of x, by differences.
        const auto direction = random_array(shape, Dtype::kFloat64, 3);
        double analytic = 0, up = 0, down = 0;
        for (int64_t i = 0; i < shape.numel(); ++i) analytic += dx->value(i) * direction->value(i);
        for (const double step : {1e-5, -1e-5}) {
          const auto moved = random_array(shape, Dtype::kFloat64, 1);
          for (int64_t i = 0; i < shape.numel(); ++i)
            moved->array.as<double>()[i] += step * direction->value(i);
          sf::run_softmax(moved->array, moved->array, dim, log);
          double& sum = step > 0 ? up : down;
          for (int64_t i = 0; i < shape.numel(); ++i) sum += moved->value(i) * g->value(i);
        }
        CHECK_MSG(std::fabs(analytic - (up - down) / 2e-5) < 1e-7, isa, " ", dim, " ", log);
      }
    }
  });
}

TEST(softmax_rows_for_cross_entropy) {
  for_each_isa([](const std::string&) {
    const auto x = random_array({67, 10}, Dtype::kFloat32, 5, -40, 40), y = make_array({67, 10});
    const auto lse = make_array({67}), scale = random_array({67});
    sf::run_row_lse(x->array, lse->array);
    sf::run_row_softmax(x->array, lse->array, scale->array, y->array);
    for (int64_t i = 0; i < 67; ++i) {
      double sum = 0;
      for (int64_t c = 0; c < 10; ++c) sum += std::exp(x->at({i, c}));
      CHECK(std::fabs(lse->value(i) - std::log(sum)) < 1e-5);
      for (int64_t c = 0; c < 10; ++c) {
        CHECK(std::fabs(y->at({i, c}) - scale->value(i) * std::exp(x->at({i, c})) / sum) < 2e-5);
      }
    }
  });
}

TEST(short_rows_side_by_side_have_the_bits_of_rows_one_by_one) {
  for_each_isa([](const std::string& isa) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
      for (const int64_t rows : {1, 3, 8, 37}) {
        for (int64_t n = 1; n <= 18; ++n) {
          const auto x = random_array({rows, n}, dtype, 7, -30, 30),
                     lse = make_array({rows}, dtype);
          sf::dispatch_floating(dtype, [&](auto zero) {
            auto* at = x->array.as<decltype(zero)>();
            at[rows * n - 1] = INFINITY;
            if (rows > 3) std::fill(at, at + n, -INFINITY), at[2 * n] = NAN;
          });
          sf::run_row_lse(x->array, lse->array);
          const auto one = make_array({2}, dtype);
          for (int64_t i = 0; i < rows; ++i) {
            Array row = x->array;
            row.data = x->array.as<char>() + i * n * sf::size_of(dtype);
            row.shape[0] = 2;
            row.strides[0] = 0;  // twice the same: not one behind the other
            sf::run_row_lse(row, one->array);
            const double a = lse->value(i), b = one->value(0);
            CHECK_MSG(std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b), isa, rows, n, i);
          }
        }
      }
    }
  });
}

TEST(softmax_of_infinities) {
  auto x = make_array({3}), y = make_array({3});
  const float in[3] = {-INFINITY, 0, -INFINITY};
  std::memcpy(x->array.data, in, sizeof in);
  sf::run_softmax(x->array, y->array, 0, false);
  CHECK((values(y->array) == std::vector<double>{0, 1, 0}));
}

TEST(softmax_gives_equal_bits_for_any_threads_and_wide_isas) {
  const std::string isa = sf::isa_name();
  const int before = sf::num_threads();
  const Shape shape{300, 1001};
  const auto x = random_array(shape), y = make_array(shape), other = make_array(shape);
  sf::set_num_threads(1);
  sf::run_softmax(x->array, y->array, 1, false);
  sf::set_num_threads(5);
  if (sf::available_isas().size() == 3) {
    for (const char* name : {"avx2", "avx512"}) {
      sf::set_isa(name);
      sf::run_softmax(x->array, other->array, 1, false);
      if (isa == "baseline") sf::run_softmax(x->array, y->array, 1, false);
      CHECK_MSG(!std::memcmp(y->array.data, other->array.data, 300 * 1001 * 4), name);
    }
  }
  sf::set_isa(isa);
  sf::set_num_threads(before);
}
