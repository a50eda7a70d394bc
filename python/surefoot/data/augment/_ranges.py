"""Checks of what only transforms have: ranges, sizes of pictures, counts that the core holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral

from surefoot import _check

Range = tuple[float, float]
PADDING_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")  # as the core numbers them


def count(where: str, name: str, value: int, low: int = 0) -> int:
    """A whole number, at least ``low``, that 32 bits hold."""
    return _check.integer(where, name, value, low, 2**31 - 1)


def interval(
    where: str, name: str, value: Sequence[float], low: float = -math.inf, high: float = math.inf
) -> Range:
    """Two numbers in order, both in [low, high]."""
    begin, end = _check.pair(where, name, value)
    if not low <= begin <= end <= high:
        raise ValueError(
            f"[{where}] {name} must be a pair from <= to in [{low:g}, {high:g}], got {value}"
        )
    return float(begin), float(end)


def around(where: str, name: str, value: float | Sequence[float]) -> Range:
    """A pair; of a number d, (-d, d)."""
    if isinstance(value, Sequence):
        return interval(where, name, value)
    spread = float(_check.number(where, name, value, 0))
    return -spread, spread


def size_of(where: str, value: int | Sequence[int]) -> tuple[int, int]:
    """(height, width); a number stands for both."""
    sides = value if isinstance(value, Sequence) else (value, value)
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise TypeError(f"[{where}] size must be an int or (height, width), got {value!r}")
    return count(where, "size", sides[0], 1), count(where, "size", sides[1], 1)
