"""Rates that go up and down, the momentum against them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler, half_cosine, per_group

__all__ = ["CyclicLR", "OneCycleLR"]

Rates = float | Sequence[float]


class _WithMomentum(LRScheduler):
    """Sets momentum (or Adam's first beta) together with the rate."""

    _follows = False
    _per_group = True
    _is_initial: ClassVar[bool]  # do other schedules go from this one's first rate, as in torch?

    cycle_momentum: bool

    def __init__(self, optimizer: Optimizer, last_epoch: int, first: Sequence[float]) -> None:
        groups = getattr(optimizer, "param_groups", ())
        for group in groups:
            if self.cycle_momentum and "momentum" not in group and "betas" not in group:
                raise ValueError(
                    f"[{type(self).__name__}] {type(optimizer).__name__} has neither momentum nor "
                    "betas; pass cycle_momentum=False"
                )
        self._first = list(first)  # the rates at t = 0
        if last_epoch == -1:
            for group, lr in zip(groups, first, strict=True):
                group["lr"] = lr
                if self._is_initial:
                    group["initial_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def _momentum(self, i: int, t: int) -> float:
        raise NotImplementedError

    def _write(self, values: Sequence[float]) -> None:
        super()._write(values)
        if not self.cycle_momentum:
            return
        for i, group in enumerate(self.optimizer.param_groups):
            momentum = self._momentum(i, self.last_epoch)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """From ``base_lr`` up to ``max_lr`` in ``step_size_up`` steps, down again, and so on.

    With ``h`` the height in the cycle, from 0 up to 1 and back to 0, and ``c = 1, 2, ...`` the
    number of the cycle::

        lr = base_lr + (max_lr - base_lr) * h * a
        momentum = max_momentum - (max_momentum - base_momentum) * h * a

    Args:
        base_lr, max_lr: the bounds, numbers or one per group.
        step_size_up, step_size_down: steps up and down; down as up if left out.
        mode: ``'triangular'`` (a = 1), ``'triangular2'`` (a = 2^(1 - c)), ``'exp_range'``
            (a = gamma^t).
        gamma: for ``'exp_range'``.
        scale_fn, scale_mode: ``a`` as a function of the cycle (``'cycle'``) or of t
            (``'iterations'``), instead of ``mode``.
        cycle_momentum: move momentum (Adam: the first beta) against the rate.
        base_momentum, max_momentum: its bounds, numbers or one per group.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        >>> schedule = CyclicLR(opt, base_lr=0.1, max_lr=0.5, step_size_up=2)
        >>> schedule.step()
        >>> round(schedule.get_last_lr()[0], 6), round(opt.param_groups[0]["momentum"], 6)
        (0.3, 0.85)

    Source: Smith 2017, "Cyclical learning rates for training neural networks".
    """

    _is_initial = False

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Rates,
        max_lr: Rates,
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.8,
        max_momentum: Rates = 0.9,
        last_epoch: int = -1,
    ) -> None:
        rule = "CyclicLR"
        low = _numbers(rule, "base_lr", base_lr, optimizer)
        self.max_lrs = _numbers(rule, "max_lr", max_lr, optimizer)
        self.step_size_up = _check.positive(rule, "step_size_up", step_size_up)
        down = step_size_up if step_size_down is None else step_size_down
        self.step_size_down = _check.positive(rule, "step_size_down", down)
        if scale_fn is None:
            _check.choice(rule, "mode", mode, ("triangular", "triangular2", "exp_range"))
        _check.choice(rule, "scale_mode", scale_mode, ("cycle", "iterations"))
        _check.number(rule, "gamma", gamma, 0)
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        _check.flag(rule, "cycle_momentum", cycle_momentum)
        self.cycle_momentum = cycle_momentum
        self.base_momentums = _numbers(rule, "base_momentum", base_momentum, optimizer, 1.0)
        self.max_momentums = _numbers(rule, "max_momentum", max_momentum, optimizer, 1.0)
        super().__init__(optimizer, last_epoch, low)

    def _height(self, t: int) -> float:
        total = self.step_size_up + self.step_size_down
        cycle, place = t // total + 1, t % total
        if place <= self.step_size_up:
            height = place / self.step_size_up
        else:
            height = (total - place) / self.step_size_down
        if self.scale_fn is not None:
            return height * self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "exp_range":
            return float(height * self.gamma**t)
        return float(height * 0.5 ** (cycle - 1)) if self.mode == "triangular2" else height

    def _lr(self, i: int, base: float, t: int) -> float:
        low = self._first[i]
        return low + (self.max_lrs[i] - low) * self._height(t)

    def _momentum(self, i: int, t: int) -> float:
        low, high = self.base_momentums[i], self.max_momentums[i]
        return high - (high - low) * self._height(t)


class OneCycleLR(_WithMomentum):
    """One climb from ``max_lr / div_factor`` to ``max_lr`` and one descent far below; step it
    after every batch.

    The climb takes the share ``pct_start`` of the steps, the descent to
    ``max_lr / div_factor / final_div_factor`` the rest; with ``three_phase`` the descent to the
    first rate takes as long as the climb, and the last phase goes on from there. Momentum (Adam:
    the first beta) goes from ``max_momentum`` to ``base_momentum`` and back.

    Args:
        max_lr: the highest rate, a number or one per group.
        total_steps: steps of the whole run, or ``epochs`` and ``steps_per_epoch``; left out, the
            Trainer tells it (``LRSchedule``).
        anneal_strategy: ``'cos'`` or ``'linear'``.

    Raises:
        ValueError: a step more than ``total_steps``, or a step without knowing the total.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        >>> schedule = OneCycleLR(opt, max_lr=1.0, total_steps=10)
        >>> for _ in range(2):
        ...     schedule.step()
        >>> schedule.get_last_lr(), round(opt.param_groups[0]["momentum"], 6)
        ([1.0], 0.85)

    PyTorch refuses a missing total at once, and after the last step of all leaves a rate beyond
    the end of the curve; here it stays at the end. Source: Smith and Topin 2018,
    "Super-convergence: very fast training of neural networks using large learning rates".
    """

    _is_initial = True

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Rates,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.85,
        max_momentum: Rates = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        rule = "OneCycleLR"
        self._from_run = total_steps is None and epochs is None and steps_per_epoch is None
        self.total_steps = None if self._from_run else _total(total_steps, epochs, steps_per_epoch)
        _check.probability(rule, "pct_start", pct_start)
        _check.choice(rule, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        _check.flag(rule, "cycle_momentum", cycle_momentum)
        _check.flag(rule, "three_phase", three_phase)
        self.max_lrs = _numbers(rule, "max_lr", max_lr, optimizer)
        self.pct_start, self.anneal_strategy = pct_start, anneal_strategy
        self.cycle_momentum, self.three_phase = cycle_momentum, three_phase
        self.base_momentums = _numbers(rule, "base_momentum", base_momentum, optimizer, 1.0)
        self.max_momentums = _numbers(rule, "max_momentum", max_momentum, optimizer, 1.0)
        div_factor = _check.positive(rule, "div_factor", div_factor)
        self.final_div_factor = _check.positive(rule, "final_div_factor", final_div_factor)
        super().__init__(optimizer, last_epoch, [high / div_factor for high in self.max_lrs])

    def set_length(self, steps: int) -> None:
        if self._from_run:
            self.total_steps = _check.integer("OneCycleLR", "total_steps", steps, 1)

    def _place(self, t: int) -> tuple[int, float]:
        """The phase (0 = climb) and how far through it ``t`` is, from 0 to 1."""
        if self.total_steps is None:
            if t == 0:
                return 0, 0.0
            raise ValueError(
                "[OneCycleLR] total_steps is missing: pass it (or epochs and steps_per_epoch), or "
                "give the schedule to a Trainer (LRSchedule), which knows it"
            )
        if t > self.total_steps:
            raise ValueError(
                f"[OneCycleLR] step {t} of a run of total_steps={self.total_steps}: step() once "
                "per batch, and give the number of batches of all epochs"
            )
        climb = self.pct_start * self.total_steps
        ends = [climb - 1, 2 * climb - 2] if self.three_phase else [climb - 1]
        start, last = 0.0, self.total_steps - 1.0
        for phase, end in enumerate(ends):
            if t <= end:
                return phase, (t - start) / (end - start) if end > start else 1.0
            start = end
        return len(ends), min((t - start) / (last - start), 1.0) if last > start else 1.0

    def _along(self, points: Sequence[float], t: int) -> float:
        """Where the curve through ``points``, one more than phases, is at ``t``."""
        phase, share = self._place(t)
        begin, end = points[phase], points[phase + 1]
        if self.anneal_strategy == "linear":
            return begin + (end - begin) * share
        return end + (begin - end) * half_cosine(share)

    def _lr(self, i: int, base: float, t: int) -> float:
        first, high, low = self._first[i], self.max_lrs[i], self._first[i] / self.final_div_factor
        return self._along([first, high, first, low] if self.three_phase else [first, high, low], t)

    def _momentum(self, i: int, t: int) -> float:
        low, high = self.base_momentums[i], self.max_momentums[i]
        return self._along([high, low, high, high] if self.three_phase else [high, low, high], t)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return _check.integer("OneCycleLR", "total_steps", total_steps, 1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("[OneCycleLR] pass total_steps, or both epochs and steps_per_epoch")
    return _check.integer("OneCycleLR", "epochs", epochs, 1) * _check.integer(
        "OneCycleLR", "steps_per_epoch", steps_per_epoch, 1
    )


def _numbers(
    rule: str, name: str, value: Rates, optimizer: Any, below: float = math.inf
) -> list[float]:
    values = per_group(rule, name, value, optimizer)
    for number in values:
        _check.number(rule, name, number, 0, below)
    return [float(number) for number in values]
