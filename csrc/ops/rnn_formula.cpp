#include "ops/rnn_formula.h"

#include "ops/linear.h"
#include "ops/operators.h"
#include "ops/shape.h"

namespace sf {
namespace {

struct States {
  Tensor h, c;
};

// One step from the input's and the hidden state's products with their weights.
States next_states(Cell cell, const Tensor& from_input, const Tensor& from_hidden,
                   const States& before) {
  if (cell == Cell::kTanh) return {tanh(from_input + from_hidden), {}};
  if (cell == Cell::kRelu) return {relu(from_input + from_hidden), {}};
  if (cell == Cell::kLstm) {
    const auto gates = chunk(from_input + from_hidden, 4, 1);
    const Tensor c = sigmoid(gates[1]) * before.c + sigmoid(gates[0]) * tanh(gates[2]);
    return {sigmoid(gates[3]) * tanh(c), c};
  }
  const auto x = chunk(from_input, 3, 1), h = chunk(from_hidden, 3, 1);
  const Tensor r = sigmoid(x[0] + h[0]), z = sigmoid(x[1] + h[1]);
  const Tensor n = tanh(x[2] + r * h[2]);
  return {n + z * (before.h - n), {}};
}

// The first rows of `state` replaced.
Tensor with_first(const Tensor& rows, const Tensor& state) {
  const int64_t n = rows.size(0), all = state.size(0);
  return n == all ? rows : cat({rows, narrow(state, 0, n, all - n)}, 0);
}

}  // namespace

std::vector<Tensor> unrolled_rnn(const RnnPlan& plan, const Tensor& x, const Tensor& h0,
                                 const Tensor& c0, const RnnParameters& parameters) {
  const bool batch_first = plan.row_step != 1;
  const Tensor by_time = batch_first ? transpose(x, 0, 1) : x;
  const Tensor rows = reshape(by_time, {plan.rows, plan.input});
  const auto inputs = split(linear(rows, parameters.input, parameters.input_bias), plan.sizes, 0);
  States all{h0, c0};
  std::vector<Tensor> outs(inputs.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    const size_t t = plan.reverse ? inputs.size() - 1 - k : k;
    const auto first = [&](const Tensor& state) {
      return state.defined() ? narrow(state, 0, 0, plan.sizes[t]) : state;
    };
    const States before{first(all.h), first(all.c)};
    const Tensor from_hidden = linear(before.h, parameters.hidden, parameters.hidden_bias);
    const States now = next_states(plan.cell, inputs[t], from_hidden, before);
    outs[t] = now.h;
    all.h = with_first(now.h, all.h);
    if (all.c.defined()) all.c = with_first(now.c, all.c);
  }
  Tensor out = cat(outs, 0);
  Shape shape = by_time.shape();
  shape[shape.ndim() - 1] = plan.hidden;
  out = reshape(out, shape);
  if (batch_first) out = transpose(out, 0, 1);
  if (!all.c.defined()) return {out, all.h};
  return {out, all.h, all.c};
}

}  // namespace sf
