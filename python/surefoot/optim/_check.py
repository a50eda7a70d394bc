"""Checks of hyper-parameters: what is wrong, what it is now, what it may be."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any


def number(rule: str, name: str, value: Any, low: float = 0.0, below: float = math.inf) -> None:
    """Raises unless ``value`` is a number with ``low <= value < below``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"[{rule}] {name} must be a number, got {value!r}")
    if not low <= float(value) < below:  # false for NaN too
        limit = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"[{rule}] {name} must be at least {low:g} and {limit}, got {value!r}")


def betas(rule: str, value: Any, count: int = 2) -> None:
    """Raises unless ``value`` holds ``count`` numbers in [0, 1)."""
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise TypeError(f"[{rule}] betas must be a tuple of {count} numbers, got {value!r}")
    for i, beta in enumerate(value):
        number(rule, f"betas[{i}]", beta, below=1.0)


def choice(rule: str, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raises unless ``value`` is one of ``choices``."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"[{rule}] {name} must be one of {listed}, got {value!r}")


def flag(rule: str, name: str, value: Any) -> None:
    """Raises unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"[{rule}] {name} must be True or False, got {value!r}")
