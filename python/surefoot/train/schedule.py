"""Schedules within a training run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from surefoot._check import choice
from surefoot.optim.lr_scheduler import Schedule

from .callbacks import Callback, monitored

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
    history gets the column ``lr``, the rate of the first group at the end of each epoch, before
    any schedule steps.

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
        choice("LRSchedule", "every", every, ("epoch", "step"))
        if every == "step" and monitor not in (None, "loss"):
            raise ValueError(f"[LRSchedule] {monitor!r} is not measured at every step; only 'loss'")
        self.scheduler: Any = scheduler
        self.every = every
        self.monitor = monitor
        self._length: int | None = None  # steps of the whole run, where they are known
        self._per_epoch, self._last_epoch = 1, 0

    def state_dict(self) -> dict[str, Any]:
        """The schedule's state."""
        length = {"length": self._length, "last_epoch": self._last_epoch}
        return {"scheduler": self.scheduler.state_dict(), **length}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there; a run that has become longer since makes the schedule longer, too."""
        groups = getattr(getattr(self.scheduler, "optimizer", None), "param_groups", [])
        rates = [group["lr"] for group in groups]  # loaded before, whatever wrote them last
        self.scheduler.load_state_dict(state_dict["scheduler"])
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        more = self._last_epoch - state_dict["last_epoch"]
        if state_dict["length"] is not None:  # None: saved before the run began
            self._length = state_dict["length"] + more * self._per_epoch
        if more and self._length is not None:
            self.scheduler.set_length(self._length)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Tell the schedule how long the run is."""
        state = trainer.state
        if getattr(self.scheduler, "optimizer", trainer.optimizer) is not trainer.optimizer:
            raise ValueError("[LRSchedule] the schedule belongs to another optimizer")
        epochs = state.last_epoch - state.epoch
        per_epoch = 1 if self.every == "epoch" else trainer.steps_per_epoch
        self._length, self._per_epoch, self._last_epoch = None, per_epoch or 0, state.last_epoch
        if per_epoch is not None:
            self._length = self.scheduler.last_epoch + epochs * per_epoch
            self.scheduler.set_length(self._length)

    def on_batch_end(self, trainer: Trainer) -> None:
        """Step, if the unit is a step."""
        if self.every == "step" and trainer.state.updated:
            self._step(trainer.state.loss_value)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the rate; step, if the unit is an epoch."""
        row = trainer.state.row
        row.setdefault("lr", float(trainer.optimizer.param_groups[0]["lr"]))  # before any steps
        if self.every == "step":
            return
        monitor = self.monitor or ("val_loss" if "val_loss" in row else "loss")
        self._step(monitored("LRSchedule", row, monitor))

    def _step(self, value: float) -> None:
        if self.scheduler.needs_metric:
            self.scheduler.step(value)
        else:
            self.scheduler.step()


def as_callbacks(
    schedules: Schedule | LRSchedule | Iterable[Schedule | LRSchedule],
) -> list[LRSchedule]:
    """What Trainer was given as ``schedule=``, as callbacks; a bare one counts epochs."""
    single = isinstance(schedules, (Schedule, LRSchedule)) or not isinstance(schedules, Iterable)
    items: list[Any] = [schedules] if single else list(schedules)  # type: ignore[arg-type]
    return [item if isinstance(item, LRSchedule) else LRSchedule(item) for item in items]
