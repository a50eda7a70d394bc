// The recurrent cells: gates to states and back, one pass over a step's rows.
#include "kernels/isa/lanes.h"
#include "kernels/isa/mathfun.h"

namespace sf::SF_ISA_NAMESPACE {
namespace {

template <class T>
SF_INLINE void keep(Vec<T> v, T* to, int64_t at, int64_t left) {
  if (to) store_some(v, to + at, left);
}

// fn(row, j, lanes left) for every vector of every row; the lanes of whole ones are a constant.
template <class T, class F>
SF_INLINE void for_vectors(int64_t rows, int64_t hidden, const F& fn) {
  constexpr int64_t kWidth = Vec<T>::kWidth;
  for (int64_t r = 0; r < rows; ++r) {
    int64_t j = 0;
    for (; j + kWidth <= hidden; j += kWidth) fn(r, j, kWidth);
    if (j < hidden) fn(r, j, hidden - j);
  }
}

// The sigmoid of mathfun.h with the argument clamped beforehand, which spares exp its edges.
template <class T>
SF_INLINE Vec<T> gate_sigmoid(Vec<T> x) {
  using V = Vec<T>;
  const V limit = -Const<T>::kExpMin;
  const ExpParts<T> parts = exp_parts(max(min(-x, limit), -limit));
  const V y = V(T(1)) / (scale_exponent(parts.q + T(1), parts.k) + T(1));
  return select(x == x, y, x);
}

template <class T, bool kRelu>
void plain_forward(const RnnStep<T>& s) {
  using V = Vec<T>;
  for_vectors<T>(s.rows, s.hidden, [&](int64_t r, int64_t j, int64_t left) {
    T *gates = s.gates + r * s.gates_row + j, *h = s.h + r * s.hidden + j;
    const V sum = load_or(gates, left, T(0));
    const V y = kRelu ? max_nan(sum, V(T(0))) : tanh(sum);
    keep(load_or(h, left, T(0)), s.h_before, r * s.before_row + j, left);
    store_some(y, gates, left);
    store_some(y, h, left);
    store_some(y, s.out + r * s.out_row + j, left);
  });
}

template <class T, bool kRelu>
void plain_backward(const RnnStepBackward<T>& s) {
  using V = Vec<T>;
  for_vectors<T>(s.rows, s.hidden, [&](int64_t r, int64_t j, int64_t left) {
    const V y = load_or(s.gates + r * s.gates_row + j, left, T(0));
    V dh = load_or(s.dh + r * s.hidden + j, left, T(0));
    if (s.dout) dh += load_or(s.dout + r * s.dout_row + j, left, T(0));
    const V d = kRelu ? select(y > T(0), dh, V(T(0))) : dh * fma(-y, y, V(T(1)));
    store_some(d, s.dgates + r * s.gates_row + j, left);
    store_some(load_or(s.dbias + j, left, T(0)) + d, s.dbias + j, left);
  });
}

// c = f c + i g, h = o tanh(c)
template <class T>
void lstm_forward(const RnnStep<T>& s) {
  using V = Vec<T>;
  const int64_t n = s.hidden;
  for_vectors<T>(s.rows, n, [&](int64_t r, int64_t j, int64_t left) {
    T* gates = s.gates + r * s.gates_row + j;
    const V i = gate_sigmoid(load_or(gates, left, T(0)));
    const V f = gate_sigmoid(load_or(gates + n, left, T(0)));
    const V g = tanh(load_or(gates + 2 * n, left, T(0)));
    const V o = gate_sigmoid(load_or(gates + 3 * n, left, T(0)));
    store_some(i, gates, left);
    store_some(f, gates + n, left);
    store_some(g, gates + 2 * n, left);
    store_some(o, gates + 3 * n, left);
    const int64_t state = r * n + j, at = r * s.before_row + j;
    const V before = load_or(s.c + state, left, T(0));
    keep(before, s.c_before, at, left);
    keep(load_or(s.h + state, left, T(0)), s.h_before, at, left);
    const V c = fma(f, before, i * g);
    const V h = o * tanh(c);
    store_some(c, s.c + state, left);
    store_some(h, s.h + state, left);
    store_some(h, s.out + r * s.out_row + j, left);
  });
}

template <class T>
void lstm_backward(const RnnStepBackward<T>& s) {
  using V = Vec<T>;
  const int64_t n = s.hidden;
  const V one = T(1);
  for_vectors<T>(s.rows, n, [&](int64_t r, int64_t j, int64_t left) {
    const T* gates = s.gates + r * s.gates_row + j;
    const V i = load_or(gates, left, T(0)), f = load_or(gates + n, left, T(0));
    const V g = load_or(gates + 2 * n, left, T(0)), o = load_or(gates + 3 * n, left, T(0));
    const int64_t state = r * n + j, at = r * s.before_row + j;
    const V before = load_or(s.c_before + at, left, T(0));
    V dh = load_or(s.dh + state, left, T(0));
    if (s.dout) dh += load_or(s.dout + r * s.dout_row + j, left, T(0));
    const V t = tanh(fma(f, before, i * g));  // as forward had it
    const V dc = fma(dh * o, fma(-t, t, one), load_or(s.dc + state, left, T(0)));
    store_some(dc * f, s.dc + state, left);
    const V d[4] = {dc * g * (i * (one - i)), dc * before * (f * (one - f)),
                    dc * i * fma(-g, g, one), dh * t * (o * (one - o))};
    T* dgates = s.dgates + r * s.gates_row + j;
    for (int k = 0; k < 4; ++k) {
      store_some(d[k], dgates + k * n, left);
      store_some(load_or(s.dbias + k * n + j, left, T(0)) + d[k], s.dbias + k * n + j, left);
    }
  });
}

// n = tanh(n + r m), h = n + z (h - n)
template <class T>
void gru_forward(const RnnStep<T>& s) {
  using V = Vec<T>;
  const int64_t size = s.hidden;
  for_vectors<T>(s.rows, size, [&](int64_t row, int64_t j, int64_t left) {
    T* gates = s.gates + row * s.gates_row + j;
    const V r = gate_sigmoid(load_or(gates, left, T(0)));
    const V z = gate_sigmoid(load_or(gates + size, left, T(0)));
    const V m = load_or(gates + 3 * size, left, T(0));
    const V n = tanh(fma(r, m, load_or(gates + 2 * size, left, T(0))));
    store_some(r, gates, left);
    store_some(z, gates + size, left);
    store_some(n, gates + 2 * size, left);
    const int64_t state = row * size + j, at = row * s.before_row + j;
    const V before = load_or(s.h + state, left, T(0));
    keep(before, s.h_before, at, left);
    const V h = fma(z, before - n, n);
    store_some(h, s.h + state, left);
    store_some(h, s.out + row * s.out_row + j, left);
  });
}

template <class T>
void gru_backward(const RnnStepBackward<T>& s) {
  using V = Vec<T>;
  const int64_t size = s.hidden;
  const V one = T(1);
  for_vectors<T>(s.rows, size, [&](int64_t row, int64_t j, int64_t left) {
    const T* gates = s.gates + row * s.gates_row + j;
    const V r = load_or(gates, left, T(0)), z = load_or(gates + size, left, T(0));
    const V n = load_or(gates + 2 * size, left, T(0)), m = load_or(gates + 3 * size, left, T(0));
    const int64_t state = row * size + j, at = row * s.before_row + j;
    const V before = load_or(s.h_before + at, left, T(0));
    V dh = load_or(s.dh + state, left, T(0));
    if (s.dout) dh += load_or(s.dout + row * s.dout_row + j, left, T(0));
    store_some(dh * z, s.dh + state, left);
    const V dn = dh * (one - z) * fma(-n, n, one);
    const V d[4] = {dn * m * (r * (one - r)), dh * (before - n) * (z * (one - z)), dn, dn * r};
    T* dgates = s.dgates + row * s.gates_row + j;
    for (int k = 0; k < 4; ++k) {
      store_some(d[k], dgates + k * size, left);
      T* sum = s.dbias + k * size + j;
      store_some(load_or(sum, left, T(0)) + d[k], sum, left);
    }
  });
}

template <class T>
void fill(RnnKernels<T>& kernels) {
  kernels.forward[static_cast<int>(Cell::kTanh)] = plain_forward<T, false>;
  kernels.forward[static_cast<int>(Cell::kRelu)] = plain_forward<T, true>;
  kernels.forward[static_cast<int>(Cell::kLstm)] = lstm_forward<T>;
  kernels.forward[static_cast<int>(Cell::kGru)] = gru_forward<T>;
  kernels.backward[static_cast<int>(Cell::kTanh)] = plain_backward<T, false>;
  kernels.backward[static_cast<int>(Cell::kRelu)] = plain_backward<T, true>;
  kernels.backward[static_cast<int>(Cell::kLstm)] = lstm_backward<T>;
  kernels.backward[static_cast<int>(Cell::kGru)] = gru_backward<T>;
}

}  // namespace

void fill_rnn(KernelTable& table);

void fill_rnn(KernelTable& table) {
  fill(table.f32.rnn);
  fill(table.f64.rnn);
}

}  // namespace sf::SF_ISA_NAMESPACE
