"""Schedules within a training run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from surefoot.optim.lr_scheduler import Schedule

from .callbacks import Callback

__all__ = ["LRSchedule"]

if TYPE_CHECKING:
    from .trainer import Trainer


class LRSchedule(Callback):
    """Steps a schedule of ``optim.lr_scheduler`` once per epoch or once per batch.

    Args:
        scheduler: any schedule, of the rate, the momentum or the batch size.
        every: its unit, ``'epoch'`` or ``'step'`` (one optimizer step).
        monitor: what a schedule that measures (ReduceLROnPlateau, HalveOnWorse) gets; by default
            ``val_loss``, or ``loss`` where there is no validation. With ``every='step'`` it gets
            the loss of the batch.

    Before the first epoch the schedule learns the length of the whole run in its own unit, so
    ``CosineAnnealingLR(optimizer)`` needs no ``T_max``; a later ``fit`` makes the run longer. The
    history gets the column ``lr``, the rate of the first group at the end of each epoch.

    Raises:
        ValueError: a schedule of another optimizer than the trainer's, an unknown ``monitor``.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.optim.lr_scheduler import CosineAnnealingLR
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> schedule = LRSchedule(CosineAnnealingLR(optimizer))
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[schedule])
        >>> x = sf.zeros(4, 1)
        >>> history = trainer.fit((x, x), epochs=3, progress=False)
        >>> [round(lr, 4) for lr in history["lr"]]
        [0.1, 0.075, 0.025]
    """

    def __init__(
        self,
        scheduler: Schedule,
        every: Literal["epoch", "step"] = "epoch",
        monitor: str | None = None,
    ) -> None:
        if not isinstance(scheduler, Schedule):
            raise TypeError(
                f"[LRSchedule] {type(scheduler).__name__} is no schedule of optim.lr_scheduler"
            )
        if every not in ("epoch", "step"):
            raise ValueError(f"[LRSchedule] every is 'epoch' or 'step', not {every!r}")
        if every == "step" and monitor not in (None, "loss"):
            raise ValueError(f"[LRSchedule] {monitor!r} is not measured at every step; only 'loss'")
        self.scheduler: Any = scheduler
        self.every = every
        self.monitor = monitor

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Tell the schedule how long the run is."""
        state = trainer.state
        if getattr(self.scheduler, "optimizer", trainer.optimizer) is not trainer.optimizer:
            raise ValueError("[LRSchedule] the schedule belongs to another optimizer")
        epochs = state.last_epoch - state.epoch
        if self.every == "epoch":
            self.scheduler.set_length(self.scheduler.last_epoch + epochs)
        elif state.num_batches is not None:
            self.scheduler.set_length(self.scheduler.last_epoch + epochs * state.num_batches)

    def on_batch_end(self, trainer: Trainer) -> None:
        """Step, if the unit is a step."""
        if self.every == "step":
            self._step(trainer.state.loss_value)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the rate; step, if the unit is an epoch."""
        row = trainer.state.row
        row["lr"] = float(trainer.optimizer.param_groups[0]["lr"])
        if self.every == "step":
            return
        monitor = self.monitor or ("val_loss" if "val_loss" in row else "loss")
        if monitor not in row:
            raise ValueError(
                f"[LRSchedule] nothing called {monitor!r} is measured; there is {', '.join(row)}"
            )
        self._step(row[monitor])

    def _step(self, value: float | None) -> None:
        if self.scheduler.needs_metric:
            self.scheduler.step(math.nan if value is None else value)
        else:
            self.scheduler.step()
