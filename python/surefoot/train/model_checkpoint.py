"""Checkpoints during a run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from surefoot._check import choice, integer

from .callbacks import Callback, monitored

__all__ = ["ModelCheckpoint"]

if TYPE_CHECKING:
    from .trainer import Trainer


class ModelCheckpoint(Callback):
    """Writes the whole run to ``path``, from which ``fit(..., resume=path)`` goes on.

    Args:
        path: a file; ``{epoch}`` and ``{step}`` in its name stand for their numbers, as in
            ``"run-{epoch:03d}.safetensors"``. Without them every checkpoint replaces the last one.
        every: epochs or steps (updates of the weights) between two checkpoints.
        unit: ``'epoch'`` or ``'step'``.
        keep: with a number in the name: how many of the newest files stay, all if left out.
        monitor: write only when this value of the epoch (``"val_loss"``, ...) is the best so far.
        mode: ``'min'`` where lower is better, ``'max'`` where higher is.

    Without ``monitor`` the run is also written when Ctrl-C ends it. A file is replaced when the new
    one is on disk and has been read back, so a run that is killed at any instant leaves the newest
    or the one before it, whole.

    Raises:
        ValueError: ``every < 1``, ``keep`` with a name without number, ``monitor`` per step.

    Example:
        >>> import surefoot as sf
        >>> def run(epochs, resume=None):
        ...     sf.manual_seed(0)
        ...     model = sf.nn.Linear(1, 1)
        ...     optimizer = sf.optim.Adam(model.parameters())
        ...     saver = ModelCheckpoint("run.safetensors")
        ...     trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[saver])
        ...     x = sf.ones(8, 1)
        ...     return trainer.fit((x, x), epochs=epochs, progress=False, resume=resume)
        >>> broken_off = run(epochs=2)
        >>> run(epochs=4, resume="run.safetensors") == run(epochs=4)
        True
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int = 1,
        unit: Literal["epoch", "step"] = "epoch",
        keep: int | None = None,
        monitor: str | None = None,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.path = os.fspath(path)
        integer("ModelCheckpoint", "every", every, 1)
        choice("ModelCheckpoint", "unit", unit, ("epoch", "step"))
        if monitor is not None and unit == "step":
            raise ValueError("[ModelCheckpoint] monitor goes with unit='epoch'")
        choice("ModelCheckpoint", "mode", mode, ("min", "max"))
        if keep is not None and (keep < 1 or self._name(0, 0) == self._name(1, 1)):
            raise ValueError(
                "[ModelCheckpoint] keep is 1 or more and needs {epoch} or {step} in the path, as "
                "in 'run-{epoch:03d}.safetensors'"
            )
        self.every, self.unit, self.keep = every, unit, keep
        self.monitor, self.mode = monitor, mode
        self._reset()

    def _reset(self) -> None:
        self.best = math.inf
        self._written: list[list[int]] = []  # [epoch, step] of the files that stand
        self._step = 0

    def _name(self, epoch: int, step: int) -> str:
        try:
            return self.path.format(epoch=epoch, step=step)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"[ModelCheckpoint] {self.path}: a name may hold {{epoch}} and {{step}}; {error!r}"
            ) from None

    def state_dict(self) -> dict[str, Any]:
        """The best value and which files stand."""
        return {"best": self.best, "written": self._written, "step": self._step}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best, self._step = state_dict["best"], state_dict["step"]
        self._written = list(state_dict["written"])

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Forget the previous run."""
        self._reset()
        if self.monitor is None:
            state = trainer.state
            trainer.last_wish = lambda: trainer.save(self._name(state.epoch, state.step))

    def on_batch_begin(self, trainer: Trainer) -> None:
        """Remove old files, now that the newest one is written."""
        self._prune()

    def on_batch_end(self, trainer: Trainer) -> None:
        """Write, if the unit is a step."""
        step = trainer.state.step
        if self.unit == "step" and step % self.every == 0 and step != self._step:
            self._write(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Write, if the unit is an epoch."""
        self._prune()
        if self.unit == "step" or trainer.state.epoch % self.every:
            return
        if self.monitor is not None:
            value = monitored("ModelCheckpoint", trainer.state.row, self.monitor)
            score = value if self.mode == "min" else -value
            if not score < self.best:
                return
            self.best = score
        self._write(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Remove old files."""
        self._prune()

    def _write(self, trainer: Trainer) -> None:
        self._step = trainer.state.step
        self._written = [*self._written, [trainer.state.epoch, self._step]]
        trainer.save(self._name(trainer.state.epoch, self._step))

    def _prune(self) -> None:
        if self.keep is None or len(self._written) <= self.keep:
            self._written = self._written[-1:] if self.keep is None else self._written
            return
        for epoch, step in self._written[: -self.keep]:
            Path(self._name(epoch, step)).unlink(missing_ok=True)
        self._written = self._written[-self.keep :]
