#include <cmath>
#include <cstring>

#include "arrays.h"
#include "base/parallel.h"
#include "check.h"
#include "kernels/random.h"

namespace {

using sf::Dtype;
using sf::RandomKey;
using sf::Shape;

struct Moments {
  double mean, variance, skew, kurtosis;
};
Moments moments(const std::vector<double>& x) {
  const double n = static_cast<double>(x.size());
  double m = 0, v = 0, s = 0, k = 0;
  for (double a : x) m += a / n;
  for (double a : x) v += (a - m) * (a - m) / n;
  for (double a : x)
    s += std::pow((a - m) / std::sqrt(v), 3) / n, k += std::pow((a - m), 4) / (v * v) / n;
  return {m, v, s, k};
}

}  // namespace

// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011): the published
// answers for philox4x32 with 10 rounds.
TEST(random_philox_gives_the_published_answers) {
  const uint32_t f = 0xffffffff;
  const auto is = [](std::array<uint32_t, 4> got, std::array<uint32_t, 4> want) {
    return got == want;
  };
  CHECK(is(sf::philox({0, 0, 0, 0}, {0, 0}), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  CHECK(is(sf::philox({f, f, f, f}, {f, f}), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  CHECK(is(sf::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
           {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(random_vector_words_are_philox) {
  for_each_isa([](const std::string& isa) {
    uint32_t words[sf::kRandomWords];
    const uint64_t seed = 0x123456789abcdef0, draw = 0xfedcba9876543210, first = 0xfffffff8;
    sf::kernels<float>().random.words(seed, draw, first, words);
    for (uint64_t i = 0; i < 16; ++i) {
      const uint64_t c = first + i;
      const auto want =
          sf::philox({uint32_t(c), uint32_t(c >> 32), uint32_t(draw), uint32_t(draw >> 32)},
                     {uint32_t(seed), uint32_t(seed >> 32)});
      for (size_t w = 0; w < 4; ++w) CHECK_MSG(words[16 * w + i] == want[w], isa, " block ", i);
    }
  });
}

TEST(random_numbers_do_not_depend_on_threads_or_length) {
  const int before = sf::num_threads();
  const RandomKey key{42, 7};
  for_each_isa([&](const std::string&) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
      const auto a = make_array({100003}, dtype), b = make_array({100003}, dtype),
                 c = make_array({101}, dtype);
      const auto bytes = static_cast<size_t>(100003 * sf::size_of(dtype));
      for (const auto run : {sf::run_uniform, sf::run_normal}) {
        sf::set_num_threads(1);
        run(a->array, key, 0.25, 1);
        sf::set_num_threads(7);
        run(b->array, key, 0.25, 1);
        run(c->array, key, 0.25, 1);
        CHECK(!std::memcmp(a->array.data, b->array.data, bytes));
        CHECK(!std::memcmp(a->array.data, c->array.data,
                           static_cast<size_t>(101 * sf::size_of(dtype))));
        run(b->array, {42, 8}, 0.25, 1);
        CHECK(std::memcmp(a->array.data, b->array.data, bytes));
        run(b->array, {43, 7}, 0.25, 1);
        CHECK(std::memcmp(a->array.data, b->array.data, bytes));
      }
    }
  });
  sf::set_num_threads(before);
}

TEST(random_numbers_have_their_distribution) {
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
    const auto x = make_array({400000}, dtype);
    sf::run_uniform(x->array, {1, 0}, -1, 3);
    const Moments u = moments(values(x->array));
    CHECK_MSG(std::fabs(u.mean - 1) < 0.01 && std::fabs(u.variance - 16.0 / 12) < 0.01, u.mean);
    CHECK(std::fabs(u.skew) < 0.02 && std::fabs(u.kurtosis - 1.8) < 0.02);
    for (const double v : values(x->array)) CHECK(v >= -1 && v < 3);
    sf::run_normal(x->array, {1, 1}, 2, 3);
    const Moments z = moments(values(x->array));
    CHECK_MSG(std::fabs(z.mean - 2) < 0.03 && std::fabs(z.variance - 9) < 0.1, z.mean, z.variance);
    CHECK_MSG(std::fabs(z.skew) < 0.02 && std::fabs(z.kurtosis - 3) < 0.05, z.skew, z.kurtosis);
  }
  const auto k = make_array({100000}, Dtype::kInt64);
  sf::run_randint(k->array, {3, 3}, -3, 4);
  int counts[7] = {};
  for (const double v : values(k->array)) ++counts[static_cast<int>(v) + 3];
  for (const int count : counts) CHECK(std::abs(count - 100000 / 7) < 500);
  CHECK(k->value(5) == static_cast<double>(-3 + sf::random_below({3, 3}, 5, 7)));
}

TEST(random_dropout_keeps_the_mean_and_its_mask) {
  for_each_isa([](const std::string&) {
    const auto x = make_array({50000}), y = make_array({50000}), again = make_array({50000});
    const auto xd = make_array({50000}, Dtype::kFloat64), yd = make_array({50000}, Dtype::kFloat64);
    for (int64_t i = 0; i < 50000; ++i) x->array.as<float>()[i] = 1, xd->array.as<double>()[i] = 1;
    sf::run_dropout(x->array, y->array, {9, 1}, 0.3, 1 / 0.7);
    sf::run_dropout(x->array, again->array, {9, 1}, 0.3, 1 / 0.7);
    sf::run_dropout(xd->array, yd->array, {9, 1}, 0.3, 1 / 0.7);
    CHECK(!std::memcmp(y->array.data, again->array.data, 50000 * 4));
    const Moments m = moments(values(y->array));
    CHECK_MSG(std::fabs(m.mean - 1) < 0.02, m.mean);
    for (int64_t i = 0; i < 50000; ++i) {
      CHECK(y->value(i) == 0 || std::fabs(y->value(i) - 1 / 0.7) < 1e-6);
      CHECK((y->value(i) == 0) == (yd->value(i) == 0));
    }
    sf::run_dropout(x->array, y->array, {9, 1}, 1, 1);
    for (const double v : values(y->array)) CHECK(v == 0);
    sf::run_dropout(x->array, y->array, {9, 1}, 0, 1);
    for (const double v : values(y->array)) CHECK(v == 1);
  });
}
