"""How the next trial's parameters are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import gaussian_process, genetic
from .space import Domain, Stored, grid
from .store import need_optuna

__all__ = ["METHODS", "Chooser", "make_pruner", "population_for"]

METHODS = ("grid", "random", "tpe", "gp", "genetic")
PRUNERS = ("median", "halving", "hyperband")


@dataclass(frozen=True)
class Chooser:
    """Chooses by what the trials so far say; each choice depends on them and the seed alone."""

    method: str
    space: Mapping[str, Domain]
    seed: int
    population: int
    sign: float  # 1: less is better

    def is_done(self, trials: Sequence[Any], total: int) -> bool:
        """Whether there are enough trials: of a grid all points, whatever else was tried."""
        if self.method == "grid":
            return self._next_of_grid(trials) is None
        return len(trials) >= total

    def sampler(self, trials: Sequence[Any]) -> Any:
        """Optuna's sampler for the trial after ``trials``."""
        optuna = need_optuna()
        key = np.random.SeedSequence([self.seed, len(trials)])
        seed = int(key.generate_state(1)[0])
        samplers = optuna.samplers
        if self.method == "random":
            return samplers.RandomSampler(seed=seed)
        if self.method == "tpe":
            return samplers.TPESampler(seed=seed, constant_liar=True)
        if self.method == "grid":
            point = self._next_of_grid(trials) or {}
        else:
            point = self._by_values(trials, np.random.default_rng(key))
        return samplers.PartialFixedSampler(point, samplers.RandomSampler(seed=seed))

    def _next_of_grid(self, trials: Sequence[Any]) -> dict[str, Stored] | None:
        taken = {tuple(trial.params[name] for name in self.space) for trial in trials}
        points = grid(self.space)
        return next((point for point in points if tuple(point.values()) not in taken), None)

    def _by_values(self, trials: Sequence[Any], rng: np.random.Generator) -> dict[str, Stored]:
        """Failed trials count as the worst value known."""
        known = [t for t in trials if t.value is not None and math.isfinite(t.value)]
        failed = [t for t in trials if t.state.name == "FAIL"]
        pending = [t.params for t in trials if t.state.name == "RUNNING"]
        values = [self.sign * t.value for t in known]
        if values:
            known, values = [*known, *failed], [*values, *[max(values)] * len(failed)]
        points = [t.params for t in known]
        if self.method == "gp":
            return gaussian_process.propose(self.space, points, values, pending, rng)
        return genetic.breed(self.space, points, values, pending, self.population, rng)


def population_for(trials: int) -> int:
    """How many of the best trials have children: the root of the number of trials, 4 to 50."""
    return min(max(math.isqrt(trials), 4), 50)


def make_pruner(pruner: Any) -> Any:
    """Optuna's pruner for a name; None and a pruner of Optuna stay what they are."""
    pruners = need_optuna().pruners
    if pruner is None or isinstance(pruner, pruners.BasePruner):
        return pruner
    makers = {
        "median": pruners.MedianPruner,
        "halving": pruners.SuccessiveHalvingPruner,
        "hyperband": pruners.HyperbandPruner,
    }
    if not isinstance(pruner, str) or pruner not in makers:
        raise ValueError(
            f"[tune] pruner is {', '.join(map(repr, PRUNERS))}, None or one of optuna.pruners, "
            f"not {pruner!r}"
        )
    return makers[pruner]()
