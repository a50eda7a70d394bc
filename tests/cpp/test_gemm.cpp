// Matrix products against sums in double precision: every tail of the tiles, every kind of strides,
// every ISA, and the same bits for any number of threads.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>

#include "base/parallel.h"
#include "check.h"
#include "kernels/gemm.h"

namespace {

using sf::Array;
using sf::Shape;
using sf::Strides;

// Numbers that end right before a page nobody may touch: reading past them is a crash.
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(n) {
    const int64_t page = sysconf(_SC_PAGESIZE), bytes = n * static_cast<int64_t>(sizeof(T));
    mapped_ = (bytes + page - 1) / page * page + page;
    base_ = static_cast<char*>(mmap(nullptr, static_cast<size_t>(mapped_), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + mapped_ - page, static_cast<size_t>(page), PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + mapped_ - page - bytes);
  }
  ~Guarded() { munmap(base_, static_cast<size_t>(mapped_)); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  T* data() { return data_; }
  int64_t size() const { return n_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  int64_t n_, mapped_;
  char* base_;
  T* data_;
};

template <class T>
void randomise(Guarded<T>& memory, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> steps(-1000, 1000);
  for (int64_t i = 0; i < memory.size(); ++i) {
    memory[i] = std::is_floating_point_v<T> ? static_cast<T>(steps(engine)) / T(700)
                                            : static_cast<T>(steps(engine) * 1'000'003);
  }
}

enum class Layout { kPlain, kTransposed, kGaps, kReversed, kStrided, kRepeated };

// A rows x cols view that fills memory of just the right size.
template <class T>
struct Operand {
  Operand(int64_t rows, int64_t cols, Layout layout, unsigned seed)
      : memory(needed(rows, cols, layout)) {
    randomise(memory, seed);
    Strides strides{cols, 1};
    T* first = memory.data();
    if (layout == Layout::kTransposed) strides = {1, rows};
    if (layout == Layout::kGaps) strides = {cols + 3, 1};
    if (layout == Layout::kStrided) strides = {3 * cols, 3};
    if (layout == Layout::kRepeated) strides = {0, 1};
    if (layout == Layout::kReversed) {
      strides = {-cols, -1};
      first += rows * cols - 1;
    }
    view = {first, Shape{rows, cols}, strides, sf::dtype_of<T>};
  }
  static int64_t needed(int64_t rows, int64_t cols, Layout layout) {
    if (layout == Layout::kGaps) return std::max<int64_t>(rows * cols + 3 * (rows - 1), 0);
    if (layout == Layout::kStrided) return std::max<int64_t>(3 * rows * cols - 2, 0);
    return layout == Layout::kRepeated ? cols : rows * cols;
  }
  double at(int64_t i, int64_t j) const {
    return static_cast<double>(view.template as<T>()[i * view.strides[0] + j * view.strides[1]]);
  }
  Guarded<T> memory;
  Array view;
};

struct Problem {
  int64_t m, k, n;
  Layout a = Layout::kPlain, b = Layout::kPlain;
  double beta = 0;
  int64_t gap = 0;                        // between the rows of C
  bool bias = false, activation = false;  // leaky_relu with the slope kSlope
};

constexpr double kSlope = 0.5;

// The product as the library gives it, gaps between rows included.
template <class T>
std::vector<T> product(const Problem& p, const Operand<T>& a, const Operand<T>& b) {
  const int64_t row = p.n + p.gap;
  Guarded<T> c(p.m ? (p.m - 1) * row + p.n : 0), bias(p.n);
  randomise(c, 3);
  randomise(bias, 4);
  if (p.beta == 0) {  // must not be read
    for (int64_t i = 0; i < c.size(); ++i) {
      if (i % row < p.n) c[i] = std::numeric_limits<T>::quiet_NaN();
    }
  }
  sf::Epilogue epilogue;
  if (p.bias) epilogue.bias = bias.data();
  if (p.activation) epilogue.activation = sf::Unary::leaky_relu, epilogue.params = {kSlope};
  sf::gemm(a.view, b.view, {c.data(), Shape{p.m, p.n}, Strides{row, 1}, sf::dtype_of<T>}, p.beta,
           epilogue);
  return {c.data(), c.data() + c.size()};
}

template <class T>
void check_values(const Problem& p, const Operand<T>& a, const Operand<T>& b,
                  const std::vector<T>& c) {
  const int64_t row = p.n + p.gap;
  Guarded<T> before(static_cast<int64_t>(c.size())), bias(p.n);
  randomise(before, 3);
  randomise(bias, 4);
  double worst = 0;
  bool gaps_kept = true;
  for (int64_t i = 0; i < static_cast<int64_t>(c.size()); ++i) {
    const int64_t r = i / row, col = i % row;
    if (col >= p.n) {
      gaps_kept = gaps_kept && c[static_cast<size_t>(i)] == before[i];
      continue;
    }
    double sum = p.beta == 1 ? static_cast<double>(before[i]) : 0, size = std::abs(sum) + 1;
    for (int64_t k = 0; k < p.k; ++k) {
      sum += a.at(r, k) * b.at(k, col);
      size += std::abs(a.at(r, k) * b.at(k, col));
    }
    if (p.bias) sum += static_cast<double>(bias[col]), size += 2;
    if (p.activation && sum < 0) sum *= kSlope;
    const double error = std::abs(static_cast<double>(c[static_cast<size_t>(i)]) - sum) / size;
    worst = error <= worst ? worst : error;  // keeps a NaN
  }
  const double allowed = std::numeric_limits<T>::epsilon() * (4 + 0.5 * static_cast<double>(p.k));
  CHECK_MSG(worst <= allowed, p.m, "x", p.k, "x", p.n, " layouts ", static_cast<int>(p.a), " ",
            static_cast<int>(p.b), " beta ", p.beta, " error ", worst, " on ", sf::isa_name());
  CHECK_MSG(gaps_kept, p.m, "x", p.k, "x", p.n, " writes between the rows of C");
}

template <class T>
bool same_bits(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() &&
         (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

// Values on every ISA; equal bits on those with fused multiply-add, for each number of threads.
template <class T>
void check_product(const Problem& p, bool threads = false) {
  const Operand<T> a(p.m, p.k, p.a, 1), b(p.k, p.n, p.b, 2);
  std::vector<T> fused;
  for_each_isa([&](const std::string& isa) {
    const std::vector<T> c = product(p, a, b);
    check_values(p, a, b, c);
    if (isa != "baseline") {
      if (fused.empty()) fused = c;
      CHECK_MSG(same_bits(c, fused), p.m, "x", p.k, "x", p.n, " differs on ", isa);
    }
    const int before = sf::num_threads();
    for (int n : {1, 2, 3, 8}) {
      if (!threads) break;
      sf::set_num_threads(n);
      CHECK_MSG(same_bits(product(p, a, b), c), p.m, "x", p.k, "x", p.n, ": ", n,
                " threads differ");
    }
    sf::set_num_threads(before);
  });
}

// Layouts that sizes are paired with in turn, so that all pairs occur.
constexpr Layout kLayouts[] = {Layout::kPlain,    Layout::kTransposed, Layout::kGaps,
                               Layout::kReversed, Layout::kStrided,    Layout::kRepeated};

template <class T>
void sweep_sizes() {
  constexpr int64_t kSizes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12, 13, 14, 15, 16, 17,
                                23, 24, 27, 28, 29, 31, 32, 33, 47, 48, 49, 63, 64, 65, 70};
  int64_t turn = 0;
  for (int64_t m : kSizes) {
    for (int64_t n : kSizes) {
      ++turn;
      const int64_t k = 1 + (turn * 7) % 37;
      check_product<T>({.m = m,
                        .k = k,
                        .n = n,
                        .a = kLayouts[turn % 2],
                        .b = kLayouts[turn / 2 % 2],
                        .beta = static_cast<double>(turn / 4 % 2),
                        .gap = turn % 3,
                        .bias = turn % 5 == 0,
                        .activation = turn % 7 == 0});
    }
  }
}

TEST(gemm_sizes_float32) { sweep_sizes<float>(); }
TEST(gemm_sizes_float64) { sweep_sizes<double>(); }

template <class T>
void sweep_layouts() {
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      for (double beta : {0., 1.}) {
        for (const auto& [m, k, n] : {std::array<int64_t, 3>{1, 70, 33},
                                      {33, 70, 1},
                                      {2, 17, 140},
                                      {1, 1, 1},
                                      {1, 40, 1},
                                      {65, 1, 9},
                                      {20, 390, 70}}) {
          check_product<T>({.m = m, .k = k, .n = n, .a = a, .b = b, .beta = beta});
          check_product<T>({.m = m,
                            .k = k,
                            .n = n,
                            .a = a,
                            .b = b,
                            .beta = beta,
                            .gap = 2,
                            .bias = true,
                            .activation = true});
        }
      }
    }
  }
}

TEST(gemm_layouts_float32) { sweep_layouts<float>(); }
TEST(gemm_layouts_float64) { sweep_layouts<double>(); }

// Large enough for several chunks, K blocks and column blocks.
template <class T>
void sweep_threads() {
  for (Layout a : {Layout::kPlain, Layout::kTransposed, Layout::kStrided}) {
    for (Layout b : {Layout::kPlain, Layout::kTransposed}) {
      check_product<T>({.m = 133, .k = 401, .n = 205, .a = a, .b = b, .gap = 1, .bias = true},
                       true);
      check_product<T>({.m = 17, .k = 130, .n = 1100, .a = a, .b = b, .beta = 1}, true);
      check_product<T>({.m = 700, .k = 90, .n = 20, .a = a, .b = b, .activation = true}, true);
      check_product<T>({.m = 1, .k = 900, .n = 777, .a = a, .b = b, .bias = true}, true);
      check_product<T>({.m = 777, .k = 900, .n = 1, .a = a, .b = b}, true);
      check_product<T>(
          {.m = 90, .k = 40, .n = 1, .a = a, .b = b, .bias = true, .activation = true});
    }
  }
}

TEST(gemm_threads_float32) { sweep_threads<float>(); }
TEST(gemm_threads_float64) { sweep_threads<double>(); }

// Few rows times a transposed matrix, where the transposed product is cheaper and turned on its way
// out: tails of its tiles along both sides, several K blocks, and all that C may ask for.
template <class T>
void sweep_few_rows() {
  int64_t turn = 0;
  for (int64_t m : {29, 32, 61, 64}) {
    for (int64_t n : {199, 210, 224}) {
      for (int64_t k : {150, 401}) {
        ++turn;
        check_product<T>({.m = m,
                          .k = k,
                          .n = n,
                          .a = kLayouts[turn % 5],
                          .b = Layout::kTransposed,
                          .beta = static_cast<double>(turn / 2 % 2),
                          .gap = turn % 3,
                          .bias = turn % 4 < 2,
                          .activation = turn % 3 == 0},
                         turn % 6 == 1);
      }
    }
  }
  const int64_t page = 4096 / static_cast<int64_t>(sizeof(T));  // rows that are copied first
  check_product<T>({.m = 32, .k = page, .n = 45, .b = Layout::kTransposed, .bias = true}, true);
}

TEST(gemm_few_rows_float32) { sweep_few_rows<float>(); }
TEST(gemm_few_rows_float64) { sweep_few_rows<double>(); }

TEST(gemm_empty) {
  for (double beta : {0., 1.}) {
    check_product<float>({.m = 5, .k = 0, .n = 7, .beta = beta});
    check_product<float>({.m = 5, .k = 0, .n = 7, .beta = beta, .bias = true, .activation = true});
    check_product<float>({.m = 5, .k = 0, .n = 1, .beta = beta});
    check_product<float>({.m = 0, .k = 4, .n = 7, .beta = beta});
    check_product<float>({.m = 3, .k = 4, .n = 0, .beta = beta});
  }
}

// 0 * NaN and 0 * infinity are NaN, wherever they stand and whichever path is taken.
TEST(gemm_nan_and_infinity) {
  for_each_isa([&](const std::string&) {
    for (const auto& [m, k, n] : {std::array<int64_t, 3>{1, 40, 20}, {20, 40, 1}, {30, 5, 40}}) {
      for (float bad : {std::numeric_limits<float>::quiet_NaN(), -HUGE_VALF}) {
        for (Layout layout : {Layout::kPlain, Layout::kTransposed}) {
          const Operand<float> a(m, k, layout, 1), b(k, n, layout, 2);
          std::memset(a.view.data, 0, static_cast<size_t>(m * k) * sizeof(float));
          b.view.as<float>()[(k - 1) * b.view.strides[0] + (n - 1) * b.view.strides[1]] = bad;
          const std::vector<float> c = product<float>({.m = m, .k = k, .n = n}, a, b);
          for (int64_t i = 0; i < m * n; ++i) {
            const bool last = i % n == n - 1;
            CHECK(last ? std::isnan(c[static_cast<size_t>(i)]) : c[static_cast<size_t>(i)] == 0);
          }
        }
      }
    }
  });
}

// Batches give the bits of their products one by one, also where a matrix is repeated.
template <class T>
void sweep_batches() {
  for (const auto& [count, m, k, n] : {std::array<int64_t, 4>{7, 3, 5, 4},
                                       {40, 16, 20, 33},
                                       {3, 90, 70, 80},
                                       {5, 1, 64, 30},
                                       {3, 32, 150, 200}}) {
    for (int variant = 0; variant < 4; ++variant) {
      const bool repeat_b = variant % 2, turned_b = variant / 2;
      const Operand<T> a(count * m, k, Layout::kPlain, 1), b(count * k, n, Layout::kPlain, 2);
      const int64_t b_row = turned_b ? 1 : n, b_col = turned_b ? k : 1;
      Guarded<T> c(count * m * n);
      randomise(c, 3);
      std::vector<T> expected(c.data(), c.data() + c.size());
      const sf::Dtype dtype = sf::dtype_of<T>;
      for (int64_t i = 0; i < count; ++i) {
        sf::gemm({a.view.template as<T>() + i * m * k, Shape{m, k}, Strides{k, 1}, dtype},
                 {b.view.template as<T>() + (repeat_b ? 0 : i * k * n), Shape{k, n},
                  Strides{b_row, b_col}, dtype},
                 {expected.data() + i * m * n, Shape{m, n}, Strides{n, 1}, dtype}, 1);
      }
      sf::gemm_batched(
          {a.view.data, Shape{count, m, k}, Strides{m * k, k, 1}, dtype},
          {b.view.data, Shape{count, k, n}, Strides{repeat_b ? 0 : k * n, b_row, b_col}, dtype},
          {c.data(), Shape{count, m, n}, Strides{m * n, n, 1}, dtype}, 1);
      CHECK_MSG(same_bits({c.data(), c.data() + c.size()}, expected), count, " of ", m, "x", k, "x",
                n);
    }
  }
}

TEST(gemm_batched) {
  for_each_isa([&](const std::string&) {
    for (int threads : {1, 3}) {
      const int before = sf::num_threads();
      sf::set_num_threads(threads);
      sweep_batches<float>();
      sweep_batches<double>();
      sweep_batches<int32_t>();
      sf::set_num_threads(before);
    }
  });
}

// Integers wrap around: compared with sums modulo 2^64.
template <class T>
void check_integers(int64_t m, int64_t k, int64_t n, Layout la, Layout lb) {
  using U = std::make_unsigned_t<T>;
  const Operand<T> a(m, k, la, 1), b(k, n, lb, 2);
  for (double beta : {0., 1.}) {
    Guarded<T> c(m * n), before(m * n);
    randomise(c, 3);
    randomise(before, 3);
    sf::gemm(a.view, b.view, {c.data(), Shape{m, n}, Strides{n, 1}, sf::dtype_of<T>}, beta);
    bool equal = true;
    for (int64_t i = 0; i < m * n; ++i) {
      uint64_t sum = beta == 1 ? static_cast<uint64_t>(before[i]) : 0;
      for (int64_t t = 0; t < k; ++t) {
        sum += static_cast<uint64_t>(
                   a.view.template as<T>()[i / n * a.view.strides[0] + t * a.view.strides[1]]) *
               static_cast<uint64_t>(
                   b.view.template as<T>()[t * b.view.strides[0] + i % n * b.view.strides[1]]);
      }
      equal = equal && c[i] == static_cast<T>(static_cast<U>(sum));
    }
    CHECK_MSG(equal, m, "x", k, "x", n, " ", sf::dtype_of<T>);
  }
}

TEST(gemm_integers) {
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      check_integers<int32_t>(9, 40, 7, a, b);
      check_integers<int64_t>(9, 40, 7, a, b);
    }
  }
  check_integers<int32_t>(80, 60, 90, Layout::kPlain, Layout::kPlain);
}

TEST(gemm_errors) {
  const Operand<float> a(3, 4, Layout::kPlain, 1), b(5, 6, Layout::kPlain, 2);
  Guarded<float> memory(18);
  const Array c{memory.data(), Shape{3, 6}, Strides{6, 1}, sf::Dtype::kFloat32};
  CHECK_THROWS(sf::ShapeError, sf::gemm(a.view, b.view, c));
  const Operand<float> right(4, 6, Layout::kPlain, 2), narrow(4, 2, Layout::kPlain, 2);
  CHECK_THROWS(sf::ShapeError, sf::gemm(a.view, narrow.view, c));
  CHECK_THROWS(sf::ShapeError, sf::gemm_batched(a.view, right.view, c));
  CHECK_THROWS(sf::ValueError, sf::gemm(a.view, right.view, c, 0.5));
  const Array columns{memory.data(), Shape{3, 6}, Strides{1, 3}, sf::Dtype::kFloat32};
  CHECK_THROWS(sf::ValueError, sf::gemm(a.view, right.view, columns));
  const Operand<double> other(4, 6, Layout::kPlain, 2);
  CHECK_THROWS(sf::DtypeError, sf::gemm(a.view, other.view, c));
}

}  // namespace
