#include "kernels/norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/loop.h"

namespace sf {
namespace {

// Elements whose sum is kept in T before it joins a double.
constexpr int64_t kPiece = kReduceChunk;
constexpr int64_t kBandElements = 2 * kChunkElements, kBandRows = 256;
constexpr int64_t kFew = 2 * kSerialBelow;  // elements that stay on the caller's thread

template <class T>
struct Pointers {
  const T *x = nullptr, *g = nullptr, *weight = nullptr, *bias = nullptr;
  T *y = nullptr, *mean = nullptr, *var = nullptr, *rstd = nullptr;
  T *dx = nullptr, *dweight = nullptr, *dbias = nullptr;
};

// Calls fn(begin, end) for pieces of n elements.
template <class F>
void pieces(int64_t n, const F& fn) {
  for (int64_t i = 0; i < n; i += kPiece) fn(i, std::min(n, i + kPiece) - i);
}

// The two sums of fn(begin, n, T* sums) over a group's elements, which lie in `outer` rows.
template <class T, class F>
void group_sums(const NormPlan& p, int64_t group, double* total, const F& fn) {
  total[0] = total[1] = 0;
  for (int64_t o = 0; o < p.outer; ++o) {
    const int64_t row = (o * p.groups + group) * p.inner;
    pieces(p.inner, [&](int64_t i, int64_t n) {
      T sums[2];
      fn(row + i, i, n, sums);
      total[0] += static_cast<double>(sums[0]);
      total[1] += static_cast<double>(sums[1]);
    });
  }
}

struct Moments {
  double mean, var;
};

// From the sums of x - shift and of its square, over `count` elements: shifted by a value near the
// mean, the difference of squares loses nothing. NaN goes through max, in this order.
Moments moments_of(double shift, const double* sums, double count) {
  const double step = sums[0] / count;
  return {shift + step, std::max(sums[1] / count - step * step, 0.0)};
}

template <class T>
T rstd_of(double var, double eps) {
  return static_cast<T>(1 / std::sqrt(var + eps));
}

// ------------------------------------------------------------------------ groups that lie in rows

// Around the mean of a few elements, which saves a pass over x; around the mean itself where that
// is not within a standard deviation.
template <class T>
Moments row_moments(const NormPlan& p, const T* x, int64_t group) {
  const auto& k = kernels<T>();
  const auto count = static_cast<double>(p.count());
  const int64_t few = std::min<int64_t>(p.inner, 64);
  T shift = 0;
  if (p.centered) {
    const auto sum = k.reduce.rows[static_cast<int>(Reduce::sum)];
    shift = sum(x + group * p.inner, few) / static_cast<T>(few);
  }
  for (bool last = !p.centered;; last = true) {
    double sums[2];
    group_sums<T>(p, group, sums, [&](int64_t at, int64_t, int64_t n, T* out) {
      k.norm.row_deviations(x + at, n, shift, out);
    });
    if (!p.centered) return {0, sums[1] / count};
    const Moments m = moments_of(static_cast<double>(shift), sums, count);
    const double step = sums[0] / count;
    if (last || !(step * step > m.var)) return m;
    shift = static_cast<T>(m.mean);
  }
}

template <class T>
void row_forward(const NormPlan& p, const Pointers<T>& a, int64_t group) {
  const Moments m = row_moments(p, a.x, group);
  const T mean = a.mean[group] = static_cast<T>(m.mean);
  a.var[group] = static_cast<T>(m.var);
  T scale = a.rstd[group] = rstd_of<T>(m.var, p.eps);
  T shift = 0;
  const T *w = a.weight, *b = a.bias;
  if (!p.along_inner) {
    scale = w ? scale * w[group] : scale;
    shift = b ? b[group] : T(0);
    w = b = nullptr;
  }
  for (int64_t o = 0; o < p.outer; ++o) {
    const int64_t row = (o * p.groups + group) * p.inner;
    kernels<T>().norm.row_apply(a.x + row, a.y + row, p.inner, mean, scale, shift, w, b, p.next());
  }
}

// What each position adds to the sums of its column joins by_column, unless that is null.
template <class T>
void row_backward(const NormPlan& p, const Pointers<T>& a, int64_t group,
                  T* const* by_column = nullptr) {
  const auto& k = kernels<T>().norm;
  const T mean = a.mean[group], rstd = a.rstd[group];
  const T* w = p.along_inner ? a.weight : nullptr;
  double sums[2];
  group_sums<T>(p, group, sums, [&](int64_t at, int64_t i, int64_t n, T* out) {
    T* columns[] = {by_column ? by_column[0] + i : nullptr, by_column ? by_column[1] + i : nullptr};
    k.row_grad_sums(a.x + at, a.g + at, n, mean, rstd, w ? w + i : nullptr, out,
                    by_column ? columns : nullptr);
  });
  if (a.dweight && !p.along_inner) {
    a.dbias[group] = static_cast<T>(sums[0]);
    a.dweight[group] = static_cast<T>(sums[1]);
  }
  if (!a.dx) return;
  const auto count = static_cast<double>(p.count());
  const T c0 = p.centered ? static_cast<T>(sums[0] / count) : T(0);
  const T c1 = static_cast<T>(sums[1] / count);
  const T scale = a.weight && !p.along_inner ? rstd * a.weight[group] : rstd;
  for (int64_t o = 0; o < p.outer; ++o) {
    const int64_t row = (o * p.groups + group) * p.inner;
    k.row_grad(a.x + row, a.g + row, a.dx + row, p.inner, mean, rstd, w, scale, c0, c1);
  }
}

template <class T, class F>
void for_groups(const NormPlan& p, const F& fn) {
  const int64_t work = p.count() * p.groups;
  const int64_t size = std::max<int64_t>(1, kChunkElements / std::max<int64_t>(1, p.count()));
  const Chunks chunks{p.groups, work <= kFew ? std::max<int64_t>(1, p.groups) : size};
  parallel_for(chunks.count(), [&](int64_t c) {
    for (int64_t group = chunks.begin(c); group < chunks.end(c); ++group) fn(group);
  });
}

// ------------------------------------------------------------------------ groups that are columns

// Bands of rows, a function of the shape alone.
Chunks bands_of(int64_t rows, int64_t columns) {
  const int64_t size = kBandElements / std::max<int64_t>(1, columns);
  return {rows, std::clamp<int64_t>(size, 1, kBandRows)};
}

template <class F>
void for_bands(const Chunks& bands, int64_t columns, const F& fn) {
  if (bands.n * columns <= kFew) {
    for (int64_t c = 0; c < bands.count(); ++c) fn(c);
  } else {
    parallel_for(bands.count(), fn);
  }
}

// Two sums for each column: fn(first row, rows, T* first, T* second) adds those of some rows.
template <class T, class F>
std::vector<double> column_totals(int64_t rows, int64_t columns, const F& fn) {
  const Chunks bands = bands_of(rows, columns);
  const int64_t width = 2 * columns;
  const std::unique_ptr<T[]> partial(new T[static_cast<size_t>(bands.count() * width)]);
  for_bands(bands, columns, [&](int64_t c) {
    T* sums = partial.get() + c * width;
    std::fill(sums, sums + width, T(0));
    fn(bands.begin(c), bands.end(c) - bands.begin(c), sums, sums + columns);
  });
  std::vector<double> totals(static_cast<size_t>(width));
  kernels<T>().norm.add_bands(partial.get(), bands.count(), width, totals.data());
  return totals;
}

// Around the first row, which is near enough to the mean in nearly every case and saves a pass over
// x; around the mean itself where that is not.
template <class T>
void column_moments(const NormPlan& p, const Pointers<T>& a) {
  const auto& k = kernels<T>().norm;
  const int64_t n = p.groups;
  std::copy(a.x, a.x + n, a.mean);
  for (bool last = false;; last = true) {
    const auto sums = column_totals<T>(p.outer, n, [&](int64_t row, int64_t rows, T* s, T* t) {
      k.column_deviations(a.x + row * n, rows, n, a.mean, s, t);
    });
    const auto count = static_cast<double>(p.outer);
    const bool near = k.column_moments(sums.data(), n, count, p.eps, a.mean, a.var, a.rstd);
    if (near || last) return;
  }
}

template <class T>
void column_forward(const NormPlan& p, const Pointers<T>& a) {
  const int64_t n = p.groups;
  column_moments(p, a);
  std::vector<T> scale(a.rstd, a.rstd + n), shift(static_cast<size_t>(n));
  for (int64_t j = 0; a.weight && j < n; ++j) scale[static_cast<size_t>(j)] *= a.weight[j];
  if (a.bias) std::copy(a.bias, a.bias + n, shift.begin());
  const Chunks bands = bands_of(p.outer, n);
  for_bands(bands, n, [&](int64_t i) {
    const int64_t c = bands.count() - 1 - i;  // the last ones are still in the cache
    for (int64_t r = bands.begin(c); r < bands.end(c); ++r) {
      kernels<T>().norm.column_apply(a.x + r * n, a.y + r * n, n, a.mean, scale.data(),
                                     shift.data());
    }
  });
}

template <class T>
void column_backward(const NormPlan& p, const Pointers<T>& a) {
  const auto& k = kernels<T>().norm;
  const int64_t n = p.groups;
  const auto count = static_cast<double>(p.outer);
  const auto sums = column_totals<T>(p.outer, n, [&](int64_t row, int64_t rows, T* s, T* t) {
    k.column_grad_sums(a.x + row * n, a.g + row * n, rows, n, a.mean, s, t);
  });
  std::vector<T> scale(static_cast<size_t>(n)), c0(scale), c1(scale);
  for (int64_t i = 0; i < n; ++i) {
    const auto j = static_cast<size_t>(i);
    const auto rstd = static_cast<double>(a.rstd[i]);
    const double product = sums[static_cast<size_t>(n) + j] * rstd;  // sum of g xhat
    if (a.dweight) {
      a.dbias[i] = static_cast<T>(sums[j]);
      a.dweight[i] = static_cast<T>(product);
    }
    const double factor = a.weight ? rstd * static_cast<double>(a.weight[i]) : rstd;
    scale[j] = static_cast<T>(factor);
    c0[j] = static_cast<T>(factor * sums[j] / count);
    c1[j] = static_cast<T>(factor * product / count * rstd);
  }
  if (!a.dx) return;
  const Chunks bands = bands_of(p.outer, n);
  for_bands(bands, n, [&](int64_t i) {
    const int64_t c = bands.count() - 1 - i;  // the last ones are still in the cache
    for (int64_t r = bands.begin(c); r < bands.end(c); ++r) {
      const int64_t at = r * n;
      k.column_grad(a.x + at, a.g + at, a.dx + at, n, a.mean, scale.data(), c0.data(), c1.data());
    }
  });
}

// Rows whose weight lies along the inner positions: dweight and dbias are sums over the rows, taken
// row by row with the row's own sums, right before dx, which finds x and g in the cache and may
// replace g.
template <class T>
void inner_backward(const NormPlan& p, const Pointers<T>& a) {
  const int64_t n = p.inner;
  const auto sums = column_totals<T>(p.groups, n, [&](int64_t row, int64_t rows, T* s, T* t) {
    T* const by_column[] = {s, t};
    for (int64_t r = row; r < row + rows; ++r) row_backward(p, a, r, by_column);
  });
  for (int64_t j = 0; j < n; ++j) {
    a.dbias[j] = static_cast<T>(sums[static_cast<size_t>(j)]);
    a.dweight[j] = static_cast<T>(sums[static_cast<size_t>(n + j)]);
  }
}

bool by_columns(const NormPlan& p) {
  return p.inner == 1 && p.outer > 1 && p.centered && !p.along_inner;
}

}  // namespace

void run_norm(const NormPlan& plan, const Array& x, const Array& weight, const Array& bias,
              const Array& y, const Array& mean, const Array& var, const Array& rstd) {
  if (y.numel() == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    Pointers<T> a{x.as<T>(), nullptr, weight.as<T>(), bias.as<T>()};
    a.y = y.as<T>();
    a.mean = mean.as<T>();
    a.var = var.as<T>();
    a.rstd = rstd.as<T>();
    launch("norm", [plan, a] {
      if (by_columns(plan)) return column_forward<T>(plan, a);
      for_groups<T>(plan, [&](int64_t group) { row_forward<T>(plan, a, group); });
    });
  });
}

void run_norm_backward(const NormPlan& plan, const Array& x, const Array& g, const Array& weight,
                       const Array& mean, const Array& rstd, const Array& dx, const Array& dweight,
                       const Array& dbias) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    Pointers<T> a{x.as<T>(), g.as<T>(), weight.as<T>()};
    a.mean = mean.as<T>();
    a.rstd = rstd.as<T>();
    a.dx = dx.as<T>();
    a.dweight = dweight.as<T>();
    a.dbias = dbias.as<T>();
    launch("norm_backward", [plan, a] {
      if (by_columns(plan)) return column_backward<T>(plan, a);
      if (a.dweight && plan.along_inner) return inner_backward<T>(plan, a);
      for_groups<T>(plan, [&](int64_t group) { row_backward<T>(plan, a, group); });
    });
  });
}

void run_move_running(const Array& running, const Array& now, double momentum, const Array& count,
                      double factor) {
  const int64_t samples = now.shape[0], n = now.shape[1];
  dispatch_floating(running.dtype, [&](auto a) {
    dispatch_floating(now.dtype, [&](auto b) {
      auto* to = running.as<decltype(a)>();
      const auto* from = now.as<decltype(b)>();
      const auto* batches = count.as<const int64_t>();
      launch("move_running", [=] {
        const double own = batches ? 1 / static_cast<double>(*batches) : momentum;
        const double share = own * factor / static_cast<double>(samples);
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t i = 0; i < samples; ++i) sum += static_cast<double>(from[i * n + j]);
          to[j] = static_cast<decltype(a)>((1 - own) * static_cast<double>(to[j]) + share * sum);
        }
      });
    });
  });
}

}  // namespace sf
