"""Rows of the ops that put elements or slices where an index says."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.index import shrink
from op_table.row import Rng, Row, Sample, bad, call, distinct, nonzero, normal
from op_table.shape import exact

SHAPE_ERROR = (RuntimeError, ValueError)
TYPE_ERROR = (TypeError, RuntimeError)

# --------------------------------------------------------------------------------- references


def at_slices(x: Any, dim: int, index: Any) -> Any:
    return (*(slice(None),) * (dim % max(x.ndim, 1)), index)


def index_add_ref(x: Any, dim: int, index: Any, source: Any, alpha: float = 1) -> Any:
    result = x.copy()
    np.add.at(np.atleast_1d(result), at_slices(x, dim, index), np.asarray(alpha * source, x.dtype))
    return result


def index_put_ref(x: Any, dim: int, index: Any, source: Any) -> Any:
    result = x.copy()
    np.atleast_1d(result)[at_slices(x, dim, index)] = source
    return result


def places_of(dim: int, index: Any) -> Any:
    places = list(np.indices(index.shape))
    places[dim] = index
    return tuple(places)


def scatter_reduce_ref(
    x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool = True
) -> Any:
    how = {"sum": np.add, "mean": np.add, "prod": np.multiply,
           "amax": np.maximum, "amin": np.minimum}[reduce]  # fmt: skip
    places = places_of(dim, index)
    source = source[tuple(slice(n) for n in index.shape)]
    result = x.copy()
    if not include_self:
        first = np.zeros(x.shape, bool)
        first[places] = True
        limit = np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        neutral = {"sum": 0, "mean": 0, "prod": 1, "amax": low, "amin": limit}
        result[first] = neutral[reduce]
    how.at(result, places, source)
    if reduce != "mean":
        return result
    count = np.ones(x.shape, np.int64)
    if not include_self:
        count[places] = 0
    np.add.at(count, places, 1)
    count = np.maximum(count, 1)
    return result / count if x.dtype.kind == "f" else (result // count).astype(x.dtype)


def masked_scatter_ref(x: Any, mask: Any, source: Any) -> Any:
    x, mask = np.broadcast_arrays(x, mask)
    result = x.copy()
    result[mask] = source.reshape(-1)[: mask.sum()]
    return result


# ----------------------------------------------------------------------------------- samples


def slice_samples(rng: Rng, distinct_slices: bool) -> list[Sample]:
    result = []
    for shape, dim, n in (((7,), 0, 5), ((3, 33), 1, 20), ((33, 9), 0, 30), ((2, 4, 3), -2, 3),
                          ((3, 4), 1, 0)):  # fmt: skip
        size = shape[dim]
        index = rng.permutation(size)[:n] if distinct_slices else rng.integers(0, size, n)
        source = list(shape)
        source[dim] = n
        result.append(call(normal(rng, *shape), dim, index, normal(rng, *source)))
    return result


def add_samples(rng: Rng) -> list[Sample]:
    result = slice_samples(rng, False)
    scaled = Sample(result[2].args, {"alpha": 2.0})
    return [*result, scaled, call(normal(rng), 0, np.array([0, 0]), normal(rng, 2))]


def reduce_samples(rng: Rng) -> list[Sample]:
    """Away from ties, which are tested by themselves, and from zeros, for the products."""
    result = []
    for shape, dim, index, source in (
        ((7,), 0, (20,), (20,)),
        ((3, 9), 1, (3, 14), (3, 14)),
        ((3, 9), 0, (2, 5), (5, 9)),
        ((2, 3, 5), 1, (2, 4, 3), (2, 4, 5)),
        ((3, 4), 1, (3, 0), (3, 2)),
    ):
        picks = rng.integers(0, shape[dim], index)
        for how in ("sum", "prod", "mean", "amax", "amin"):
            draw = distinct if how.startswith("am") else nonzero
            both = draw(rng, int(np.prod(shape)) + int(np.prod(source)))
            x, values = both[: np.prod(shape)].reshape(shape), both[np.prod(shape) :]
            arguments = (x, dim, picks, values.reshape(source), how)
            result += [call(*arguments), call(*arguments, include_self=False)]
    return result


def masked_samples(rng: Rng) -> list[Sample]:
    return [
        call(normal(rng, *shape), rng.random(mask) < 0.5, normal(rng, 40))
        for shape, mask in (((7,), (7,)), ((3, 9), (3, 9)), ((3, 5), (5,)), ((3, 5), (3, 1)))
    ] + [call(normal(rng, 4), np.zeros(4, bool), normal(rng, 0))]


INDEX = np.array([0, 3])
ROWS = [
    Row(name="index_add", ref=index_add_ref, samples=add_samples, ints="same", inplace=True,
        large=lambda rng: [call(normal(rng, 301, 65), 0, rng.integers(0, 301, 3001),
                                normal(rng, 3001, 65)),
                           call(normal(rng, 65, 301), 1, rng.integers(0, 301, 3001),
                                normal(rng, 65, 3001))],
        int_samples=shrink(add_samples), atol32=1e-5,
        errors=(bad(IndexError, ("[index_add]", "index 3 (element 1"), np.ones((3, 4)), 0, INDEX,
                    np.ones((2, 4))),
                bad(SHAPE_ERROR, ("[index_add]", "(2, 5)", "it must be (2, 4)"), np.ones((4, 4)), 0,
                    INDEX, np.ones((2, 5))),
                bad(TYPE_ERROR, "[index_add]", np.ones(3), 0, np.ones(2), np.ones(2)))),
    exact("index_copy", index_put_ref, lambda rng: slice_samples(rng, True), inplace=True,
        bools="",
        errors=(bad(IndexError, "[index_copy]", np.ones((3, 4)), 0, INDEX, np.ones((2, 4))),
                bad(SHAPE_ERROR, "[index_copy]", np.ones((4, 4)), 0, INDEX, np.ones(4)))),
    exact("index_fill", index_put_ref,
        lambda rng: [call(normal(rng, 3, 5), 1, np.array([4, 0, 4]), 2.0),
                     call(normal(rng, 3, 5), 0, np.array([1]), normal(rng)),
                     call(normal(rng), 0, np.array([0]), 3.0)],
        inplace=True, bools="",
        int_samples=lambda rng: [call(normal(rng, 3, 5), 1, np.array([4, 0, 4]), 2)],
        errors=(bad(IndexError, "[index_fill]", np.ones((3, 4)), 0, INDEX, 1.0),
                bad(SHAPE_ERROR, "[index_fill]", np.ones((4, 4)), 0, INDEX, np.ones(2)))),
    Row(name="scatter_reduce", ref=scatter_reduce_ref, samples=reduce_samples, inplace=True,
        ints="same", int_dtypes=("int64", "int32"), int_samples=shrink(reduce_samples), rtol32=1e-5,
        large=lambda rng: [call(normal(rng, 301, 65), 0, rng.integers(0, 301, (3001, 65)),
                                normal(rng, 3001, 65), how) for how in ("sum", "amax")],
        errors=(bad(ValueError, ("[scatter_reduce]", "'sum', 'prod'", "'max'"), np.ones(3), 0,
                    np.array([0]), np.ones(1), "max"),
                bad(IndexError, ("[scatter_reduce]", "3"), np.ones(3), 0, np.array([3]),
                    np.ones(1), "sum"),
                bad(SHAPE_ERROR, "[scatter_reduce]", np.ones((3, 3)), 0, np.zeros((2, 2), int),
                    np.ones((1, 2)), "amax"))),
    exact("masked_scatter", masked_scatter_ref, masked_samples, inplace=True, bools="",
        errors=(bad(SHAPE_ERROR, ("[masked_scatter]", "chooses 4", "has 3"), np.ones(4),
                    np.ones(4, bool), np.ones(3)),
                bad(TYPE_ERROR, "[masked_scatter]", np.ones(3), np.ones(3), np.ones(3)))),
    Row(name="bincount", ref=lambda x, weights=None, minlength=0: np.bincount(
            x, weights, minlength),
        samples=lambda rng: [call(rng.integers(0, 9, 40), normal(rng, 40)),
                             call(rng.integers(0, 9, 40), normal(rng, 40), minlength=20),
                             call(rng.integers(0, 9, 40)), call(np.zeros(0, np.int64)),
                             call(np.array([2], np.int64), minlength=2)],
        out="like",
        errors=(bad(ValueError, ("[bincount]", "element 1 is -2"), np.array([3, -2])),
                bad(ValueError, ("[bincount]", "too large"), np.array([2**63 - 1])),
                bad(TYPE_ERROR, "[bincount]", np.ones(3)),
                bad(SHAPE_ERROR, "[bincount]", np.ones((3, 1), int)),
                bad(SHAPE_ERROR, "[bincount]", np.ones(3, int), np.ones(2)))),
]  # fmt: skip
