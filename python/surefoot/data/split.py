"""Cutting a data set into parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from ._order import Rows, check_seed, draw_seed, permutation
from .dataset import Subset

__all__ = ["kfold", "random_split", "split"]

Labels = ArrayLike | Tensor


def split(
    dataset: Any,
    sizes: Sequence[float],
    *,
    shuffle: bool = True,
    stratify: Labels | None = None,
    group: Labels | None = None,
    time: Labels | None = None,
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
        group: a group for every sample (a person, a machine): no group is in two parts. The sizes,
            and with ``stratify`` the shares of the labels, are then met as well as groups allow.
        time: a time for every sample: the first part holds the earliest ones, in order, and no
            time is in two parts.
        seed: the parts are a function of it alone.

    Raises:
        ValueError: sizes that do not fit, a number of labels that is not ``len(dataset)``, fewer
            groups or times than parts.

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
    if time is not None:
        if group is not None or stratify is not None:
            raise ValueError("[split] time goes with neither group nor stratify")
        cuts = np.cumsum(counts)[:-1]
        return [Subset(dataset, part) for part in _by_time("split", _labels("time", time, n), cuts)]
    if group is not None:
        labels = np.zeros(n) if stratify is None else _labels("stratify", stratify, n)
        parts = _by_group("split", order, _labels("group", group, n), labels, counts)
        return [Subset(dataset, part) for part in parts]
    if stratify is not None:
        order = _interleaved(order, _labels("stratify", stratify, n))
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


def kfold(
    dataset: Any,
    k: int = 5,
    *,
    shuffle: bool = True,
    stratify: Labels | None = None,
    group: Labels | None = None,
    time: Labels | None = None,
    seed: int = 0,
) -> list[tuple[Subset, Subset]]:
    """The ``k`` pairs (training, validation) of cross-validation.

    Every sample is in one validation part; arguments are those of ``split``. With ``time`` the
    samples are cut into k + 1 blocks in time, and fold i trains on all blocks before block i + 1,
    which it validates on: nothing is learned from the future, and the first block is never
    validated on.

    Raises:
        ValueError: k below 2 or above the number of samples, groups or blocks of time there are.

    Example:
        >>> from surefoot.data import kfold
        >>> folds = kfold(list(range(6)), 3, shuffle=False)
        >>> [validation.indices.tolist() for _, validation in folds]
        [[0, 1], [2, 3], [4, 5]]
        >>> [len(training) for training, _ in kfold(list(range(6)), 2, time=[0, 1, 2, 3, 4, 5])]
        [2, 4]
    """
    n = len(dataset)
    integer("kfold", "k", k, 2, n)
    if time is not None:
        sizes = [n // (k + 1) + (i < n % (k + 1)) for i in range(k + 1)]
        if sizes[-1] == 0:
            raise ValueError(f"[kfold] {k} folds in time need {k + 1} samples, there are {n}")
        blocks = split(dataset, sizes, time=time)
        pairs = [
            (np.concatenate([b.indices for b in blocks[: i + 1]]), blocks[i + 1].indices)
            for i in range(k)
        ]
    else:
        sizes = [n // k + (i < n % k) for i in range(k)]
        cut = split(dataset, sizes, shuffle=shuffle, stratify=stratify, group=group, seed=seed)
        parts = [part.indices for part in cut]
        pairs = [
            (np.sort(np.concatenate([*parts[:i], *parts[i + 1 :]])), parts[i]) for i in range(k)
        ]
    return [(Subset(dataset, training), Subset(dataset, held_out)) for training, held_out in pairs]


def _labels(name: str, values: Labels, n: int) -> np.ndarray[Any, Any]:
    labels = np.asarray(values)
    if labels.shape != (n,):
        raise ValueError(
            f"[split] {name} has shape {labels.shape}; it needs one label for each of the {n} "
            "samples"
        )
    return labels


def _by_time(where: str, times: np.ndarray[Any, Any], cuts: Rows) -> list[Rows]:
    """Rows in order of time, cut where the time changes at or after ``cuts``."""
    order = np.argsort(times, kind="stable")
    changes = np.flatnonzero(times[order][1:] != times[order][:-1]) + 1
    edges = [
        int(changes[place]) if (place := np.searchsorted(changes, cut)) < len(changes) else -1
        for cut in cuts
    ]
    if -1 in edges or len(set(edges)) < len(edges):
        raise ValueError(
            f"[{where}] {len(changes) + 1} different times do not make {len(cuts) + 1} parts of "
            "these sizes without a time in two of them"
        )
    return np.split(order, edges)


def _by_group(
    where: str,
    order: Rows,
    groups: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    counts: Sequence[int],
) -> list[Rows]:
    """Whole groups to parts, the largest first, each where the counts of the labels come nearest.

    Groups of equal size come in the order of ``order``.
    """
    number = np.unique(groups, return_inverse=True)[1].reshape(-1)
    label = np.unique(labels, return_inverse=True)[1].reshape(-1)
    num_groups, num_labels = int(number.max()) + 1, int(label.max()) + 1
    if num_groups < len(counts):
        raise ValueError(f"[{where}] {num_groups} groups do not make {len(counts)} parts")
    table = np.zeros((num_groups, num_labels))
    np.add.at(table, (number, label), 1)
    total = table.sum(axis=0)
    wanted = np.asarray(counts)[:, None] / len(groups) * total  # (parts, labels)
    have = np.zeros_like(wanted)
    first = np.full(num_groups, len(order))
    np.minimum.at(first, number[order], np.arange(len(order)))
    home = np.zeros(num_groups, dtype=np.int64)
    for rank, own in enumerate(np.lexsort((first, -table.sum(axis=1)))):
        now, then = have - wanted, have + table[own] - wanted
        worse = ((then**2 - now**2) / total).sum(axis=1)
        if num_groups - rank <= int((have.sum(axis=1) == 0).sum()):  # none may stay empty
            worse[have.sum(axis=1) > 0] = np.inf
        home[own] = int(np.argmin(worse))
        have[home[own]] += table[own]
    return [order[home[number[order]] == part] for part in range(len(counts))]


def _interleaved(order: Rows, labels: np.ndarray[Any, Any]) -> Rows:
    """``order`` rearranged so that every prefix holds each label in proportion."""
    place = np.empty(len(order))
    for label in np.unique(labels):
        own = np.flatnonzero(labels[order] == label)
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    return order[np.argsort(place, kind="stable")]
