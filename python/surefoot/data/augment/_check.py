"""Checks of the options of transforms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

Range = tuple[float, float]
PADDING_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")  # as the core numbers them


def number(where: str, name: str, value: float, low: float = -math.inf) -> float:
    """A finite number, at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"[{where}] {name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < low:
        rule = "finite" if low == -math.inf else f"finite and at least {low:g}"
        raise ValueError(f"[{where}] {name} must be {rule}, got {value}")
    return float(value)


def count(where: str, name: str, value: int, low: int = 0) -> int:
    """A whole number, at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"[{where}] {name} must be an int, got {value!r}")
    if not low <= value < 2**31:
        raise ValueError(f"[{where}] {name} must be at least {low}, got {value}")
    return int(value)


def probability(where: str, p: float) -> float:
    """A number in [0, 1]."""
    if not 0 <= number(where, "p", p) <= 1:
        raise ValueError(f"[{where}] p must be in [0, 1], got {p}")
    return float(p)


def interval(
    where: str, name: str, value: Sequence[float], low: float = -math.inf, high: float = math.inf
) -> Range:
    """Two numbers in order, both in [low, high]."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"[{where}] {name} must be a pair (from, to), got {value!r}")
    begin, end = (number(where, name, part) for part in value)
    if not low <= begin <= end <= high:
        raise ValueError(
            f"[{where}] {name} must be a pair from <= to in [{low:g}, {high:g}], got {value}"
        )
    return begin, end


def around(where: str, name: str, value: float | Sequence[float]) -> Range:
    """A pair; of a number d, (-d, d)."""
    if isinstance(value, Sequence):
        return interval(where, name, value)
    spread = number(where, name, value, 0)
    return -spread, spread


def size(where: str, value: int | Sequence[int]) -> tuple[int, int]:
    """(height, width); a number stands for both."""
    if isinstance(value, Integral):
        side = count(where, "size", int(value), 1)
        return side, side
    if not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f"[{where}] size must be an int or (height, width), got {value!r}")
    return count(where, "size", value[0], 1), count(where, "size", value[1], 1)


def choice(where: str, name: str, value: str, known: Sequence[str]) -> str:
    """One of ``known``."""
    if value not in known:
        raise ValueError(f"[{where}] {name} must be one of {', '.join(known)}, got {value!r}")
    return value
