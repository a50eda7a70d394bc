#include <cstdlib>

#include "check.h"

TEST(dispatch_runs_the_isa_that_was_asked_for) {
  CHECK(sf::available_isas().front() == "baseline");
  for_each_isa([](const std::string& isa) { CHECK(isa == sf::isa_name()); });
}

TEST(dispatch_refuses_an_unknown_isa) {
  CHECK_THROWS(sf::ValueError, sf::set_isa("avx1024"));
  CHECK_THROWS(sf::ValueError, sf::set_isa(""));
}

TEST(dispatch_obeys_the_environment) {
  const std::string before = sf::isa_name();
  const char* forced = std::getenv("SUREFOOT_ISA");
  const std::string saved = forced ? forced : "";
  setenv("SUREFOOT_ISA", "baseline", 1);
  CHECK(std::string(sf::detail::choose_table().isa) == "baseline");
  setenv("SUREFOOT_ISA", "toaster", 1);
  CHECK_THROWS(sf::ValueError, sf::detail::choose_table());
  saved.empty() ? unsetenv("SUREFOOT_ISA") : setenv("SUREFOOT_ISA", saved.c_str(), 1);
  sf::set_isa(before);
}

TEST(dispatch_width_grows_with_the_isa) {
  int last = 0;
  for_each_isa([&](const std::string&) {
    CHECK(sf::kernels<float>().width > last);
    CHECK(sf::kernels<float>().width == 2 * sf::kernels<double>().width);
    last = sf::kernels<float>().width;
  });
}
