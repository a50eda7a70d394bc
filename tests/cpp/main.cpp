// sf_tests [part of a test's name]: runs the matching tests; the exit status is 1 if one failed.
#include <cstring>
#include <exception>

#include "check.h"

int main(int argc, char** argv) {
  const char* filter = argc > 1 ? argv[1] : "";
  int run = 0, failed = 0;
  for (const Test& test : all_tests()) {
    if (!std::strstr(test.name, filter)) continue;
    const int before = failures();
    try {
      test.run();
    } catch (const std::exception& error) {
      report(test.name, 0, error.what());
    }
    ++run;
    const bool ok = failures() == before;
    failed += !ok;
    std::printf("%s %s\n", ok ? "ok  " : "FAIL", test.name);
  }
  std::printf("%d tests, %d failed\n", run, failed);
  return failed || !run ? 1 : 0;
}
