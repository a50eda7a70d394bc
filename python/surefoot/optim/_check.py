"""Checks of hyper-parameters: what is wrong, what it is now, what it may be."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from numbers import Real
from typing import Any

# Options that mean the same in every rule.
_AT_LEAST_0 = (
    *("lr", "eps", "weight_decay", "momentum", "dampening", "lr_decay", "momentum_decay"),
    *("initial_accumulator_value", "lambd", "t0"),
)
_FLAGS = ("maximize", "amsgrad", "bias_correction", "centered", "decoupled_weight_decay")


def number(rule: str, name: str, value: Any, low: float = 0.0, below: float = math.inf) -> None:
    """Raises unless ``value`` is a number with ``low <= value < below``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"[{rule}] {name} must be a number, got {value!r}")
    if not low <= float(value) < below:  # false for NaN too
        limit = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"[{rule}] {name} must be at least {low:g} and {limit}, got {value!r}")


def share(rule: str, name: str, value: float) -> float:
    """``value``, a number in [0, 1]."""
    number(rule, name, value)
    if value > 1:
        raise ValueError(f"[{rule}] {name} must be at most 1, got {value!r}")
    return value


def positive(rule: str, name: str, value: float) -> float:
    """``value``, a finite number above 0."""
    number(rule, name, value)
    if value == 0:
        raise ValueError(f"[{rule}] {name} must be above 0, got 0")
    return value


def integer(rule: str, name: str, value: Any, low: int) -> int:
    """``value`` as an int, at least ``low``."""
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"[{rule}] {name} must be an integer, got {value!r}") from None
    if isinstance(value, bool) or whole < low:
        raise ValueError(f"[{rule}] {name} must be an integer of at least {low}, got {value!r}")
    return whole


def pair(rule: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is a tuple or list of two."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"[{rule}] {name} must be a tuple of 2 numbers, got {value!r}")


def betas(rule: str, value: Any) -> None:
    """Raises unless ``value`` holds two numbers in [0, 1)."""
    pair(rule, "betas", value)
    for i, beta in enumerate(value):
        number(rule, f"betas[{i}]", beta, below=1.0)


def choice(rule: str, name: str, value: Any, choices: tuple[str | None, ...]) -> None:
    """Raises unless ``value`` is one of ``choices``."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"[{rule}] {name} must be one of {listed}, got {value!r}")


def flag(rule: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"[{rule}] {name} must be True or False, got {value!r}")


def options(rule: str, group: Mapping[str, Any]) -> None:
    """Checks those options of a group that mean the same in every rule."""
    for name in _AT_LEAST_0:
        if name in group:
            number(rule, name, group[name])
    for name in _FLAGS:
        if name in group:
            flag(rule, name, group[name])
    if "rho" in group:
        number(rule, "rho", group["rho"], below=1.0)
    if "betas" in group:
        betas(rule, group["betas"])
