"""Ensemble: several models that answer as one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.train import R2
from surefoot.train.feed import as_tensor, by_batches

from .combine import Combine, Uncertainty, checked_combine, combined, spread, uncertainty

__all__ = ["Ensemble", "score_of"]


class Ensemble(nn.Module):
    """The models' outputs as one.

    ``'mean'``: the mean of the outputs, for regression and for logits. ``'probability'``: the
    logarithm of the mean of the class probabilities ``softmax(output)``; it can be used as logits.
    ``'vote'``: the share of models (N, C) that each class is the largest for; no gradient.

    Args:
        models: at least one; they are members, not copies. The same input goes to all.
        combine: see above. A net that ends in LogSoftmax fits as one of logits does; one that ends
            in Softmax has its probabilities averaged by 'mean'.
        weights: of the models, not negative; equal by default. Only their ratios count.

    Calling it and ``spread`` leave the models in the mode they are in; ``predict``,
    ``predict_proba``, ``uncertainty`` and ``score`` take arrays, too, and set eval mode themselves.

    Raises:
        ValueError: no model, one model twice, an unknown way to combine, weights that are negative
            or all 0, models whose outputs differ in shape, votes of what are no classes.

    Example:
        >>> import surefoot as sf
        >>> models = [sf.nn.Linear(1, 1, bias=False) for _ in range(3)]
        >>> for value, model in zip((1.0, 2.0, 6.0), models):
        ...     _ = sf.nn.init.constant_(model.weight, value)
        >>> both = Ensemble(models)
        >>> both(sf.ones(1, 1)).item(), round(both.spread(sf.ones(1, 1)).item(), 4)
        (3.0, 2.6458)

    Source: Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation
    using deep ensembles"; Hansen and Salamon 1990, "Neural network ensembles".
    """

    weights: Tensor

    def __init__(
        self,
        models: Iterable[nn.Module],
        combine: Combine = "mean",
        weights: Sequence[float] | Tensor | None = None,
    ) -> None:
        super().__init__()
        self.models = nn.ModuleList(_checked(models))
        self.combine = checked_combine("Ensemble", combine)
        self.register_buffer("weights", _checked_weights(weights, len(self.models)))

    def forward(self, x: Any) -> Tensor:
        return combined(self.member_outputs(x), self.combine, self.weights)

    def spread(self, x: Any) -> Tensor:
        """The standard deviation over the models (n - 1 below the line) of what is averaged.

        Large where they disagree, as on inputs unlike the training data; its square is the
        predictive variance. NaN for a single model. With weights w of sum 1 the sum of
        ``w (y - mean)^2`` is divided by ``1 - sum w^2``.
        """
        with no_grad():
            return spread(self.member_outputs(x), self.combine, self.weights)

    def member_outputs(self, x: Any) -> Tensor:
        """What each model gives, (models, N, ...)."""
        outputs = [model(x) for model in self.models]
        for i, output in enumerate(outputs):
            if output.shape != outputs[0].shape:
                raise ValueError(
                    f"[Ensemble] model {i} gives {tuple(output.shape)}, model 0 "
                    f"{tuple(outputs[0].shape)}: all must answer the same question"
                )
        return _core.stack(outputs)

    def predict(self, x: Any, batch_size: int = 256) -> Tensor:
        """The mean output; with 'probability' and 'vote' each row's class, the first of equals."""
        answer = _core.cat(self._by_batches(x, batch_size, self.forward))
        return answer if self.combine == "mean" else answer.argmax(-1)

    def predict_proba(self, x: Any, batch_size: int = 256) -> Tensor:
        """The probability, or share of votes, of each class."""
        self._need_classes("predict_proba")
        answer = _core.cat(self._by_batches(x, batch_size, self.forward))
        return answer.exp() if self.combine == "probability" else answer

    def uncertainty(self, x: Any, batch_size: int = 256) -> Uncertainty:
        """Entropy, its part that data could settle, and disagreement; of values see ``spread``."""
        self._need_classes("uncertainty")
        outputs = _core.cat(self._by_batches(x, batch_size, self.member_outputs), 1)
        return uncertainty(outputs, self.weights)

    def score(self, x: Any, y: Any, batch_size: int = 256) -> float:
        """The share of right classes; with 'mean' R2."""
        return score_of(self.predict(x, batch_size), as_tensor(y), self.combine)

    def _need_classes(self, what: str) -> None:
        if self.combine == "mean":
            raise ValueError(
                f"[Ensemble] {what} is for classes, combine='probability' or 'vote'; of a mean of "
                "values, spread says how certain it is"
            )

    def _by_batches(self, x: Any, batch_size: int, work: Any) -> list[Tensor]:
        return by_batches("Ensemble", self, x, batch_size, work)


def score_of(predicted: Tensor, target: Tensor, combine: str) -> float:
    """Share of right classes; R2 of values."""
    if predicted.shape != target.shape:
        raise ValueError(
            f"[Ensemble] predictions {tuple(predicted.shape)} and targets {tuple(target.shape)} "
            "differ in shape"
        )
    if combine != "mean":
        return float((predicted == target).double().mean().item()) if len(target) else math.nan
    metric = R2()
    metric.update(predicted, target.to(predicted.dtype))
    return float(metric.compute())


def _checked(models: Iterable[nn.Module]) -> list[nn.Module]:
    if isinstance(models, nn.Module) and not isinstance(models, nn.ModuleList):
        raise TypeError("[Ensemble] one model is no ensemble; pass a list of models")
    members = list(models)
    if not members:
        raise ValueError("[Ensemble] needs at least one model")
    first: dict[int, int] = {}
    for i, member in enumerate(members):
        earlier = first.setdefault(id(member), i)
        if earlier != i:
            raise ValueError(
                f"[Ensemble] models {earlier} and {i} are the same object: build each one anew"
            )
    return members


def _checked_weights(weights: Sequence[float] | Tensor | None, count: int) -> Tensor:
    if weights is None:
        return _core.ones(count)
    given = weights.tolist() if isinstance(weights, Tensor) else list(weights)
    values = [float(w) for w in given]
    if len(values) != count:
        raise ValueError(f"[Ensemble] {count} models need {count} weights, not {len(values)}")
    if not all(w >= 0 and math.isfinite(w) for w in values) or not sum(values) > 0:
        raise ValueError(f"[Ensemble] weights {values}: none is negative, and one is above 0")
    return _core.tensor(values)
