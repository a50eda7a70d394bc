"""Adamax: Adam measured by the largest recent gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot._core import Tensor

from ._presets import with_presets
from ._row_rule import AdaptiveRule
from ._state import Group
from ._terms import average_line, correction, gradient_line

__all__ = ["Adamax"]


class Adamax(AdaptiveRule):
    """Adam with a decaying maximum of ``|g|`` in place of the root of the average square.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1**t) * m / u

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        betas: how much of ``m`` and ``u`` is kept, each in [0, 1).
        eps: keeps the quotient finite, >= 0; there is no root that it could stand in.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descend.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.001, eps 1e-7.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.Adamax([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]

    Difference from PyTorch: ``like`` is an addition. Keras adds eps to ``u`` when it divides.
    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", section 7.
    """

    _fields = ("exp_avg", "exp_inf")

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "adamax", self._fields

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        return (group["lr"] / correction(beta1, t), beta1, 1 - beta1, beta2, group["eps"])

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        rates: Tensor = group["lr"] / entry["exp_inf"]
        return rates

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        return [
            gradient_line(group),
            average_line("m", beta1, "g"),
            f"u = max({beta2:g} * u, |g| + {group['eps']:g})",
            f"p = p - {group['lr']:g} / (1 - {beta1:g}^t) * m / u",
        ]
