"""Copies of a model's parameters and buffers, to go back to."""

from __future__ import annotations

from collections.abc import Mapping

from surefoot import nn
from surefoot._core import Tensor

__all__ = ["copied", "copy_weights", "load_weights"]

Weights = dict[str, Tensor]


def copy_weights(model: nn.Module) -> Weights:
    """Return an independent copy of everything in the model's ``state_dict``."""
    return copied(model.state_dict(keep_vars=True))


def copied(weights: Mapping[str, Tensor]) -> Weights:
    """Return an independent copy of a ``state_dict``."""
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def load_weights(model: nn.Module, weights: Weights) -> None:
    """Put a copy back into the model, in place."""
    model.load_state_dict(weights)
