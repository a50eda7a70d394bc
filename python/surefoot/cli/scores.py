"""What a model is worth on rows with known targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.data import Table, TableEncoder
from surefoot.train import F1

__all__ = ["Scores", "score"]


@dataclass
class Scores:
    """``values`` by name, and what the report draws."""

    task: str
    rows: int
    values: dict[str, float]
    confusion: NDArray[np.int64] | None = None  # [actual, predicted]
    actual: NDArray[np.float64] | None = None
    predicted: NDArray[np.float64] | None = None
    classes: list[Any] = field(default_factory=list)

    def lines(self, part: str) -> list[str]:
        """The scores as text, the main one first."""
        return [
            f"{part} {name}: {value:.{3 if abs(value) < 1e3 else 1}f}"
            for name, value in self.values.items()
        ]

    def per_class(self) -> list[tuple[str, int, float, float, float]]:
        """(class, rows, precision, recall, F1) of each class."""
        assert self.confusion is not None
        hits = np.diag(self.confusion).astype(float)
        actual, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        precision = hits / np.maximum(predicted, 1)
        recall = hits / np.maximum(actual, 1)
        f1 = 2 * hits / np.maximum(actual + predicted, 1)
        return [
            (str(name), int(actual[i]), float(precision[i]), float(recall[i]), float(f1[i]))
            for i, name in enumerate(self.classes)
        ]


def score(encoder: TableEncoder, output: Tensor, table: Table) -> Scores:
    """Compare outputs with the targets of ``table``."""
    if encoder.task == "classification":
        return _of_classes(encoder, output, encoder.targets(table))
    predicted = np.array(encoder.decode(output), dtype=np.float64)
    actual = table.values()
    errors = predicted - actual
    spread = float(((actual - actual.mean()) ** 2).sum())
    values = {
        "R2": 1.0 - float((errors**2).sum()) / spread if spread else float("nan"),
        "RMSE": float(np.sqrt((errors**2).mean())),
        "MAE": float(np.abs(errors).mean()),
    }
    return Scores("regression", len(actual), values, actual=actual, predicted=predicted)


def _of_classes(encoder: TableEncoder, output: Tensor, labels: NDArray[np.int64]) -> Scores:
    predicted = output.argmax(dim=1).numpy()
    size = len(encoder.classes)
    confusion = np.zeros((size, size), dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    found = Scores("classification", len(labels), {}, confusion, classes=encoder.classes)
    f1 = F1("macro")
    f1.update(output, _core.tensor(labels))
    found.values = {
        "accuracy": float((predicted == labels).mean()),
        "F1": f1.compute(),
        "log loss": float(nn.functional.cross_entropy(output, _core.tensor(labels)).item()),
    }
    return found
