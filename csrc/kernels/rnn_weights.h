// The weights of a recurrent layer as its steps read them: cut once per call into panels of the
// micro-kernel's width, then used at every step.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/rounding.h"
#include "kernels/dispatch.h"
#include "kernels/rnn.h"

namespace sf {

constexpr int64_t kRnnColumns = 32;  // widths are rounded up to the widest panel of any ISA
template <class T>
constexpr int64_t kRnnDepth = 1024 / static_cast<int64_t>(sizeof(T));  // of a block of products
constexpr int64_t kRnnTileRows = 16;
// Room for a block of the left operand, packed.
template <class T>
constexpr int64_t kRnnPackRoom = kRnnTileRows * kRnnDepth<T>;

inline int64_t rnn_columns(int64_t n) { return round_up(n, kRnnColumns); }

// Gate columns [column, column + count) = h @ (weight rows [row, row + count))^T, added to what the
// input gave unless they stand alone: the GRU's reset gate scales the hidden part of n first.
struct HiddenPart {
  int index;
  int64_t row, count, column;
  bool alone;
};
struct HiddenParts {
  HiddenPart parts[2];
  int count;
  const HiddenPart* begin() const { return parts; }
  const HiddenPart* end() const { return parts + count; }
};
inline HiddenParts hidden_parts(const RnnPlan& plan) {
  const int64_t n = plan.hidden;
  if (plan.cell != Cell::kGru) return {{{0, 0, plan.gates(), 0, false}, {}}, 1};
  return {{{0, 0, 2 * n, 0, false}, {1, 2 * n, n, 3 * n, true}}, 2};
}

// A right operand (depth, n) in panels.
template <class T>
struct PackedMatrix {
  T* data = nullptr;
  int64_t depth = 0, n = 0;

  int64_t size() const { return depth * rnn_columns(n); }
  // Element (k, j) comes from from[k * from_k + j * from_column].
  void fill(const T* from, int64_t from_column, int64_t from_k) const {
    const auto& kernels = sf::kernels<T>().gemm;
    if (depth && n) kernels.pack(data, kernels.cols, from, from_column, from_k, n, depth);
  }
};

// Rows of the left operand.
template <class T>
struct LeftRows {
  const T* data;
  int64_t row, rows;
};
template <class T>
struct Finish {
  bool add;  // to what is there
  const T* bias;
};

// c = or += a b + bias, serially. Every sum is one chain per block of depth.
template <class T>
void multiply_packed(const LeftRows<T>& a, const PackedMatrix<T>& b, T* c, int64_t c_row,
                     const Finish<T>& finish, T* room) {
  const auto& kernels = sf::kernels<T>().gemm;
  const int64_t panels = ceil_div(a.rows, kernels.rows);
  const bool pack = b.n >= 256 && a.rows > 1;
  int64_t i = 0;
  for (int64_t left = panels; left > 0; --left) {
    const int64_t rows = ceil_div(a.rows - i, left);
    for (int64_t k = 0; k == 0 || k < b.depth; k += kRnnDepth<T>) {
      const int64_t depth = std::min(kRnnDepth<T>, b.depth - k);
      GemmPanel<T> tiles{.m = rows,
                         .n = b.n,
                         .k = depth,
                         .a = a.data + i * a.row + k,
                         .a_row = a.row,
                         .a_k = 1,
                         .b = b.data + k * kernels.cols,
                         .b_k = kernels.cols,
                         .b_panel = kernels.cols * b.depth,
                         .c = c + i * c_row,
                         .c_row = c_row,
                         .add = finish.add || k > 0,
                         .bias = k + depth >= b.depth ? finish.bias : nullptr};
      if (pack) {
        tiles.a_row = 1;
        tiles.a_k = round_up(rows, kernels.width);
        kernels.pack(room, tiles.a_k, tiles.a, a.row, 1, rows, depth);
        tiles.a = room;
      }
      kernels.panel(tiles);
    }
    i += rows;
  }
}

// What forward needs: the bias, the hidden weights transposed, and the input's if fused.
template <class T>
struct RoomForward {
  T* bias = nullptr;
  PackedMatrix<T> hidden[2], input;

  RoomForward() = default;
  RoomForward(const RnnPlan& plan, T* room) : bias(room) {
    room += rnn_columns(plan.width());
    for (const HiddenPart& part : hidden_parts(plan)) {
      hidden[part.index] = {room, plan.hidden, part.count};
      room += hidden[part.index].size();
    }
    input = {room, plan.input, plan.gates()};
  }
  static int64_t size(const RnnPlan& plan) {
    int64_t count = rnn_columns(plan.width());
    for (const HiddenPart& part : hidden_parts(plan))
      count += plan.hidden * rnn_columns(part.count);
    return count + (plan.fused() ? plan.input * rnn_columns(plan.gates()) : 0);
  }
  void fill(const RnnPlan& plan, const RnnWeights& weights) const {
    const int64_t n = plan.hidden;
    for (const HiddenPart& part : hidden_parts(plan)) {
      hidden[part.index].fill(weights.hidden.as<const T>() + part.row * n, n, 1);
    }
    if (plan.fused()) input.fill(weights.input.as<const T>(), plan.input, 1);
    std::fill_n(bias, plan.width(), T(0));
    const auto* from = weights.input_bias.as<const T>();
    for (int64_t j = 0; from && j < plan.gates(); ++j) bias[j] = from[j];
    from = weights.hidden_bias.as<const T>();
    for (const HiddenPart& part : hidden_parts(plan)) {
      for (int64_t j = 0; from && j < part.count; ++j) bias[part.column + j] += from[part.row + j];
    }
  }
};

// What backward needs: the weights as they are, in panels along the states and the input.
template <class T>
struct RoomBackward {
  PackedMatrix<T> hidden[2], input;

  RoomBackward() = default;
  RoomBackward(const RnnPlan& plan, T* room) {
    for (const HiddenPart& part : hidden_parts(plan)) {
      hidden[part.index] = {room, part.count, plan.hidden};
      room += hidden[part.index].size();
    }
    input = {room, plan.gates(), plan.input};
  }
  static int64_t size(const RnnPlan& plan) {
    return plan.gates() * (rnn_columns(plan.hidden) + (plan.fused() ? rnn_columns(plan.input) : 0));
  }
  void fill(const RnnPlan& plan, const RnnWeights& weights, bool with_input) const {
    const int64_t n = plan.hidden;
    for (const HiddenPart& part : hidden_parts(plan)) {
      hidden[part.index].fill(weights.hidden.as<const T>() + part.row * n, 1, n);
    }
    if (with_input) input.fill(weights.input.as<const T>(), 1, plan.input);
  }
};

}  // namespace sf
