"""A step length that meets the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from surefoot._core import Tensor

_ARMIJO = 1e-4  # share of the promised decrease that a step must bring
_CURVATURE = 0.9  # share of the slope at the start that may be left


class Trial(NamedTuple):
    """What is known of the line at step length t."""

    t: float
    loss: float
    slope: float  # of the loss along the line
    grad: Tensor


def strong_wolfe(
    start: Trial, t: float, evaluate: Callable[[float], Trial], least_width: float, most: int
) -> Trial:
    """The first trial found with little enough loss and slope, or the best of ``most`` trials.

    Brackets such a length, then narrows the bracket by cubic interpolation until it is less than
    ``least_width`` long. A loss that is not finite counts as too large.
    Source: Nocedal and Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6.
    """
    before, left = start, most
    while left:
        now, left = evaluate(t), left - 1
        if not _decreases(start, now) or (before is not start and now.loss >= before.loss):
            return _narrow(start, before, now, evaluate, least_width, left)
        if abs(now.slope) <= -_CURVATURE * start.slope:
            return now
        if now.slope >= 0:
            return _narrow(start, now, before, evaluate, least_width, left)
        t = _between(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t)
        before = now
    return before


def _decreases(start: Trial, now: Trial) -> bool:
    return now.loss <= start.loss + _ARMIJO * now.t * start.slope  # False for NaN


def _narrow(
    start: Trial,
    low: Trial,
    high: Trial,
    evaluate: Callable[[float], Trial],
    least_width: float,
    left: int,
) -> Trial:
    """Between ``low``, the best trial so far, and ``high`` there is a length to be found."""
    while left and abs(high.t - low.t) > least_width:
        least, most = sorted((low.t, high.t))
        margin = 0.1 * (most - least)
        now, left = evaluate(_between(low, high, least + margin, most - margin)), left - 1
        if not _decreases(start, now) or now.loss >= low.loss:
            high = now
            continue
        if abs(now.slope) <= -_CURVATURE * start.slope:
            return now
        if now.slope * (high.t - low.t) >= 0:
            high = low
        low = now
    return low


def _between(a: Trial, b: Trial, least: float, most: float) -> float:
    """Where the cubic through both trials is least, within limits; their middle if nowhere."""
    middle = 0.5 * (least + most)
    try:
        d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        d2 = math.copysign(math.sqrt(d1 * d1 - a.slope * b.slope), b.t - a.t)
        t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
    except (ValueError, ZeroDivisionError, OverflowError):
        return middle
    return min(max(t, least), most) if math.isfinite(t) else middle
