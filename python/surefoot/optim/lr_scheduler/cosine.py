"""Cosine annealing, once or with restarts."""

from __future__ import annotations

import math
import warnings

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler, half_cosine

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


def _between(low: float, high: float, share: float) -> float:
    """From ``high`` at share 0 to ``low`` at share 1, along half a cosine."""
    return low + (high - low) * half_cosine(share)


class CosineAnnealingLR(LRScheduler):
    """``lr = eta_min + (lr0 - eta_min) * (1 + cos(pi * t / T_max)) / 2``.

    Args:
        T_max: number of steps down to ``eta_min``; left out it is the length of the run, which
            the Trainer tells (``LRSchedule``). Beyond ``T_max`` the rate climbs again.
        eta_min: the lowest rate.

    Raises:
        TypeError: ``step`` without ``T_max`` where nobody said how long the run is.

    Warns:
        UserWarning: the run has another length than ``T_max``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = CosineAnnealingLR(opt, T_max=2)
        >>> schedule.step()
        >>> round(schedule.get_last_lr()[0], 6)
        0.5

    Known misprint: ``CosineAnnealingLR(optimizer)``, which PyTorch refuses: there ``T_max`` is
    required. Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm
    restarts".
    """

    _relative = True

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int | None = None,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max = (
            None if T_max is None else _check.integer("CosineAnnealingLR", "T_max", T_max, 1)
        )
        _check.number("CosineAnnealingLR", "eta_min", eta_min, 0)
        self.eta_min = eta_min
        self._from_run = T_max is None
        super().__init__(optimizer, last_epoch)

    def set_length(self, steps: int) -> None:
        if self._from_run:
            rates = [group["lr"] for group in self.optimizer.param_groups]
            longer, untouched = self.T_max is not None, rates == self._last_lr
            self.T_max = _check.integer("CosineAnnealingLR", "T_max", steps, 1)
            if longer and untouched:  # the rate of a run that was at its end comes up again
                self._go(self.last_epoch)
        elif steps != self.T_max:
            effect = "the rate climbs again" if steps > (self.T_max or 0) else "it stops early"
            warnings.warn(
                f"[CosineAnnealingLR] T_max={self.T_max}, but the run has {steps} steps: {effect}; "
                "leave T_max out to take it from the run",
                stacklevel=2,
            )

    def _lr(self, i: int, base: float, t: int) -> float:
        if t == 0:
            return base
        if self.T_max is None:
            raise TypeError(
                "[CosineAnnealingLR] T_max is missing: pass T_max, the number of calls of step() "
                "in the whole run, or give the schedule to a Trainer (LRSchedule), which knows it"
            )
        return _between(self.eta_min, base, t / self.T_max)

    def _floor(self) -> float:
        return self.eta_min


class CosineAnnealingWarmRestarts(LRScheduler):
    """``lr = eta_min + (lr0 - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2``, again and again.

    The first descent takes ``T_0`` steps, each later one ``T_mult`` times as many; ``T_cur``
    counts from the last restart. ``step(epoch)`` goes to any point in time, fractions included:
    ``step(epoch + batch / batches)`` within an epoch.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = CosineAnnealingWarmRestarts(opt, T_0=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     schedule.step()
        ...     rates.append(round(schedule.get_last_lr()[0], 6))
        >>> rates
        [0.5, 1.0, 0.5, 1.0]

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts".
    """

    _follows = False

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_0 = _check.integer("CosineAnnealingWarmRestarts", "T_0", T_0, 1)
        self.T_mult = _check.integer("CosineAnnealingWarmRestarts", "T_mult", T_mult, 1)
        _check.number("CosineAnnealingWarmRestarts", "eta_min", eta_min, 0)
        self.eta_min = eta_min
        self.T_i, self.T_cur = self.T_0, 0.0
        self._time = 0.0
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """One unit of time has passed, or it is now ``epoch``."""
        if epoch is not None:
            _check.number("CosineAnnealingWarmRestarts", "epoch", epoch, 0)
        self._follow()
        self._move(self._time + 1 if epoch is None else epoch)

    def _go(self, t: int) -> None:
        self._move(t)

    def _move(self, time: float) -> None:
        self._time, self.T_i, begin = time, self.T_0, 0
        if self.T_mult == 1:
            begin = int(time // self.T_0) * self.T_0
        else:
            while time >= begin + self.T_i:
                begin, self.T_i = begin + self.T_i, self.T_i * self.T_mult
        self.T_cur = time - begin
        super()._go(math.floor(time))

    def _lr(self, i: int, base: float, t: int) -> float:
        return _between(self.eta_min, base, self.T_cur / self.T_i)
