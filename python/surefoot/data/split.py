"""Cutting a data set into parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from surefoot import _core
from surefoot._core import Tensor

from ._order import Rows, check_seed, draw_seed, permutation
from .dataset import Subset

__all__ = ["random_split", "split"]


def split(
    dataset: Any,
    sizes: Sequence[float],
    *,
    shuffle: bool = True,
    stratify: ArrayLike | Tensor | None = None,
    seed: int = 0,
) -> list[Subset]:
    """Cuts a data set into disjoint parts that together hold every sample once.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``.
        sizes: numbers of samples that sum to ``len(dataset)``, or fractions that sum to 1; what
            rounding leaves over goes to the first parts, a sample each.
        shuffle: deal the samples at random; False keeps their order.
        stratify: a label for every sample: each part gets its share of each label, to within one
            sample.
        seed: the parts are a function of it alone.

    Raises:
        ValueError: sizes that do not fit, a number of labels that is not ``len(dataset)``.

    Example:
        >>> import surefoot as sf
        >>> data = sf.data.TensorDataset(sf.arange(10))
        >>> [len(part) for part in sf.data.split(data, (0.8, 0.2), seed=1)]
        [8, 2]
    """
    n = len(dataset)
    check_seed("split", seed)
    counts = _counts(n, sizes)
    order = permutation(n, seed) if shuffle else np.arange(n)
    if stratify is not None:
        order = _interleaved(order, np.asarray(stratify))
    parts = np.split(order, np.cumsum(counts)[:-1])
    if stratify is not None:  # interleaved parts are in no order of their own
        parts = [
            part[permutation(len(part), seed, 1 + i)] if shuffle else np.sort(part)
            for i, part in enumerate(parts)
        ]
    return [Subset(dataset, part) for part in parts]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: _core.Generator | None = None
) -> list[Subset]:
    """``split`` with PyTorch's signature: random parts, drawn from ``generator``.

    Example:
        >>> import surefoot as sf
        >>> [len(part) for part in sf.data.random_split(list(range(7)), [5, 2])]
        [5, 2]
    """
    return split(dataset, lengths, seed=draw_seed(generator))


def _counts(n: int, sizes: Sequence[float]) -> list[int]:
    if not sizes or any(not size >= 0 for size in sizes):
        raise ValueError(f"[split] sizes must be numbers >= 0, got {sizes!r}")
    if all(isinstance(size, (int, np.integer)) for size in sizes) and sum(sizes) == n:
        return [int(size) for size in sizes]
    if not math.isclose(sum(sizes), 1.0, abs_tol=1e-9):
        raise ValueError(
            f"[split] sizes must sum to the {n} samples or, as fractions, to 1; "
            f"{list(sizes)} sum to {sum(sizes):g}"
        )
    counts = [math.floor(n * size) for size in sizes]
    left = n - sum(counts)
    return [count + (i < left) for i, count in enumerate(counts)]


def _interleaved(order: Rows, labels: np.ndarray[Any, Any]) -> Rows:
    """``order`` rearranged so that every prefix holds each label in proportion."""
    if labels.shape != order.shape:
        raise ValueError(
            f"[split] stratify has shape {labels.shape}; it needs one label for each of the "
            f"{len(order)} samples"
        )
    place = np.empty(len(order))
    for label in np.unique(labels):
        own = np.flatnonzero(labels[order] == label)
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    return order[np.argsort(place, kind="stable")]
