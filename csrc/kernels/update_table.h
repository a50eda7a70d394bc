// The update family's part of the kernel table.
#pragma once
#include <cstdint>

namespace sf {

// Optimizer rules, one row of update.def each.
enum class Update {
#define SF_UPDATE(name, ...) name,
#include "kernels/update.def"
#undef SF_UPDATE
};
constexpr int kNumUpdates = 0
#define SF_UPDATE(name, ...) +1
#include "kernels/update.def"
#undef SF_UPDATE
    ;
constexpr int kMaxUpdateStates = 3;
constexpr int kMaxUpdateCoefficients = 12;

// One contiguous parameter with what belongs to it, all n elements long.
struct UpdateSpan {
  void* p;
  const void* g;
  void* s[kMaxUpdateStates];  // as many as the rule has
  int64_t n;
  double c[kMaxUpdateCoefficients];
};

struct UpdateKernels {
  // One function per rule; changes elements [begin, end) of a span.
  void (*rules[kNumUpdates])(const UpdateSpan& span, int64_t begin, int64_t end) = {};
};

}  // namespace sf
