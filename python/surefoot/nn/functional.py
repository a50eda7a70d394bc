"""Ops under the names of torch.nn.functional; most are those of surefoot itself."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import (
    Tensor,
    batch_norm,
    celu,
    cross_entropy,
    elu,
    gelu,
    group_norm,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    instance_norm,
    l1_loss,
    layer_norm,
    linear,
    log_softmax,
    logsigmoid,
    mish,
    mse_loss,
    nll_loss,
    one_hot,
    pad,
    relu6,
    rms_norm,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)

from ._dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)

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
    "relu6",
    "celu",
    "mish",
    "logsigmoid",
    "softsign",
    "tanhshrink",
    "softshrink",
    "hardshrink",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "threshold",
    "softmax",
    "log_softmax",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "rms_norm",
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "one_hot",
    "pad",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise; its derivative at 0 is 0."""
    return input.relu_() if inplace else _core.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope * x otherwise, elementwise."""
    if inplace:
        return input.leaky_relu_(negative_slope)
    return _core.leaky_relu(input, negative_slope)
