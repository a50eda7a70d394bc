#include <array>
#include <vector>

#include "check.h"
#include "optim/step.h"
#include "tensor/create.h"
#include "tensor/gather.h"

namespace {

sf::Tensor filled(std::initializer_list<double> values) {
  sf::Tensor t = sf::empty({static_cast<int64_t>(values.size())}, sf::Dtype::kFloat64);
  std::copy(values.begin(), values.end(), t.as<double>());
  return t;
}

sf::Tensor rows_tensor(std::initializer_list<int64_t> values) {
  sf::Tensor t = sf::empty({static_cast<int64_t>(values.size())}, sf::Dtype::kInt64);
  std::copy(values.begin(), values.end(), t.as<int64_t>());
  return t;
}

constexpr sf::SgdOptions kPlain{0.5, 0, 0, 0, false, false, sf::MomentumForm::kTorch};

}  // namespace

TEST(sgd_step_changes_parameters_and_counts_versions) {
  const std::array params{filled({1, 2}), filled({3})};
  const std::array grads{filled({2, -2}), filled({4})};
  sf::sgd_step_(params, grads, {}, {}, kPlain);
  CHECK(params[0].as<double>()[0] == 0 && params[0].as<double>()[1] == 3);
  CHECK(params[1].as<double>()[0] == 1);
  CHECK(params[0].storage()->version() == 1 && params[1].storage()->version() == 1);
  CHECK(grads[0].storage()->version() == 0 && grads[0].as<double>()[0] == 2);
}

TEST(sgd_step_checks_before_it_changes) {
  const std::array params{filled({1}), filled({1, 1})};
  const std::array grads{filled({1}), filled({1, 1, 1})};
  CHECK_THROWS(sf::ShapeError, sf::sgd_step_(params, grads, {}, {}, kPlain));
  const std::array halves{filled({1}), sf::zeros({2}, sf::Dtype::kFloat32)};
  CHECK_THROWS(sf::DtypeError, sf::sgd_step_(params, halves, {}, {}, kPlain));
  CHECK_THROWS(sf::ValueError, sf::sgd_step_(params, sf::Tensors(grads).first(1), {}, {}, kPlain));
  CHECK(params[0].as<double>()[0] == 1 && params[0].storage()->version() == 0);
}

TEST(sgd_step_writes_through_strides_and_refuses_repeated_elements) {
  const sf::Tensor whole = sf::zeros({4}, sf::Dtype::kFloat64);
  const std::array second{sf::as_view(whole, {2}, {2}, 1)};
  const std::array grads{filled({2, 4})};
  sf::sgd_step_(second, grads, {}, {}, kPlain);
  const double* w = whole.as<double>();
  CHECK(w[0] == 0 && w[1] == -1 && w[2] == 0 && w[3] == -2);
  const std::array repeated{sf::as_view(whole, {2}, {0}, 0)};
  CHECK_THROWS(sf::RuntimeError, sf::sgd_step_(repeated, grads, {}, {}, kPlain));
}

TEST(adam_step_is_as_long_as_lr_at_first) {
  const std::array params{filled({1, 1, 1})};
  const std::array grads{filled({1e-3, -5, 1e4})};
  const std::array averages{sf::zeros({3}, sf::Dtype::kFloat64)};
  const std::array squares{sf::zeros({3}, sf::Dtype::kFloat64)};
  const std::array<int64_t, 1> steps{1};
  sf::adam_step_(params, grads, averages, squares, {}, steps,
                 {0.25, 0.9, 0.999, 0, 0, false, false, true});
  const std::array expected{0.75, 1.25, 0.75};
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(params[0].as<double>()[i] - expected[i]) < 1e-14);
  }
  CHECK_THROWS(sf::ValueError, sf::adam_step_(params, grads, averages, squares, {}, {}, {}));
}

TEST(gather_rows_copies_rows_of_any_layout) {
  const sf::Tensor x = filled({0, 1, 2, 3, 4, 5});
  const std::array tensors{sf::as_view(x, {3, 2}, {2, 1}, 0),   // rows as they lie
                           sf::as_view(x, {3, 2}, {1, 3}, 0),   // columns of (2, 3)
                           sf::as_view(x, {3, 1}, {-1, 1}, 2),  // backwards
                           sf::as_view(x, {3}, {0}, 4)};        // one element, repeated
  const std::vector<sf::Tensor> out = sf::gather_rows(tensors, rows_tensor({2, 0, 2, 1}));
  const std::vector<std::vector<double>> expected{
      {4, 5, 0, 1, 4, 5, 2, 3}, {2, 5, 0, 3, 2, 5, 1, 4}, {0, 2, 0, 1}, {4, 4, 4, 4}};
  for (size_t k = 0; k < expected.size(); ++k) {
    CHECK(out[k].is_contiguous() && out[k].size(0) == 4);
    const double* got = out[k].as<double>();
    CHECK(std::vector<double>(got, got + out[k].numel()) == expected[k]);
  }
}

TEST(gather_rows_refuses_what_is_not_there) {
  const std::array tensors{filled({1, 2, 3})};
  CHECK_THROWS(sf::IndexError, sf::gather_rows(tensors, rows_tensor({0, 3})));
  CHECK_THROWS(sf::IndexError, sf::gather_rows(tensors, rows_tensor({-1})));
  CHECK_THROWS(sf::DtypeError, sf::gather_rows(tensors, filled({0})));
  const std::array lengths{filled({1, 2}), filled({1})};
  CHECK_THROWS(sf::ShapeError, sf::gather_rows(lengths, rows_tensor({0})));
  CHECK_THROWS(sf::ValueError, sf::gather_rows({}, rows_tensor({0})));
}
