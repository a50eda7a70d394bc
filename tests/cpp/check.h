// A test is TEST(name) { CHECK(condition); CHECK_THROWS(Type, expression); ... }; main.cpp runs
// all.
#pragma once
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/dispatch.h"

struct Test {
  const char* name;
  void (*run)();
};
inline std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}
inline int& failures() {
  static int count = 0;
  return count;
}
inline void report(const char* file, int line, const std::string& what) {
  if (++failures() <= 50) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

// Runs fn once under every ISA this machine has.
template <class F>
void for_each_isa(F&& fn) {
  const std::string before = sf::isa_name();
  for (const std::string& isa : sf::available_isas()) {
    sf::set_isa(isa);
    fn(isa);
  }
  sf::set_isa(before);
}

#define TEST(test_name)                                                                         \
  static void test_name();                                                                      \
  static const bool test_name##_added = (all_tests().push_back({#test_name, test_name}), true); \
  static void test_name()
#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) report(__FILE__, __LINE__, #condition); \
  } while (0)
#define CHECK_MSG(condition, ...)                                                      \
  do {                                                                                 \
    if (!(condition))                                                                  \
      report(__FILE__, __LINE__, std::string(#condition ": ") + sf::str(__VA_ARGS__)); \
  } while (0)
#define CHECK_THROWS(Type, expression)                                            \
  do {                                                                            \
    bool thrown = false;                                                          \
    try {                                                                         \
      (void)(expression);                                                         \
    } catch (const Type&) {                                                       \
      thrown = true;                                                              \
    }                                                                             \
    if (!thrown) report(__FILE__, __LINE__, #expression " did not throw " #Type); \
  } while (0)
