"""Where to look next, by a Gaussian process over what is known: expected improvement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .space import Domain, Stored

__all__ = ["propose"]

Array = npt.NDArray[np.float64]
Point = dict[str, Stored]

START = 8  # random trials before the first model
_CANDIDATES = 1000
_NEAR = 150  # candidates around the best one, per scale
_SCALES = (0.2, 0.05, 0.01)
_LENGTHS = (0.1, 0.2, 0.4, 0.8, 1.6)
_NOISES = (1e-6, 1e-3, 1e-1)  # variances, in units of the values'


def propose(
    space: Mapping[str, Domain],
    points: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    pending: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
) -> Point:
    """The point of the largest expected improvement below the least of ``values``.

    The model is a zero-mean Gaussian process over the unit cube with a Matern-5/2 kernel, a length
    per parameter and noise, both of the largest likelihood. Values far above the median are drawn
    in, so that one diverged trial does not flatten the rest. ``pending`` points, which others are
    at, count as known with the value that the model expects there. The first points are random.

    Source: Jones et al. 1998, "Efficient global optimization of expensive black-box functions";
    Snoek et al. 2012, "Practical Bayesian optimization of machine learning algorithms".
    """
    if len(points) < START:
        return _draw(space, rng.random((1, _width(space))))[0]
    owner = np.repeat(np.arange(len(space)), [domain.width for domain in space.values()])
    known, y = _encode(space, points), _tamed(np.asarray(values, dtype=np.float64))
    lengths, noise = _likeliest(known, y, owner)
    if pending:
        others = _encode(space, pending)
        mean, _ = _predict(known, y, others, lengths[owner], noise)
        known, y = np.concatenate([known, others]), np.concatenate([y, mean])
    places = [rng.random((_CANDIDATES, known.shape[1]))]
    best = known[np.argsort(y)[:3]]
    for scale in _SCALES:
        around = best[rng.integers(0, len(best), _NEAR)]
        places.append(np.clip(around + scale * rng.standard_normal(around.shape), 0.0, 1.0))
    candidates = _draw(space, np.concatenate(places))
    taken = [dict(point) for point in (*points, *pending)]
    fresh = [point for point in candidates if point not in taken] or candidates
    gain = _improvement(known, y, _encode(space, fresh), lengths[owner], noise)
    return fresh[int(np.argmax(gain))]


def _width(space: Mapping[str, Domain]) -> int:
    return sum(domain.width for domain in space.values())


def _draw(space: Mapping[str, Domain], places: Array) -> list[Point]:
    points = []
    for place in places.tolist():
        point: Point = {}
        first = 0
        for name, domain in space.items():
            point[name] = domain.decode(place[first : first + domain.width])
            first += domain.width
        points.append(point)
    return points


def _encode(space: Mapping[str, Domain], points: Sequence[Mapping[str, Any]]) -> Array:
    rows = [[x for name in space for x in space[name].encode(point[name])] for point in points]
    return np.array(rows, dtype=np.float64)


def _tamed(values: Array) -> Array:
    """Standardised, with what is far above the median drawn in."""
    median, low = np.median(values), values.min()
    values = np.minimum(values, median + 2.0 * (median - low) if median > low else values.max())
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))


def _kernel(a: Array, b: Array, lengths: Array) -> Array:
    """Matern 5/2: (1 + r + r^2 / 3) exp(-r) with r = sqrt(5) times the scaled distance."""
    difference = (a[:, None, :] - b[None, :, :]) / lengths
    r = np.sqrt(5.0 * np.einsum("ijk,ijk->ij", difference, difference))
    return np.asarray((1.0 + r + r * r / 3.0) * np.exp(-r))


def _factor(x: Array, lengths: Array, noise: float) -> Array:
    return np.asarray(
        np.linalg.cholesky(_kernel(x, x, lengths) + (noise + 1e-10) * np.eye(len(x))),
        dtype=np.float64,
    )


def _log_likelihood(x: Array, y: Array, lengths: Array, noise: float) -> float:
    lower = _factor(x, lengths, noise)
    half = np.linalg.solve(lower, y)
    scale = float(half @ half) / len(y)  # the kernel's variance of the largest likelihood
    return -0.5 * len(y) * math.log(max(scale, 1e-300)) - float(np.log(np.diag(lower)).sum())


def _likeliest(x: Array, y: Array, owner: npt.NDArray[np.intp]) -> tuple[Array, float]:
    """Length per parameter and noise: a coarse grid, then one parameter after the other."""
    count = int(owner[-1]) + 1

    def score(lengths: Array, noise: float) -> float:
        return _log_likelihood(x, y, lengths[owner], noise)

    tried = [(np.full(count, length), noise) for length in _LENGTHS for noise in _NOISES]
    lengths, noise = max(tried, key=lambda pair: score(*pair))
    top = score(lengths, noise)
    for factor in (4.0, 0.25, 2.0, 0.5):
        for i in range(count):
            moved = lengths.copy()
            moved[i] = np.clip(moved[i] * factor, 0.05, 10.0)
            found = score(moved, noise)
            if found > top:
                lengths, top = moved, found
    return lengths, noise


def _predict(x: Array, y: Array, at: Array, lengths: Array, noise: float) -> tuple[Array, Array]:
    """Mean and standard deviation of the process at other places."""
    lower = _factor(x, lengths, noise)
    half = np.linalg.solve(lower, y)
    across = np.linalg.solve(lower, _kernel(x, at, lengths))
    variance = np.maximum(1.0 - np.einsum("ij,ij->j", across, across), 1e-12)
    scale = max(float(half @ half) / len(y), 1e-12)
    return across.T @ half, np.sqrt(scale * variance)


def _improvement(x: Array, y: Array, at: Array, lengths: Array, noise: float) -> Array:
    """(b - m) Phi(z) + s phi(z), z = (b - m) / s, with b the least value known."""
    mean, deviation = _predict(x, y, at, lengths, noise)
    z = (y.min() - mean) / deviation
    below = np.array([0.5 * math.erfc(-each / math.sqrt(2.0)) for each in z])
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return np.asarray(deviation * (z * below + density))
