"""Rates lowered by what is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler, per_group

__all__ = ["HalveOnWorse", "ReduceLROnPlateau"]


class _Measured(LRScheduler):
    """Leaves the rates as they are until a measurement says otherwise."""

    needs_metric = True
    _follows = False

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """One unit of time has passed, with this result.

        Raises:
            ValueError: the result is NaN.
        """
        value = float(metrics)
        if math.isnan(value):
            raise ValueError(
                f"[{type(self).__name__}] the measured value is NaN at step "
                f"{self.last_epoch + 1}: the run has diverged or the metric is undefined; lower "
                "the learning rate, or look for NaN in the data"
            )
        self._follow()
        self.last_epoch += 1
        self._take(value)
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def _take(self, value: float) -> None:
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]


class ReduceLROnPlateau(_Measured):
    """``lr = max(lr * factor, min_lr)`` when the metric has not improved for long.

    Args:
        mode: ``'min'`` where lower is better, ``'max'`` where higher is.
        factor: below 1.
        patience: this many steps without improvement are allowed; the next one lowers the rate.
        threshold, threshold_mode: an improvement is ``value < best * (1 - threshold)``
            (``'rel'``) or ``value < best - threshold`` (``'abs'``); for ``'max'`` above, with +.
        cooldown: steps after a reduction in which nothing is counted.
        min_lr: lowest rate, a number or one per group.
        eps: a change of at most this is left out.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = ReduceLROnPlateau(opt, patience=1, factor=0.5)
        >>> for val_loss in (3.0, 2.0, 2.0, 2.5):
        ...     schedule.step(val_loss)
        >>> schedule.get_last_lr()
        [0.5]

    A metric that is NaN is an error; in PyTorch it counts as a step without improvement.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        rule = "ReduceLROnPlateau"
        _check.choice(rule, "mode", mode, ("min", "max"))
        _check.choice(rule, "threshold_mode", threshold_mode, ("rel", "abs"))
        _check.number(rule, "factor", factor, 0, 1)
        _check.number(rule, "threshold", threshold, 0)
        _check.number(rule, "eps", eps, 0)
        self.min_lrs = per_group(rule, "min_lr", min_lr, optimizer)
        for low in self.min_lrs:
            _check.number(rule, "min_lr", low, 0)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.mode, self.factor, self.eps = mode, factor, eps
        self.patience = _check.integer(rule, "patience", patience, 0)
        self.cooldown = _check.integer(rule, "cooldown", cooldown, 0)
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        super().__init__(optimizer)

    def _follow(self) -> None:
        later = len(self.optimizer.param_groups) - len(self.min_lrs)
        if later > 0 and self.default_min_lr is None:
            raise ValueError(
                "[ReduceLROnPlateau] the optimizer got a group after the schedule was made, and "
                "min_lr is a list: make a new schedule, or give one min_lr for all"
            )
        self.min_lrs += [self.default_min_lr] * later
        super()._follow()

    def is_better(self, value: float, best: float) -> bool:
        """Whether ``value`` is an improvement on ``best``."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * value > sign * (best + sign * self.threshold)
        return sign * value > sign * (best * (1 + sign * self.threshold))

    @property
    def in_cooldown(self) -> bool:
        """Whether a reduction was made less than ``cooldown`` steps ago."""
        return self.cooldown_counter > 0

    def _take(self, value: float) -> None:
        if self.is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, low in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lower = max(group["lr"] * self.factor, low)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0


class HalveOnWorse(_Measured):
    """``lr = lr * factor`` when the metric is above that of the *previous* step.

    Compared is the step before, not the best one, and there is no patience. ReduceLROnPlateau
    compares with the best. Not in PyTorch.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = HalveOnWorse(opt)
        >>> for val_error in (0.5, 0.3, 0.4, 0.35):
        ...     schedule.step(val_error)
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 0.5) -> None:
        _check.number("HalveOnWorse", "factor", factor, 0, 1)
        self.factor = factor
        self.previous: float | None = None
        super().__init__(optimizer)

    def _take(self, value: float) -> None:
        if self.previous is not None and value > self.previous:
            for group in self.optimizer.param_groups:
                group["lr"] *= self.factor
        self.previous = value
