"""Checks of constructor arguments, worded alike for every layer."""

from __future__ import annotations

import math
import operator
from typing import Any

from surefoot._core import Tensor

REDUCTIONS = ("mean", "sum", "none")


def positive_int(owner: str, name: str, value: Any) -> int:
    """Return `value` as an int, or raise ValueError/TypeError naming the argument."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"[{owner}] {name}={value!r}: must be a positive integer") from None
    if number <= 0:
        raise ValueError(f"[{owner}] {name}={number}: must be a positive integer")
    return number


def tensor(owner: str, name: str, value: Any) -> Tensor:
    """Return `value`, or raise TypeError when it is no Tensor."""
    if not isinstance(value, Tensor):
        kind = type(value).__name__
        raise TypeError(f"[{owner}] argument {name!r} must be a Tensor, got {kind}")
    return value


def positive(owner: str, name: str, value: float) -> float:
    """Return `value`, or raise ValueError when it is not above 0."""
    if not value > 0.0:
        raise ValueError(f"[{owner}] {name}={value!r}: must be positive")
    return value


def probability(owner: str, name: str, value: float) -> float:
    """Return `value`, or raise ValueError when it lies outside [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"[{owner}] {name}={value!r}: must lie in [0, 1]")
    return value


def finite(owner: str, name: str, value: float) -> float:
    """Return `value`, or raise ValueError when it is NaN or infinite."""
    if not math.isfinite(value):
        raise ValueError(f"[{owner}] {name}={value!r}: must be finite")
    return value


def one_of(owner: str, name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Return `value`, or raise ValueError listing what is allowed."""
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"[{owner}] {name}={value!r}: must be one of {choices}")
    return value


def not_negative(owner: str, name: str, value: float) -> float:
    """Return `value`, or raise ValueError when it is negative or no number."""
    if not value >= 0.0:
        raise ValueError(f"[{owner}] {name}={value!r}: must not be negative")
    return value
