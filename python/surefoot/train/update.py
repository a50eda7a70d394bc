"""How batches become changes of the weights: gathered, clipped, stepped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from surefoot import nn, optim
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.regularize import Terms

__all__ = ["Clip", "Update"]

Clip = float | tuple[str, float]

_CLIPS: dict[str, Callable[..., Any]] = {
    "norm": nn.utils.clip_grad_norm_,
    "parameter": lambda params, limit: nn.utils.clip_grad_norm_(params, limit, per_parameter=True),
    "value": nn.utils.clip_grad_value_,
}


class Update:
    """What stands between a backward pass and the optimizer.

    ``rows`` counts the rows whose gradients are gathered and not used yet. ``is_plain``: there is
    nothing to do but the step.
    """

    def __init__(
        self,
        optimizer: optim.Optimizer,
        loss: Any,
        terms: Terms,
        clip: Clip | None,
        accumulate: int,
    ) -> None:
        self.optimizer, self.terms, self.accumulate, self.rows = optimizer, terms, accumulate, 0
        self.closure = optimizer.closure_kind()
        self.is_plain = accumulate == 1 and not (len(terms) or clip is not None or self.closure)
        self._sums_up = getattr(loss, "reduction", "mean") == "sum"
        kind: str = "norm"
        self._limit: Any = clip
        if isinstance(clip, tuple):
            kind, self._limit = clip
        if kind not in _CLIPS or (clip is not None and not float(self._limit) > 0.0):
            raise ValueError(
                f"[Trainer] clip is a number above 0, for the norm of all gradients, or a pair of "
                f"{', '.join(map(repr, _CLIPS))} and a number, not {clip!r}"
            )
        self._clip = _CLIPS[kind]
        self._in_step = clip is not None and kind == "norm" and not self.closure
        if self._in_step:  # unless it is of somebody's own, with a step of its own
            self._in_step = "max_norm" in inspect.signature(optimizer.step).parameters
        integer("Trainer", "accumulate", accumulate, 1)
        if self.closure and accumulate > 1:
            raise ValueError(
                f"[Trainer] {type(optimizer).__name__} evaluates the loss of a batch more than "
                "once, so batches cannot be gathered: leave accumulate out, or take a larger batch"
            )
        if self.closure == "loss" and clip is not None:
            raise ValueError(
                f"[Trainer] {type(optimizer).__name__} calls backward itself: no clip with it"
            )

    def is_due(self, batch: int, num_batches: int | None) -> bool:
        """Whether the step follows this batch of the epoch."""
        return batch % self.accumulate == 0 or batch == num_batches

    def weighted(self, loss: Tensor, rows: int) -> Tensor:
        """What to call backward on: with penalties, and gathered batches count by their rows."""
        if not (self._sums_up and self.rows):  # of a sum, the penalty is part once
            loss = self.terms.add_to(loss)
        if self.accumulate > 1:
            loss = loss if self._sums_up else loss * rows
            self.rows += rows
        return loss

    def gather(self) -> None:
        """Make of the sum of gradients the gradient of one batch."""
        if not self._sums_up:
            with no_grad():
                for parameter in self._params():
                    if parameter.grad is not None:
                        parameter.grad.mul_(1.0 / self.rows)
        self.rows = 0

    def clip(self) -> None:
        """Clip the gradients, if that was asked for."""
        if self._limit is not None:
            self._clip(self._params(), self._limit)

    def step(self) -> None:
        """Change the weights by the gradients, clipped if that was asked for."""
        if self._in_step:
            self.optimizer.step(max_norm=self._limit)
        else:
            self.clip()
            self.optimizer.step()

    def _params(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]
