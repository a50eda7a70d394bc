"""Checks of arguments, in one wording: `[where] name must be ..., got value`.

TypeError for a wrong type, ValueError for a wrong value. True and False are no numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from numbers import Real
from typing import Any, NoReturn, TypeVar

from surefoot._core import Tensor

T = TypeVar("T")


def _refuse(error: type[Exception], where: str, name: str, rule: str, value: Any) -> NoReturn:
    raise error(f"[{where}] {name} must be {rule}, got {value!r:.80}")


def _need_real(where: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (float, int, Real)):  # Real alone is slow
        _refuse(TypeError, where, name, "a number", value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def number(
    where: str,
    name: str,
    value: float,
    low: float = -math.inf,
    below: float = math.inf,
    *,
    infinite: bool = False,
) -> float:
    """``value``, a number with ``low <= value < below``; may it be infinity, too?"""
    _need_real(where, name, value)
    if not (low <= value < below and _finite(value)) and not (infinite and value == math.inf):
        rules = [f"at least {low}"] if low > -math.inf else []
        rules += [f"below {below}"] if below < math.inf else [] if infinite else ["finite"]
        _refuse(ValueError, where, name, " and ".join(rules) or "a number", value)
    return value


def positive(where: str, name: str, value: float, *, infinite: bool = False) -> float:
    """``value``, a number above 0."""
    if number(where, name, value, infinite=infinite) <= 0:
        _refuse(ValueError, where, name, "positive", value)
    return value


def probability(where: str, name: str, value: float) -> float:
    """``value``, a number in [0, 1]."""
    _need_real(where, name, value)
    if not 0 <= value <= 1:
        _refuse(ValueError, where, name, "in [0, 1]", value)
    return value


def integer(where: str, name: str, value: Any, low: float, high: int | None = None) -> int:
    """``value`` as an int, at least ``low`` and at most ``high``."""
    try:
        whole = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        whole = None
    if whole is None:
        _refuse(TypeError, where, name, "an integer", value)
    if whole < low or (high is not None and whole > high):
        rule = f"at least {low}" if whole < low else f"at most {high}"
        _refuse(ValueError, where, name, rule, value)
    return whole


def pair(
    where: str, name: str, value: Any, low: float = -math.inf, below: float = math.inf
) -> tuple[float, float]:
    """``value``, a tuple or list of two numbers, as a tuple."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        _refuse(TypeError, where, name, "a tuple of 2 numbers", value)
    first, second = (number(where, f"{name}[{i}]", v, low, below) for i, v in enumerate(value))
    return first, second


def choice(where: str, name: str, value: T, choices: Collection[Any]) -> T:
    """``value``, one of ``choices``."""
    if value not in choices:
        _refuse(ValueError, where, name, f"one of {', '.join(map(repr, choices))}", value)
    return value


def flag(where: str, name: str, value: Any) -> bool:
    """``value``, True or False."""
    if not isinstance(value, bool):
        _refuse(TypeError, where, name, "True or False", value)
    return value


def tensor(where: str, name: str, value: Any) -> Tensor:
    """``value``, a Tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"[{where}] {name} must be a Tensor, got {type(value).__name__}")
    return value
