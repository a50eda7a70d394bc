"""Learning rates by trial: a coarse grid, then a finer one around the best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from surefoot._check import positive

from .errors import NonFiniteLossError
from .kept import all_kept
from .trainer import Trainer

__all__ = ["LRTable", "lr_search"]


@dataclass(frozen=True)
class LRTable:
    """Rates that were tried and the loss that each led to (inf: diverged), rates rising."""

    rows: tuple[tuple[float, float], ...]
    best: float | None
    reason: str

    def __str__(self) -> str:
        lines = [f"lr {lr:<8.3g} loss {loss:.4g}" for lr, loss in self.rows]
        return "\n".join([*lines, self.reason])


def lr_search(
    trainer: Trainer,
    train: Any,
    validation: Any = None,
    *,
    lrs: Iterable[float] = (1e-4, 1e-3, 1e-2, 0.1, 1.0),
    finer: Iterable[float] = (0.5, 2.0, 3.0),
    epochs: int = 3,
    batch_size: int | None = 32,
) -> LRTable:
    """Train for a few epochs with every rate of a grid, then with some around the best one.

    After 1e-4, 1e-3, 0.01, 0.1 and 1, if 0.1 is the best, come 0.05, 0.2 and 0.3: the best times
    each of ``finer``. Each trial begins with the same weights, optimizer state and random numbers,
    and is judged by the loss on ``validation`` (without it, on ``train``) after its last epoch.
    Everything is as before afterwards; take the rate with ``group["lr"] = table.best``.

    Callbacks of the trainer take no part. ``reason`` says where the best one is at the end of the
    grid, so that the grid should be wider.

    Raises:
        ValueError: a rate that is not above 0, an optimizer without a rate.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=1.0)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, seed=0)
        >>> x = sf.linspace(-1, 1, 64).reshape(64, 1)
        >>> lr_search(trainer, (x, 3 * x + 1)).best
        0.5
    """
    coarse = sorted(lrs)
    if not coarse:
        raise ValueError("[lr_search] lrs must hold at least one rate")
    for lr in coarse:
        positive("lr_search", "lrs", lr)
    if "lr" not in trainer.optimizer.param_groups[0]:
        raise ValueError(
            f"[lr_search] {type(trainer.optimizer).__name__} looks for its rate itself"
        )
    data = (train, validation, epochs, batch_size)
    tried = {lr: _trial(trainer, lr, *data) for lr in coarse}
    best = min(tried, key=lambda lr: tried[lr])
    if math.isinf(tried[best]):
        reason = (
            f"no rate leads to a finite loss: begin below {coarse[0]:.2g}, look for NaN in data"
        )
        return LRTable(tuple(sorted(tried.items())), None, reason)
    for factor in finer:
        lr = best * factor
        if lr not in tried:
            tried[lr] = _trial(trainer, lr, *data)
    found = min(tried, key=lambda lr: tried[lr])
    rows = tuple(sorted(tried.items()))
    reason = f"best: {found:.3g}, loss {tried[found]:.4g}"
    if found in (rows[0][0], rows[-1][0]):
        reason += (
            f"; it is the {'lowest' if found == rows[0][0] else 'highest'} tried, try beyond it"
        )
    return LRTable(rows, found, reason)


def _trial(
    trainer: Trainer, lr: float, train: Any, validation: Any, epochs: int, batch_size: int | None
) -> float:
    with all_kept(trainer.model, trainer.optimizer):
        groups = trainer.optimizer.param_groups
        first = groups[0]["lr"]
        for group in groups:
            group["lr"] = lr * (group["lr"] / first if first else 1.0)
        run = Trainer(
            trainer.model,
            trainer.loss,
            trainer.optimizer,
            seed=0 if trainer.seed is None else trainer.seed,
            regularize=trainer.regularize,
            clip=trainer.clip,
            accumulate=trainer.accumulate,
        )
        try:
            run.fit(train, epochs=epochs, batch_size=batch_size, progress=False)
            loss = run.evaluate(train if validation is None else validation)["loss"]
        except NonFiniteLossError:
            return math.inf
    return float(loss) if loss is not None and math.isfinite(loss) else math.inf
