"""Gradient descent that tries a list of step lengths and keeps the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from surefoot import _check, _core
from surefoot._core import Tensor

from ._closure import Closure, with_grad
from ._closure_rule import ClosureRule
from ._state import Group
from ._terms import gradient_line

__all__ = ["LineSearchGD"]


class LineSearchGD(ClosureRule):
    """Gradient descent with a line search over fixed step lengths.

    ``p = p - lr * grad`` with that ``lr`` of the list ``lrs`` which gives the least loss; no step
    where none gives less than the loss is. It needs the whole data, or one batch, for a step.

    The closure computes the loss and returns it, nothing else: ``step`` calls ``zero_grad`` and
    ``backward`` itself, then the closure once more for every length, without gradients. (The
    closure of the other rules calls ``backward``.)

    Args:
        params: tensors, ``(name, tensor)`` pairs, or one dict.
        lrs: the step lengths to try, > 0.

    Attributes:
        last_lr: the length that the last step took, 0.0 if it took none.

    Raises:
        ValueError: no closure, or one that calls ``backward``; a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.LineSearchGD([w])
        >>> loss = opt.step(lambda: (w * w).sum())
        >>> w.tolist(), opt.last_lr, loss.item()
        ([0.0, 0.0], 0.5, 5.0)

    PyTorch has no such rule. Known misprints: a program that assigns the new weights after the
    loop over the epochs, which makes one step in all, and one that compares with a fixed error of
    10000 in place of the present one.
    Source: Nocedal and Wright 2006, "Numerical optimization", chapter 3 (line searches).
    """

    _contract = "a closure that computes the loss and returns it, without backward"

    def __init__(
        self, params: Iterable[Any], lrs: Sequence[float] = (0.1, 0.5, 1.0, 5.0, 10.0)
    ) -> None:
        self.last_lr = 0.0
        super().__init__(params, {"lrs": lrs})

    def _check(self, group: Group) -> None:
        lrs = group["lrs"]
        if not isinstance(lrs, (tuple, list)):
            raise TypeError(f"[LineSearchGD] lrs must be a tuple of numbers, got {lrs!r}")
        if not lrs:
            raise ValueError("[LineSearchGD] lrs must hold at least one step length")
        for i, lr in enumerate(lrs):
            _check.positive("LineSearchGD", f"lrs[{i}]", lr)

    def closure_kind(self) -> str:
        return "loss"

    def _search(self, closure: Closure) -> Any:
        self.zero_grad()
        loss = with_grad(closure)
        if not isinstance(loss, Tensor) or any(p.grad is not None for p in self._params()):
            raise ValueError(
                "[LineSearchGD] the closure must return the loss and leave backward to step: it "
                "returned no tensor, or the parameters have gradients after it"
            )
        loss.backward()
        params = [p for p in self._params() if p.grad is not None]
        places = [p.detach().clone() for p in params]
        grads: list[Tensor] = [p.grad for p in params if p.grad is not None]
        best, self.last_lr = loss.item(), 0.0
        try:
            for lr in self.param_groups[0]["lrs"]:
                self._move(params, places, grads, lr)
                value = with_grad(closure, enabled=False).item()
                if value < best:
                    best, self.last_lr = value, lr
        except BaseException:
            self.last_lr = 0.0
            raise
        finally:
            self._move(params, places, grads, self.last_lr)
        return loss

    @staticmethod
    def _move(params: list[Tensor], places: list[Tensor], grads: list[Tensor], lr: float) -> None:
        for parameter, place in zip(params, places, strict=True):
            parameter.detach().copy_(place)
        if lr:
            _core._update_("sgd", params, grads, (1.0, 0.0), lambda t: (lr,))

    def _formula(self, group: Group) -> list[str]:
        listed = ", ".join(f"{lr:g}" for lr in group["lrs"])
        return [gradient_line(group), f"p = p - lr * g, lr the best of {listed} or 0"]
