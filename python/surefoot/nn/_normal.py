"""The normal distribution function and its inverse."""

from __future__ import annotations

import math

from surefoot import _core
from surefoot._core import Tensor

# M. Giles, "Approximating the erfinv function" (2010), single precision; highest power first.
_CENTRE = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)


def normal_cdf(x: float) -> float:
    """P(Z <= x) of a standard normal Z."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def normal_quantile(p: Tensor) -> Tensor:
    """x with P(Z <= x) = p, elementwise, for a float64 tensor of probabilities.

    A polynomial gives seven digits, one Newton step on the distribution function the rest.
    """
    y = (2.0 * p - 1.0).clamp(-1.0 + 2.0**-52, 1.0 - 2.0**-52)
    w = -((1.0 - y) * (1.0 + y)).log()
    x = y * _core.where(w < 5.0, _polynomial(_CENTRE, w - 2.5), _polynomial(_TAIL, w.sqrt() - 3.0))
    error = _core.erf(x) - y
    x = x - error * (math.sqrt(math.pi) / 2.0) * (x * x).exp()
    return x * math.sqrt(2.0)


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    total = x * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        total = total * x + c
    return total
