"""Copies of a model's parameters, buffers and modes, to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surefoot import nn
from surefoot._core import Tensor

__all__ = ["copy_weights", "load_weights", "mode_kept"]

Weights = dict[str, Tensor]


def copy_weights(model: nn.Module) -> Weights:
    """Return an independent copy of everything in the model's ``state_dict``."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def load_weights(model: nn.Module, weights: Weights) -> None:
    """Put a copy back into the model, in place."""
    model.load_state_dict(weights)


@contextmanager
def mode_kept(model: nn.Module) -> Iterator[None]:
    """Give every module its train/eval mode back at the end of the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
