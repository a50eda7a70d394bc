// One optimizer step over many parameters: a single parallel pass.
#pragma once
#include <span>

#include "base/dtype.h"
#include "kernels/table.h"

namespace sf {

struct UpdateTask {
  Dtype dtype;  // float32 or float64, of all arrays of the span
  UpdateSpan span;
};

// Applies `rule` to every task. Small parameters share a chunk, large ones are cut; since rules are
// elementwise this does not touch the bits.
void run_update(Update rule, std::span<const UpdateTask> tasks);

}  // namespace sf
