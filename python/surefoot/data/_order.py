"""Reproducible orders: a permutation is a function of its key alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surefoot import _core
from surefoot._check import integer

Rows = NDArray[np.int64]


def check_seed(where: str, seed: int) -> None:
    integer(where, "seed", seed, 0, 2**64 - 1)


def permutation(n: int, seed: int, stream: int = 0) -> Rows:
    """The numbers 0 to n - 1 in an order fixed by ``seed`` and ``stream``.

    Sorts raw Philox numbers, which NumPy promises never to change.
    """
    key = np.array([seed, stream], dtype=np.uint64)
    raw = np.random.Philox(key=key).random_raw(n)
    return _core._order_of_keys(_core.from_numpy(raw.view(np.int64))).numpy()


def draw_seed(generator: _core.Generator | None) -> int:
    """A seed drawn from ``generator``, by default from the one that ``manual_seed`` sets."""
    return int(_core.randint(0, 2**62, (1,), generator=generator).item())
