"""Sizes that are given once, or once for each dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from surefoot._check import integer

Sizes = int | Sequence[int]


def sizes(
    owner: str, name: str, value: Any, count: int, least: float = -math.inf
) -> tuple[int, ...]:
    """The tuple of `value`: one integer or `count` of them, each at least `least`."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    given = tuple(integer(owner, name, item, least) for item in items)
    if len(given) not in (1, count):
        wanted = f"one integer or {count}" if count > 1 else "one integer"
        raise ValueError(f"[{owner}] {name} must be {wanted}, got {value!r}")
    return given
