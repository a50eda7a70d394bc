#include "kernels/resample.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/scratch.h"
#include "kernels/dispatch.h"
#include "kernels/launch.h"
#include "kernels/planes.h"

namespace sf {
namespace {

size_t index(int64_t i) { return static_cast<size_t>(i); }

int64_t taps_of(const Taps& t, int64_t i) { return t.start[index(i + 1)] - t.start[index(i)]; }
int32_t first_of(const Taps& t, int64_t i) { return t.column[index(t.start[index(i)])]; }

bool are_neighbours(const Taps& t, int64_t i) {
  const int64_t n = taps_of(t, i);
  for (int64_t k = 0; k < n; ++k) {
    if (t.column[index(t.start[index(i)] + k)] != first_of(t, i) + k) return false;
  }
  return n > 0;
}

struct Run {
  int64_t lo = 0, hi = 0, step = 0;
  int64_t length() const { return hi - lo; }
};

// The longest run of outputs where fits(i) holds for each and follows(i) between i - 1 and i.
template <class Fits, class Follows>
Run longest(int64_t out, int64_t step, const Fits& fits, const Follows& follows) {
  Run best, now;
  for (int64_t i = 0; i < out; ++i) {
    if (!fits(i)) {
      now = {i + 1, i + 1};
      continue;
    }
    if (now.length() && !follows(i)) now = {i, i};
    now.hi = i + 1;
    if (now.length() > best.length()) best = now;
  }
  best.step = step;
  return best;
}

// What runs a lane each: see AxisMap.
Run main_run(const Taps& t) {
  const int64_t out = t.out();
  const auto as_many = [&](int64_t i) { return taps_of(t, i) == taps_of(t, i - 1); };
  for (const int64_t step : {1, 2}) {
    const auto moves = [&](int64_t i) {
      return as_many(i) && first_of(t, i) - first_of(t, i - 1) == step;
    };
    const Run run = longest(out, step, [&](int64_t i) { return are_neighbours(t, i); }, moves);
    if (2 * run.length() >= out) return run;
  }
  return longest(out, 0, [&](int64_t i) { return taps_of(t, i) > 0; }, as_many);
}

bool is_identity(const Taps& t) {
  if (t.in != t.out() || t.column.size() != index(t.in)) return false;
  for (int64_t i = 0; i < t.in; ++i) {
    if (taps_of(t, i) != 1 || first_of(t, i) != i || t.weight[index(i)] != 1) return false;
  }
  return true;
}

// Taps as the kernels read them.
template <class T>
struct Axis {
  std::vector<int32_t> count, column;
  std::vector<T> weight;
  AxisMap<T> map;

  explicit Axis(const Taps& t) {
    const int64_t out = t.out();
    int64_t most = 0;
    for (int64_t i = 0; i < out; ++i) {
      count.push_back(static_cast<int32_t>(taps_of(t, i)));
      most = std::max(most, taps_of(t, i));
    }
    const bool plain = std::ranges::all_of(t.weight, [](double w) { return w == 1; });
    column.resize(index(most * out));
    weight.resize(plain ? 0 : index(most * out));
    for (int64_t i = 0; i < out; ++i) {
      for (int64_t k = 0; k < taps_of(t, i); ++k) {
        const size_t from = index(t.start[index(i)] + k), to = index(k * out + i);
        column[to] = t.column[from];
        if (!plain) weight[to] = static_cast<T>(t.weight[from]);
      }
    }
    const bool picks = plain && std::ranges::all_of(count, [](int32_t n) { return n == 1; });
    const Run run = main_run(t);
    map = {t.in,   out,    count.data(), column.data(),  plain ? nullptr : weight.data(),
           run.lo, run.hi, run.step,     is_identity(t), picks};
  }
};

// The axis that leaves fewer elements goes first; rows that are picked need no pass of their own.
template <class T>
bool rows_first(const AxisMap<T>& h, const AxisMap<T>& w) {
  return w.identity || h.out <= h.in || (h.picks && 2 * h.out <= 3 * h.in);
}

template <class T>
void map_planes(const Resample& plan, const T* x, T* y, int64_t planes) {
  const Axis<T> h(plan.h), w(plan.w);
  const std::vector<T> rows(plan.h_divisor.begin(), plan.h_divisor.end());
  const std::vector<T> columns(plan.w_divisor.begin(), plan.w_divisor.end());
  const bool divides = !rows.empty();
  const bool first = divides && plan.divide_first, by_rows = rows_first(h.map, w.map);
  const PlaneMap<T> map{
      h.map, w.map,  divides ? rows.data() : nullptr, divides ? columns.data() : nullptr,
      first, by_rows};
  const int64_t in = plan.in(), out = plan.out();
  const int64_t size = (first ? in : 0) + (by_rows ? plan.w.in : plan.h.in * plan.w.out());
  std::atomic<bool> out_of_memory{false};
  for_planes(planes, in + out, [&](int64_t p) {
    if (T* room = thread_scratch<T>(std::max<int64_t>(1, size))) {
      kernels<T>().pool.map_plane(map, x + p * in, y + p * out, room);
    } else {
      out_of_memory = true;
    }
  });
  if (out_of_memory) throw MemoryError("[resample] no memory for the rows of a plane");
}

}  // namespace

Taps Taps::identity(int64_t size) {
  Taps taps(size);
  for (int64_t i = 0; i < size; ++i) {
    taps.add(i);
    taps.next();
  }
  return taps;
}

Taps Taps::transposed() const {
  Taps to(out());
  to.start.assign(index(in + 1), 0);
  for (const int32_t c : column) ++to.start[index(c + 1)];
  for (int64_t i = 0; i < in; ++i) to.start[index(i + 1)] += to.start[index(i)];
  to.column.resize(column.size());
  to.weight.resize(column.size());
  std::vector<int64_t> at = to.start;
  for (int64_t i = 0; i < out(); ++i) {
    for (int64_t k = start[index(i)]; k < start[index(i + 1)]; ++k) {
      const auto place = index(at[index(column[index(k)])]++);
      to.column[place] = static_cast<int32_t>(i);
      to.weight[place] = weight[index(k)];
    }
  }
  return to;
}

Resample Resample::transposed() const {
  return {h.transposed(), w.transposed(), h_divisor, w_divisor, !divide_first};
}

void run_resample(const ResampleRef& plan, const Array& x, const Array& y) {
  if (y.numel() == 0) return;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch("resample",
           [plan, x, y] { map_planes<T>(*plan, x.as<T>(), y.as<T>(), y.numel() / plan->out()); });
  });
}

}  // namespace sf
