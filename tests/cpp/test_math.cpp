// The largest error of every mathematical function, in units in the last place, against the C
// library in the next wider type; printed and bounded, under every ISA.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "check.h"

namespace {

using sf::Unary;

struct Case {
  Unary op;
  long double (*exact)(long double);
  double low, high;     // range of the samples
  double f32, f64;      // allowed error in ulp
  double baseline_f64;  // without fused multiply-add
};

long double sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double rsqrt(long double x) { return 1 / std::sqrt(x); }

#define EXACT(f) [](long double x) -> long double { return std::f(x); }
const Case kCases[] = {
    {Unary::exp, EXACT(exp), -87, 88, 1.5, 1.5, 2},
    {Unary::exp, EXACT(exp), -1, 1, 1.5, 1.5, 2},
    {Unary::expm1, EXACT(expm1), -20, 20, 2.5, 2.5, 3},
    {Unary::expm1, EXACT(expm1), -1e-2, 1e-2, 2.5, 2.5, 3},
    {Unary::log, EXACT(log), 1e-30, 1e30, 1.5, 1.5, 2},
    {Unary::log, EXACT(log), 0.5, 2, 1.5, 1.5, 2},
    {Unary::log1p, EXACT(log1p), -0.99, 10, 2.5, 2.5, 3},
    {Unary::log1p, EXACT(log1p), -1e-3, 1e-3, 2.5, 2.5, 3},
    {Unary::log2, EXACT(log2), 1e-3, 1e3, 2.5, 2.5, 3},
    {Unary::log10, EXACT(log10), 1e-3, 1e3, 2.5, 2.5, 3},
    {Unary::sin, EXACT(sin), -10, 10, 2, 2.5, 2.5},
    {Unary::sin, EXACT(sin), -1e5, 1e5, 2, 2.5, 2.5},
    {Unary::sin, EXACT(sin), 1e5, 1e15, 2, 2.5, 2.5},
    {Unary::cos, EXACT(cos), -10, 10, 2, 2.5, 2.5},
    {Unary::cos, EXACT(cos), -1e5, 1e5, 2, 2.5, 2.5},
    {Unary::cos, EXACT(cos), 1e5, 1e15, 2, 2.5, 2.5},
    {Unary::tan, EXACT(tan), -10, 10, 2.5, 2.5, 4},
    {Unary::asin, EXACT(asin), -1, 1, 2.5, 2.5, 4},
    {Unary::acos, EXACT(acos), -1, 1, 2.5, 2.5, 4},
    {Unary::atan, EXACT(atan), -20, 20, 2.5, 2.5, 4},
    {Unary::sinh, EXACT(sinh), -20, 20, 2.5, 2.5, 4},
    {Unary::cosh, EXACT(cosh), -20, 20, 2.5, 2.5, 4},
    {Unary::tanh, EXACT(tanh), -10, 10, 2.5, 2.5, 4},
    {Unary::tanh, EXACT(tanh), -0.1, 0.1, 2.5, 2.5, 4},
    {Unary::sigmoid, sigmoid, -80, 20, 2.5, 2.5, 3},
    {Unary::erf, EXACT(erf), -6, 6, 2.5, 2.5, 3},
    {Unary::rsqrt, rsqrt, 1e-3, 1e3, 1.5, 1.5, 1.5},
};
#undef EXACT

template <class T>
double ulps(T got, long double want) {
  const T rounded = static_cast<T>(want);
  const T size = std::fmax(std::fabs(rounded), std::numeric_limits<T>::min());
  const T ulp = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
  return static_cast<double>(std::fabs(got - want) / ulp);
}

// Samples spread evenly, and for wide ranges also evenly in their logarithm.
template <class T>
std::vector<T> samples(double low, double high, int n) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> even(low, high), power(std::log(1e-6), 0);
  std::vector<T> xs(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    double x = even(random);
    if (low > 0 && i % 2) x = low * std::exp(std::log(high / low) * i / n);
    if (low < 0 && i % 2) x *= std::exp(power(random));
    xs[static_cast<size_t>(i)] = static_cast<T>(x);
  }
  return xs;
}

template <class T>
double worst_ulps(const Case& c, T* where) {
  const std::vector<T> xs = samples<T>(c.low, c.high, sizeof(T) == 4 ? 50001 : 20001);
  std::vector<T> ys(xs.size());
  sf::kernels<T>().unary[static_cast<int>(c.op)](xs.data(), ys.data(),
                                                 static_cast<int64_t>(xs.size()), nullptr);
  double worst = 0;
  for (size_t i = 0; i < xs.size(); ++i) {
    const double error = ulps(ys[i], c.exact(xs[i]));
    if (!(error <= worst)) worst = error, *where = xs[i];
  }
  return worst;
}

template <class T>
T apply(Unary op, T x, std::initializer_list<T> params = {}) {
  T p[sf::kMaxParams] = {}, y;
  std::copy(params.begin(), params.end(), p);
  sf::kernels<T>().unary[static_cast<int>(op)](&x, &y, 1, p);
  return y;
}

template <class T>
void check_edges() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto same = [](T a, T b) {
    const bool close = std::fabs(a - b) <= 4 * std::numeric_limits<T>::epsilon() * std::fabs(b);
    return (std::isnan(a) && std::isnan(b)) || a == b || (std::isfinite(b) && close);
  };
  for (int op = 0; op < sf::kNumUnary; ++op) {
    if (op == static_cast<int>(Unary::threshold)) continue;  // its comparison decides
    const T y = apply<T>(static_cast<Unary>(op), nan, {T(1.5), T(2)});
    CHECK_MSG(std::isnan(y), sf::kUnaryNames[op], "(nan) is ", y);
  }
  CHECK(apply<T>(Unary::exp, inf) == inf && apply<T>(Unary::exp, -inf) == 0);
  CHECK(apply<T>(Unary::exp, 0) == 1 && apply<T>(Unary::exp, T(1e4)) == inf);
  CHECK(apply<T>(Unary::exp, T(-1e4)) == 0);
  CHECK(apply<T>(Unary::expm1, inf) == inf && apply<T>(Unary::expm1, -inf) == -1);
  CHECK(apply<T>(Unary::expm1, 0) == 0 && std::signbit(apply<T>(Unary::expm1, T(-0.0))));
  CHECK(apply<T>(Unary::log, 0) == -inf && apply<T>(Unary::log, inf) == inf);
  CHECK(std::isnan(apply<T>(Unary::log, -1)) && apply<T>(Unary::log, 1) == 0);
  CHECK(apply<T>(Unary::log1p, -1) == -inf && apply<T>(Unary::log1p, inf) == inf);
  CHECK(std::isnan(apply<T>(Unary::log1p, -2)) && apply<T>(Unary::log1p, 0) == 0);
  CHECK(apply<T>(Unary::log2, 1024) == 10);
  CHECK(std::isnan(apply<T>(Unary::sin, inf)) && std::isnan(apply<T>(Unary::cos, -inf)));
  CHECK(apply<T>(Unary::tanh, inf) == 1 && apply<T>(Unary::tanh, -inf) == -1);
  CHECK(apply<T>(Unary::sigmoid, inf) == 1 && apply<T>(Unary::sigmoid, -inf) == 0);
  CHECK(apply<T>(Unary::erf, inf) == 1 && apply<T>(Unary::erf, -inf) == -1);
  CHECK(apply<T>(Unary::round, T(2.5)) == 2 && apply<T>(Unary::round, T(-3.5)) == -4);
  CHECK(apply<T>(Unary::floor, T(-0.5)) == -1 && apply<T>(Unary::ceil, T(-0.5)) == 0);
  CHECK(apply<T>(Unary::trunc, T(-1.7)) == -1 && apply<T>(Unary::floor, T(1e30)) == T(1e30));
  const T bases[] = {T(-2), T(-1), T(-0.5), T(-0.0), T(0), T(0.5), T(1), T(3), inf, -inf, nan};
  const T powers[] = {T(-inf), T(-3), T(-2.5), T(-1), 0, T(0.5), 1, 2, 3, T(1e10), inf, nan};
  for (const T base : bases) {
    for (const T power : powers) {
      const T y = apply<T>(Unary::pow_scalar, base, {power}), want = std::pow(base, power);
      CHECK_MSG(same(y, want), "pow(", base, ", ", power, ") is ", y, ", not ", want);
    }
  }
}

}  // namespace

TEST(math_errors_stay_within_their_bounds) {
  for_each_isa([](const std::string& isa) {
    const bool fused = isa != "baseline";
    for (const Case& c : kCases) {
      float at32 = 0;
      double at64 = 0;
      const double f32 = worst_ulps<float>(c, &at32), f64 = worst_ulps<double>(c, &at64);
      const char* name = sf::kUnaryNames[static_cast<int>(c.op)];
      std::printf("     %-8s %-8s [%8.3g, %8.3g]  f32 %.2f ulp  f64 %.2f ulp\n", isa.c_str(), name,
                  c.low, c.high, f32, f64);
      CHECK_MSG(f32 <= c.f32 + (fused ? 0 : 0.5), isa, " ", name, " f32 ", f32, " ulp at ", at32);
      CHECK_MSG(f64 <= (fused ? c.f64 : c.baseline_f64), isa, " ", name, " f64 ", f64, " at ",
                at64);
    }
  });
}

TEST(math_edges_follow_ieee) {
  for_each_isa([](const std::string&) {
    check_edges<float>();
    check_edges<double>();
  });
}

TEST(math_sine_near_multiples_of_pi) {
  for_each_isa([](const std::string& isa) {
    double worst32 = 0, worst64 = 0;
    for (int k = 1; k < 60000; k += 7) {
      const float x = static_cast<float>(k * 3.14159265358979323846 / 2);
      const double xd = k * 3.14159265358979323846 / 2;
      const float y = apply<float>(k % 2 ? Unary::cos : Unary::sin, x);
      const double yd = apply<double>(k % 2 ? Unary::cos : Unary::sin, xd);
      const long double wide = x, wide_d = xd;
      worst32 = std::fmax(worst32, ulps(y, k % 2 ? std::cos(wide) : std::sin(wide)));
      worst64 = std::fmax(worst64, ulps(yd, k % 2 ? std::cos(wide_d) : std::sin(wide_d)));
    }
    CHECK_MSG(worst32 < 4, isa, " f32 ", worst32);
    CHECK_MSG(worst64 < 4, isa, " f64 ", worst64);
  });
}

TEST(math_pow_keeps_its_relative_accuracy) {
  for_each_isa([](const std::string& isa) {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> base(0.01, 30), power(-40, 40);
    double worst = 0, worst32 = 0;
    for (int i = 0; i < 20000; ++i) {
      const double x = base(random), p = power(random);
      const float xf = static_cast<float>(x), pf = static_cast<float>(p / 2);
      const double y = apply<double>(Unary::pow_scalar, x, {p});
      const float yf = apply<float>(Unary::pow_scalar, xf, {pf});
      worst = std::fmax(worst, ulps(y, std::pow(static_cast<long double>(x), p)));
      const double want = std::pow(static_cast<double>(xf), pf);
      if (want > 1.2e-38 && want < 3e38) worst32 = std::fmax(worst32, ulps(yf, want));
    }
    std::printf("     %-8s pow f32 %.2f ulp  f64 %.2f ulp\n", isa.c_str(), worst32, worst);
    CHECK_MSG(worst32 <= 1, isa, " ", worst32);
    CHECK_MSG(worst <= (isa == "baseline" ? 200 : 2), isa, " ", worst);
  });
}

TEST(math_wide_isas_give_equal_bits) {
  const std::vector<std::string> isas = sf::available_isas();
  if (isas.size() < 3) return;
  const std::vector<float> xs = samples<float>(-30, 30, 4099);
  const std::vector<double> xd(xs.begin(), xs.end());
  const auto n = static_cast<int64_t>(xs.size());
  const float p[sf::kMaxParams] = {1.5f, 2.5f};
  const double pd[sf::kMaxParams] = {1.5, 2.5};
  for (int op = 0; op < sf::kNumUnary; ++op) {
    std::vector<float> ys[2];
    std::vector<double> yd[2];
    for (size_t i = 0; i < 2; ++i) {
      sf::set_isa(isas[i + 1]);
      ys[i].resize(xs.size());
      yd[i].resize(xs.size());
      sf::kernels<float>().unary[op](xs.data(), ys[i].data(), n, p);
      sf::kernels<double>().unary[op](xd.data(), yd[i].data(), n, pd);
    }
    CHECK_MSG(!std::memcmp(ys[0].data(), ys[1].data(), xs.size() * 4), sf::kUnaryNames[op]);
    CHECK_MSG(!std::memcmp(yd[0].data(), yd[1].data(), xs.size() * 8), sf::kUnaryNames[op]);
  }
}
