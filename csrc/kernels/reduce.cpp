#include "kernels/reduce.h"

#include <memory>

#include "base/parallel.h"
#include "kernels/cost.h"
#include "kernels/launch.h"
#include "kernels/loop.h"
#include "kernels/reduce_plan.h"
#include "kernels/reducer.h"
#include "kernels/unary_row.h"

namespace sf {
namespace {

constexpr int64_t kManyOutputs = 16;  // enough of them to give every thread its share
constexpr int64_t kStrip = 512;       // columns reduced together

template <class T>
std::unique_ptr<T[]> uninitialized(int64_t n) {
  return std::unique_ptr<T[]>(new T[static_cast<size_t>(n)]);
}

// Whether items of so many elements, each of which costs so many bytes moved, are left to one
// thread. An item takes some 40 ns beside its elements.
bool is_serial(int64_t items, int64_t elements_per_item, int64_t cost) {
  constexpr int64_t kItem = 2048;
  return items * (elements_per_item * cost + kItem) <= kSerialBytes;
}

// Serial below the break-even, otherwise in chunks of about kChunkElements elements.
template <class F>
void for_items(int64_t items, int64_t elements_per_item, int64_t cost, const F& fn) {
  if (is_serial(items, elements_per_item, cost)) {
    for (int64_t i = 0; i < items; ++i) fn(i);
    return;
  }
  const int64_t size =
      std::max<int64_t>(1, kChunkElements / std::max<int64_t>(1, elements_per_item));
  const Chunks chunks{items, size};
  parallel_for(chunks.count(), [&](int64_t c) {
    for (int64_t i = chunks.begin(c); i < chunks.end(c); ++i) fn(i);
  });
}

template <class T>
void by_rows(const ReducePlan& plan, const Reducer<T>& reducer) {
  using Acc = typename Reducer<T>::Acc;
  const T* x = static_cast<const T*>(plan.x);
  T* y = static_cast<T*>(plan.y);
  const Pieces pieces(plan);
  const auto piece = [&](int64_t output, int64_t i) {
    return pieces.with(plan, x + plan.kept.x_offset(output), i,
                       [&](const T* p, int64_t n) { return reducer.row(p, n); });
  };
  const int64_t outputs = plan.kept.total, count = plan.reduced.total;
  if (outputs >= kManyOutputs || is_serial(outputs, count, reducer.cost())) {
    for_items(outputs, count, reducer.cost(), [&](int64_t output) {
      Acc acc = reducer.start();
      for (int64_t i = 0; i < pieces.count; ++i) {
        acc = i ? reducer.join(acc, piece(output, i)) : piece(output, i);
      }
      y[plan.kept.y_offset(output)] = reducer.finish(acc);
    });
    return;
  }
  const auto partial = uninitialized<Acc>(outputs * pieces.count);
  for_items(outputs * pieces.count, count / pieces.count, reducer.cost(),
            [&](int64_t i) { partial.get()[i] = piece(i / pieces.count, i % pieces.count); });
  for (int64_t output = 0; output < outputs; ++output) {
    const Acc* p = partial.get() + output * pieces.count;
    Acc acc = p[0];
    for (int64_t i = 1; i < pieces.count; ++i) acc = reducer.join(acc, p[i]);
    y[plan.kept.y_offset(output)] = reducer.finish(acc);
  }
}

// The kept dims are (..., columns); the reduced ones (..., rows). A strip of columns is reduced
// over bands of rows; bands are joined in order.
template <class T, class R = Reducer<T>>
class ByColumns {
  using Acc = typename R::Acc;

 public:
  ByColumns(const ReducePlan& plan, const R& reducer)
      : plan_(plan),
        reducer_(reducer),
        columns_(plan.kept.inner()),
        strips_{columns_, kStrip},
        bands_{plan.reduced.inner(),
               std::clamp<int64_t>(32768 / std::min(columns_, kStrip), 64, 1024)},
        per_strip_(plan.reduced.outer() * bands_.count()) {}

  void run() const {
    const int64_t tasks = plan_.kept.outer() * strips_.count();
    const int64_t work = plan_.reduced.total * std::min(columns_, kStrip);
    if (tasks >= kManyOutputs || per_strip_ == 1 || is_serial(tasks, work, reducer_.cost())) {
      for_items(tasks, work, reducer_.cost(), [&](int64_t task) { whole_strip(task); });
      return;
    }
    const auto partial = uninitialized<T>(tasks * per_strip_ * kStrip);
    for_items(tasks * per_strip_, work / per_strip_, reducer_.cost(),
              [&](int64_t i) { band(i / per_strip_, i % per_strip_, partial.get() + i * kStrip); });
    for (int64_t task = 0; task < tasks; ++task) {
      Acc total[kStrip];
      for (int64_t i = 0; i < per_strip_; ++i) {
        join(total, partial.get() + (task * per_strip_ + i) * kStrip, width(task), i == 0);
      }
      store(task, total);
    }
  }

  // The sums of squares around the means (the reducer is that of sums), over `divisor`.
  void run_variance(double divisor) const {
    const int64_t tasks = plan_.kept.outer() * strips_.count();
    const int64_t work = plan_.reduced.total * std::min(columns_, kStrip);
    for_items(tasks, work, reducer_.cost(), [&](int64_t task) {
      T mean[kStrip], acc[kStrip];
      Acc total[kStrip];
      add_up(task, acc, total);
      const auto count = static_cast<Acc>(plan_.reduced.total);
      for (int64_t j = 0; j < width(task); ++j) mean[j] = static_cast<T>(total[j] / count);
      for (int64_t i = 0; i < per_strip_; ++i) {
        squares(task, i, mean, acc);
        join(total, acc, width(task), i == 0);
      }
      for (int64_t j = 0; j < width(task); ++j) total[j] /= divisor;
      store(task, total);
    });
  }

 private:
  int64_t first_column(int64_t task) const { return strips_.begin(task % strips_.count()); }
  int64_t width(int64_t task) const {
    return strips_.end(task % strips_.count()) - first_column(task);
  }
  int64_t first_kept(int64_t task) const {
    return task / strips_.count() * columns_ + first_column(task);
  }

  // Where band i of a strip starts; how many rows it has; how far apart they are.
  const T* band_start(int64_t task, int64_t i) const {
    const int64_t b = i % bands_.count();
    const int64_t row = i / bands_.count() * plan_.reduced.inner() + bands_.begin(b);
    return static_cast<const T*>(plan_.x) + plan_.kept.x_offset(first_kept(task)) +
           plan_.reduced.x_offset(row);
  }
  int64_t band_rows(int64_t i) const {
    return bands_.end(i % bands_.count()) - bands_.begin(i % bands_.count());
  }
  int64_t row_step() const { return plan_.reduced.x[plan_.reduced.ndim - 1]; }

  void band(int64_t task, int64_t i, T* acc) const {
    std::fill(acc, acc + width(task), reducer_.start());
    reducer_.columns(band_start(task, i), row_step(), band_rows(i), width(task), acc);
  }
  void squares(int64_t task, int64_t i, const T* mean, T* acc) const {
    T steps[kStrip] = {};
    std::fill(acc, acc + width(task), T(0));
    const T* x = band_start(task, i);
    for (int64_t r = 0; r < band_rows(i); ++r) {
      kernels<T>().norm.column_deviations(x + r * row_step(), 1, width(task), mean, steps, acc);
    }
  }
  void join(Acc* total, const T* acc, int64_t n, bool first) const {
    for (int64_t j = 0; j < n; ++j) {
      total[j] = first ? static_cast<Acc>(acc[j]) : reducer_.join(total[j], acc[j]);
    }
  }
  void store(int64_t task, const Acc* total) const {
    const int64_t step = plan_.kept.y[plan_.kept.ndim - 1];
    T* y = static_cast<T*>(plan_.y) + plan_.kept.y_offset(first_kept(task));
    for (int64_t j = 0; j < width(task); ++j) y[j * step] = reducer_.finish(total[j]);
  }
  void add_up(int64_t task, T* acc, Acc* total) const {
    for (int64_t i = 0; i < per_strip_; ++i) {
      band(task, i, acc);
      join(total, acc, width(task), i == 0);
    }
  }
  void whole_strip(int64_t task) const {
    T acc[kStrip];
    Acc total[kStrip];
    add_up(task, acc, total);
    store(task, total);
  }

  const ReducePlan& plan_;
  const R& reducer_;
  int64_t columns_;
  Chunks strips_, bands_;
  int64_t per_strip_;
};

template <class T>
void reduce(const ReducePlan& plan, const Reducer<T>& reducer) {
  if (plan.kept.total == 0) return;
  if (plan.by_columns()) {
    ByColumns<T>(plan, reducer).run();
  } else {
    by_rows<T>(plan, reducer);
  }
}

// The sum of columns that an op's backward makes: a few rows at a time, right before they are
// added. All arrays are contiguous and of one shape, and a strip is whole rows.
template <class T>
struct MadeColumns : FloatReducer<T> {
  UnaryRow<T> of;
  const T *x, *y, *g;
  T* dx;

  MadeColumns(const UnaryRow<T>& row, const Array* x_of, const Array* y_of, const Array& grad,
              const Array& to)
      : FloatReducer<T>(Reduce::sum, 0),
        of(row),
        x(needs_of(row.op) & kNeedsX ? x_of->as<T>() : nullptr),
        y(needs_of(row.op) & kNeedsY ? y_of->as<T>() : nullptr),
        g(grad.as<T>()),
        dx(to.as<T>()) {}

  int64_t cost() const {  // that of the op: sums in the first-level cache are nothing to it
    constexpr int64_t kOperands = 3;
    return std::max(cost_of(of.op, true) / int64_t{sizeof(float)}, kOperands) * int64_t{sizeof(T)};
  }
  void columns(const T* from, int64_t, int64_t rows, int64_t n, T* acc) const {
    constexpr int64_t kTurn = 2048;  // elements that stay in that cache, with what they are made of
    const Chunks turns{rows, std::max<int64_t>(1, kTurn / n)};
    for (int64_t i = 0; i < turns.count(); ++i) {
      const int64_t at = from - dx + turns.begin(i) * n;
      const int64_t some = turns.end(i) - turns.begin(i);
      of.backward(x ? x + at : nullptr, y ? y + at : nullptr, g + at, dx + at, some * n);
      FloatReducer<T>::columns(dx + at, n, some, n, acc);
    }
  }
};

// Two passes per output: the mean, then the squares around it.
template <class T>
void variance(const ReducePlan& plan, double divisor) {
  const Reducer<T> sum(Reduce::sum, 0);
  if (plan.kept.total == 0) return;
  if (plan.by_columns()) return ByColumns<T>(plan, sum).run_variance(divisor);
  const T* x = static_cast<const T*>(plan.x);
  const Pieces pieces(plan);
  for_items(plan.kept.total, plan.reduced.total, sum.cost(), [&](int64_t output) {
    const T* from = x + plan.kept.x_offset(output);
    double total = 0, squares = 0;
    for (int64_t i = 0; i < pieces.count; ++i) {
      total += pieces.with(plan, from, i, [&](const T* p, int64_t n) { return sum.row(p, n); });
    }
    const T mean = static_cast<T>(total / static_cast<double>(plan.reduced.total));
    for (int64_t i = 0; i < pieces.count; ++i) {
      squares += pieces.with(plan, from, i, [&](const T* p, int64_t n) -> double {
        return sum.kernels->centered_sumsq(p, n, mean);
      });
    }
    static_cast<T*>(plan.y)[plan.kept.y_offset(output)] = static_cast<T>(squares / divisor);
  });
}

}  // namespace

void run_reduce(Reduce op, const Array& x, const Array& y) {
  const ReducePlan plan = make_reduce_plan(x, y);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Reducer<T> reducer(op, plan.reduced.total);
    launch("reduce", [plan, reducer] { reduce<T>(plan, reducer); });
  });
}

void run_unary_backward_sum(Unary op, const Array* x, const Array* y, const Array& g,
                            const Array& dx, const Array& sums, const OpParams& params) {
  const Array row{sums.data, {1, dx.shape[1]}, {dx.shape[1], 1}, dx.dtype};
  const ReducePlan plan = make_reduce_plan(dx, row);
  // Wide rows are left to the two: memory is walked in strips here, and products are all they cost.
  bool together = plan.by_columns() && dx.shape[1] <= kStrip;
  for (const Array* a : {x, y, &g, &dx}) together &= !a || !a->data || a->contiguous();
  if (!together) {
    run_unary_backward(op, x, y, g, dx, params);
    return run_reduce(Reduce::sum, dx, row);
  }
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    const MadeColumns<T> made({op, params}, x, y, g, dx);
    launch(name_of(op), [plan, made] { ByColumns<T, MadeColumns<T>>(plan, made).run(); });
  });
}

void run_var(const Array& x, const Array& y, double correction) {
  const ReducePlan plan = make_reduce_plan(x, y);
  const double divisor = std::max(0.0, static_cast<double>(plan.reduced.total) - correction);
  dispatch_floating(x.dtype, [&](auto zero) {
    launch("var", [plan, divisor] { variance<decltype(zero)>(plan, divisor); });
  });
}

}  // namespace sf
