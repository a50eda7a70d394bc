"""Deep ensembles: the same net, trained from several first weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefoot import _core, nn, optim
from surefoot._check import integer
from surefoot.nn._random import random_state_kept

from ._fit import MakeOptimizer, MakeSchedule, Recipe, build_members, fit_members, rows_of
from .combine import Combine
from .predictor import Ensemble

__all__ = ["deep_ensemble", "member_seeds"]


def member_seeds(seed: int, count: int) -> list[int]:
    """Return a seed for each model; the first ones are the same for a larger ensemble.

    Example:
        >>> member_seeds(0, 3) == member_seeds(0, 5)[:3]
        True
    """
    generator = _core.Generator().manual_seed(seed)
    count = integer("deep_ensemble", "count", count, 1)
    drawn = [_core.randint(0, 2**31 - 1, (1,), generator=generator).item() for _ in range(count)]
    return [int(number) for number in drawn]


def deep_ensemble(
    build: Callable[[int], nn.Module],
    train: tuple[Any, Any],
    count: int = 5,
    *,
    loss: Any,
    optimizer: MakeOptimizer = optim.Adam,
    schedule: MakeSchedule | None = None,
    epochs: int = 10,
    batch_size: int | None = 32,
    seed: int = 0,
    combine: Combine = "mean",
    batched: bool | None = None,
    progress: bool = False,
) -> Ensemble:
    """Train ``count`` models on all rows; they differ in first weights and order of the data.

    Args:
        build: makes model i, from 0, after ``sf.manual_seed(member_seeds(seed, count)[i])``.
        train: (inputs, targets), tensors or arrays of (N, ...).
        loss: as for Trainer.
        optimizer, schedule: functions of the parameters, and of the optimizer:
            ``lambda p: optim.SGD(p, lr=0.1)``.
        combine: see Ensemble.
        batched: True trains all models as one net of batched products (Batched) or says what is in
            the way; False one after the other. None takes the one net where that does the same and
            the nets are small enough to gain by it. The same: Linear layers and activations, no
            dropout, an optimizer that treats every number by itself.

    The two ways agree up to rounding. One after the other, model i is what
    ``Trainer(..., seed=member_seeds(seed, count)[i]).fit(train)`` makes of it. The stream of
    ``sf.manual_seed`` stays as it was.

    Example:
        >>> import surefoot as sf
        >>> x = sf.linspace(-1, 1, 64).reshape(-1, 1)
        >>> both = sf.ensemble.deep_ensemble(
        ...     lambda i: sf.nn.models.MLP(1, [16], 1, activation="tanh"), (x, x**2),
        ...     loss=sf.nn.MSELoss(), optimizer=lambda p: sf.optim.Adam(p, lr=0.02), epochs=40)
        >>> far, near = both.spread(sf.tensor([[4.0], [0.5]])).flatten().tolist()
        >>> far > 3 * near
        True

    Source: Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation
    using deep ensembles".
    """
    seeds = member_seeds(seed, count)
    with random_state_kept():
        models = build_members("deep_ensemble", build, seeds)
        data = rows_of("deep_ensemble", train, models[0])
        ensemble = Ensemble(models, combine)
        recipe = Recipe(loss, optimizer, schedule, epochs, batch_size, progress)
        fit_members("deep_ensemble", models, seeds, data, recipe, batched)
    return ensemble
