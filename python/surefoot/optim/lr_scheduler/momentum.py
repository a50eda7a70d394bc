"""Momentum by schedule, and what momentum does to the rate."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import Schedule

__all__ = ["SutskeverMomentum", "lr_with_momentum"]


class SutskeverMomentum(Schedule):
    """``momentum = min(1 - 2^(-1 - log2(floor(t / 250) + 1)), mu_max)``, t = calls of ``step``.

    That is 0.5, 0.75, 0.8333, 0.875, ... for 250 steps each, up to ``mu_max``; step it after every
    batch. The paper takes ``mu_max`` from 0.999, 0.995, 0.99, 0.9 and 0, with Nesterov momentum.

    Raises:
        ValueError: ``mu_max`` outside [0, 1), or an optimizer without the option ``momentum``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        >>> schedule = SutskeverMomentum(opt, mu_max=0.99)
        >>> first = opt.param_groups[0]["momentum"]
        >>> for _ in range(250):
        ...     schedule.step()
        >>> first, opt.param_groups[0]["momentum"]
        (0.5, 0.75)

    Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning".
    """

    _hidden = ("optimizer",)

    def __init__(self, optimizer: Optimizer, mu_max: float = 0.99, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"[SutskeverMomentum] {type(optimizer).__name__} is not an Optimizer")
        _check.number("SutskeverMomentum", "mu_max", mu_max, 0, 1)
        if any("momentum" not in group for group in optimizer.param_groups):
            raise ValueError(
                f"[SutskeverMomentum] {type(optimizer).__name__} has no option momentum; use SGD"
            )
        self.optimizer, self.mu_max = optimizer, mu_max
        self._go(_check.integer("SutskeverMomentum", "last_epoch", last_epoch, -1) + 1)

    def get_momentum(self) -> float:
        """The momentum after ``last_epoch`` steps."""
        return min(1 - 0.5 / (self.last_epoch // 250 + 1), self.mu_max)

    def _go(self, t: int) -> None:
        self.last_epoch = t
        for group in self.optimizer.param_groups:
            group["momentum"] = self.get_momentum()

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._go(self.last_epoch)


def lr_with_momentum(optimizer: Optimizer, warn_above: float = 1.0) -> list[float]:
    """``lr / (1 - momentum)`` of every group: how far steps carry under a constant gradient.

    The higher the momentum, the lower lr has to be. Where momentum averages the gradient
    (``momentum_form='ema'``, or Adam's betas) it is lr itself.

    Warns:
        UserWarning: a rate above ``warn_above``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.1, momentum=0.75)
        >>> lr_with_momentum(opt)
        [0.4]
    """
    rates = []
    for i, group in enumerate(optimizer.param_groups):
        momentum = 0.0 if group.get("momentum_form") == "ema" else group.get("momentum", 0.0)
        rate = group["lr"] / (1 - momentum) if momentum < 1 else float("inf")
        rates.append(rate)
        if momentum and rate > warn_above:
            warnings.warn(
                f"[lr_with_momentum] group {i}: lr={group['lr']:g} with momentum={momentum:g} goes "
                f"as far as lr={rate:g} without; lower lr when momentum is high",
                stacklevel=2,
            )
    return rates
