#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "base/parallel.h"
#include "check.h"
#include "kernels/update.h"

namespace {

constexpr double kCoefficients[sf::kMaxUpdateCoefficients] = {
    -1, 0.09375, 0.25, 0.875, 0.5, 0.75, 0.125, 3, 0.01, 0.02, 0.96875, 0.375};

// Element i of array k, the same in float and double.
double value(int64_t i, int k) { return 0.25 * static_cast<double>((i * 7 + k * 13) % 31) + 0.5; }

// p, s0, s1, s2 after one step of `rule` on element i, alone and in double: what any place in any
// tensor must give. That it is the rule's formula is shown by tests/optim_table.py.
std::vector<double> alone(sf::Update rule, int64_t i) {
  double a[] = {value(i, 0), value(i, 1), value(i, 2), value(i, 3), value(i, 4)};
  sf::UpdateTask task{sf::Dtype::kFloat64, {&a[0], &a[1], {&a[2], &a[3], &a[4]}, 1, {}}};
  std::copy(std::begin(kCoefficients), std::end(kCoefficients), task.span.c);
  sf::run_update(rule, {&task, 1});
  return {a[0], a[2], a[3], a[4]};
}

// Tensors of several sizes, one element behind each that must stay as it is.
template <class T>
struct Batch {
  explicit Batch(const std::vector<int64_t>& sizes) {
    for (int64_t n : sizes) {
      auto& arrays = tensors.emplace_back(5);
      for (int k = 0; k < 5; ++k) {
        for (int64_t i = 0; i <= n; ++i) {
          arrays[static_cast<size_t>(k)].push_back(static_cast<T>(value(i, k)));
        }
      }
      sf::UpdateTask task{sf::dtype_of<T>,
                          {arrays[0].data(),
                           arrays[1].data(),
                           {arrays[2].data(), arrays[3].data(), arrays[4].data()},
                           n,
                           {}}};
      std::copy(std::begin(kCoefficients), std::end(kCoefficients), task.span.c);
      tasks.push_back(task);
    }
  }
  std::vector<std::vector<std::vector<T>>> tensors;
  std::vector<sf::UpdateTask> tasks;
};

template <class T>
void check_rule(sf::Update rule, const std::vector<int64_t>& sizes, double tolerance) {
  Batch<T> batch(sizes);
  sf::run_update(rule, batch.tasks);
  for (const auto& arrays : batch.tensors) {
    const int64_t n = static_cast<int64_t>(arrays[0].size()) - 1;
    for (int64_t i = 0; i < n; ++i) {
      const std::vector<double> want = alone(rule, i);
      for (int k : {0, 2, 3, 4}) {
        const double got = static_cast<double>(arrays[static_cast<size_t>(k)][size_t(i)]);
        const double exact = want[k == 0 ? 0 : static_cast<size_t>(k - 1)];
        CHECK_MSG(std::abs(got - exact) <= tolerance * (std::abs(exact) + 1), "rule ",
                  static_cast<int>(rule), " n ", n, " i ", i, " array ", k, " got ", got,
                  " expected ", exact);
      }
      CHECK(arrays[1][size_t(i)] == static_cast<T>(value(i, 1)));
    }
    for (int k = 0; k < 5; ++k) {
      CHECK(arrays[static_cast<size_t>(k)].back() == static_cast<T>(value(n, k)));
    }
  }
}

template <class F>
void for_each_rule(F&& fn) {
  for (int rule = 0; rule < sf::kNumUpdates; ++rule) fn(static_cast<sf::Update>(rule));
}

}  // namespace

TEST(update_is_the_same_at_every_place) {
  std::vector<int64_t> sizes;
  for (int64_t n = 0; n <= 67; ++n) sizes.push_back(n);
  for_each_isa([&](const std::string&) {
    for_each_rule([&](sf::Update rule) {
      check_rule<float>(rule, sizes, 2e-6);
      check_rule<double>(rule, sizes, 1e-14);
    });
  });
}

TEST(update_cuts_large_and_joins_small_tensors) {
  for_each_rule([&](sf::Update rule) {
    check_rule<float>(rule, {0, 1, 32 * 1024, 3, 0, 90000, 32 * 1024 - 4, 0}, 2e-6);
  });
}

TEST(update_has_the_same_bits_for_any_number_of_threads) {
  const int before = sf::num_threads();
  for_each_rule([&](sf::Update rule) {
    std::vector<std::vector<std::vector<float>>> first;
    for (int threads : {1, 2, 3}) {
      sf::set_num_threads(threads);
      Batch<float> batch({5, 80001, 7});
      sf::run_update(rule, batch.tasks);
      if (threads == 1) first = batch.tensors;
      CHECK(batch.tensors == first);
    }
  });
  sf::set_num_threads(before);
}

TEST(update_has_the_same_bits_in_avx2_and_avx512) {
  for_each_rule([&](sf::Update rule) {
    std::vector<std::vector<std::vector<float>>> first;
    for_each_isa([&](const std::string& isa) {
      if (isa == "baseline") return;
      Batch<float> batch({1000, 33});
      sf::run_update(rule, batch.tasks);
      if (first.empty()) first = batch.tensors;
      CHECK(batch.tensors == first);
    });
  });
}
