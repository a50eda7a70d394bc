#include "kernels/rnn.h"

#include "kernels/launch.h"
#include "kernels/rnn_steps.h"
#include "kernels/rnn_weights.h"

namespace sf {

int64_t RnnPlan::gates() const {
  return cell == Cell::kLstm ? 4 * hidden : cell == Cell::kGru ? 3 * hidden : hidden;
}
int64_t RnnPlan::width() const { return cell == Cell::kGru ? 4 * hidden : gates(); }

bool RnnPlan::fused() const {
  constexpr int64_t kBytes = 512 * 1024;  // of weights that stay in the second-level cache
  constexpr int64_t kBatch = 8;           // with fewer, the weights are worth more steps at once
  return batch >= kBatch && (input + hidden) * gates() * size_of(dtype) <= kBytes;
}

int64_t rnn_forward_room(const RnnPlan& plan) { return RoomForward<float>::size(plan); }

void run_rnn_prepare(const RnnPlan& plan, const RnnWeights& weights, const Array& room) {
  dispatch_floating(plan.dtype, [&](auto zero) {
    using T = decltype(zero);
    const RoomForward<T> packed(plan, room.as<T>());
    launch("rnn_prepare", [plan, packed, weights] { packed.fill(plan, weights); });
  });
}

namespace {

template <class T>
struct Forward {
  const T *x, *h0, *c0;
  T *gates, *h, *c, *out, *h_before, *c_before;
  const T* bias;
  RoomForward<T> weights;
  bool keep;
};

template <class T>
void forward_chunk(const RnnPlan& plan, const Forward<T>& f, int64_t chunk) {
  const Chunks chunks = rnn_chunks(plan);
  const int64_t n = plan.hidden, width = plan.width(), begin = chunks.begin(chunk);
  const int64_t state = begin * n, states = (chunks.end(chunk) - begin) * n;
  const int64_t kept_row = f.keep ? kept_step(plan) : 1;
  const auto cell = kernels<T>().rnn.forward[static_cast<int>(plan.cell)];
  alignas(64) T room[kRnnPackRoom<T>];
  std::copy_n(f.h0 + state, states, f.h + state);
  if (f.c) std::copy_n(f.c0 + state, states, f.c + state);
  for_rnn_steps(plan, chunk, false, [&](const RnnPart& part) {
    T* gates = f.gates + (f.keep ? part.kept : begin) * width;
    const int64_t gates_row = kept_row * width;
    if (f.x) {
      multiply_packed<T>({f.x + part.row * plan.input, plan.row_step * plan.input, part.rows},
                         f.weights.input, gates, gates_row, {false, f.bias}, room);
    }
    for (const HiddenPart& hidden : hidden_parts(plan)) {
      const T* bias = hidden.alone && f.bias ? f.bias + hidden.column : nullptr;
      multiply_packed<T>({f.h + state, n, part.rows}, f.weights.hidden[hidden.index],
                         gates + hidden.column, gates_row, {!hidden.alone, bias}, room);
    }
    const auto kept = [&](T* p) { return p ? p + part.kept * n : nullptr; };
    cell({.rows = part.rows,
          .hidden = n,
          .gates = gates,
          .gates_row = gates_row,
          .h = f.h + state,
          .c = f.c ? f.c + state : nullptr,
          .out = f.out + part.row * n,
          .out_row = plan.row_step * n,
          .h_before = kept(f.h_before),
          .c_before = kept(f.c_before),
          .before_row = kept_row * n});
  });
}

}  // namespace

void run_rnn(const RnnPlan& plan, const RnnForward& arrays) {
  dispatch_floating(plan.dtype, [&](auto zero) {
    using T = decltype(zero);
    Forward<T> f{};
    f.x = arrays.x.as<const T>();
    f.h0 = arrays.h0.as<const T>();
    f.c0 = arrays.c0.as<const T>();
    f.gates = arrays.gates.as<T>();
    f.h = arrays.h.as<T>();
    f.c = arrays.c.as<T>();
    f.out = arrays.out.as<T>();
    f.h_before = arrays.h_before.as<T>();
    f.c_before = arrays.c_before.as<T>();
    f.bias = arrays.biased ? arrays.room.as<const T>() : nullptr;
    f.weights = RoomForward<T>(plan, arrays.room.as<T>());
    f.keep = arrays.keep;
    launch("rnn", [plan, f] {
      for_rnn_tasks(plan, rnn_chunks(plan).count(),
                    [&](int64_t chunk) { forward_chunk<T>(plan, f, chunk); });
    });
  });
}

}  // namespace sf
