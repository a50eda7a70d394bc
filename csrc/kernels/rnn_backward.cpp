// The way back through a recurrent layer. Where the weights stay in cache, the gradients of the
// gates do so too: some steps of a chunk fill a block, whose products with the states and inputs
// are added to the gradients of the weights before the next steps overwrite it.
#include "base/rounding.h"
#include "kernels/launch.h"
#include "kernels/rnn_steps.h"
#include "kernels/rnn_weights.h"

namespace sf {
namespace {

constexpr int64_t kBlockRows = 128;

// Chunks that add to the same sums; a function of the shape alone.
Chunks groups_of(const RnnPlan& plan) {
  constexpr int64_t kGroups = 8;
  const int64_t chunks = rnn_chunks(plan).count();
  return {chunks, std::max<int64_t>(1, ceil_div(chunks, kGroups))};
}

// What one group needs for itself, in the working memory.
template <class T>
struct GroupRoom {
  T *dbias, *dgates, *x, *dinput, *dhidden;  // the last four only if fused

  GroupRoom(const RnnPlan& plan, T* room) : dbias(room) {
    dgates = dbias + rnn_columns(plan.width());
    x = dgates + kBlockRows * plan.width();
    dinput = x + rnn_columns(kBlockRows * plan.input);
    dhidden = dinput + rnn_columns(plan.gates() * plan.input);
  }
  static int64_t size(const RnnPlan& plan) {
    const int64_t sums = rnn_columns(plan.width());
    if (!plan.fused()) return sums;
    return sums + kBlockRows * plan.width() + rnn_columns(kBlockRows * plan.input) +
           rnn_columns(plan.gates() * plan.input) + rnn_columns(plan.gates() * plan.hidden);
  }
};

template <class T>
struct Backward {
  const T *gates, *h_before, *c_before, *dout, *x;
  T *dh, *dc, *dgates, *dx, *dinput, *dhidden, *dbias;
  T* groups;  // their rooms
  RoomBackward<T> weights;
  bool first_states;

  GroupRoom<T> group(const RnnPlan& plan, int64_t i) const {
    return {plan, groups + i * GroupRoom<T>::size(plan)};
  }
};

// Columns of the gates' gradients that meet the same operands: their rows in the gradients of the
// input's and of the hidden weights, -1 where they are not theirs.
struct Columns {
  int64_t column, count, input_row, hidden_row;
};
struct ColumnParts {
  Columns parts[3];
  int count;
};
ColumnParts column_parts(const RnnPlan& plan) {
  const int64_t n = plan.hidden;
  if (plan.cell != Cell::kGru) return {{{0, plan.gates(), 0, 0}, {}, {}}, 1};
  return {{{0, 2 * n, 0, 0}, {2 * n, n, 2 * n, -1}, {3 * n, n, -1, 2 * n}}, 3};
}

// A block of rows on the right of a product, contiguous.
template <class T>
struct RightRows {
  const T* data;
  int64_t n, depth;
};
// c (+)= a b for a packed panel of `rows` rows.
template <class T>
void multiply_panel(const T* a, int64_t rows, const RightRows<T>& b, T* c, bool add) {
  const auto& kernels = sf::kernels<T>().gemm;
  kernels.panel({.m = rows,
                 .n = b.n,
                 .k = b.depth,
                 .a = a,
                 .a_row = 1,
                 .a_k = round_up(rows, kernels.width),
                 .b = b.data,
                 .b_k = b.n,
                 .b_panel = kernels.cols,
                 .c = c,
                 .c_row = b.n,
                 .add = add,
                 .bias = nullptr});
}

// One group's chunks, one after the other.
template <class T>
class Group {
 public:
  Group(const RnnPlan& plan, const Backward<T>& b, int64_t index)
      : plan_(plan), b_(b), room_(b.group(plan, index)) {
    std::fill_n(room_.dbias, plan.width(), T(0));
  }

  void run(int64_t chunk) {
    const bool fused = plan_.fused();
    const int64_t n = plan_.hidden, state = rnn_chunks(plan_).begin(chunk) * n;
    block_end_ = first_kept_row(plan_, chunk + 1);
    int64_t lowest = block_end_;
    for_rnn_steps(plan_, chunk, true, [&](const RnnPart& part) {
      if (fused && block_end_ - part.kept > kBlockRows) {
        add_block(lowest);
        block_end_ = lowest;
      }
      lowest = part.kept;
      step(part, state, fused ? block_row(part.kept) : part.kept);
    });
    if (fused && lowest < block_end_) add_block(lowest);
  }

 private:
  // Where a kept row stands in the block, which is filled from its end.
  int64_t block_row(int64_t kept) const { return kBlockRows - (block_end_ - kept); }

  void step(const RnnPart& part, int64_t state, int64_t row) {
    const int64_t n = plan_.hidden, width = plan_.width(), input = plan_.input;
    const int64_t gates_row = kept_step(plan_) * width;
    T* dgates = (plan_.fused() ? room_.dgates : b_.dgates) + row * width;
    const auto kept = [&](const T* p) { return p ? p + part.kept * n : nullptr; };
    kernels<T>().rnn.backward[static_cast<int>(plan_.cell)](
        {.rows = part.rows,
         .hidden = n,
         .gates = b_.gates + part.kept * width,
         .dgates = dgates,
         .gates_row = gates_row,
         .dout = b_.dout ? b_.dout + part.row * n : nullptr,
         .dout_row = plan_.row_step * n,
         .h_before = kept(b_.h_before),
         .c_before = kept(b_.c_before),
         .before_row = kept_step(plan_) * n,
         .dh = b_.dh + state,
         .dc = b_.dc ? b_.dc + state : nullptr,
         .dbias = room_.dbias});
    const int64_t first = plan_.reverse ? plan_.steps() - 1 : 0;
    const bool direct = plan_.cell == Cell::kGru;  // dh already holds what by-passes the gates
    for (const HiddenPart& hidden : hidden_parts(plan_)) {
      if (part.step == first && !b_.first_states) break;
      multiply_packed<T>({dgates + hidden.column, gates_row, part.rows},
                         b_.weights.hidden[hidden.index], b_.dh + state, n,
                         {direct || hidden.index > 0, nullptr}, pack_);
    }
    if (b_.dx) {
      multiply_packed<T>({dgates, gates_row, part.rows}, b_.weights.input, b_.dx + part.row * input,
                         plan_.row_step * input, {false, nullptr}, pack_);
    }
    for (int64_t i = 0; b_.dinput && i < part.rows; ++i) {
      std::copy_n(b_.x + (part.row + i * plan_.row_step) * input, input,
                  room_.x + (row + i) * input);
    }
  }

  // Adds what the rows [lowest, block_end_) give to the gradients of the weights.
  void add_block(int64_t lowest) {
    const auto& kernels = sf::kernels<T>().gemm;
    const int64_t n = plan_.hidden, width = plan_.width(), depth = block_end_ - lowest;
    const T* dgates = room_.dgates + block_row(lowest) * width;
    const RightRows<T> states{b_.h_before + lowest * n, n, depth};
    const RightRows<T> inputs{room_.x + block_row(lowest) * plan_.input, plan_.input, depth};
    const ColumnParts columns = column_parts(plan_);
    for (int k = 0; k < columns.count; ++k) {
      const Columns& part = columns.parts[k];
      for (int64_t i = 0; i < part.count; i += kernels.rows) {
        const int64_t rows = std::min<int64_t>(kernels.rows, part.count - i);
        const int64_t packed = round_up(rows, kernels.width);
        kernels.pack(pack_, packed, dgates + part.column + i, 1, width, rows, depth);
        if (b_.dhidden && part.hidden_row >= 0) {
          multiply_panel(pack_, rows, states, room_.dhidden + (part.hidden_row + i) * n, add_);
        }
        if (b_.dinput && part.input_row >= 0) {
          T* to = room_.dinput + (part.input_row + i) * plan_.input;
          multiply_panel(pack_, rows, inputs, to, add_);
        }
      }
    }
    add_ = true;
  }

  const RnnPlan& plan_;
  const Backward<T>& b_;
  const GroupRoom<T> room_;
  int64_t block_end_ = 0;
  bool add_ = false;  // whether the sums have been begun
  alignas(64) T pack_[kRnnPackRoom<T>];
};

// to = the sum over the groups of what `part` of their rooms holds, in the order of the groups.
template <class T>
void add_up(const RnnPlan& plan, const Backward<T>& b, T* GroupRoom<T>::* part, int64_t count,
            T* to) {
  if (!to) return;
  const Chunks pieces{count, 16384};
  for_rnn_tasks(plan, pieces.count(), [&](int64_t piece) {
    const int64_t begin = pieces.begin(piece), end = pieces.end(piece);
    std::copy(b.group(plan, 0).*part + begin, b.group(plan, 0).*part + end, to + begin);
    for (int64_t g = 1; g < groups_of(plan).count(); ++g) {
      const T* from = b.group(plan, g).*part;
      for (int64_t j = begin; j < end; ++j) to[j] += from[j];
    }
  });
}

template <class T>
void backward(const RnnPlan& plan, const Backward<T>& b) {
  const Chunks groups = groups_of(plan);
  for_rnn_tasks(plan, groups.count(), [&](int64_t index) {
    Group<T> group(plan, b, index);
    for (int64_t chunk = groups.begin(index); chunk < groups.end(index); ++chunk) {
      group.run(chunk);
    }
  });
  add_up(plan, b, &GroupRoom<T>::dbias, plan.width(), b.dbias);
  add_up(plan, b, &GroupRoom<T>::dinput, plan.gates() * plan.input, b.dinput);
  add_up(plan, b, &GroupRoom<T>::dhidden, plan.gates() * plan.hidden, b.dhidden);
}

}  // namespace

int64_t rnn_backward_room(const RnnPlan& plan) {
  return RoomBackward<float>::size(plan) + groups_of(plan).count() * GroupRoom<float>::size(plan);
}

void run_rnn_backward(const RnnPlan& plan, const RnnBackward& arrays) {
  dispatch_floating(plan.dtype, [&](auto zero) {
    using T = decltype(zero);
    Backward<T> b{};
    b.gates = arrays.gates.as<const T>();
    b.h_before = arrays.h_before.as<const T>();
    b.c_before = arrays.c_before.as<const T>();
    b.dout = arrays.dout.as<const T>();
    b.x = arrays.x.as<const T>();
    b.dh = arrays.dh.as<T>();
    b.dc = arrays.dc.as<T>();
    b.dgates = arrays.dgates.as<T>();
    b.dx = arrays.dx.as<T>();
    b.dinput = arrays.dinput.as<T>();
    b.dhidden = arrays.dhidden.as<T>();
    b.dbias = arrays.dbias.as<T>();
    b.weights = RoomBackward<T>(plan, arrays.room.as<T>());
    b.groups = arrays.room.as<T>() + RoomBackward<T>::size(plan);
    b.first_states = arrays.first_states;
    const RnnWeights& weights = arrays.weights;
    launch("rnn_backward", [plan, b, weights] {
      b.weights.fill(plan, weights, b.dx != nullptr);
      if (plan.batch > 0) backward<T>(plan, b);
    });
  });
}

}  // namespace sf
