"""Where to look next, by breeding from the best trials so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .space import Domain, Stored

__all__ = ["breed"]

_ROUNDS = 2  # of a tournament: the better of two
_BLEND = 0.5  # a child's number lies between its parents', or so far of their distance outside
_CHANGE = 0.1  # deviation of a mutated number, in units of its range
_TRIES = 20  # to breed a child that is none of the trials


def breed(
    space: Mapping[str, Domain],
    points: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    pending: Sequence[Mapping[str, Any]],
    population: int,
    rng: np.random.Generator,
) -> dict[str, Stored]:
    """A child of two of the ``population`` best points, of which less in ``values`` is better.

    Each parent wins a tournament of two. A number of the child is drawn between its parents'
    numbers and half their distance beyond; an option is one of its parents'. One parameter in all,
    on average, mutates: a number by a tenth of its range, an option to any. The first
    ``population`` points are random.

    Source: Goldberg 1989, "Genetic algorithms in search, optimization and machine learning";
    Eshelman and Schaffer 1993 (the blend).
    """
    taken = [dict(point) for point in (*points, *pending)]
    ranked = [points[i] for i in np.argsort(values, kind="stable")[:population]]
    for _ in range(_TRIES):
        if len(points) < population:
            child = {name: _anywhere(domain, rng) for name, domain in space.items()}
        else:
            first, second = _parent(ranked, rng), _parent(ranked, rng)
            child = {
                name: _inherit(domain, first[name], second[name], 1 / len(space), rng)
                for name, domain in space.items()
            }
        if child not in taken:
            break
    return child


def _anywhere(domain: Domain, rng: np.random.Generator) -> Stored:
    return domain.decode(rng.random(domain.width).tolist())


def _parent(ranked: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> Mapping[str, Any]:
    return ranked[int(rng.integers(0, len(ranked), _ROUNDS).min())]


def _inherit(
    domain: Domain, first: Any, second: Any, chance: float, rng: np.random.Generator
) -> Stored:
    mutates = rng.random() < chance
    if domain.width > 1:  # options have no order
        if mutates:
            return _anywhere(domain, rng)
        stored: Stored = first if rng.random() < 0.5 else second
        return stored
    a, b = domain.encode(first)[0], domain.encode(second)[0]
    place = a + (b - a) * rng.uniform(-_BLEND, 1.0 + _BLEND)
    if mutates:
        place += _CHANGE * rng.standard_normal()
    return domain.decode([min(max(place, 0.0), 1.0)])
