"""Where a training run is: what callbacks read, and what a batch adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot._core import Tensor
from surefoot.autograd import no_grad

from .history import Value
from .metrics import Metric
from .weights import Weights

__all__ = ["Best", "State", "Tally"]


@dataclass
class State:
    """The moment a run is in. Epochs, batches and steps count from 1; 0 means not begun.

    A step is a change of the weights: one per batch, or per ``accumulate`` batches.
    """

    epoch: int = 0
    first_epoch: int = 0  # where this call of fit began
    last_epoch: int = 0
    open: bool = False  # in the middle of an epoch
    batch: int = 0
    num_batches: int | None = None
    step: int = 0
    updated: bool = False  # did the weights change at the end of this batch?
    diverged: bool = False
    inputs: Any = None
    targets: Any = None
    weights: list[Tensor] = field(default_factory=list)  # one or none: sample_weight of the batch
    output: Any = None
    loss: Any = None
    loss_value: float = float("nan")
    row: dict[str, Value] = field(default_factory=dict)
    stop_reason: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether there is something left to do."""
        return not self.stop_reason and (self.open or self.epoch < self.last_epoch)

    def release(self) -> None:
        """Let go of the last batch and its graph."""
        self.inputs = self.targets = self.output = self.loss = None
        self.weights = []


@dataclass
class Best:
    """The best epoch of a run so far; epoch 0 stands for the weights it began with."""

    epoch: int
    value: float
    weights: Weights


class Tally:
    """Loss and metrics over the batches of one pass; each batch counts by its number of items."""

    def __init__(self, loss: Any, metrics: list[Metric]) -> None:
        self.metrics = metrics
        self.sums_up = getattr(loss, "reduction", "mean") == "sum"
        self.total, self.count = 0.0, 0
        for metric in metrics:
            metric.reset()

    def update(self, loss_value: float, output: Tensor, targets: Tensor) -> None:
        """Take in one batch."""
        items = len(targets)
        self.total += loss_value * (1 if self.sums_up else items)
        self.count += items
        if self.metrics:
            with no_grad():
                for metric in self.metrics:
                    metric.update(output.detach(), targets)

    def state_dict(self) -> dict[str, Any]:
        """The sums so far."""
        metrics = {metric.name: metric.state_dict() for metric in self.metrics}
        return {"total": self.total, "count": self.count, "metrics": metrics}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from such sums."""
        self.total, self.count = state_dict["total"], state_dict["count"]
        for metric in self.metrics:
            metric.load_state_dict(state_dict["metrics"][metric.name])

    def compute(self, prefix: str = "") -> dict[str, Value]:
        """Return loss and metrics by name."""
        if self.count == 0:
            raise ValueError("[Trainer] the data has no rows")
        values: dict[str, Value] = {f"{prefix}loss": self.total / self.count}
        values.update((prefix + m.name, m.compute()) for m in self.metrics if m.in_row)
        return values
