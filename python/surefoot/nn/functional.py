"""Ops under the names of torch.nn.functional."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor, elu, gelu, linear, one_hot, selu, sigmoid, silu, softplus, tanh

from ._check import REDUCTIONS, one_of, probability

__all__ = [
    "linear",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "tanh",
    "sigmoid",
    "softmax",
    "log_softmax",
    "dropout",
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "one_hot",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise; its derivative at 0 is 0."""
    return input.relu_() if inplace else _core.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope * x otherwise, elementwise."""
    if inplace:
        return input.leaky_relu_(negative_slope)
    return _core.leaky_relu(input, negative_slope)


def softmax(input: Tensor, dim: int) -> Tensor:
    """exp(x_i) / sum_j exp(x_j) along `dim`, which must be given."""
    return _core.softmax(input, dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """x_i - log sum_j exp(x_j) along `dim`, which must be given."""
    return _core.log_softmax(input, dim)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero with probability p, else x / (1 - p); the identity unless `training`."""
    probability("dropout", "p", p)
    if not inplace:
        return _core.dropout(input, p, training)
    return input.copy_(_core.dropout(input, p, True)) if training else input


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target] of logits; see nn.CrossEntropyLoss."""
    one_of("cross_entropy", "reduction", reduction, REDUCTIONS)
    return _core.cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-input[target] of log-probabilities; see nn.NLLLoss."""
    one_of("nll_loss", "reduction", reduction, REDUCTIONS)
    return _core.nll_loss(input, target, weight, ignore_index, reduction)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)^2; the shapes must be equal."""
    one_of("mse_loss", "reduction", reduction, REDUCTIONS)
    return _core.mse_loss(input, target, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|input - target|; the shapes must be equal."""
    one_of("l1_loss", "reduction", reduction, REDUCTIONS)
    return _core.l1_loss(input, target, reduction)
