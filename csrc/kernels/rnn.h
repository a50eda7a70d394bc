// One recurrent layer in one direction over whole sequences. Sequences do not meet: each chunk of
// them goes through all its steps alone, without waiting for the others.
#pragma once
#include <cstdint>
#include <vector>

#include "base/array.h"
#include "kernels/rnn_table.h"

namespace sf {

// Where the steps of the sequences lie, and the sizes of the cell. Row (t, i) of the input and of
// the output is starts[t] + i * row_step.
struct RnnPlan {
  Cell cell = Cell::kLstm;
  Dtype dtype = Dtype::kFloat32;
  int64_t input = 0, hidden = 0, batch = 0;
  int64_t rows = 0;            // of all steps
  std::vector<int64_t> sizes;  // sequences that have step t: the first ones, never more than before
  std::vector<int64_t> starts;  // first row of step t
  int64_t row_step = 1;
  bool reverse = false;

  int64_t steps() const { return static_cast<int64_t>(sizes.size()); }
  int64_t gates() const;  // rows of the weights
  int64_t width() const;  // numbers in a row of gates: for the GRU one part more
  // Whether the weights are small enough to stay in cache. Then every product is taken step by
  // step, and gates do not leave the cache unfinished. Otherwise the products that do not wait for
  // a state are the caller's, for all steps at once.
  bool fused() const;
};

// Numbers of working memory that the launches below ask for.
int64_t rnn_forward_room(const RnnPlan& plan);
int64_t rnn_backward_room(const RnnPlan& plan);

// Contiguous, of the dtype of the plan; those that may be null say so.
struct RnnWeights {
  Array input, hidden;            // (gates, input), (gates, hidden)
  Array input_bias, hidden_bias;  // (gates,) or null
};

// Lays out the weights for the steps in `room`, which starts with the biases: those of the input's
// products, (gates,), both biases added up where their products are.
void run_rnn_prepare(const RnnPlan& plan, const RnnWeights& weights, const Array& room);

struct RnnForward {
  Array x;      // null unless plan.fused(): then the gates hold the input's products and the bias
  Array room;   // see run_rnn_prepare
  bool biased;  // whether there is a bias
  // (rows, width): sums in, activated out; in an order of its own if fused, else in that of x.
  // (batch, width) if fused and not kept for backward.
  Array gates;
  bool keep;
  Array h0, c0, h, c, out;   // (batch, hidden) four times, (rows, hidden)
  Array h_before, c_before;  // (rows, hidden), the states that each step met, or null; as the gates
};
void run_rnn(const RnnPlan& plan, const RnnForward& arrays);

struct RnnBackward {
  RnnWeights weights;
  Array room;
  Array gates, h_before, c_before;  // as forward left them
  Array dout;                       // (rows, hidden) or null
  Array dh, dc;                     // gradients of the last states in, of the first ones out
  bool first_states;                // whether those are wanted
  Array dbias;                      // (width,): sums over the gradients of the gates
  Array dgates;                     // (rows, width), unless fused
  Array x, dx, dinput, dhidden;     // if fused: x, and the gradients that are wanted, or null
};
void run_rnn_backward(const RnnPlan& plan, const RnnBackward& arrays);

}  // namespace sf
