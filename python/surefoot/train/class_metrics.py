"""Metrics of classification: counted exactly, over all batches together."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from surefoot import _core
from surefoot._check import choice, integer
from surefoot._core import Tensor

from .metrics import Metric, classes_of

__all__ = ["AUC", "ConfusionMatrix", "F1", "Precision", "Recall", "TopK"]

Average = Literal["macro", "micro", "weighted", "binary"]
Floats = NDArray[np.float64]


class TopK(Metric):
    """Share of rows whose class is among the ``k`` largest scores; by name ``"top5"``.

    Output (N, C), target (N,) of class numbers.

    Example:
        >>> import surefoot as sf
        >>> top2 = TopK(2)
        >>> top2.update(sf.tensor([[0.1, 0.5, 0.4], [0.7, 0.2, 0.1]]), sf.tensor([2, 2]))
        >>> top2.compute()
        0.5
    """

    def __init__(self, k: int = 5) -> None:
        self.k, self.name = integer("TopK", "k", k, 1), f"top{k}"
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._hits = self._count = 0

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        if output.ndim != 2 or target.ndim != 1 or len(output) != len(target):
            raise ValueError(
                f"[TopK] output {tuple(output.shape)} with target {tuple(target.shape)}: expected "
                "scores (N, C) and class numbers (N,)"
            )
        best = output.topk(min(self.k, output.shape[1]), dim=1)[1]
        self._hits += int((best == target.reshape(-1, 1)).sum().item())
        self._count += len(target)

    def compute(self) -> float:
        """Return the share; NaN when there were no rows."""
        return self._hits / self._count if self._count else math.nan


class ConfusionMatrix(Metric):
    """How often each class was taken for each: ``counts[actual][predicted]``.

    Output (N, C) and class numbers (N,), or one score a row with targets 0 and 1 of the same shape,
    where class 1 is above ``threshold`` (0.5 for probabilities, 0 for logits). It is no column of
    the history: read ``counts`` after ``evaluate``.

    Example:
        >>> import surefoot as sf
        >>> matrix = ConfusionMatrix()
        >>> matrix.update(sf.tensor([[0.1, 0.9], [0.8, 0.2]]), sf.tensor([1, 1]))
        >>> matrix.counts
        [[0, 0], [1, 1]]
    """

    name = "confusion_matrix"
    in_row = False

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._table: Tensor | None = None

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        who = type(self).__name__
        predicted, actual, classes = classes_of(who, output, target, self.threshold)
        if self._table is None:
            self._table = _core.zeros((classes, classes), dtype=_core.int64)
        elif self._table.shape[0] != classes:
            raise ValueError(f"[{who}] {classes} classes, before it were {self._table.shape[0]}")
        if len(actual) and not 0 <= int(actual.min().item()) <= int(actual.max().item()) < classes:
            raise IndexError(f"[{who}] a target is outside 0 to {classes - 1}")
        places, ones = actual * classes + predicted, _core.ones_like(actual)
        flat = self._table.flatten().scatter_add(0, places, ones)
        self._table = flat.reshape(classes, classes)

    @property
    def counts(self) -> list[list[int]]:
        """Rows are actual classes, columns predicted ones."""
        return [] if self._table is None else self._table.tolist()

    def compute(self) -> float:
        """Return the share on the diagonal, the accuracy."""
        table = np.array(self.counts, dtype=np.int64)
        return float(np.trace(table) / table.sum()) if table.sum() else math.nan


class _Rated(ConfusionMatrix):
    """A number from hits, predicted and actual rows of each class."""

    in_row = True
    _uses: ClassVar[tuple[float, float]]  # shares of predicted and actual rows below the line

    def __init__(self, average: Average = "macro", threshold: float = 0.5) -> None:
        known = ("macro", "micro", "weighted", "binary")
        self.average = choice(type(self).__name__, "average", average, known)
        super().__init__(threshold)

    def compute(self) -> float:
        """Return the value; 0 for a class with nothing below the line, NaN without rows."""
        hits, predicted, actual = self._rows()
        if not actual.sum():
            return math.nan
        if self.average == "binary":
            if len(hits) != 2:
                raise ValueError(
                    f"[{type(self).__name__}] average='binary' with {len(hits)} classes; "
                    "take 'macro', 'micro' or 'weighted'"
                )
            hits, predicted, actual = hits[1:], predicted[1:], actual[1:]
        elif self.average == "micro":
            hits, predicted, actual = (
                part.sum(keepdims=True) for part in (hits, predicted, actual)
            )
        values = self._shares(hits, predicted, actual)
        weighted = self.average == "weighted"
        present = (predicted + actual > 0) | (self.average == "binary")
        shares = actual if weighted else present.astype(np.float64)
        return float((values * shares).sum() / shares.sum())

    def per_class(self) -> list[float]:
        """Return the value of each class, whatever ``average`` is; empty before any row."""
        return [float(value) for value in self._shares(*self._rows())]

    def _rows(self) -> tuple[Floats, Floats, Floats]:
        """Hits, predicted and actual rows of each class."""
        table = np.array(self.counts, dtype=np.float64).reshape(len(self.counts), len(self.counts))
        return np.diag(table), table.sum(axis=0), table.sum(axis=1)

    def _shares(self, hits: Floats, predicted: Floats, actual: Floats) -> Floats:
        below = self._uses[0] * predicted + self._uses[1] * actual
        return np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)


class Precision(_Rated):
    """Of the rows taken for a class, the share that belongs to it.

    ``'macro'`` is the plain mean over the classes that occur, ``'weighted'`` by their rows,
    ``'micro'`` counts all together, ``'binary'`` is that of class 1. 0 where none was taken.

    Example:
        >>> import surefoot as sf
        >>> precision = Precision("binary")
        >>> precision.update(sf.tensor([0.9, 0.8, 0.2]), sf.tensor([1.0, 0.0, 1.0]))
        >>> precision.compute(), precision.per_class()
        (0.5, [0.0, 0.5])
    """

    name = "precision"
    _uses = (1.0, 0.0)


class Recall(_Rated):
    """Of the rows of a class, the share that was taken for it; averages as in Precision.

    Example:
        >>> import surefoot as sf
        >>> recall = Recall("binary")
        >>> recall.update(sf.tensor([0.9, 0.8, 0.2]), sf.tensor([1.0, 0.0, 1.0]))
        >>> recall.compute()
        0.5
    """

    name = "recall"
    _uses = (0.0, 1.0)


class F1(_Rated):
    """``2 hits / (predicted + actual)``, the harmonic mean of precision and recall, per class.

    Averages as in Precision.

    Example:
        >>> import surefoot as sf
        >>> f1 = F1("micro")
        >>> f1.update(sf.tensor([[0.1, 0.9], [0.8, 0.2]]), sf.tensor([1, 1]))
        >>> f1.compute()
        0.5
    """

    name = "f1"
    _uses = (0.5, 0.5)


class AUC(Metric):
    """Area under the ROC curve of two classes, exact: no thresholds, ties count one half.

    It is the share of pairs (a row of class 1, a row of class 0) where the first has the higher
    score. Output (N,) or (N, 1) with targets of that shape, or (N, 2) with class numbers (N,); the
    score is then the difference of the two. All scores are kept until ``reset``. NaN where one
    class is missing.

    Example:
        >>> import surefoot as sf
        >>> auc = AUC()
        >>> auc.update(sf.tensor([0.1, 0.4, 0.35, 0.8]), sf.tensor([0.0, 0.0, 1.0, 1.0]))
        >>> auc.compute()
        0.75

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve".
    """

    name = "auc"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._scores: list[Tensor] = []
        self._targets: list[Tensor] = []

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        if output.ndim == 2 and output.shape[1] == 2 and target.shape == output.shape[:1]:
            output = output[:, 1] - output[:, 0]
        elif output.shape != target.shape or output.numel() != len(output):
            raise ValueError(
                f"[AUC] output {tuple(output.shape)} with target {tuple(target.shape)}: expected "
                "one score a row and targets of its shape, or (N, 2) and (N,)"
            )
        self._scores.append(output.flatten().clone())
        self._targets.append(target.flatten().clone())

    def compute(self) -> float:
        """Return the area."""
        if not self._scores:
            return math.nan
        scores, targets = _core.cat(self._scores).numpy(), _core.cat(self._targets).numpy()
        if not np.isin(targets, (0, 1)).all():
            raise ValueError("[AUC] targets are 0 and 1")
        high, low = scores[targets == 1], np.sort(scores[targets == 0])
        if not len(high) or not len(low) or np.isnan(scores).any():
            return math.nan
        below = np.searchsorted(low, high, "left").sum(dtype=np.int64)
        tied = np.searchsorted(low, high, "right").sum(dtype=np.int64) - below
        return float((2 * below + tied) / (2 * len(high) * len(low)))
