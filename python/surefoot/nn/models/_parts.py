"""What the ready architectures share: activations and poolings by name, checks of sizes."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot._check import choice, integer
from surefoot.nn import activation, pooling, rectifier
from surefoot.nn.module import Module

_ACTIVATIONS: dict[str, type[Module]] = {
    "relu": rectifier.ReLU,
    "leaky_relu": rectifier.LeakyReLU,
    "elu": rectifier.ELU,
    "selu": rectifier.SELU,
    "gelu": rectifier.GELU,
    "silu": rectifier.SiLU,
    "tanh": activation.Tanh,
    "sigmoid": activation.Sigmoid,
}
_POOLINGS: dict[str, type[pooling.MaxPool2d | pooling.AvgPool2d]] = {
    "max": pooling.MaxPool2d,
    "avg": pooling.AvgPool2d,
}


def activation_named(owner: str, name: str) -> Module:
    """Return a new activation layer, or raise ValueError listing the names."""
    return _ACTIVATIONS[choice(owner, "activation", name, tuple(_ACTIVATIONS))]()


def pooling_named(owner: str, name: str) -> Module:
    """Return a new 2 x 2 pooling layer, or raise ValueError listing the names."""
    return _POOLINGS[choice(owner, "pooling", name, tuple(_POOLINGS))](2)


def positive_ints(owner: str, name: str, values: Sequence[int]) -> list[int]:
    """Return ``values`` as ints, or raise ValueError/TypeError naming the argument."""
    if not isinstance(values, Sequence):
        raise TypeError(f"[{owner}] {name}={values!r}: must be a sequence of positive integers")
    return [integer(owner, f"{name}[{i}]", value, 1) for i, value in enumerate(values)]
