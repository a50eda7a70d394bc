"""MLP: the multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot._check import choice, integer
from surefoot.nn.batchnorm import BatchNorm1d
from surefoot.nn.container import Sequential
from surefoot.nn.dropout import Dropout
from surefoot.nn.linear import Linear
from surefoot.nn.module import Module
from surefoot.nn.normalization import LayerNorm
from surefoot.nn.standardize import Standardize

from ._parts import activation_named, positive_ints

__all__ = ["MLP"]

_NORMS: dict[str, type[BatchNorm1d | LayerNorm]] = {"batch": BatchNorm1d, "layer": LayerNorm}


class MLP(Sequential):
    """A multi-layer perceptron: per hidden size Linear, norm, activation, dropout; then Linear.

    Shapes: x (N, in_features), y (N, out_features), no activation on y.

    hidden: sizes of the hidden layers; empty for a linear model.
    activation: 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'tanh' or 'sigmoid'; the
    weights are drawn to fit it (init='auto').
    norm: None, 'batch' or 'layer'. A norm cancels the bias before it, so those layers have none.
    dropout: rate after each activation, 0 for none.
    standardize: begin with nn.Standardize, whose ``fit`` takes the training rows.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.MLP(64, [256, 128], 10, dropout=0.3)
        >>> net(sf.ones(5, 64)).shape
        (5, 10)
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int],
        out_features: int,
        *,
        activation: str = "relu",
        norm: str | None = None,
        dropout: float = 0.0,
        standardize: bool = False,
    ) -> None:
        if norm is not None:
            choice("MLP", "norm", norm, tuple(_NORMS))
        width = integer("MLP", "in_features", in_features, 1)
        layers: list[Module] = [Standardize(width)] if standardize else []
        for size in positive_ints("MLP", "hidden", hidden):
            layers.append(Linear(width, size, bias=norm is None))
            if norm is not None:
                layers.append(_NORMS[norm](size))
            layers.append(activation_named("MLP", activation))
            if dropout != 0:
                layers.append(Dropout(dropout))
            width = size
        super().__init__(*layers, Linear(width, out_features))
        self.config: dict[str, Any] = {
            "in_features": in_features,
            "hidden": list(hidden),
            "out_features": out_features,
            "activation": activation,
            "norm": norm,
            "dropout": dropout,
            "standardize": standardize,
        }
