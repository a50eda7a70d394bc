"""Minimax polynomials behind csrc/kernels/isa/mathfun.h (Remez exchange; needs mpmath).

python tools/fit_polynomials.py prints, for each function and precision, the largest weighted error
and the coefficients, lowest power first.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import mp, mpf

Real = Callable[[mpf], mpf]
mp.dps = 50


def solve(f: Real, weight: Real, points: list[mpf], degree: int) -> list[mpf]:
    """The polynomial whose weighted error alternates with one size over the points."""
    n = degree + 2
    system = mp.matrix(n, n)
    right = mp.matrix(n, 1)
    for row, x in enumerate(points):
        for column in range(degree + 1):
            system[row, column] = x**column
        system[row, degree + 1] = (-1) ** row / weight(x)
        right[row] = f(x)
    solution = mp.lu_solve(system, right)
    return [solution[i] for i in range(degree + 1)]


def remez(f: Real, weight: Real, low: float, high: float, degree: int) -> tuple[list[mpf], mpf]:
    n = degree + 2
    middle, half = (mpf(high) + low) / 2, (mpf(high) - low) / 2
    points = [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    grid = [middle - half * mp.cos(mp.pi * i / 600) for i in range(601)]
    values = [(f(x), weight(x)) for x in grid]
    coefficients: list[mpf] = []
    worst = mpf(0)
    for _ in range(8):
        coefficients = solve(f, weight, points, degree)
        errors = [
            (value - mp.polyval(coefficients[::-1], x)) * w
            for x, (value, w) in zip(grid, values, strict=True)
        ]
        worst = max(abs(e) for e in errors)
        extrema: list[int] = []  # one index of largest error per run of equal sign
        for i, error in enumerate(errors):
            if extrema and (errors[extrema[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > n:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < n:
            break
        points = [grid[i] for i in extrema]
    return coefficients, worst


def series_or(exact: Real, at_zero: float | mpf, tiny: float = 1e-12) -> Real:
    """exact(x), or its limit where the formula would be 0/0."""
    return lambda x: mpf(at_zero) if abs(x) < tiny else exact(x)


def one(_: mpf) -> mpf:
    return mpf(1)


LN2_HALF = float(mp.log(2)) / 2 * 1.0001
QUARTER = float(mp.pi) / 4 * 1.0001
LOG_Z = float(((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2) * 1.001
ATAN_Z = float((mp.sqrt(2) - 1) ** 2) * 1.001


def at_root(g: Real) -> Real:
    """z -> g(sqrt(z)), for functions fitted in the square of their argument."""
    return lambda z: g(mp.sqrt(z))


def scaled_erfc(t: mpf) -> mpf:
    """erfc(x) exp(x^2) (1 + 2 x) as a function of t = (x - 2) / (x + 2)."""
    x = 2 * (1 + t) / (1 - t)
    return mp.erfc(x) * mp.exp(x * x) * (1 + 2 * x)


def normal_tail(t: mpf) -> mpf:
    """(1 - Phi(x)) exp(x^2 / 2) (x + 1.5) as a function of t = (x - 1.5) / (x + 1.5)."""
    x = mpf(1.5) * (1 + t) / (1 - t)
    return mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2) / 2 * (x + 1.5)


# name, function, weight (1 / size of what the error is measured against), interval, degrees in
# float32 and float64 (where it is used)
TABLE: list[tuple[str, Real, Real, tuple[float, float], tuple[int, ...]]] = [
    (
        "exp: (e^r - 1 - r) / r^2",
        series_or(lambda r: (mp.exp(r) - 1 - r) / r**2, 0.5, 1e-15),
        lambda r: r * r + mpf("1e-9"),
        (-LN2_HALF, LN2_HALF),
        (4, 10),
    ),
    (
        "log: (2 atanh(s) - 2 s) / s^3 in z = s^2",
        series_or(at_root(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3), mpf(2) / 3, 1e-20),
        lambda z: z + mpf("1e-12"),
        (0.0, LOG_Z),
        (2, 6),
    ),
    (
        "sin: (sin(r) - r) / r^3 in z = r^2",
        series_or(at_root(lambda r: (mp.sin(r) - r) / r**3), -mpf(1) / 6, 1e-20),
        lambda z: z + mpf("1e-12"),
        (0.0, QUARTER**2),
        (2, 6),
    ),
    (
        "cos: (cos(r) - 1 + r^2 / 2) / r^4 in z = r^2",
        series_or(at_root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), mpf(1) / 24, 1e-16),
        lambda z: z * z + mpf("1e-12"),
        (0.0, QUARTER**2),
        (2, 6),
    ),
    (
        "atan: (atan(t) - t) / t^3 in z = t^2",
        series_or(at_root(lambda t: (mp.atan(t) - t) / t**3), -mpf(1) / 3, 1e-20),
        lambda z: z + mpf("1e-12"),
        (0.0, ATAN_Z),
        (4, 12),
    ),
    (
        "erf below 1: erf(x) / x - 1 in z = x^2",
        series_or(at_root(lambda x: mp.erf(x) / x - 1), 2 / mp.sqrt(mp.pi) - 1, 1e-30),
        one,
        (0.0, 1.0),
        (6, 12),
    ),
    (
        "erfcx: erfc(x) exp(x^2) (1 + 2 x) in t = (x - 2) / (x + 2), x from 0.45 up to 28",
        scaled_erfc,
        lambda t: 1 / scaled_erfc(t),
        (-1.55 / 2.45, 13 / 15),
        (10, 23),
    ),
    (
        "normal tail: (1 - Phi(x)) exp(x^2 / 2) (x + 1.5) in t = (x - 1.5) / (x + 1.5), x up to 13",
        normal_tail,
        lambda t: 1 / normal_tail(t),
        (-1.0, 11.52 / 14.52),
        (11,),
    ),
]


def main() -> None:
    for name, f, weight, (low, high), degrees in TABLE:
        for digits, degree in zip((9, 17), degrees, strict=False):
            coefficients, worst = remez(f, weight, low, high, degree)
            print(f"{name}, degree {degree}: {mp.nstr(worst, 3)}")
            print("  {" + ", ".join(mp.nstr(c, digits + 1) for c in coefficients) + "}")


if __name__ == "__main__":
    main()
