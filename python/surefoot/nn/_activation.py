"""Activations as functions that can write into their input: what nn.functional publishes."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise; its derivative at 0 is 0."""
    return input.relu_() if inplace else _core.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), elementwise."""
    return input.hardtanh_(0.0, 6.0) if inplace else _core.relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope * x otherwise, elementwise."""
    if inplace:
        return input.leaky_relu_(negative_slope)
    return _core.leaky_relu(input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """x for x > 0, slope * x otherwise: random slopes in training, their mean otherwise."""
    y = _core.rrelu(input, lower, upper, training)
    return input.copy_(y) if inplace else y


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, alpha * (exp(x) - 1) otherwise, elementwise."""
    return input.elu_(alpha) if inplace else _core.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 * (x for x > 0, 1.6733 * (exp(x) - 1) otherwise), elementwise."""
    return input.selu_() if inplace else _core.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, alpha * (exp(x / alpha) - 1) otherwise, elementwise."""
    return input.celu_(alpha) if inplace else _core.celu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x / (1 + exp(-x)), elementwise."""
    return input.silu_() if inplace else _core.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(log(1 + exp(x))), elementwise."""
    return input.mish_() if inplace else _core.mish(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x cut off at min_val and max_val, elementwise."""
    return input.hardtanh_(min_val, max_val) if inplace else _core.hardtanh(input, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, elementwise."""
    return input.hardsigmoid_() if inplace else _core.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * min(max(x + 3, 0), 6) / 6, elementwise."""
    return input.hardswish_() if inplace else _core.hardswish(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above the threshold, value at and below it, elementwise."""
    if inplace:
        return input.threshold_(threshold, value)
    return _core.threshold(input, threshold, value)
