"""The objective of a search that trains what a function builds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from surefoot.train import Trainer

from .trial import Report, Trial, watched

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """Builds a trainer for a trial, fits it, and returns the value of its best epoch."""

    build: Callable[[Trial], Any]
    train: Any
    validation: Any
    epochs: int
    batch_size: int | None
    monitor: str | None
    direction: str

    def __call__(self, trial: Trial) -> float:
        trainer = self.build(trial)
        if not isinstance(trainer, Trainer):
            raise TypeError(
                "[tune] with train=... the function builds and returns a Trainer, not "
                f"{type(trainer).__name__}"
            )
        trainer.callbacks.append(Report(trial, self.monitor))
        history = trainer.fit(
            self.train,
            self.validation,
            epochs=trial.get("epochs", self.epochs),
            batch_size=trial.get("batch_size", self.batch_size),
            progress=False,
        )
        column = history.get(watched(self.monitor, history), [])
        values = [v for v in column if v is not None and math.isfinite(v)]
        if not values:
            return math.nan
        return float(min(values) if self.direction == "minimize" else max(values))
