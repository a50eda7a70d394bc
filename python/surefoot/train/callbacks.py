"""Callbacks: code that a training run calls at seven fixed moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from surefoot._check import choice, integer, number

from .history import Value
from .weights import Weights, copy_weights, load_weights

__all__ = ["Callback", "EarlyStopping", "LambdaCallback", "monitored"]

if TYPE_CHECKING:
    from .trainer import Trainer


class Callback:
    """Base of all callbacks: override the moments you need.

    Each method receives the trainer. ``trainer.state`` says where the run is (epoch, batch, inputs,
    output, loss, ...); ``trainer.stop("reason")`` ends the run after the current batch. A callback
    with ``state_dict()`` and ``load_state_dict(state)`` (dicts, lists, numbers, strings, tensors)
    has its state in checkpoints; it is loaded after ``on_fit_begin``.

    Example:
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, trainer):
        ...         print(trainer.state.row["loss"])
    """

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Called once, before the first epoch."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Called before the first batch of every epoch."""

    def on_batch_begin(self, trainer: Trainer) -> None:
        """Called with ``state.inputs`` and ``state.targets`` set, before the forward pass."""

    def on_backward_end(self, trainer: Trainer) -> None:
        """Called when the gradients of the batch are there and no weight has changed yet."""

    def on_batch_end(self, trainer: Trainer) -> None:
        """Called after the optimizer step."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Called after validation; ``state.row`` is the epoch's row and may be added to."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Called once at the end, also after Ctrl-C or an error."""


class LambdaCallback(Callback):
    """A callback made of functions of the trainer, under the names of the moments.

    Raises:
        TypeError: a name that is no moment, or something that is no function.

    Example:
        >>> log = []
        >>> callback = LambdaCallback(on_epoch_end=lambda trainer: log.append(trainer.state.row))
    """

    def __init__(self, **functions: Callable[[Trainer], object]) -> None:
        moments = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in moments or not callable(function):
                raise TypeError(
                    f"[LambdaCallback] {name}={function!r}: expected a function for one of "
                    f"{', '.join(moments)}"
                )
            setattr(self, name, function)


def monitored(who: str, row: Mapping[str, Value], name: str) -> float:
    """Return a value of the epoch; NaN for one that is missing in it."""
    if name not in row:
        raise ValueError(f"[{who}] nothing called {name!r} is measured; there is {', '.join(row)}")
    value = row[name]
    return math.nan if value is None else value


class EarlyStopping(Callback):
    """Stop when ``monitor`` has not improved by more than ``min_delta`` for ``patience`` epochs.

    ``patience=0`` stops at the first epoch that is worse than the one before it, by more than
    ``min_delta``; ``patience=1`` at the first one that is no better than the best. With
    ``restore_best`` the model ends with the weights of its best epoch. Without ``monitor`` it
    watches ``val_loss``, or ``loss`` where there is no validation.

    Example:
        >>> stopper = EarlyStopping(patience=5, min_delta=1e-3, restore_best=True)
    """

    def __init__(
        self,
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
        monitor: str | None = None,
        mode: str = "min",
    ) -> None:
        self.patience = integer("EarlyStopping", "patience", patience, 0)
        self.min_delta = number("EarlyStopping", "min_delta", min_delta, 0)
        choice("EarlyStopping", "mode", mode, ("min", "max"))
        self.restore_best = restore_best
        self.monitor = monitor
        self.mode = mode
        self._reset()

    def _reset(self) -> None:
        self.best = math.inf
        self.best_epoch = 0
        self.waited = 0
        self._previous = math.inf
        self._weights: Weights | None = None

    def state_dict(self) -> dict[str, Any]:
        """The best value, its epoch and weights, and how long ago it was."""
        best = {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}
        return {**best, "previous": self._previous, "weights": self._weights}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]
        self.waited, self._weights = state_dict["waited"], state_dict["weights"]
        self._previous = state_dict["previous"]

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Forget the previous run."""
        self._reset()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Compare this epoch with the best one."""
        state = trainer.state
        monitor = self.monitor or ("val_loss" if "val_loss" in state.row else "loss")
        value = monitored("EarlyStopping", state.row, monitor)
        score = value if self.mode == "min" else -value
        worsened = not score <= self._previous + self.min_delta  # true for NaN
        self._previous = score
        if score < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = score, state.epoch, 0
            if self.restore_best:
                self._weights = copy_weights(trainer.model)
            return
        self.waited += 1
        if self.patience == 0 and worsened:
            trainer.stop(f"{monitor} is worse than in the epoch before")
        elif 0 < self.patience <= self.waited:
            epochs = "epoch" if self.waited == 1 else "epochs"
            trainer.stop(f"{monitor} has not improved for {self.waited} {epochs}")

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give the model its best weights back."""
        if self.restore_best and self._weights is not None:
            load_weights(trainer.model, self._weights)
