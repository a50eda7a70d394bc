// The recurrent cells' part of the kernel table: what a step does once its matrix products are
// done. A row of gates is [i f g o] for the LSTM, [r z n m] for the GRU, with m the hidden state's
// own part of n, and the new state itself for the plain RNN; each part has `hidden` numbers.
#pragma once
#include <cstdint>

namespace sf {

enum class Cell { kTanh, kRelu, kLstm, kGru };
constexpr int kCells = 4;

// One step of some sequences, which lie one `..._row` after the other.
template <class T>
struct RnnStep {
  int64_t rows, hidden;
  T* gates;  // sums in, activated gates out
  int64_t gates_row;
  T *h, *c;  // the states (rows, hidden), before the step in, after it out
  T* out;    // the new h once more
  int64_t out_row;
  T *h_before, *c_before;  // the old states, for backward, or null
  int64_t before_row;
};

template <class T>
struct RnnStepBackward {
  int64_t rows, hidden;
  const T* gates;
  T* dgates;  // gradients of the sums
  int64_t gates_row;
  const T* dout;  // or null
  int64_t dout_row;
  const T *h_before, *c_before;
  int64_t before_row;
  // Gradients of the states after the step in; dc, and of dh what does not go through the gates
  // (GRU only), of those before it out.
  T *dh, *dc;
  T* dbias;  // the rows of dgates are added to it
};

template <class T>
struct RnnKernels {
  void (*forward[kCells])(const RnnStep<T>& step) = {};
  void (*backward[kCells])(const RnnStepBackward<T>& step) = {};
};

}  // namespace sf
