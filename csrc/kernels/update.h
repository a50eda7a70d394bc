// One optimizer step over many parameters: a single parallel pass.
#pragma once
#include <span>

#include "base/dtype.h"
#include "kernels/table.h"

namespace sf {

// What a row of update.def says of itself, indexed by Update.
struct UpdateRow {
  const char* name;
  int states, coefficients;
};
inline constexpr UpdateRow kUpdateRows[] = {
#define SF_UPDATE(name, states, coefficients, ...) {#name, states, coefficients},
#include "kernels/update.def"
#undef SF_UPDATE
};

struct UpdateTask {
  Dtype dtype;  // float32 or float64, of all arrays of the span
  UpdateSpan span;
};

// Applies `rule` to every task. Small parameters share a chunk, large ones are cut; since rules are
// elementwise this does not touch the bits.
void run_update(Update rule, std::span<const UpdateTask> tasks);

}  // namespace sf
