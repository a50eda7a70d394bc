"""What a model is worth on rows with known targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.data import Table, TableEncoder
from surefoot.train import F1, MAE, R2, RMSE, ConfusionMatrix, Precision, Recall

__all__ = ["Scores", "class_scores", "number_scores", "table_scores"]


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
    # (class, rows, precision, recall, F1) of each class
    by_class: list[tuple[str, int, float, float, float]] = field(default_factory=list)

    def lines(self, part: str) -> list[str]:
        """The scores as text, the main one first."""
        return [
            f"{part} {name}: {value:.{3 if abs(value) < 1e3 else 1}f}"
            for name, value in self.values.items()
            if not math.isnan(value)  # R2 of rows with one value
        ]


def class_scores(output: Tensor, labels: Tensor, classes: Sequence[Any]) -> Scores:
    """Compare outputs (N, C) with class numbers (N,)."""
    matrix, f1, rates = ConfusionMatrix(), F1(), (Precision(), Recall())
    for metric in (matrix, f1, *rates):
        metric.update(output, labels)
    counts = np.array(matrix.counts, dtype=np.int64)
    values = {
        "accuracy": matrix.compute(),
        "F1": f1.compute(),
        "log loss": float(nn.functional.cross_entropy(output, labels).item()),
    }
    columns = [metric.per_class() for metric in (*rates, f1)]
    by_class = list(zip(map(str, classes), counts.sum(axis=1).tolist(), *columns, strict=True))
    found = Scores("classification", len(labels), values, counts, classes=list(classes))
    found.by_class = by_class
    return found


def number_scores(predicted: NDArray[np.float64], actual: NDArray[np.float64]) -> Scores:
    """Compare numbers (N,) with numbers, in the unit of the target."""
    metrics = {"R2": R2(), "RMSE": RMSE(), "MAE": MAE()}
    for metric in metrics.values():
        metric.update(_core.tensor(predicted), _core.tensor(actual))
    values = {name: metric.compute() for name, metric in metrics.items()}
    return Scores("regression", len(actual), values, actual=actual, predicted=predicted)


def table_scores(encoder: TableEncoder, output: Tensor, table: Table) -> Scores:
    """Compare outputs with the targets of ``table``."""
    if encoder.task == "classification":
        return class_scores(output, _core.tensor(encoder.targets(table)), encoder.classes)
    return number_scores(np.array(encoder.decode(output), dtype=np.float64), table.values())
