"""Schedules given by a function of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surefoot.optim.optimizer import Optimizer

from ._base import LRScheduler, callables

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """``lr = lr0 * lr_lambda(t)``; one function for all groups or a list with one a group.

    Functions are not saved in the state; of a callable object the attributes are.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = LambdaLR(opt, lambda t: 1 / (1 + t))
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    _follows = False
    _per_group = True

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas = callables("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def _lr(self, i: int, base: float, t: int) -> float:
        return base * self.lr_lambdas[i](t)


class MultiplicativeLR(LRScheduler):
    """``lr(t) = lr(t - 1) * lr_lambda(t)`` for ``t >= 1``, from ``lr0``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = MultiplicativeLR(opt, lambda t: 0.5)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    _relative = True
    _per_group = True

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas = callables("MultiplicativeLR", "lr_lambda", lr_lambda, optimizer)
        self._products = [1.0] * len(self.lr_lambdas)  # of the factors up to step _time
        self._time = 0
        super().__init__(optimizer, last_epoch)

    def _go(self, t: int) -> None:
        if t < self._time:
            self._products, self._time = [1.0] * len(self.lr_lambdas), 0
        for step in range(self._time + 1, t + 1):
            factors = [function(step) for function in self.lr_lambdas]
            self._products = [p * f for p, f in zip(self._products, factors, strict=True)]
        self._time = t
        super()._go(t)

    def _lr(self, i: int, base: float, t: int) -> float:
        return base * self._products[i]
