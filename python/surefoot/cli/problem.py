"""What a run learns: rows in parts, the meaning of their targets, and a network for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.data import TableEncoder, TensorDataset, class_weights
from surefoot.train import Trainer

from .errors import UserError
from .scores import Scores

__all__ = ["Problem", "shares_of"]


def shares_of(options: Mapping[str, Any]) -> dict[str, float]:
    """Part -> its share of the rows; parts without rows are left out."""
    shares = (options["validation_share"], options["test_share"])
    if not sum(shares) < 1:
        raise UserError("--validation-share and --test-share leave no rows to train with")
    wanted = {"training": 1 - sum(shares), "validation": shares[0], "test": shares[1]}
    return {name: size for name, size in wanted.items() if size > 0}


@dataclass
class Problem:
    """Base of what can be trained on: a table, or the digits.

    ``name`` is the path of the data or 'digits'; ``parts`` are training, and validation and test
    where they have rows.
    """

    name: str
    task: str
    target: str
    classes: list[Any]
    parts: dict[str, TensorDataset]
    encoder: TableEncoder | None = None

    @property
    def title(self) -> str:
        """What is done, in words."""
        return f"{self.task} of {self.target} in {Path(self.name).name}"

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row of the inputs."""
        return tuple(self.parts["training"].tensors[0].shape[1:])

    def head(self) -> list[str]:
        """Lines that say what the data is."""
        raise NotImplementedError

    def network(self, options: Mapping[str, Any]) -> nn.Module:
        """Return a new network."""
        raise NotImplementedError

    def score(self, output: Tensor, part: str) -> Scores:
        """Compare the network's outputs for the rows of a part with its targets."""
        raise NotImplementedError

    def info(self) -> dict[str, Any]:
        """What predict and evaluate need to know, as JSON can hold it."""
        return {
            "data": Path(self.name).name,
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
        }

    def trainer(self, options: Mapping[str, Any], callbacks: Iterable[Any] = ()) -> Trainer:
        """Return a network, its loss and its optimizer, in a Trainer."""
        _core.manual_seed(options["seed"])
        model = self.network(options)
        loss: nn.Module = nn.MSELoss()
        if self.task == "classification":
            labels, balanced = self.parts["training"].tensors[1], options["class_weights"]
            weight = class_weights(labels, len(self.classes)) if balanced == "balanced" else None
            loss = nn.CrossEntropyLoss(weight, label_smoothing=options["label_smoothing"])
        metric = "accuracy" if self.task == "classification" else "r2"
        optimizer = optim.Adam(model.parameters(), lr=options["lr"])
        return Trainer(model, loss, optimizer, metric, list(callbacks), seed=options["seed"])
