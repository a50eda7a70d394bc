"""Schedules that lower the rate by a formula of the number of steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "InverseTimeLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(LRScheduler):
    """``lr = lr0 * gamma^floor(t / step_size)``: a drop every ``step_size`` steps.

    "Halve every 5 epochs" is ``StepLR(optimizer, 5, gamma=0.5)``.

    Raises:
        ValueError: ``step_size < 1`` or ``gamma < 0``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.8)
        >>> schedule = StepLR(opt, step_size=2, gamma=0.5)
        >>> for _ in range(4):
        ...     schedule.step()
        >>> schedule.get_last_lr()
        [0.2]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = _check.integer("StepLR", "step_size", step_size, 1)
        _check.number("StepLR", "gamma", gamma, 0)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return float(base * self.gamma ** (t // self.step_size))


class MultiStepLR(LRScheduler):
    """``lr = lr0 * gamma^(number of milestones <= t)``: a drop at every milestone.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.8)
        >>> schedule = MultiStepLR(opt, milestones=[2, 3], gamma=0.5)
        >>> for _ in range(3):
        ...     schedule.step()
        >>> schedule.get_last_lr()
        [0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = sorted(
            _check.integer("MultiStepLR", "milestones", m, 0) for m in milestones
        )
        _check.number("MultiStepLR", "gamma", gamma, 0)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return float(base * self.gamma ** bisect_right(self.milestones, t))


class ConstantLR(LRScheduler):
    """``lr = lr0 * factor`` for the first ``total_iters`` steps, then ``lr0``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.5)
        >>> ConstantLR(opt, factor=0.5, total_iters=3).get_last_lr()
        [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.factor = _check.probability("ConstantLR", "factor", factor)
        self.total_iters = _check.integer("ConstantLR", "total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return base * self.factor if t < self.total_iters else base


class LinearLR(LRScheduler):
    """``lr = lr0 * (start_factor + (end_factor - start_factor) * min(t / total_iters, 1))``.

    With the defaults a warm-up; ``WarmupLR`` puts it before another schedule.

    Raises:
        ValueError: ``start_factor`` outside (0, 1] or ``end_factor`` outside [0, 1].

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = LinearLR(opt, start_factor=0.5, total_iters=4)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.625]
    """

    _relative = True

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        _check.positive("LinearLR", "start_factor", start_factor)
        self.start_factor = _check.probability("LinearLR", "start_factor", start_factor)
        self.end_factor = _check.probability("LinearLR", "end_factor", end_factor)
        self.total_iters = _check.integer("LinearLR", "total_iters", total_iters, 1)
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        if t >= self.total_iters:
            return base * self.end_factor
        way = (self.end_factor - self.start_factor) * (t / self.total_iters)
        return base * (self.start_factor + way)


class ExponentialLR(LRScheduler):
    """``lr = lr0 * gamma^t``; ``gamma = exp(-k)`` gives ``lr0 * e^(-k t)``.

    Known misprint: ``lr0^(-k t)``, which grows for ``lr0 < 1``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = ExponentialLR(opt, gamma=0.5)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    _relative = True

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        _check.number("ExponentialLR", "gamma", gamma, 0)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return float(base * self.gamma**t)


class InverseTimeLR(LRScheduler):
    """``lr = lr0 / (1 + k t)``.

    Keras calls it InverseTimeDecay, with ``k = decay_rate / decay_steps``; PyTorch has it as
    Adagrad's ``lr_decay`` only.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = InverseTimeLR(opt, k=0.25)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.8]
    """

    def __init__(self, optimizer: Optimizer, k: float, last_epoch: int = -1) -> None:
        _check.number("InverseTimeLR", "k", k, 0)
        self.k = k
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return base / (1 + self.k * t)


class PolynomialLR(LRScheduler):
    """``lr = lr0 * (1 - min(t / total_iters, 1))^power``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = PolynomialLR(opt, total_iters=4, power=2.0)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5625]
    """

    _relative = True

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = _check.integer("PolynomialLR", "total_iters", total_iters, 1)
        _check.number("PolynomialLR", "power", power, 0)
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        left = (self.total_iters - min(t, self.total_iters)) / self.total_iters
        return float(base * left**self.power)
