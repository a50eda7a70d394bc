// What the matrix product (gemm.cpp) asks of an ISA.
#pragma once
#include <cstdint>

namespace sf {

// Places of memory that will be needed soon, brought into the second-level cache while a product is
// summed: `lines` of them, line_step apart, then run_step from the last one to the next run.
template <class T>
struct GemmAhead {
  const T* at;
  int64_t left;      // places in all
  int64_t per_tile;  // places for one tile of C to fetch
  int64_t lines, line_step, run_step;
  int64_t line = 0;  // of the run, so far
};

// C (m x n) = or += A (m x k) B (k x n), walked tile by tile along n. The columns of B and C lie
// side by side in memory; B may be packed into panels of GemmKernels::cols columns.
template <class T>
struct GemmPanel {
  int64_t m, n, k;  // m <= GemmKernels::rows
  const T* a;
  int64_t a_row, a_k;  // strides; one of them is 1
  const T* b;
  int64_t b_k, b_panel;  // strides between rows of B and from one panel of columns to the next
  T* c;
  int64_t c_row;
  bool add;                       // to what C holds; else C is not read
  const T* bias;                  // n numbers added to each row of C at the end, or null
  bool fetch_c = false;           // whether C is far away: each tile is fetched while it is summed
  GemmAhead<T>* ahead = nullptr;  // what to fetch meanwhile, or null; tiles move it on
};

// to[j * to_row + i] = or += from[i * from_row + j], plus bias[i], for i < rows, j < cols. Rows of
// `from` are read in whole vectors.
template <class T>
struct GemmTurn {
  int64_t rows, cols;
  const T* from;
  int64_t from_row;
  T* to;
  int64_t to_row;
  bool add;
  const T* bias;  // null for none
};

template <class T>
struct GemmKernels {
  int rows = 0, cols = 0;  // the tile of C that stays in registers
  int width = 0;           // pack writes whole vectors of this many elements

  // Every element of C is one chain of fused multiply-adds in ascending k.
  void (*panel)(const GemmPanel<T>& panel) = nullptr;

  // to[k * to_k + i] = from[i * from_row + k * from_k] for i < rows, k < depth. Rows from to_k on
  // go to the next panel, to_k * depth further on. Whole vectors are written: to_k is a multiple
  // of width, and what lies between rows and the next multiple is of no meaning.
  void (*pack)(T* to, int64_t to_k, const T* from, int64_t from_row, int64_t from_k, int64_t rows,
               int64_t depth) = nullptr;

  void (*turn)(const GemmTurn<T>& part) = nullptr;

  // y[j] = sum over k of x[k] * b[j * b_row + k], j < n: 16 running sums, k modulo 16, folded
  // by halves. Same bits on every ISA with fused multiply-add.
  void (*dot)(T* y, const T* x, const T* b, int64_t b_row, int64_t n, int64_t k) = nullptr;
};

}  // namespace sf
