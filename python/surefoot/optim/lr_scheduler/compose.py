"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler
from .decay import LinearLR

__all__ = ["ChainedScheduler", "SequentialLR", "WarmupLR"]


class _Composed(LRScheduler):
    """Holds schedules of one optimizer; they write the rates."""

    _hidden = ("optimizer", "_schedulers")
    _follows = False  # the parts do

    _schedulers: list[LRScheduler]

    def _adopt(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        rule = type(self).__name__
        self._schedulers = list(schedulers)
        if not self._schedulers:
            raise ValueError(f"[{rule}] the list of schedulers is empty")
        for i, part in enumerate(self._schedulers):
            if not isinstance(part, LRScheduler):
                raise TypeError(f"[{rule}] schedulers[{i}] is a {type(part).__name__}")
            if part.needs_metric:
                raise TypeError(
                    f"[{rule}] schedulers[{i}] is a {type(part).__name__}, which needs step(value);"
                    " step it by itself"
                )
            optimizer = part.optimizer if optimizer is None else optimizer
            if part.optimizer is not optimizer:
                raise ValueError(f"[{rule}] schedulers[{i}] belongs to another optimizer")
        assert optimizer is not None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        parts = [part.state_dict() for part in self._schedulers]
        return {**super().state_dict(), "schedulers": parts}

    def _check_state(self, state: Mapping[str, Any]) -> None:
        super()._check_state(state)
        if len(state["schedulers"]) != len(self._schedulers):
            raise ValueError(
                f"[{type(self).__name__}] the state has {len(state['schedulers'])} schedulers, "
                f"not {len(self._schedulers)}"
            )
        for part, saved in zip(self._schedulers, state["schedulers"], strict=True):
            part._check_state(saved)

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        for part, saved in zip(self._schedulers, state["schedulers"], strict=True):
            part._load(saved)

    def _record(self) -> None:
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]


class SequentialLR(_Composed):
    """Schedules one after the other: the next one begins, at its own step 0, at each milestone.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.optim.lr_scheduler import ConstantLR, ExponentialLR
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> parts = [ConstantLR(opt, factor=0.5, total_iters=9), ExponentialLR(opt, gamma=0.5)]
        >>> schedule = SequentialLR(opt, parts, milestones=[2])
        >>> rates = schedule.get_last_lr()
        >>> for _ in range(3):
        ...     schedule.step()
        ...     rates += schedule.get_last_lr()
        >>> rates
        [0.5, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        rule = type(self).__name__
        self._adopt(schedulers, optimizer)
        self.milestones = [_check.integer(rule, "milestones", m, 1) for m in milestones]
        if len(self.milestones) != len(self._schedulers) - 1:
            raise ValueError(
                f"[{rule}] {len(self._schedulers)} schedulers need {len(self._schedulers) - 1} "
                f"milestones, got {len(self.milestones)}"
            )
        if self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"[{rule}] milestones must increase, got {self.milestones}")
        self._active: int | None = None  # the schedule that made the last step
        super().__init__(optimizer, last_epoch)

    def _go(self, t: int) -> None:
        k = bisect_right(self.milestones, t)
        part, local = self._schedulers[k], t - (self.milestones[k - 1] if k else 0)
        if k == self._active and local == part.last_epoch + 1:
            part.step()
        else:
            groups = self.optimizer.param_groups
            for group, base in zip(groups, part.base_lrs, strict=False):  # not groups added later
                group["lr"] = base
            part._enter(local)
        self.last_epoch, self._active = t, k
        self._record()

    def _enter(self, t: int) -> None:
        self._active = None
        super()._enter(t)

    def set_length(self, steps: int) -> None:
        ends = [*self.milestones, steps]
        for part, start, end in zip(self._schedulers, [0, *self.milestones], ends, strict=True):
            if end > start:
                part.set_length(end - start)


class WarmupLR(SequentialLR):
    """``LinearLR(start_factor, total_iters=n)`` for n steps, then ``scheduler`` from its step 0.

    Args:
        scheduler: what follows the warm-up. A ``CosineAnnealingLR`` without ``T_max`` gets the
            rest of the run.
        total_iters: steps of the warm-up.
        start_factor: the first rate is ``lr0 * start_factor``.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.optim.lr_scheduler import CosineAnnealingLR
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = WarmupLR(opt, CosineAnnealingLR(opt, T_max=10), 2, start_factor=0.5)
        >>> rates = schedule.get_last_lr()
        >>> for _ in range(2):
        ...     schedule.step()
        ...     rates += schedule.get_last_lr()
        >>> rates
        [0.5, 0.75, 1.0]

    Not in PyTorch, where it is written out. Source: Goyal et al. 2017, "Accurate, large minibatch
    SGD".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        scheduler: LRScheduler,
        total_iters: int = 5,
        start_factor: float = 0.01,
        last_epoch: int = -1,
    ) -> None:
        begin = LinearLR(optimizer, start_factor, 1.0, total_iters, last_epoch)
        super().__init__(optimizer, [begin, scheduler], [total_iters], last_epoch)


class ChainedScheduler(_Composed):
    """All schedules at every step, each on top of the rates the one before it left.

    Their factors multiply: ``lr = lr0 * f1(t) * f2(t) * ...``

    Example:
        >>> import surefoot as sf
        >>> from surefoot.optim.lr_scheduler import ConstantLR, ExponentialLR
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> parts = [ConstantLR(opt, factor=0.5, total_iters=9), ExponentialLR(opt, gamma=0.5)]
        >>> schedule = ChainedScheduler(parts)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not isinstance(schedulers, Sequence):
            raise TypeError("[ChainedScheduler] schedulers must be a list")
        self.optimizer = self._adopt(schedulers, optimizer)
        self.last_epoch = self._schedulers[0].last_epoch
        self.base_lrs = [float(group["initial_lr"]) for group in self.optimizer.param_groups]
        self._scales = [1.0] * len(self.base_lrs)
        self._record()

    def step(self) -> None:
        for part in self._schedulers:
            part.step()
        self.last_epoch += 1
        self._record()

    def _enter(self, t: int) -> None:
        for part in self._schedulers:
            part._enter(t)
        self.last_epoch = t
        self._record()

    def set_length(self, steps: int) -> None:
        for part in self._schedulers:
            part.set_length(steps)
