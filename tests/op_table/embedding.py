"""Rows of embeddings: rows of a table by their numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, distinct, normal

SHAPE_ERROR = (RuntimeError, ValueError)
TYPE_ERROR = (TypeError, RuntimeError)


def embedding_ref(indices: Any, weight: Any, **options: Any) -> Any:
    return weight[indices]  # the options change gradients: test_embedding.py


def bag_ref(
    indices: Any,
    weight: Any,
    offsets: Any = None,
    mode: str = "mean",
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    if offsets is None:
        bounds = [k * indices.shape[1] for k in range(indices.shape[0] + 1)]
    else:
        bounds = [*offsets, *([] if include_last_offset else [len(indices)])]
    flat = indices.reshape(-1)
    scale = np.ones(flat.size) if per_sample_weights is None else per_sample_weights.reshape(-1)
    skipped = -1 if padding_idx is None else padding_idx % len(weight)
    result = np.zeros((len(bounds) - 1, weight.shape[1]))
    for bag, (begin, end) in enumerate(pairwise(bounds)):
        rows = [scale[k] * weight[flat[k]] for k in range(begin, end) if flat[k] != skipped]
        if rows:
            result[bag] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, axis=0)
    return result


def embedding_samples(rng: Rng) -> list[Sample]:
    """Repeated numbers on purpose: their gradients add up."""
    return [
        call(rng.integers(0, rows, shape), normal(rng, rows, width))
        for shape, rows, width in (((), 3, 2), ((7,), 4, 1), ((3, 5), 4, 33), ((2, 3, 2), 5, 3),
                                   ((0,), 3, 2), ((3, 0), 3, 2), ((4,), 3, 0))
    ]  # fmt: skip


def bag_samples(rng: Rng) -> list[Sample]:
    pick = lambda *shape: rng.integers(0, 5, shape)  # noqa: E731
    result = []
    for mode in ("sum", "mean", "max"):
        table = lambda: distinct(rng, 5, 3)  # noqa: E731
        result += [
            call(pick(4, 6), table(), mode=mode),
            call(pick(4, 6), table(), mode=mode, padding_idx=2),
            call(pick(9), table(), np.array([0, 0, 4, 9]), mode=mode),
            call(pick(9), table(), np.array([0, 3, 3, 7]), mode=mode, include_last_offset=True),
            call(np.array([1, 1, 0]), table(), np.array([0, 2]), mode=mode, padding_idx=-4),
            call(np.zeros((2, 0), np.int64), table(), mode=mode),
            call(np.zeros(0, np.int64), table(), np.array([0, 0]), mode=mode),
        ]
    weighted = call(pick(4, 6), normal(rng, 5, 3), mode="sum", per_sample_weights=normal(rng, 4, 6))
    return [*result, weighted]


NUMBERS, TABLE = np.array([[1, 2], [0, 3]]), np.ones((3, 4))
BAGS = np.array([0, 1, 2, 1])
ROWS = [
    Row(name="embedding", ref=embedding_ref, samples=embedding_samples, method=None,
        large=lambda rng: [call(rng.integers(0, 97, (401, 17)), normal(rng, 97, 65)),
                           call(rng.integers(0, 5001, 9001), normal(rng, 5001, 33))],
        rtol32=0, atol32=0, rtol64=0, atol64=0,
        errors=(bad(IndexError, ("[embedding]", "index 3 at (1, 1)", "3 embeddings", "0 to 2"),
                    NUMBERS, TABLE),
                bad(IndexError, ("[embedding]", "index -1"), np.array([0, -1]), TABLE),
                bad(TYPE_ERROR, ("[embedding]", "float64", "input first"), TABLE, TABLE),
                bad(SHAPE_ERROR, ("[embedding]", "num_embeddings"), BAGS, np.ones(3)),
                bad(ValueError, ("padding_idx", "[-3, 3)", "got 3"), BAGS, TABLE, 3),
                bad(ValueError, "max_norm", BAGS, TABLE, max_norm=-1.0),
                bad(NotImplementedError, "sparse", BAGS, TABLE, sparse=True))),
    Row(name="embedding_bag", ref=bag_ref, samples=bag_samples, method=None,
        large=lambda rng: [call(rng.integers(0, 97, (401, 17)), normal(rng, 97, 65), mode=mode)
                           for mode in ("sum", "mean", "max")],
        errors=(bad(IndexError, ("[embedding_bag]", "index 3 at (1, 1)"), NUMBERS, TABLE),
                bad(ValueError, ("[embedding_bag]", "need offsets"), BAGS, TABLE),
                bad(ValueError, "each row is a bag", NUMBERS, TABLE, np.array([0])),
                bad(ValueError, ("bag 1 begins at 3 and ends at 2", "ascend"), BAGS, TABLE,
                    np.array([0, 3, 2])),
                bad(ValueError, "offsets[0] must be 0, got 1", BAGS, TABLE, np.array([1, 2])),
                bad(ValueError, "of 4 indices", BAGS, TABLE, np.array([0, 5])),
                bad(ValueError, "'sum', 'mean' or 'max'", NUMBERS, TABLE, mode="avg"),
                bad(NotImplementedError, "mode='sum'", BAGS, TABLE, np.array([0]),
                    per_sample_weights=np.ones(4)),
                bad(SHAPE_ERROR, "per_sample_weights (3,)", BAGS, TABLE, np.array([0]), mode="sum",
                    per_sample_weights=np.ones(3)),
                bad(SHAPE_ERROR, "(B, L)", np.ones((1, 1, 1), int), TABLE),
                bad(NotImplementedError, "sparse", NUMBERS, TABLE, sparse=True))),
]  # fmt: skip
