"""The largest error of every transcendental activation, in units in the last place of its result.

python bench/python/accuracy.py [POINTS]

float32 is compared with NumPy's long double at the same inputs, float64 as well; half of the points
are spread evenly over the range, half evenly in their logarithm. Kernels flush denormal numbers:
results below 1024 times the smallest normal number are passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import surefoot as sf
from surefoot.nn import functional as F

Wide = Any  # an array of long doubles
LIMIT = 2.5  # ulp, on instruction sets with fused multiply-add


def wide(text: str) -> Any:
    return np.longdouble(text)


def softplus(x: Wide) -> Wide:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def sigmoid(x: Wide) -> Wide:
    return 1 / (1 + np.exp(-x))


def elu(x: Wide) -> Wide:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def scaled_erfc(a: Wide) -> Wide:
    """erfc(a) exp(a^2) for a >= 0: the power series of erf below 2, a continued fraction above."""
    small = np.minimum(a, 2)
    term = total = small * 2 / np.sqrt(wide("3.14159265358979323846264338327950288"))
    for n in range(1, 80):
        term = term * 2 * small * small / (2 * n + 1)
        total = total + term
    large, fraction = np.maximum(a, 2), np.zeros_like(a)
    for n in range(160, 0, -1):
        fraction = (wide(n) / 2) / (large + fraction)
    tail = 1 / ((large + fraction) * np.sqrt(wide("3.14159265358979323846264338327950288")))
    return np.where(a < 2, np.exp(small * small) - total, tail)


def gelu(x: Wide) -> Wide:
    """x Phi(x); x^2 in two parts, of which exp sees the first without rounding."""
    high = x.astype(np.float32).astype(np.longdouble)
    low = x - high
    bell = np.exp(-high * high / 2) * np.exp(-(high * low + low * low / 2))
    below = bell * scaled_erfc(abs(x) / np.sqrt(wide("2"))) / 2
    return x * np.where(x < 0, below, 1 - below)


def gelu_tanh(x: Wide) -> Wide:
    root = np.sqrt(2 / wide("3.14159265358979323846264338327950288"))
    return x * sigmoid(2 * root * (x + wide("0.044715") * x**3))


def mish(x: Wide) -> Wide:
    e = np.exp(np.minimum(x, 50))
    return np.where(x > 50, x, x * (e * (e + 2)) / (e * (e + 2) + 2))


def selu(x: Wide) -> Wide:
    below = wide("1.6732632423543772848170429916717") * elu(np.minimum(x, 0))
    return wide("1.0507009873554804934193349852946") * np.where(x > 0, x, below)


@dataclass(frozen=True)
class Case:
    name: str
    op: Callable[[sf.Tensor], sf.Tensor]
    exact: Callable[[Wide], Wide]
    low: float
    high: float


CASES = [
    Case("sigmoid", F.sigmoid, sigmoid, -80, 80),
    Case("tanh", F.tanh, np.tanh, -20, 20),
    Case("elu", F.elu, elu, -80, 20),
    Case("selu", F.selu, selu, -80, 20),
    Case("celu", F.celu, elu, -80, 20),
    Case("gelu", F.gelu, gelu, -13, 13),
    Case("gelu, tanh", lambda x: F.gelu(x, approximate="tanh"), gelu_tanh, -10, 10),
    Case("silu", F.silu, lambda x: x * sigmoid(x), -80, 80),
    Case("mish", F.mish, mish, -80, 80),
    Case("softplus", lambda x: F.softplus(x, threshold=1e9), softplus, -80, 80),
    Case("logsigmoid", F.logsigmoid, lambda x: -softplus(-x), -80, 80),
    Case("tan", sf.tan, np.tan, -10, 10),
    Case("softsign", F.softsign, lambda x: x / (1 + abs(x)), -80, 80),
]


def inputs(case: Case, points: int, dtype: Any) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(7)
    x = rng.uniform(case.low, case.high, points)
    x[::2] *= np.exp(rng.uniform(np.log(1e-6), 0, len(x[::2])))
    return x.astype(dtype)


def worst_ulps(case: Case, points: int, dtype: Any) -> tuple[float, float]:
    """The largest error, and the input where it stands."""
    x = inputs(case, points, dtype)
    got = case.op(sf.tensor(x)).numpy().astype(np.longdouble)
    exact = case.exact(x.astype(np.longdouble))
    ulp = np.spacing(abs(exact).astype(dtype)).astype(np.longdouble)
    errors = np.where(abs(exact) < 1024 * np.finfo(dtype).tiny, 0, abs(got - exact) / ulp)
    at = int(np.argmax(errors))
    return float(errors[at]), float(x[at])


def main() -> int:
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print(f"{points} points; largest error in ulp, and where\n")
    print(f"{'':12} {'float32':>24} {'float64':>24}")
    worst = 0.0
    for case in CASES:
        shown = []
        for dtype in (np.float32, np.float64):
            error, at = worst_ulps(case, points, dtype)
            worst = max(worst, error)
            shown.append(f"{error:10.2f} at {at:10.4g}")
        print(f"{case.name:12} {shown[0]:>24} {shown[1]:>24}")
    print(f"\nlargest: {worst:.2f} ulp (allowed: {LIMIT})")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
