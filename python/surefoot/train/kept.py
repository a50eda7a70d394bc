"""Trials that leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.nn._mode import mode_kept

from .weights import copy_weights, load_weights

__all__ = ["Start", "all_kept"]


class Start:
    """Weights, optimizer and random numbers at one moment, to go back to as often as wanted."""

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        self._weights, self._rng = copy_weights(model), _core.get_rng_state()
        saved = optimizer.state_dict()
        self._optimizer = {**saved, "state": _copied(saved["state"])}

    def back(self) -> None:
        """Make everything as it was."""
        load_weights(self.model, self._weights)
        self.optimizer.load_state_dict(self._optimizer)
        _core.set_rng_state(self._rng)


@contextmanager
def all_kept(model: nn.Module, optimizer: optim.Optimizer) -> Iterator[Start]:
    """After the block weights, gradients, modes, optimizer and random numbers are as before."""
    start = Start(model, optimizer)
    grads = [(parameter, parameter.grad) for parameter in model.parameters()]
    options = [
        {k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups
    ]
    for parameter, _ in grads:
        parameter.grad = None
    try:
        with mode_kept(model):
            yield start
    finally:
        start.back()
        for parameter, grad in grads:
            parameter.grad = grad
        for group, own in zip(optimizer.param_groups, options, strict=True):
            group.update(own)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value.detach().clone() if isinstance(value, Tensor) else value
