"""Batch size by schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot import _check

from ._base import Schedule

__all__ = ["BatchSizeGrowth"]


class BatchSizeGrowth(Schedule):
    """``batch_size = min(floor(size0 * factor^floor(t / step_size)), max_size)``; step per epoch.

    Growing batches calm the noise of the gradient as a falling rate does, in fewer updates.

    Args:
        loader: a DataLoader, or anything with ``batch_size``; the next epoch has the new size.
        step_size: epochs between two growths.
        factor: growth, at least 1.
        max_size: limit; none if left out.

    Example:
        >>> import surefoot as sf
        >>> loader = sf.data.DataLoader(sf.arange(100), batch_size=8)
        >>> schedule = BatchSizeGrowth(loader, step_size=2, max_size=20)
        >>> sizes = []
        >>> for _ in range(5):
        ...     schedule.step()
        ...     sizes.append(loader.batch_size)
        >>> sizes
        [8, 16, 16, 20, 20]

    To resume within an epoch load this state before that of the loader. Source: Smith et al. 2018,
    "Don't decay the learning rate, increase the batch size".
    """

    _hidden = ("loader",)

    def __init__(
        self,
        loader: Any,
        step_size: int,
        factor: float = 2.0,
        max_size: int | None = None,
        last_epoch: int = -1,
    ) -> None:
        rule = "BatchSizeGrowth"
        if not hasattr(loader, "batch_size"):
            raise TypeError(f"[{rule}] {type(loader).__name__} has no batch_size")
        self.loader = loader
        self.initial_size = _check.integer(rule, "batch_size", loader.batch_size, 1)
        self.step_size = _check.integer(rule, "step_size", step_size, 1)
        _check.number(rule, "factor", factor, 1)
        self.factor = factor
        self.max_size = max_size
        if max_size is not None:
            self.max_size = _check.integer(rule, "max_size", max_size, self.initial_size)
        self._go(_check.integer(rule, "last_epoch", last_epoch, -1) + 1)

    def get_batch_size(self) -> int:
        """The batch size after ``last_epoch`` steps."""
        limit = 2**62 if self.max_size is None else self.max_size
        growths = self.last_epoch // self.step_size
        try:
            return int(min(self.initial_size * self.factor**growths, limit))
        except OverflowError:
            return limit

    def _go(self, t: int) -> None:
        self.last_epoch = t
        self.loader.batch_size = self.get_batch_size()

    def _load(self, state: Mapping[str, Any]) -> None:
        super()._load(state)
        self._go(self.last_epoch)
