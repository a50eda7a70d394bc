"""Bagging: models that have seen different samples of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from surefoot import _core, nn
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.data import TensorDataset
from surefoot.nn._mode import evaluating
from surefoot.train import Trainer
from surefoot.train.feed import as_tensor

from .combine import Combine, combined
from .predictor import Ensemble, score_of

__all__ = ["Bagging", "bagging", "bootstrap"]


class Bagging(Ensemble):
    """The ensemble that ``bagging`` makes; a file keeps it as an Ensemble.

    samples: the rows that each model was trained on.
    oob_output: (N, ...) for every training row the output of the models that did not see it
    (out of bag); NaN for a row that all have seen.
    oob_score: share of right classes ('probability', 'vote') or R2 ('mean') of those outputs: an
    estimate of the score on new data without a validation set. NaN where there is none, and for a
    mean whose targets have another shape than the outputs.

    Source: Breiman 1996, "Out-of-bag estimation".
    """

    def __init__(
        self, models: Iterable[nn.Module], combine: Combine, samples: Sequence[Tensor]
    ) -> None:
        super().__init__(models, combine)
        self.samples = list(samples)
        self.oob_output: Tensor = _core.empty(0)
        self.oob_score = float("nan")

    def take_score(self, inputs: Tensor, targets: Tensor, batch_size: int = 256) -> None:
        """Measure what the models say of rows they have not seen."""
        unseen = np.ones((len(self.samples), len(inputs)), np.float32)
        for row, sample in zip(unseen, self.samples, strict=True):
            row[sample.numpy()] = 0.0
        with evaluating(self):
            parts = []
            for i in range(0, len(inputs), batch_size):
                outputs = self.member_outputs(inputs[i : i + batch_size])
                rows = _core.tensor(unseen[:, i : i + batch_size])
                parts.append(combined(outputs, self.combine, rows))
        self.oob_output = _core.cat(parts)
        known = unseen.any(0)
        nothing = _core.tensor(np.where(known, 0.0, np.nan)).to(self.oob_output.dtype)
        after = [1] * (self.oob_output.ndim - 1)
        self.oob_output = self.oob_output + nothing.reshape(-1, *after)
        covered = _core.tensor(np.flatnonzero(known))
        answer = self.oob_output.index_select(0, covered)
        answer = answer if self.combine == "mean" else answer.argmax(-1)
        right = targets.index_select(0, covered)
        if len(covered) and answer.shape == right.shape:
            self.oob_score = score_of(answer, right, self.combine)


def bootstrap(rows: int, seed: int = 0, member: int = 0) -> Tensor:
    """Return as many row numbers (int64) as there are rows, drawn with replacement.

    The sample depends on (seed, member) alone. About 1/e = 36.8 % of the rows are not in it.

    Example:
        >>> sample = bootstrap(1000)
        >>> len(sample), 0.6 < len(set(sample.tolist())) / 1000 < 0.66
        (1000, True)

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    rows = integer("bootstrap", "rows", rows, 1)
    generator = _core.Generator().manual_seed(seed * 1_000_003 + member)
    return _core.randint(0, rows, (rows,), generator=generator)


def bagging(
    build: Callable[[int], Trainer],
    train: tuple[Any, Any],
    count: int = 10,
    *,
    seed: int = 0,
    combine: Combine = "mean",
    **options: Any,
) -> Bagging:
    """Train ``count`` models, each on as many rows as there are, drawn with replacement.

    Args:
        build: makes the trainer of model i, from 0.
        train: (inputs, targets), tensors or arrays of (N, ...).
        seed: of the draws; those of model i depend on ``(seed, i)`` alone (``bootstrap``).
        combine: see Ensemble.
        options: of ``Trainer.fit``.

    Example:
        >>> import surefoot as sf
        >>> def build(i):
        ...     sf.manual_seed(i)
        ...     model = sf.nn.Linear(1, 1)
        ...     optimizer = sf.optim.Adam(model.parameters(), lr=0.1)
        ...     return sf.train.Trainer(model, sf.nn.MSELoss(), optimizer)
        >>> x = sf.rand(20, 1)
        >>> bagged = bagging(build, (x, 2 * x), count=4, epochs=200, progress=False)
        >>> len(bagged.models), bagged.oob_score > 0.9
        (4, True)

    Source: Breiman 1996, "Bagging predictors".
    """
    integer("bagging", "count", count, 1)
    data = TensorDataset(*train)
    samples = [bootstrap(len(data), seed, i) for i in range(count)]
    models: list[nn.Module] = []
    for i, rows in enumerate(samples):
        trainer = build(i)
        trainer.fit(TensorDataset(*data.take(rows)), **options)
        models.append(trainer.model)
    bagged = Bagging(models, combine, samples)
    dtype = next((p.dtype for p in bagged.parameters()), None)
    inputs, targets = (as_tensor(part, dtype) for part in train)
    bagged.take_score(inputs, targets)
    return bagged
