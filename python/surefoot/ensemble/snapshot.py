"""Snapshot ensembles: several nets for the price of one run."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surefoot import nn
from surefoot._check import integer, number
from surefoot.train import Callback, LRSchedule

from .combine import Combine
from .predictor import Ensemble

__all__ = ["SnapshotEnsemble", "Snapshots"]

if TYPE_CHECKING:
    from surefoot.train import Trainer


class Snapshots(Callback):
    """Keeps a copy of the model every few epochs, for an ensemble from one run.

    Made for a rate that comes down and jumps up again (``CosineAnnealingWarmRestarts``): ``every``
    is then the length of its cycle, and each copy a minimum of its own.

    Args:
        every: epochs between two copies.
        keep: how many of the last ones are kept; all if left out.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> snapshots = Snapshots(every=2)
        >>> cycles = sf.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> trainer = sf.train.Trainer(
        ...     model, sf.nn.MSELoss(), optimizer, callbacks=[snapshots], schedule=cycles
        ... )
        >>> _ = trainer.fit((sf.ones(4, 1), sf.ones(4, 1)), epochs=6, progress=False)
        >>> len(snapshots.ensemble().models)
        3

    Source: Huang et al. 2017, "Snapshot ensembles: train 1, get M for free".
    """

    def __init__(self, every: int, keep: int | None = None) -> None:
        self.every = integer("Snapshots", "every", every, 1)
        self.keep = None if keep is None else integer("Snapshots", "keep", keep, 1)
        self.models: list[nn.Module] = []
        self._model: nn.Module | None = None

    def ensemble(self, combine: Combine = "mean") -> Ensemble:
        """The copies so far as one model."""
        return Ensemble(self.models, combine)

    def state_dict(self) -> dict[str, Any]:
        """The weights of the copies."""
        return {"weights": [dict(model.state_dict()) for model in self.models]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Make the copies again."""
        self.models = [copy.deepcopy(self._model) for _ in state_dict["weights"] if self._model]
        for model, weights in zip(self.models, state_dict["weights"], strict=True):
            model.load_state_dict(weights)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin anew."""
        self.models, self._model = [], trainer.model

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Copy the model, if it is time."""
        if (trainer.state.epoch - trainer.state.first_epoch) % self.every == 0:
            self._keep(trainer.model)

    def _keep(self, model: nn.Module) -> None:
        self.models.append(copy.deepcopy(model).eval())
        self.models = self.models[-self.keep :] if self.keep else self.models


class SnapshotEnsemble(Snapshots):
    """Anneals the rate ``cycles`` times in a run and keeps the weights at the end of each.

    ``lr = eta_min + (lr0 - eta_min) (1 + cos(pi t / L)) / 2`` at step t = 0 ... L - 1 of a cycle of
    L steps; the steps of the run are shared out as evenly as they can. lr0 is the rate each group
    has when ``fit`` begins, and has again afterwards; it should be high, so that the net leaves
    the minimum. After ``fit``, ``ensemble()`` has one model for each finished cycle, or of the
    last ``keep``.

    The rate is this callback's alone: no schedule beside it. The run must know its number of
    batches, and these stay as they are.

    Raises:
        ValueError: fewer steps than cycles, a schedule in the same Trainer, an unknown length.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.models.MLP(2, [8], 2)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.2)
        >>> snapshots = SnapshotEnsemble(cycles=3)
        >>> loss = sf.nn.CrossEntropyLoss()
        >>> trainer = sf.train.Trainer(model, loss, optimizer, callbacks=[snapshots])
        >>> x = sf.randn(64, 2)
        >>> _ = trainer.fit((x, (x[:, 0] > 0).long()), epochs=6, progress=False)
        >>> len(snapshots.ensemble("probability").models)
        3

    Source: Huang et al. 2017, "Snapshot ensembles: train 1, get M for free".
    """

    def __init__(self, cycles: int, eta_min: float = 0.0, keep: int | None = None) -> None:
        super().__init__(1, keep)
        self.cycles = integer("SnapshotEnsemble", "cycles", cycles, 1)
        self.eta_min = float(number("SnapshotEnsemble", "eta_min", eta_min, 0))
        self._ends: list[int] = []  # steps after which a cycle is over
        self._rates: list[float] = []
        self._step = self._cycle = 0

    def state_dict(self) -> dict[str, Any]:
        """The copies, and where in its cycle the run is."""
        place = {"step": self._step, "cycle": self._cycle}
        return {**super().state_dict(), **place, "ends": self._ends, "rates": self._rates}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there, in cycles of the length they had."""
        super().load_state_dict(state_dict)
        self._step, self._cycle = state_dict["step"], state_dict["cycle"]
        self._ends, self._rates = list(state_dict["ends"]), list(state_dict["rates"])

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin anew: share out the steps of the run."""
        super().on_fit_begin(trainer)
        if any(isinstance(callback, LRSchedule) for callback in trainer.callbacks):
            raise ValueError("[SnapshotEnsemble] sets the rate itself: leave out schedule=")
        per_epoch, state = trainer.steps_per_epoch, trainer.state
        if per_epoch is None:
            raise ValueError(
                "[SnapshotEnsemble] the data does not say how many batches it has, so the cycles "
                "have no length: give arrays or a DataLoader"
            )
        steps = (state.last_epoch - state.first_epoch) * per_epoch
        if steps < self.cycles:
            raise ValueError(
                f"[SnapshotEnsemble] {self.cycles} cycles in {steps} steps: train longer, or take "
                "fewer cycles"
            )
        self._ends = [steps * (i + 1) // self.cycles for i in range(self.cycles)]
        self._rates = [float(group["lr"]) for group in trainer.optimizer.param_groups]
        self._step = self._cycle = 0

    def on_batch_begin(self, trainer: Trainer) -> None:
        """Set the rate of the step."""
        cycle = self._cycle
        if cycle == len(self._ends):
            return
        begin = self._ends[cycle - 1] if cycle else 0
        done = (self._step - begin) / (self._ends[cycle] - begin)
        for group, rate in zip(trainer.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = self.eta_min + (rate - self.eta_min) * (1 + math.cos(math.pi * done)) / 2

    def on_batch_end(self, trainer: Trainer) -> None:
        """Keep the weights at the end of a cycle."""
        if not trainer.state.updated:
            return
        self._step += 1
        cycle = self._cycle
        if cycle < len(self._ends) and self._step == self._ends[cycle]:
            self._cycle += 1
            self._keep(trainer.model)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the last rate of the epoch."""
        trainer.state.row.setdefault("lr", float(trainer.optimizer.param_groups[0]["lr"]))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give the optimizer its rates back."""
        for group, rate in zip(trainer.optimizer.param_groups, self._rates, strict=False):
            group["lr"] = rate
