// One recurrent layer in one direction over whole sequences: one node of the tape. Layers stacked
// on each other, both directions and packing are Python's.
#pragma once
#include <vector>

#include "kernels/rnn_table.h"
#include "tensor/tensor.h"

namespace sf {

// Gates in torch's order, [i f g o] and [r z n]: weights (gates, input) and (gates, hidden), biases
// (gates,) or undefined.
struct RnnParameters {
  Tensor input, hidden, input_bias, hidden_bias;
};

struct RnnLayout {
  Tensor batch_sizes;        // (T,) int64: x holds packed sequences; undefined for a dense x
  bool batch_first = false;  // of a dense x
  bool reverse = false;      // from the last step of each sequence to its first
};

// The output of each step and the last states, (B, hidden) each: {out, h} or, of the LSTM, {out, h,
// c}. x (T, B, input), (B, T, input) if batch_first, or (rows, input) if packed; out has the layout
// of x. c0 is the LSTM's only.
std::vector<Tensor> rnn_layer(Cell cell, const Tensor& x, const Tensor& h0, const Tensor& c0,
                              const RnnParameters& parameters, const RnnLayout& layout);

}  // namespace sf
