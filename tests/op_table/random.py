"""Rows of the random ops: what a large draw must look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Bad, bad

ANY_ERROR = (RuntimeError, ValueError, TypeError)
COUNT = 100_003
SIGMAS = 6.0  # false alarms are rarer than 1e-8 for each figure


@dataclass(frozen=True, kw_only=True)
class RandomRow:
    name: str
    draw: Callable[..., Any]  # takes generator=...; gives a tensor of some 100,000 numbers
    check: Callable[[np.ndarray], None]
    dtype: str = "float32"
    errors: tuple[Bad, ...] = ()


def has_moments(mean: float, std: float, kurtosis: float = 3.0) -> Callable[[np.ndarray], None]:
    """Mean and variance within six standard errors, neighbours uncorrelated."""

    def check(x: np.ndarray) -> None:
        x = x.astype(np.float64).reshape(-1)
        n = x.size
        assert abs(x.mean() - mean) < SIGMAS * std / np.sqrt(n)
        assert abs(x.var() - std**2) < SIGMAS * std**2 * np.sqrt((kurtosis - 1) / n)
        z = (x - x.mean()) / x.std()
        for lag in (1, 2, 4, 8, 16, 32):
            assert abs((z[lag:] * z[:-lag]).mean()) < SIGMAS / np.sqrt(n - lag)

    return check


def is_uniform(x: np.ndarray) -> None:
    assert x.min() >= 0 and x.max() < 1
    has_moments(0.5, np.sqrt(1 / 12), 1.8)(x)
    counts_fit(np.floor(x * 64).astype(int), np.full(64, 1 / 64))


def is_normal(x: np.ndarray) -> None:
    has_moments(0, 1)(x)
    edges = np.array([0.6827, 0.9545, 0.9973])
    for k, share in enumerate(edges, 1):
        inside = (np.abs(x) < k).mean()
        assert abs(inside - share) < SIGMAS * np.sqrt(share * (1 - share) / x.size) + 5e-5
    assert 3.8 < np.abs(x).max() < 6.5


def counts_fit(values: np.ndarray, shares: np.ndarray) -> None:
    counts = np.bincount(values.reshape(-1), minlength=len(shares))
    assert counts.size == len(shares)
    n = values.size
    assert (np.abs(counts - n * shares) < SIGMAS * np.sqrt(n * shares * (1 - shares)) + 1e-9).all()


def is_die(x: np.ndarray) -> None:
    assert x.min() == -3 and x.max() == 6
    counts_fit(x.astype(np.int64) + 3, np.full(10, 0.1))


def is_permutation(x: np.ndarray) -> None:
    assert np.array_equal(np.sort(x), np.arange(x.size))
    assert (x == np.arange(x.size)).sum() < 20  # fixed points are Poisson(1)
    assert abs(np.corrcoef(x, np.arange(x.size))[0, 1]) < SIGMAS / np.sqrt(x.size)


def is_coin(x: np.ndarray) -> None:
    assert set(np.unique(x)) == {0.0, 1.0}
    has_moments(0.3, np.sqrt(0.21), 1 / 0.21 - 3)(x)


def is_dropped(x: np.ndarray) -> None:
    """Kept with probability 3/4 and scaled by its inverse."""
    assert {round(float(v), 5) for v in np.unique(x)} == {0.0, 1.33333}
    counts_fit((x > 0).astype(int), np.array([0.25, 0.75]))


def is_dropped_by_channel(x: np.ndarray) -> None:
    assert np.array_equal(x, np.broadcast_to(x[:, :, :1], x.shape))
    is_dropped(x[:, :, 0])


ALPHA_KEPT = 1 / np.sqrt(0.75 * (1 + 0.25 * 1.7580993408473766**2))  # of p = 0.25


def is_alpha_dropped(x: np.ndarray) -> None:
    """Of ones: 1 or -1.7581 with probability 3/4 and 1/4, moved to where the mean of 0 stays."""
    shift = ALPHA_KEPT * 1.7580993408473766 * 0.25
    kept, dropped = ALPHA_KEPT + shift, -1.7580993408473766 * ALPHA_KEPT + shift
    assert np.allclose(np.unique(x.round(4)), [dropped, kept], atol=1e-4)
    counts_fit((x > 0).astype(int), np.array([0.25, 0.75]))


def is_alpha_dropped_by_channel(x: np.ndarray) -> None:
    assert np.array_equal(x, np.broadcast_to(x[:, :, :1], x.shape))
    is_alpha_dropped(x[:, :, 0])


SHARES = np.array([0.1, 0.0, 0.4, 0.5])


def is_weighted(x: np.ndarray) -> None:
    counts_fit(x, SHARES)


def spread(low: float, high: float) -> Callable[[np.ndarray], None]:
    def check(x: np.ndarray) -> None:
        assert low <= x.min() and x.max() <= high
        is_uniform((x - low) / (high - low) * (1 - 1e-7))

    return check


ROWS = [
    RandomRow(name="rand", draw=lambda **k: sf.rand(COUNT, **k), check=is_uniform),
    RandomRow(name="randn", draw=lambda **k: sf.randn(COUNT, **k), check=is_normal),
    RandomRow(name="rand_like", draw=lambda **k: sf.rand_like(sf.zeros(COUNT), **k),
              check=is_uniform),
    RandomRow(name="randn_like", draw=lambda **k: sf.randn_like(sf.zeros(COUNT), **k),
              check=is_normal),
    RandomRow(name="randint", draw=lambda **k: sf.randint(-3, 7, (COUNT,), **k), check=is_die,
              dtype="int64", errors=(bad(ANY_ERROR, "[randint]", 5, 5, (2,)),)),
    RandomRow(name="randperm", draw=lambda **k: sf.randperm(COUNT, **k), check=is_permutation,
              dtype="int64", errors=(bad(ANY_ERROR, "[randperm]", -1),)),
    RandomRow(name="bernoulli", draw=lambda **k: sf.bernoulli(sf.full((COUNT,), 0.3), **k),
              check=is_coin,
              errors=(bad(ANY_ERROR, "[bernoulli]", np.array([0.5, 1.5])),
                      bad(ANY_ERROR, "[bernoulli]", np.array([-0.1])),
                      bad(ANY_ERROR, "[bernoulli]", np.array([np.nan])))),
    RandomRow(name="normal", draw=lambda **k: sf.normal(2.0, 0.5, (COUNT,), **k),
              check=lambda x: is_normal((x - 2) / 0.5)),
    RandomRow(name="normal_", draw=lambda **k: sf.zeros(COUNT).normal_(2.0, 0.5, **k),
              check=lambda x: is_normal((x - 2) / 0.5)),
    RandomRow(name="uniform_", draw=lambda **k: sf.zeros(COUNT).uniform_(-2.0, 6.0, **k),
              check=spread(-2.0, 6.0)),
    RandomRow(name="bernoulli_", draw=lambda **k: sf.zeros(COUNT).bernoulli_(0.3, **k),
              check=is_coin),
    RandomRow(name="dropout", draw=lambda **k: sf.dropout(sf.ones(COUNT), 0.25, True, **k),
              check=is_dropped,
              errors=(bad(ANY_ERROR, "[dropout]", np.ones(3), 1.5),
                      bad(ANY_ERROR, "[dropout]", np.ones(3), -0.1))),
    RandomRow(name="feature_dropout", check=is_dropped_by_channel,
              draw=lambda **k: sf.feature_dropout(sf.ones(100, 500, 3), 0.25, True, **k),
              errors=(bad(ANY_ERROR, "[feature_dropout]", np.ones((2, 3)), 1.5),
                      bad(ANY_ERROR, ("[feature_dropout]", "(3,)"), np.ones(3), 0.5))),
    RandomRow(name="alpha_dropout", check=is_alpha_dropped,
              draw=lambda **k: sf.alpha_dropout(sf.ones(COUNT), 0.25, True, **k),
              errors=(bad(ANY_ERROR, "[alpha_dropout]", np.ones(3), -0.5),)),
    RandomRow(name="feature_alpha_dropout", check=is_alpha_dropped_by_channel,
              draw=lambda **k: sf.feature_alpha_dropout(sf.ones(100, 500, 3), 0.25, True, **k),
              errors=(bad(ANY_ERROR, ("[feature_alpha_dropout]", "(3,)"), np.ones(3), 0.5),)),
    RandomRow(name="rrelu", draw=lambda **k: sf.rrelu(-sf.ones(COUNT), 0.25, 0.75, True, **k),
              check=spread(-0.75, -0.25),
              errors=(bad(ANY_ERROR, ("[rrelu]", "0.5", "0.25"), np.ones(3), 0.5, 0.25),)),
    RandomRow(name="multinomial", check=is_weighted, dtype="int64",
              draw=lambda **k: sf.multinomial(sf.tensor(SHARES), COUNT, True, **k),
              errors=(bad(ANY_ERROR, "[multinomial]", np.array([-1.0, 1.0]), 1),
                      bad(ANY_ERROR, "[multinomial]", np.array([0.0, 0.0]), 1),
                      bad(ANY_ERROR, "[multinomial]", np.array([0.5, 0.5]), 3),
                      bad(ANY_ERROR, "[multinomial]", np.array([np.nan, 0.5]), 1))),
]  # fmt: skip
