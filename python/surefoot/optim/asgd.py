"""ASGD: gradient descent that also keeps the average of the places it has been to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surefoot import _check

from ._row_rule import RowRule
from ._state import Group
from ._terms import gradient_line

__all__ = ["ASGD"]


class ASGD(RowRule):
    """Averaged gradient descent: a falling rate, and from step ``t0`` on an average ``ax`` of p.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        eta = lr / (1 + lambd * lr * (t - 1))**alpha
        p = (1 - lambd * eta) * p - eta * g
        ax = ax + (p - ax) / max(1, t - 1 - t0)

    The average is ``opt.state[p]["ax"]``: copy it into the parameters when training is over.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate at first, >= 0.
        lambd: decay of the parameters and of the rate, >= 0.
        alpha: power of the rate's decay, >= 0.
        t0: steps before the averaging begins, >= 0; until then ``ax`` is p.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descend.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.ASGD([w], lr=0.25, lambd=0.0)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> w.tolist(), opt.state[w]["ax"].tolist()
        ([0.5, 1.0], [0.5, 1.0])

    Difference from PyTorch: a new lr holds at once, there one step later; so ``eta`` and ``mu`` are
    not part of the state.
    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging";
    Bottou 2012, "Stochastic gradient descent tricks".
    """

    _fields = ("ax",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        _check.number("ASGD", "alpha", group["alpha"], 0)

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "asgd", self._fields

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        lr, lambd = group["lr"], group["lambd"]
        eta = lr / (1 + lambd * lr * (t - 1)) ** group["alpha"]
        share = 1 / max(1.0, t - 1 - group["t0"])
        return (eta, 1 - lambd * eta, share, 1 - share)

    def _formula(self, group: Group) -> list[str]:
        lr, lambd = group["lr"], group["lambd"]
        return [
            gradient_line(group),
            f"eta = {lr:g} / (1 + {lambd * lr:g} * (t - 1))^{group['alpha']:g}",
            f"p = (1 - {lambd:g} * eta) * p - eta * g",
            f"ax = ax + (p - ax) / max(1, t - 1 - {group['t0']:g})",
        ]
