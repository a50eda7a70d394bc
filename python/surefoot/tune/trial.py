"""One trial as the objective sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from surefoot.train import Callback
from surefoot.train.callbacks import monitored

__all__ = ["Report", "Trial", "TrialPruned", "watched"]

if TYPE_CHECKING:
    from surefoot.train import Trainer


class TrialPruned(Exception):
    """Ends a trial that is not worth going on with: ``raise TrialPruned`` in an objective."""


class Trial(Mapping[str, Any]):
    """The parameters of one trial, by name, and where its progress is reported.

    A read-only mapping: ``trial["lr"]``, ``build(**trial)``. ``number`` counts the trials of the
    search from 0.

    Example:
        >>> trial = Trial({"lr": 0.1, "hidden": 32})
        >>> trial["lr"], dict(trial)
        (0.1, {'lr': 0.1, 'hidden': 32})
    """

    def __init__(self, params: Mapping[str, Any], number: int = 0, source: Any = None) -> None:
        self._params = dict(params)
        self._source = source  # Optuna's trial
        self.number = number
        self.interrupted = False
        self._reported: set[int] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self._params:
            raise KeyError(
                f"[tune] the space has no {name!r}; there is {', '.join(self._params) or 'nothing'}"
            )
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter, or ``default`` where the space has none of this name."""
        return self._params.get(name, default)

    def __repr__(self) -> str:
        return f"Trial({self.number}, {self._params})"

    def report(self, value: float, step: int) -> None:
        """Store how good the trial is at ``step`` (an epoch, from 1), for pruning and pictures.

        Raises:
            FloatingPointError: a value that is not finite, which makes the trial a failed one.
            ValueError: a step that was reported before.
        """
        if not math.isfinite(value):
            raise FloatingPointError(f"[tune] {value} was reported at step {step}")
        if step in self._reported:
            raise ValueError(f"[tune] step {step} was reported before; count the steps on")
        self._reported.add(step)
        if self._source is not None:
            self._source.report(float(value), step)

    def should_prune(self) -> bool:
        """Whether the pruner gives the trial up, by what was reported so far."""
        return self._source is not None and bool(self._source.should_prune())


def watched(monitor: str | None, row: Mapping[str, Any]) -> str:
    """The column that a trial is judged by."""
    return monitor or ("val_loss" if "val_loss" in row else "loss")


class Report(Callback):
    """Reports a value of each epoch to a trial and raises TrialPruned when the pruner gives it up.

    Without ``monitor`` it is ``val_loss``, or ``loss`` where there is no validation.

    Example:
        >>> import surefoot as sf
        >>> trial = sf.tune.Trial({"lr": 0.1})
        >>> model = sf.nn.Linear(1, 1)
        >>> rule = sf.optim.SGD(model.parameters(), lr=trial["lr"])
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), rule, callbacks=[Report(trial)])
    """

    def __init__(self, trial: Trial, monitor: str | None = None) -> None:
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Report, and perhaps give up."""
        state = trainer.state
        name = watched(self.monitor, state.row)
        value = monitored("Report", state.row, name)
        if math.isnan(value):
            return
        self.trial.report(value, state.epoch)
        if self.trial.should_prune():
            raise TrialPruned(f"{name} is {value:.4g} after epoch {state.epoch}")

    def on_fit_end(self, trainer: Trainer) -> None:
        """Note a Ctrl-C: the trial does not count, and the search ends."""
        if trainer.history.stop_reason == "interrupted":
            self.trial.interrupted = True
