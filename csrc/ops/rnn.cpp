#include "ops/rnn.h"

#include "autograd/engine.h"
#include "autograd/record.h"
#include "kernels/gemm.h"
#include "kernels/rnn.h"
#include "ops/convert.h"
#include "ops/rnn_formula.h"
#include "ops/shape.h"
#include "tensor/create.h"

namespace sf {
namespace {

Array or_null(const Tensor& t) { return t.defined() ? t.array() : Array{}; }

// ------------------------------------------------------------------------------------- checks

const char* name_of(Cell cell) {
  return cell == Cell::kLstm ? "lstm_layer" : cell == Cell::kGru ? "gru_layer" : "rnn_layer";
}

void check_shape(const char* op, const char* name, const Tensor& t, const Shape& wanted,
                 const char* rule) {
  if (!t.defined() || t.shape() == wanted) return;
  throw ShapeError("[", op, "] ", name, " ", t.shape(), ": must be ", wanted, ", ", rule);
}

void read_batch_sizes(const char* op, const Tensor& x, const Tensor& batch_sizes, RnnPlan& plan) {
  if (x.ndim() != 2 || batch_sizes.ndim() != 1 || batch_sizes.dtype() != Dtype::kInt64) {
    throw ShapeError("[", op, "] packed input ", x.shape(), " with batch_sizes ",
                     batch_sizes.shape(), " of ", batch_sizes.dtype(), ": must be (rows, input) ",
                     "with (steps,) of int64, as pack_padded_sequence makes them");
  }
  const Tensor sizes = contiguous(batch_sizes);
  int64_t before = plan.batch = sizes.numel() ? sizes.as<int64_t>()[0] : 0;
  for (int64_t t = 0; t < sizes.numel(); ++t) {
    const int64_t size = sizes.as<int64_t>()[t];
    if (size < 1 || size > before) {
      throw ValueError("[", op, "] batch_sizes[", t, "] is ", size, " after ", before,
                       ": must be positive and never grow");
    }
    plan.sizes.push_back(before = size);
    plan.starts.push_back(plan.rows);
    plan.rows += size;
  }
  if (plan.rows != x.size(0)) {
    throw ShapeError("[", op, "] packed input ", x.shape(), ": batch_sizes add up to ", plan.rows,
                     " rows");
  }
}

void read_dense(const char* op, const Tensor& x, bool batch_first, RnnPlan& plan) {
  if (x.ndim() != 3) {
    throw ShapeError("[", op, "] input ", x.shape(), ": must be ",
                     batch_first ? "(batch, steps, input)" : "(steps, batch, input)",
                     ", or packed with batch_sizes");
  }
  const int64_t steps = x.size(batch_first ? 1 : 0);
  plan.batch = x.size(batch_first ? 0 : 1);
  plan.rows = steps * plan.batch;
  plan.row_step = batch_first ? steps : 1;
  for (int64_t t = 0; t < steps; ++t) {
    plan.sizes.push_back(plan.batch);
    plan.starts.push_back(batch_first ? t : t * plan.batch);
  }
}

RnnPlan plan_of(Cell cell, const Tensor& x, const Tensor& h0, const Tensor& c0,
                const RnnParameters& p, const RnnLayout& layout) {
  const char* op = name_of(cell);
  RnnPlan plan;
  plan.cell = cell;
  plan.reverse = layout.reverse;
  if (p.hidden.ndim() != 2) {
    throw ShapeError("[", op, "] weight_hh ", p.hidden.shape(), ": must be (gates, hidden)");
  }
  plan.hidden = p.hidden.size(1);
  layout.batch_sizes.defined() ? read_batch_sizes(op, x, layout.batch_sizes, plan)
                               : read_dense(op, x, layout.batch_first, plan);
  plan.input = x.size(x.ndim() - 1);
  if (plan.sizes.empty()) {
    throw ShapeError("[", op, "] input ", x.shape(), " has no steps: a sequence must have one or ",
                     "more");
  }
  const int64_t gates = plan.gates();
  const Shape states{plan.batch, plan.hidden};
  check_shape(op, "weight_hh", p.hidden, {gates, plan.hidden}, "(gates, hidden)");
  check_shape(op, "weight_ih", p.input, {gates, plan.input}, "(gates, last size of the input)");
  check_shape(op, "bias_ih", p.input_bias, {gates}, "(gates,)");
  check_shape(op, "bias_hh", p.hidden_bias, {gates}, "(gates,)");
  check_shape(op, "h0", h0, states, "(batch, hidden)");
  check_shape(op, "c0", c0, states, "(batch, hidden)");
  return plan;
}

// ----------------------------------------------------------------------------------- backward

enum Input { kX, kH0, kC0, kWeightIn, kWeightHidden, kBiasIn, kBiasHidden, kInputs };
enum Kept { kGates = kInputs, kHBefore, kCBefore };

// Through the graph of the formula: its inputs are views, so that what reaches them is the share of
// this layer alone, wherever else a weight is used.
Grads differentiable_backward(const Backward& b, const RnnPlan& plan) {
  Tensor in[kInputs];
  std::vector<Tensor> wanted;
  for (size_t i = 0; i < kInputs; ++i) {
    in[i] = b.saved(i);
    if (!b.needs(i)) continue;
    in[i] = view(in[i], in[i].shape());
    wanted.push_back(in[i]);
  }
  const auto outs = unrolled_rnn(plan, in[kX], in[kH0], in[kC0],
                                 {in[kWeightIn], in[kWeightHidden], in[kBiasIn], in[kBiasHidden]});
  std::vector<Tensor> reached, given;
  for (size_t i = 0; i < outs.size(); ++i) {
    if (!b.has_grad(i)) continue;
    reached.push_back(outs[i]);
    given.push_back(b.grad(i));
  }
  const auto found = grad(reached, wanted, given, {.create_graph = true, .allow_unused = true});
  Grads result(kInputs);
  for (size_t i = 0, next = 0; i < kInputs; ++i) {
    if (b.needs(i)) result[i] = found[next++];
  }
  return result;
}

// Columns [column, column + count) of `gates`, transposed: (count, rows).
Array gate_rows(const Tensor& gates, int64_t column, int64_t count) {
  return as_view(gates, {count, gates.size(0)}, {1, gates.size(1)}, gates.offset() + column)
      .array();
}

// The gradient of a state: a fresh tensor, since the kernel works in it.
Tensor state_grad(const Backward& b, size_t i, const RnnPlan& plan) {
  return b.has_grad(i) ? copy_as(b.grad(i), plan.dtype)
                       : zeros({plan.batch, plan.hidden}, plan.dtype);
}

// The products that all steps share, from the gradients of the gates, where the steps have not
// taken them.
void weight_grads(const Backward& b, const RnnPlan& plan, const Tensor& dgates, Grads& out) {
  const int64_t n = plan.hidden, gates = plan.gates();
  const Shape rows{plan.rows, plan.input};
  if (b.needs(kX)) {
    out[kX] = empty(b.saved(kX).shape(), plan.dtype);
    const Array all =
        as_view(dgates, {plan.rows, gates}, {plan.width(), 1}, dgates.offset()).array();
    gemm(all, b.saved(kWeightIn).array(),
         as_view(out[kX], rows, contiguous_strides(rows), 0).array());
  }
  if (b.needs(kWeightIn)) {
    const Tensor x = b.saved(kX);
    out[kWeightIn] = empty({gates, plan.input}, plan.dtype);
    gemm(gate_rows(dgates, 0, gates),
         as_view(x, rows, contiguous_strides(rows), x.offset()).array(), out[kWeightIn].array());
  }
  if (b.needs(kWeightHidden)) {
    const Tensor d = out[kWeightHidden] = empty({gates, n}, plan.dtype);
    const Array before = b.saved(kHBefore).array();
    const bool gru = plan.cell == Cell::kGru;
    const int64_t together = gru ? 2 * n : gates;
    const auto part = [&](int64_t row, int64_t count) {
      return as_view(d, {count, n}, {n, 1}, row * n).array();
    };
    gemm(gate_rows(dgates, 0, together), before, part(0, together));
    if (gru) gemm(gate_rows(dgates, 3 * n, n), before, part(2 * n, n));
  }
}

void bias_grads(const Backward& b, const RnnPlan& plan, const Tensor& sums, Grads& out) {
  const int64_t n = plan.hidden;
  const bool gru = plan.cell == Cell::kGru;
  if (b.needs(kBiasIn)) out[kBiasIn] = contiguous_copy(narrow(sums, 0, 0, plan.gates()));
  if (!b.needs(kBiasHidden)) return;
  out[kBiasHidden] = gru ? cat({narrow(sums, 0, 0, 2 * n), narrow(sums, 0, 3 * n, n)}, 0)
                         : copy_as(sums, plan.dtype);
}

Grads rnn_backward(const Backward& b, const RnnPlan& plan) {
  if (b.graph()) return differentiable_backward(b, plan);
  const bool lstm = plan.cell == Cell::kLstm;
  const Tensor gates = b.saved(kGates), h_before = b.saved(kHBefore), c_before = b.saved(kCBefore);
  const Tensor x = b.saved(kX), input = b.saved(kWeightIn), hidden = b.saved(kWeightHidden);
  const Tensor dout = b.has_grad(0) ? contiguous(b.grad(0)) : Tensor();
  const Tensor dh = state_grad(b, 1, plan), dc = lstm ? state_grad(b, 2, plan) : Tensor();
  const bool fused = plan.fused();
  const Tensor dgates = fused ? Tensor() : empty({plan.rows, plan.width()}, plan.dtype);
  const Tensor room = empty({rnn_backward_room(plan)}, plan.dtype);
  const Tensor dbias = zeros({plan.width()}, plan.dtype);
  Grads out(kInputs);
  for (const size_t i : {size_t{kX}, size_t{kWeightIn}, size_t{kWeightHidden}}) {
    if (fused && b.needs(i)) out[i] = empty(b.saved(i).shape(), plan.dtype);
  }
  RnnBackward arrays{};
  arrays.weights = {input.array(), hidden.array(), {}, {}};
  arrays.room = room.array();
  arrays.gates = gates.array();
  arrays.h_before = h_before.array();
  arrays.c_before = or_null(c_before);
  arrays.dout = or_null(dout);
  arrays.dh = dh.array();
  arrays.dc = or_null(dc);
  arrays.first_states = b.needs(kH0);
  arrays.dbias = dbias.array();
  arrays.dgates = or_null(dgates);
  arrays.x = x.array();
  arrays.dx = or_null(out[kX]);
  arrays.dinput = or_null(out[kWeightIn]);
  arrays.dhidden = or_null(out[kWeightHidden]);
  run_rnn_backward(plan, arrays);
  if (b.needs(kH0)) out[kH0] = dh;
  if (b.needs(kC0)) out[kC0] = dc;
  if (!fused) weight_grads(b, plan, dgates, out);
  bias_grads(b, plan, dbias, out);
  return out;
}

// ------------------------------------------------------------------------------------ forward

struct Computed {
  std::vector<Tensor> outs;
  Tensor gates, h_before, c_before;  // undefined unless wanted for backward
};

Computed run_forward(const RnnPlan& plan, const Tensor& x, const Tensor& h0, const Tensor& c0,
                     const RnnParameters& p, bool keep) {
  const bool lstm = plan.cell == Cell::kLstm;
  const Shape kept{plan.rows, plan.hidden}, states{plan.batch, plan.hidden};
  Shape shape = x.shape();
  shape[shape.ndim() - 1] = plan.hidden;
  const Tensor out = empty(shape, plan.dtype), h = empty(states, plan.dtype);
  const Tensor c = lstm ? empty(states, plan.dtype) : Tensor();
  const Tensor room = empty({rnn_forward_room(plan)}, plan.dtype);
  const bool whole = keep || !plan.fused();
  const Tensor gates = empty({whole ? plan.rows : plan.batch, plan.width()}, plan.dtype);
  Computed result{{out, h}, gates, {}, {}};
  if (lstm) result.outs.push_back(c);
  if (keep) result.h_before = empty(kept, plan.dtype);
  if (keep && lstm) result.c_before = empty(kept, plan.dtype);
  run_rnn_prepare(
      plan, {p.input.array(), p.hidden.array(), or_null(p.input_bias), or_null(p.hidden_bias)},
      room.array());
  const bool biased = p.input_bias.defined() || p.hidden_bias.defined();
  if (!plan.fused()) {
    const Shape rows{plan.rows, plan.input}, weights{plan.input, plan.gates()};
    const Array sums{gates.data(), {plan.rows, plan.gates()}, {plan.width(), 1}, plan.dtype};
    gemm(as_view(x, rows, contiguous_strides(rows), x.offset()).array(),
         as_view(p.input, weights, {1, plan.input}, p.input.offset()).array(), sums, 0,
         {.bias = biased ? room.data() : nullptr});
  }
  RnnForward arrays{};
  if (plan.fused()) arrays.x = x.array();
  arrays.room = room.array();
  arrays.biased = biased;
  arrays.gates = gates.array();
  arrays.keep = whole;
  arrays.h0 = h0.array();
  arrays.c0 = or_null(c0);
  arrays.h = h.array();
  arrays.c = or_null(c);
  arrays.out = out.array();
  arrays.h_before = or_null(result.h_before);
  arrays.c_before = or_null(result.c_before);
  run_rnn(plan, arrays);
  return result;
}

}  // namespace

std::vector<Tensor> rnn_layer(Cell cell, const Tensor& x0, const Tensor& h00, const Tensor& c00,
                              const RnnParameters& p0, const RnnLayout& layout) {
  const char* op = name_of(cell);
  RnnPlan plan = plan_of(cell, x0, h00, c00, p0, layout);
  plan.dtype = x0.dtype();
  for (const Tensor& t : {h00, c00, p0.input, p0.hidden, p0.input_bias, p0.hidden_bias}) {
    if (t.defined()) plan.dtype = promote(plan.dtype, t.dtype());
  }
  if (!is_floating(x0.dtype()) || !is_floating(p0.hidden.dtype())) {
    throw DtypeError("[", op, "] needs float32 or float64, got input of ", x0.dtype(),
                     " and weights of ", p0.hidden.dtype(), "; write x.float()");
  }
  const auto prepared = [&plan](const Tensor& t) {
    return t.defined() ? contiguous(to(t, plan.dtype)) : t;
  };
  const Tensor x = prepared(x0), h0 = prepared(h00), c0 = prepared(c00);
  const RnnParameters p{prepared(p0.input), prepared(p0.hidden), prepared(p0.input_bias),
                        prepared(p0.hidden_bias)};
  const Tensor* inputs[] = {&x, &h0, &c0, &p.input, &p.hidden, &p.input_bias, &p.hidden_bias};
  Computed done = run_forward(plan, x, h0, c0, p, should_record(op, inputs));
  const Tensor* saved[] = {inputs[0], inputs[1], inputs[2],   inputs[3],      inputs[4],
                           inputs[5], inputs[6], &done.gates, &done.h_before, &done.c_before};
  record_all(op, done.outs, inputs, saved,
             [plan](const Backward& b) { return rnn_backward(b, plan); });
  return std::move(done.outs);
}

}  // namespace sf
