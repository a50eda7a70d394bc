#include "kernels/rnn.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
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

namespace {

// Sequences that one thread takes through all steps; a function of the shape alone.
Chunks chunks_of(const RnnPlan& plan) { return {plan.batch, plan.batch < 48 ? 8 : 12}; }

template <class F>
void for_chunks(const RnnPlan& plan, const F& fn) {
  constexpr int64_t kThreadedMacs = 500'000;  // below, a second thread costs more than it brings
  const Chunks chunks = chunks_of(plan);
  if (plan.rows * plan.hidden * plan.gates() < kThreadedMacs) {
    for (int64_t i = 0; i < chunks.count(); ++i) fn(i);
  } else {
    parallel_for(chunks.count(), fn);
  }
}

// The sequences [begin, begin + rows) of one step.
struct Part {
  int64_t step, rows, row;  // row: of the first one
};

// Calls fn(part) for all steps of a chunk, in the order they are computed or against it.
template <class F>
void for_steps(const RnnPlan& plan, int64_t chunk, bool backwards, const F& fn) {
  const Chunks chunks = chunks_of(plan);
  const int64_t begin = chunks.begin(chunk), end = chunks.end(chunk), steps = plan.steps();
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = plan.reverse != backwards ? steps - 1 - k : k;
    const auto at = static_cast<size_t>(t);
    const int64_t rows = std::min(plan.sizes[at], end) - begin;
    if (rows > 0) fn(Part{t, rows, plan.starts[at] + begin * plan.row_step});
  }
}

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
  const int64_t n = plan.hidden, width = plan.width(), begin = chunks_of(plan).begin(chunk);
  const int64_t state = begin * n, states = (chunks_of(plan).end(chunk) - begin) * n;
  const auto cell = kernels<T>().rnn.forward[static_cast<int>(plan.cell)];
  alignas(64) T room[kRnnPackRoom<T>];
  std::copy_n(f.h0 + state, states, f.h + state);
  if (f.c) std::copy_n(f.c0 + state, states, f.c + state);
  for_steps(plan, chunk, false, [&](const Part& part) {
    T* gates = f.gates + (f.keep ? part.row : begin) * width;
    const int64_t gates_row = (f.keep ? plan.row_step : 1) * width, at = part.row * n;
    if (f.x) {
      multiply_packed<T>({f.x + part.row * plan.input, plan.row_step * plan.input, part.rows},
                         f.weights.input, gates, gates_row, {false, f.bias}, room);
    }
    for (const HiddenPart& hidden : hidden_parts(plan)) {
      const T* bias = hidden.alone && f.bias ? f.bias + hidden.column : nullptr;
      multiply_packed<T>({f.h + state, n, part.rows}, f.weights.hidden[hidden.index],
                         gates + hidden.column, gates_row, {!hidden.alone, bias}, room);
    }
    const auto kept = [at](T* p) { return p ? p + at : nullptr; };
    cell({part.rows, n, gates, gates_row, f.h + state, f.c ? f.c + state : nullptr, f.out + at,
          kept(f.h_before), kept(f.c_before), plan.row_step * n});
  });
}

template <class T>
struct Backward {
  const T *gates, *h_before, *c_before, *dout;
  T *dh, *dc, *dgates, *dx;
  T *partial_bias, *dbias;
  RoomBackward<T> weights;
  bool first_states;
};

template <class T>
void backward_chunk(const RnnPlan& plan, const Backward<T>& b, int64_t chunk) {
  const int64_t n = plan.hidden, width = plan.width(), gates_row = plan.row_step * width;
  const int64_t state = chunks_of(plan).begin(chunk) * n;
  const int64_t first = plan.reverse ? plan.steps() - 1 : 0;
  const auto cell = kernels<T>().rnn.backward[static_cast<int>(plan.cell)];
  const bool direct = plan.cell == Cell::kGru;  // dh already holds what by-passes the gates
  alignas(64) T room[kRnnPackRoom<T>];
  T* dbias = b.partial_bias + chunk * width;
  std::fill_n(dbias, width, T(0));
  for_steps(plan, chunk, true, [&](const Part& part) {
    const int64_t at = part.row * n;
    T* dgates = b.dgates + part.row * width;
    const auto kept = [at](const T* p) { return p ? p + at : nullptr; };
    cell({part.rows, n, b.gates + part.row * width, dgates, gates_row, kept(b.dout),
          kept(b.h_before), kept(b.c_before), plan.row_step * n, b.dh + state,
          b.dc ? b.dc + state : nullptr, dbias});
    for (const HiddenPart& hidden : hidden_parts(plan)) {
      if (part.step == first && !b.first_states) break;
      multiply_packed<T>({dgates + hidden.column, gates_row, part.rows},
                         b.weights.hidden[hidden.index], b.dh + state, n,
                         {direct || hidden.index > 0, nullptr}, room);
    }
    if (b.dx) {
      multiply_packed<T>({dgates, gates_row, part.rows}, b.weights.input,
                         b.dx + part.row * plan.input, plan.row_step * plan.input, {false, nullptr},
                         room);
    }
  });
}

}  // namespace

int64_t rnn_forward_room(const RnnPlan& plan) { return RoomForward<float>::size(plan); }
int64_t rnn_backward_room(const RnnPlan& plan) {
  return RoomBackward<float>::size(plan) + chunks_of(plan).count() * plan.width();
}

void run_rnn_prepare(const RnnPlan& plan, const RnnWeights& weights, const Array& room) {
  dispatch_floating(plan.dtype, [&](auto zero) {
    using T = decltype(zero);
    const RoomForward<T> packed(plan, room.as<T>());
    launch("rnn_prepare", [plan, packed, weights] { packed.fill(plan, weights); });
  });
}

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
      for_chunks(plan, [&](int64_t chunk) { forward_chunk<T>(plan, f, chunk); });
    });
  });
}

void run_rnn_backward(const RnnPlan& plan, const RnnBackward& arrays) {
  dispatch_floating(plan.dtype, [&](auto zero) {
    using T = decltype(zero);
    Backward<T> b{};
    b.gates = arrays.gates.as<const T>();
    b.h_before = arrays.h_before.as<const T>();
    b.c_before = arrays.c_before.as<const T>();
    b.dout = arrays.dout.as<const T>();
    b.dh = arrays.dh.as<T>();
    b.dc = arrays.dc.as<T>();
    b.dgates = arrays.dgates.as<T>();
    b.dx = arrays.dx.as<T>();
    b.dbias = arrays.dbias.as<T>();
    b.weights = RoomBackward<T>(plan, arrays.room.as<T>());
    b.partial_bias = arrays.room.as<T>() + RoomBackward<T>::size(plan);
    b.first_states = arrays.first_states;
    const RnnWeights& weights = arrays.weights;
    launch("rnn_backward", [plan, b, weights] {
      b.weights.fill(plan, weights, b.dx != nullptr);
      for_chunks(plan, [&](int64_t chunk) { backward_chunk<T>(plan, b, chunk); });
      const int64_t width = plan.width();
      std::fill_n(b.dbias, width, T(0));
      for (int64_t c = 0; c < chunks_of(plan).count(); ++c) {
        for (int64_t j = 0; j < width; ++j) b.dbias[j] += b.partial_bias[c * width + j];
      }
    });
  });
}

}  // namespace sf
