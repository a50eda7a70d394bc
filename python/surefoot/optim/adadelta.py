"""Adadelta: steps in the units of the parameter, without a learning rate to choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot._core import Tensor

from ._presets import with_presets
from ._row_rule import AdaptiveRule
from ._state import Group
from ._terms import average_line, eps_pair, gradient_line, rate_of, root_text

__all__ = ["Adadelta"]


class Adadelta(AdaptiveRule):
    """Adadelta: the quotient of two running roots, of past steps and of gradients, scales ``g``.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``)::

        v = rho * v + (1 - rho) * g * g
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d * d
        p = p - lr * d

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: scales the step, >= 0; the paper has none, that is 1.
        rho: how much of the two averages is kept, in [0, 1).
        eps: starts the steps and keeps the quotient finite; the first step is about
            ``sqrt(eps / (1 - rho))`` long.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descend.
        eps_mode: ``'inside'`` the roots as above, or ``'outside'``: ``sqrt(u) + eps``.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.001, rho 0.95,
            eps 1e-7.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.Adadelta([w])
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9968, 1.9968]

    Differences from PyTorch: ``eps_mode`` and ``like`` are additions. With Keras's lr of 0.001 the
    steps are a thousandth of the paper's. Known misprints: one formula with a learning rate headed
    "Adadelta - RMSProp", which is RMSprop; ``Adam(..., rho=0.9)`` for this rule.
    Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method".
    """

    _fields = ("square_avg", "acc_delta")

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside"] = "inside",
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "eps_mode": eps_mode,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "adadelta", self._fields

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        return (group["lr"], group["rho"], 1 - group["rho"], *eps_pair(group))

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        steps = 1 / rate_of(1.0, entry["acc_delta"], eps_pair(group))
        return rate_of(group["lr"], entry["square_avg"], eps_pair(group)) * steps

    def _formula(self, group: Group) -> list[str]:
        return [
            gradient_line(group),
            average_line("v", group["rho"], "g * g"),
            f"d = {root_text(group, 'u')} / {root_text(group, 'v')} * g",
            average_line("u", group["rho"], "d * d"),
            f"p = p - {group['lr']:g} * d",
        ]
