"""Rows of the ops that pick elements by index, mask or order."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, distinct, normal
from op_table.shape import exact

SHAPE_ERROR = (RuntimeError, ValueError)
ANY_ERROR = (RuntimeError, ValueError, IndexError, TypeError)


# --------------------------------------------------------------------------------- references


def gather_ref(x: Any, dim: int, index: Any) -> Any:
    result = np.empty(index.shape, x.dtype)
    for at in np.ndindex(index.shape):
        source = list(at)
        source[dim] = index[at]
        result[at] = x[tuple(source)]
    return result


def scatter_add_ref(x: Any, dim: int, index: Any, source: Any) -> Any:
    result = x.copy()
    for at in np.ndindex(index.shape):
        target = list(at)
        target[dim] = index[at]
        result[tuple(target)] += source[at]
    return result


def scatter_ref(x: Any, dim: int, index: Any, source: Any) -> Any:
    result = x.copy()
    for at in np.ndindex(index.shape):
        target = list(at)
        target[dim] = index[at]
        result[tuple(target)] = source[at] if isinstance(source, np.ndarray) else source
    return result


def sort_ref(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.zeros((), np.int64)
    key = np.where(np.isnan(x), np.inf, x)
    if descending:  # equal elements keep their order, so a plain flip will not do
        order = np.argsort(np.where(np.isnan(x), -np.inf, -key), axis=dim, kind="stable")
    else:
        order = np.argsort(x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, axis=dim), order


def topk_ref(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    values, order = sort_ref(x, dim, descending=largest)
    if x.ndim == 0:
        return values, order
    return np.take(values, range(k), axis=dim), np.take(order, range(k), axis=dim)


# ----------------------------------------------------------------------------------- samples


def gather_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape, dim, index in (
        ((7,), 0, (5,)),
        ((3, 33), 1, (3, 40)),
        ((3, 33), 0, (9, 33)),
        ((2, 3, 5), 1, (2, 4, 3)),
        ((2, 3, 5), -1, (1, 2, 5)),
        ((3, 4), 1, (3, 0)),
        ((3, 4), 0, (0, 4)),
    ):
        result.append(call(normal(rng, *shape), dim, rng.integers(0, shape[dim], index)))
    return result


def scatter_samples(rng: Rng) -> list[Sample]:
    """Repeated targets on purpose: they add up."""
    result = []
    for shape, dim, index, source in (
        ((7,), 0, (20,), (20,)),
        ((3, 33), 1, (3, 40), (3, 40)),
        ((3, 33), 0, (2, 20), (5, 33)),
        ((2, 3, 5), 1, (2, 4, 3), (2, 4, 5)),
        ((3, 4), 1, (3, 0), (3, 2)),
    ):
        picks = rng.integers(0, shape[dim], index)
        result.append(call(normal(rng, *shape), dim, picks, normal(rng, *source)))
    return result


def scatter_distinct(rng: Rng) -> list[Sample]:
    """Targets that do not repeat: what is written twice is not defined."""
    rows = np.stack([rng.permutation(33)[:20] for _ in range(3)])
    return [
        call(normal(rng, 3, 33), 1, rows, normal(rng, 3, 20)),
        call(normal(rng, 33, 3), 0, rows.T.copy(), normal(rng, 20, 3)),
        call(normal(rng, 7), 0, np.array([2, 5]), 1.5),
    ]


def select_samples(rng: Rng) -> list[Sample]:
    return [
        call(normal(rng, *shape), dim, rng.integers(0, shape[dim], n))
        for shape, dim, n in (
            ((7,), 0, 5),
            ((3, 33), 1, 40),
            ((33, 3), 0, 9),
            ((2, 3, 5), -2, 4),
            ((3, 4), 1, 0),
        )
    ]


def mask_samples(rng: Rng) -> list[Sample]:
    return [
        call(normal(rng, *shape), rng.random(mask) < 0.5)
        for shape, mask in (((7,), (7,)), ((3, 33), (3, 33)), ((3, 5), (5,)), ((3, 5), (3, 1)))
    ] + [call(normal(rng, 4), np.zeros(4, bool)), call(normal(rng, 0), np.zeros(0, bool))]


def sort_samples(rng: Rng) -> list[Sample]:
    result = [call(distinct(rng, *s)) for s in ((7,), (33,), (3, 65), (2, 3, 5), (0,), ())]
    result += [
        call(distinct(rng, 3, 33), d, descending=o) for d in (0, 1, -2) for o in (False, True)
    ]
    return result


def topk_samples(rng: Rng) -> list[Sample]:
    result = [call(distinct(rng, 7), 3), call(distinct(rng, 3, 65), 10), call(distinct(rng, 5), 5)]
    for dim in (0, 1, -1):
        for largest in (True, False):
            result.append(call(distinct(rng, 4, 5, 6), 2, dim, largest))
    return [*result, call(distinct(rng, 7), 0), call(distinct(rng), 1)]


def shrink(samples: Any) -> Any:
    return lambda rng: samples(rng)[:4]


ROWS = [
    exact("gather", gather_ref, gather_samples,
        large=lambda rng: [call(normal(rng, 401, 499), 1, rng.integers(0, 499, (401, 499)))],
        errors=(bad((IndexError, RuntimeError), ("[gather]", "9"), np.ones((3, 4)), 1,
                    np.array([[9]])),
                bad(IndexError, ("[gather]", "-1"), np.ones((3, 4)), 1, np.array([[-1]])),
                bad(ANY_ERROR, "[gather]", np.ones((3, 4)), 1, np.array([0])),
                bad((TypeError, RuntimeError), "[gather]", np.ones(3), 0, np.ones(2)),
                bad(IndexError, "[gather]", np.ones((3, 4)), 2, np.array([[0]])))),
    exact("index_select", lambda x, dim, i: np.take(x, i, axis=dim), select_samples,
        large=lambda rng: [call(normal(rng, 401, 499), 0, rng.integers(0, 401, 500))],
        errors=(bad((IndexError, RuntimeError), ("[index_select]", "3"), np.ones((3, 4)), 0,
                    np.array([0, 3])),
                bad(IndexError, ("[index_select]", "-1"), np.ones((3, 4)), 0, np.array([-1])),
                bad(ANY_ERROR, "[index_select]", np.ones((3, 4)), 0, np.zeros((1, 1), np.int64)),
                bad((TypeError, RuntimeError), "[index_select]", np.ones(3), 0, np.ones(2)))),
    exact("take_along_dim", lambda x, i, dim: np.take_along_axis(x, i, axis=dim),
        lambda rng: [call(normal(rng, 3, 33), rng.integers(0, 33, (3, 5)), 1),
                     call(normal(rng, 3, 33), rng.integers(0, 3, (7, 33)), 0),
                     call(normal(rng, 7), rng.integers(0, 7, 9), 0)],
        errors=(bad(ANY_ERROR, ("[take_along_dim]", "number of dimensions"), np.ones((2, 3)),
                    np.array([0]), 1),)),
    Row(name="scatter_add", ref=scatter_add_ref, samples=scatter_samples, ints="same", inplace=True,
        large=lambda rng: [call(normal(rng, 401, 499), 1, rng.integers(0, 499, (401, 499)),
                                normal(rng, 401, 499)),
                           call(normal(rng, 7, 499), 0, rng.integers(0, 7, (401, 499)),
                                normal(rng, 401, 499))],
        int_samples=shrink(scatter_samples), atol32=1e-5,
        errors=(bad((IndexError, RuntimeError), ("[scatter_add]", "4"), np.ones((3, 4)), 1,
                    np.array([[4]]), np.ones((3, 4))),
                bad(ANY_ERROR, "[scatter_add]", np.ones((3, 4)), 1, np.zeros((3, 4), np.int64),
                    np.ones((2, 4))))),
    exact("scatter", scatter_ref, scatter_distinct, bools="", inplace=True,
        int_samples=lambda rng: scatter_distinct(rng)[:2],
        errors=(bad((IndexError, RuntimeError), "[scatter]", np.ones((3, 4)), 1, np.array([[4]]),
                    np.ones((3, 4))),)),
    exact("masked_select", lambda x, m: np.broadcast_arrays(x, m)[0][np.broadcast_arrays(x, m)[1]],
        mask_samples,
        large=lambda rng: [call(normal(rng, 200_003), rng.random(200_003) < 0.5)],
        errors=(bad(SHAPE_ERROR, "[masked_select]", np.ones(3), np.ones(4, bool)),
                bad((TypeError, RuntimeError), "[masked_select]", np.ones(3), np.ones(3)))),
    exact("sort", sort_ref, sort_samples, bools="",
        special=lambda: [call(np.array([2.0, np.nan, -np.inf, np.inf, 1.0])),
                         call(np.array([2.0, 1.0, 2.0, 1.0] * 9), dim=0, stable=True),
                         call(np.array([2.0, 1.0, 2.0, 1.0] * 9), descending=True, stable=True)],
        int_samples=lambda rng: [call(distinct(rng, 3, 9) * 20), call(distinct(rng, 9) * 20, 0)],
        large=lambda rng: [call(distinct(rng, 401, 499), 1), call(distinct(rng, 401, 499), 0)],
        errors=(bad(IndexError, "[sort]", np.ones((2, 3)), 2),)),
    Row(name="argsort", ref=lambda *a, **k: sort_ref(*a, **k)[1], samples=sort_samples, grad=False,
        out="int64", ints="int64",
        int_samples=lambda rng: [call(distinct(rng, 3, 9) * 20), call(distinct(rng, 9) * 20, 0)],
        large=lambda rng: [call(distinct(rng, 401, 499), 1)],
        errors=(bad(IndexError, "[argsort]", np.ones((2, 3)), 2),)),
    exact("topk", topk_ref, topk_samples, bools="",
        special=lambda: [call(np.array([2.0, np.nan, -np.inf, np.inf, 1.0]), 3)],
        int_samples=lambda rng: [call(distinct(rng, 3, 9) * 20, 4)],
        large=lambda rng: [call(distinct(rng, 401, 499), 7), call(distinct(rng, 401, 499), 7, 0)],
        errors=(bad(ANY_ERROR, ("[topk]", "4"), np.ones(3), 4),
                bad(ANY_ERROR, "[topk]", np.ones(3), -1),
                bad(IndexError, "[topk]", np.ones((2, 3)), 1, 2))),
    Row(name="nonzero", ref=lambda x: np.argwhere(x), samples=lambda rng: [
            call(np.round(normal(rng, *s))) for s in ((7,), (3, 33), (2, 3, 5), (0,))],
        grad=False, out="int64", ints="int64", bools="int64"),
]  # fmt: skip
