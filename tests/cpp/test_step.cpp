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

// p -= 0.5 g
void half_step(sf::Tensors params, sf::Tensors grads) {
  const std::array coefficients{std::vector<double>{1, 0, 0.5}};
  sf::update_("sgd", params, grads, {}, coefficients);
}

}  // namespace

TEST(update_changes_parameters_and_counts_versions) {
  const std::array params{filled({1, 2}), filled({3})};
  const std::array grads{filled({2, -2}), filled({4})};
  half_step(params, grads);
  CHECK(params[0].as<double>()[0] == 0 && params[0].as<double>()[1] == 3);
  CHECK(params[1].as<double>()[0] == 1);
  CHECK(params[0].storage()->version() == 1 && params[1].storage()->version() == 1);
  CHECK(grads[0].storage()->version() == 0 && grads[0].as<double>()[0] == 2);
}

TEST(update_checks_before_it_changes) {
  const std::array params{filled({1}), filled({1, 1})};
  const std::array grads{filled({1}), filled({1, 1, 1})};
  CHECK_THROWS(sf::ShapeError, half_step(params, grads));
  const std::array halves{filled({1}), sf::zeros({2}, sf::Dtype::kFloat32)};
  CHECK_THROWS(sf::DtypeError, half_step(params, halves));
  CHECK_THROWS(sf::ValueError, half_step(params, sf::Tensors(grads).first(1)));
  CHECK(params[0].as<double>()[0] == 1 && params[0].storage()->version() == 0);
}

TEST(update_writes_through_strides_and_refuses_repeated_elements) {
  const sf::Tensor whole = sf::zeros({4}, sf::Dtype::kFloat64);
  const std::array second{sf::as_view(whole, {2}, {2}, 1)};
  const std::array grads{filled({2, 4})};
  half_step(second, grads);
  const double* w = whole.as<double>();
  CHECK(w[0] == 0 && w[1] == -1 && w[2] == 0 && w[3] == -2);
  const std::array repeated{sf::as_view(whole, {2}, {0}, 0)};
  CHECK_THROWS(sf::RuntimeError, half_step(repeated, grads));
}

TEST(update_takes_states_and_coefficients_of_each_parameter) {
  const std::array params{filled({1, 1}), filled({1})};
  const std::array grads{filled({1, 2}), filled({4})};
  const std::array states{std::vector<sf::Tensor>{filled({0, 2}), filled({1})}};
  const std::array coefficients{std::vector<double>{1, 0, 0.5, 0.5, 1},
                                std::vector<double>{-1, 0, 0.25, 0.5, 1}};
  sf::update_("momentum", params, grads, states, coefficients);
  const double* v = states[0][0].as<double>();
  CHECK(v[0] == 1 && v[1] == 3 && states[0][1].as<double>()[0] == -3.5);
  const double* p = params[0].as<double>();
  CHECK(p[0] == 0.5 && p[1] == -0.5 && params[1].as<double>()[0] == 1.875);
}

TEST(update_refuses_what_its_row_does_not_say) {
  const std::array params{filled({1}), filled({1})};
  const std::array grads{filled({1}), filled({1})};
  const std::vector<double> right{1, 0, 0.5, 0.5, 1};
  const std::array states{std::vector<sf::Tensor>{filled({0}), filled({0})}};
  const std::array short_states{std::vector<sf::Tensor>{filled({0})}};
  const std::array two_states{states[0], states[0]};
  const std::array one{right}, lacking{std::vector<double>{1, 0, 0.5, 0.5}};
  const std::array three{right, right, right};
  const auto run = [&](const char* rule, auto& s, auto& c) {
    sf::update_(rule, params, grads, s, c);
  };
  CHECK_THROWS(sf::ValueError, run("momenta", states, one));
  CHECK_THROWS(sf::ValueError, run("sgd", states, one));
  CHECK_THROWS(sf::ValueError, run("momentum", two_states, one));
  CHECK_THROWS(sf::ValueError, run("momentum", short_states, one));
  CHECK_THROWS(sf::ValueError, run("momentum", states, lacking));
  CHECK_THROWS(sf::ValueError, run("momentum", states, three));
  CHECK(params[0].as<double>()[0] == 1 && params[0].storage()->version() == 0);
  run("momentum", states, one);
  CHECK(params[0].as<double>()[0] == 0.5 && params[1].as<double>()[0] == 0.5);
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
