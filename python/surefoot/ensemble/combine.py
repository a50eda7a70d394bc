"""Rules that make one answer of many, and measures of how far the many lie apart.

Members come first in every tensor here, (M, N, ...); classes are the last dimension. Weights are
(M,), or (M, N) where each row has its own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from surefoot import _core
from surefoot._check import choice
from surefoot._core import Tensor

__all__ = ["Uncertainty", "checked_combine", "combined", "spread", "uncertainty"]

Combine = Literal["mean", "probability", "vote"]

_TINY = 1.2e-38  # the smallest normal float32: p log(p) is 0 where p is


class Uncertainty(NamedTuple):
    """What the members of an ensemble do not know about each row's class; in nats, (N, ...).

    entropy: of the mean probabilities, all uncertainty together; at most log C.
    expected_entropy: mean entropy of the members: what noise in the data explains.
    mutual_information: their difference: what more data could settle, 0 where members agree.
    disagreement: share of members that vote for another class than most do.

    Source: Houlsby et al. 2011, "Bayesian active learning for classification and preference
    learning".
    """

    entropy: Tensor
    expected_entropy: Tensor
    mutual_information: Tensor
    disagreement: Tensor


def checked_combine(who: str, combine: str) -> str:
    """Return a known way to combine."""
    return choice(who, "combine", combine, ("mean", "probability", "vote"))


def combined(outputs: Tensor, combine: str, weights: Tensor) -> Tensor:
    """Mean output, log of the mean probability, or share of votes."""
    if combine == "probability":
        _check_classes(outputs)
        logs, weights = outputs.log_softmax(-1), weights.to(outputs.dtype)
        return (logs + _wide(weights.log(), logs)).logsumexp(0) - _wide(
            weights.sum(0).log().unsqueeze(0), logs
        ).squeeze(0)
    return weighted_mean(parts(outputs, combine), weights)


def parts(outputs: Tensor, combine: str) -> Tensor:
    """What is averaged: outputs, probabilities or votes."""
    if combine == "mean":
        return outputs
    _check_classes(outputs)
    if combine == "probability":
        return outputs.softmax(-1)
    votes = _core.one_hot(outputs.detach().argmax(-1), outputs.shape[-1])
    return votes.to(outputs.dtype)


def spread(outputs: Tensor, combine: str, weights: Tensor) -> Tensor:
    """sqrt(sum w (y - mean)^2 / (1 - sum w^2)), w of sum 1: for equal w the n - 1 of statistics."""
    values = parts(outputs, combine)
    shares = (weights / weights.sum(0)).to(values.dtype)
    variance = weighted_mean((values - weighted_mean(values, weights)).square(), weights)
    return (variance / (1.0 - shares.square().sum())).sqrt()


def uncertainty(outputs: Tensor, weights: Tensor) -> Uncertainty:
    """Entropy of the mean probabilities and its two parts; how far the votes differ."""
    p = parts(outputs, "probability")
    entropy = _entropy(weighted_mean(p, weights))
    expected = weighted_mean(_entropy(p), weights)
    most = weighted_mean(parts(outputs, "vote"), weights).amax(-1)
    return Uncertainty(entropy, expected, (entropy - expected).clamp(min=0.0), 1.0 - most)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """sum w y / sum w; divided at the end, so that equal sums of votes are equal to the bit."""
    weights = weights.to(values.dtype)
    total = _wide(weights.sum(0).unsqueeze(0), values).squeeze(0)
    return (values * _wide(weights, values)).sum(0) / total


def _wide(weights: Tensor, values: Tensor) -> Tensor:
    return weights.reshape(*weights.shape, *[1] * (values.ndim - weights.ndim))


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.clamp(min=_TINY).log()).sum(-1)


def _check_classes(outputs: Tensor) -> None:
    if outputs.ndim < 3 or outputs.shape[-1] < 2:
        raise ValueError(
            f"[Ensemble] outputs {tuple(outputs.shape[1:])} of a model are no classes: expected "
            "(N, C) with two or more. Values of a regression, and the single logit of two classes, "
            "have combine='mean'"
        )
