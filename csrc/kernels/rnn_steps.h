// How the sequences of a recurrent layer are shared out, and the order of their steps.
#pragma once
#include <algorithm>

#include "base/parallel.h"
#include "kernels/rnn.h"

namespace sf {

// Sequences that go through the steps together; a function of the shape alone.
inline Chunks rnn_chunks(const RnnPlan& plan) { return {plan.batch, plan.batch < 48 ? 8 : 12}; }

// Whether there is work for more than one thread.
inline bool rnn_threaded(const RnnPlan& plan) {
  constexpr int64_t kMacs = 500'000;
  return plan.rows * plan.hidden * plan.gates() >= kMacs;
}

template <class F>
void for_rnn_tasks(const RnnPlan& plan, int64_t tasks, const F& fn) {
  if (rnn_threaded(plan)) return parallel_for(tasks, fn);
  for (int64_t i = 0; i < tasks; ++i) fn(i);
}

// A chunk's share of one step: `rows` sequences. The first lies in row `row` of input and output
// (the next plan.row_step further on), and in row `kept` of what is kept for backward.
struct RnnPart {
  int64_t step, rows, row, kept;
};

// Where each chunk keeps its steps one behind the other, in the order they are computed: the first
// row of chunk number `chunk`.
inline int64_t first_kept_row(const RnnPlan& plan, int64_t chunk) {
  const int64_t begin = rnn_chunks(plan).begin(chunk);
  int64_t rows = 0;
  for (int64_t size : plan.sizes) rows += std::min(size, begin);
  return rows;
}

// Calls fn(part) for all steps of a chunk, in the order they are computed or against it.
template <class F>
void for_rnn_steps(const RnnPlan& plan, int64_t chunk, bool backwards, const F& fn) {
  const Chunks chunks = rnn_chunks(plan);
  const int64_t begin = chunks.begin(chunk), end = chunks.end(chunk), steps = plan.steps();
  int64_t kept = first_kept_row(plan, backwards ? chunk + 1 : chunk);
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = plan.reverse != backwards ? steps - 1 - k : k;
    const auto at = static_cast<size_t>(t);
    const int64_t rows = std::min(plan.sizes[at], end) - begin;
    if (rows <= 0) continue;
    const int64_t row = plan.starts[at] + begin * plan.row_step;
    if (backwards) kept -= rows;
    fn(RnnPart{t, rows, row, plan.fused() ? kept : row});
    if (!backwards) kept += rows;
  }
}

// Rows from one sequence of a part to the next, in what is kept.
inline int64_t kept_step(const RnnPlan& plan) { return plan.fused() ? 1 : plan.row_step; }

}  // namespace sf
