"""Rows of attention, and of the lengths and angles of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, nonzero, normal

SHAPE_ERROR = (RuntimeError, ValueError)
TYPE_ERROR = (TypeError, RuntimeError)

# --------------------------------------------------------------------------------- references


def heads_like(x: Any, query: Any) -> Any:
    return np.repeat(x, query.shape[-3] // x.shape[-3], axis=-3)


def weights_ref(
    query: Any,
    key: Any,
    mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    key = heads_like(key, query) if enable_gqa else key
    scores = query @ np.swapaxes(key, -1, -2) * (scale or 1 / np.sqrt(query.shape[-1]))
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    largest = scores.max(-1, keepdims=True, initial=-np.inf)
    blind = np.isneginf(largest)
    e = np.where(blind, 0, np.exp(scores - np.where(blind, 0, largest)))
    return e / np.where(blind, 1, e.sum(-1, keepdims=True))


def attention_ref(
    query: Any, key: Any, value: Any, attn_mask: Any = None, is_causal: bool = False, **options: Any
) -> Any:
    value = heads_like(value, query) if options.get("enable_gqa") else value
    return weights_ref(query, key, attn_mask, is_causal, **options) @ value


def normalize_ref(x: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    length = (np.abs(x) ** p).sum(axis=dim, keepdims=True) ** (1 / p)
    return x / np.maximum(length, eps)


def cosine_ref(a: Any, b: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    a, b = np.broadcast_arrays(a, b)
    length = lambda v: np.maximum(np.sqrt((v * v).sum(dim)), eps)  # noqa: E731
    return (a * b).sum(dim) / (length(a) * length(b))


def pairwise_ref(a: Any, b: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    return (np.abs(a - b + eps) ** p).sum(-1, keepdims=keepdim) ** (1 / p)


# ----------------------------------------------------------------------------------- samples


def pairs(rng: Rng) -> list[Sample]:
    """Query and key, with masks of all kinds; the first row of one of them is blind."""
    q, k = lambda: normal(rng, 2, 3, 4), lambda: normal(rng, 2, 5, 4)
    some = rng.random((3, 5)) < 0.6
    some[0], some[1:, 2] = False, True
    padding = np.array([[True] * 5, [True, True, False, False, False]])[:, None, :]
    outside = np.where(some, 0.0, -np.inf)
    return [
        call(q(), k()),
        call(normal(rng, 3, 4), normal(rng, 5, 4), scale=0.3),
        call(q(), k(), is_causal=True),
        call(normal(rng, 2, 5, 4), normal(rng, 2, 3, 4), is_causal=True),
        call(q(), k(), some),
        call(q(), k(), padding),
        call(q(), k(), normal(rng, 3, 5)),
        call(q(), k(), (outside + normal(rng, 3, 5)).astype(np.float32)),
        call(normal(rng, 2, 4, 3, 4), normal(rng, 2, 2, 5, 4), enable_gqa=True),
        call(normal(rng, 2, 1, 3, 4), normal(rng, 3, 5, 4)),
        call(normal(rng, 0, 3, 4), normal(rng, 0, 5, 4)),
    ]


def with_values(samples: Any) -> Any:
    def made(rng: Rng) -> list[Sample]:
        result = []
        for sample in samples(rng):
            query, key, *rest = sample.args
            value = normal(rng, *key.shape[:-1], 6)
            result.append(Sample((query, key, value, *rest), sample.kwargs))
        return result

    return made


def large_pairs(rng: Rng) -> list[Sample]:
    q, k = (normal(rng, 4, 130, 33) for _ in range(2))
    some, bias = rng.random((4, 1, 130)) < 0.7, normal(rng, 130, 130)
    return [call(q, k, is_causal=True), call(q, k, some), call(q, k, bias)]


Q, K = np.ones((2, 3, 4)), np.ones((2, 5, 4))
ROWS = [
    Row(name="attention_weights", ref=weights_ref, samples=pairs, method=None, large=large_pairs,
        errors=(bad(SHAPE_ERROR, ("[attention_weights]", "4 and 3"), Q, np.ones((2, 5, 3))),
                bad(SHAPE_ERROR, ("[attention_weights]", "(..., length"), Q, np.ones(4)),
                bad(SHAPE_ERROR, "(3, 4) does not broadcast to the scores (2, 3, 5)", Q, K,
                    np.ones((3, 4))),
                bad(TYPE_ERROR, "attn_mask must be bool", Q, K, np.ones((3, 5), int)),
                bad(ValueError, "not both", Q, K, np.ones((3, 5)), True),
                bad(TYPE_ERROR, "float64 and int64", Q, np.ones((2, 5, 4), int)))),
    Row(name="scaled_dot_product_attention", ref=attention_ref, samples=with_values(pairs),
        method=None, large=with_values(large_pairs),
        errors=(bad(SHAPE_ERROR, "of the same length", Q, K, np.ones((2, 4, 4))),
                bad(SHAPE_ERROR, "3 heads of query", np.ones((3, 2, 4)), K, K, enable_gqa=True),
                bad(ValueError, "p must be in [0, 1], got 2", Q, K, K, dropout_p=2.0),
                bad(TYPE_ERROR, "value is int64", Q, K, np.ones((2, 5, 4), int)))),
    Row(name="normalize", ref=normalize_ref, method=None,
        samples=lambda rng: [call(nonzero(rng, 3, 4)), call(nonzero(rng, 3, 4), 3.0, 0),
                             call(nonzero(rng, 2, 3, 4), dim=(1, 2)),
                             call(nonzero(rng, 5), dim=0, eps=10.0)],
        special=lambda: [call(np.zeros((2, 3)))],
        large=lambda rng: [call(normal(rng, 401, 499)), call(normal(rng, 401, 499), dim=0)],
        errors=(bad(IndexError, "dim", np.ones(3)),)),
    Row(name="cosine_similarity", ref=cosine_ref, method=None,
        samples=lambda rng: [call(normal(rng, 3, 4), normal(rng, 3, 4)),
                             call(normal(rng, 3, 4), normal(rng, 1, 4), dim=0),
                             call(normal(rng, 2, 3, 4), normal(rng, 4), -1),
                             call(normal(rng, 5), normal(rng, 5), 0, eps=9.0)],
        special=lambda: [call(np.zeros((2, 3)), np.ones((2, 3)))],
        large=lambda rng: [call(normal(rng, 401, 499), normal(rng, 401, 499))],
        errors=(bad(SHAPE_ERROR, "[cosine_similarity]", np.ones((2, 3)), np.ones((2, 4))),
                bad(IndexError, "[cosine_similarity]", np.ones(3), np.ones(3)))),
    Row(name="pairwise_distance", ref=pairwise_ref, method=None, rtol32=1e-5,
        samples=lambda rng: [call(normal(rng, 3, 4), normal(rng, 3, 4)),
                             call(normal(rng, 3, 4), normal(rng, 4), 3.0, keepdim=True),
                             call(normal(rng, 5), normal(rng, 5), p=1.0, eps=0.1)],
        large=lambda rng: [call(normal(rng, 401, 499), normal(rng, 401, 499))],
        errors=(bad(SHAPE_ERROR, "[pairwise_distance]", np.ones((2, 3)), np.ones((2, 4))),)),
]  # fmt: skip
