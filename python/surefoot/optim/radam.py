"""RAdam: Adam that waits until its average of squares means something."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

from surefoot import _core
from surefoot._core import Tensor

from ._row_rule import AdaptiveRule
from ._state import Group
from ._terms import (
    average_line,
    correction,
    eps_pair,
    gradient_line,
    kept,
    kept_text,
    rate_of,
    root_text,
)

__all__ = ["RAdam"]


class RAdam(AdaptiveRule):
    """RAdam: plain momentum at first, then Adam with a factor ``r`` that rises to 1.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        m = beta1 * m + (1 - beta1) * g                    m' = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g * g
        R = 2 / (1 - beta2) - 1,  q = R - 2 * t * beta2**t / (1 - beta2**t)
        if q > 5:  r = sqrt((q - 4) * (q - 2) * R / ((R - 4) * (R - 2) * q))
                   p = p - lr * r * sqrt(1 - beta2**t) * m' / (sqrt(v) + eps)
        else:      p = p - lr * m'

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        betas: how much of the two averages is kept, each in [0, 1).
        eps: keeps the quotient finite, >= 0.
        weight_decay: L2 penalty, added to the gradient.
        decoupled_weight_decay: take ``lr * weight_decay * p`` off the parameter itself, as AdamW.
        maximize: climb instead of descend.
        eps_mode: ``'outside'`` the root as above, or ``'inside'``: ``sqrt(v + eps)``.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.RAdam([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.5, 1.0]

    Difference from PyTorch: ``eps_mode`` is an addition. The first five steps (at beta2 0.999) are
    as long as the gradient, not as lr.
    Source: Liu et al. 2020, "On the variance of the adaptive learning rate and beyond".
    """

    _fields = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside"] = "outside",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "eps_mode": eps_mode,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "adam", self._fields

    @staticmethod
    def _rectified(group: Group, t: int) -> float:
        """``r * sqrt(1 - beta2**t)``; 0 while the average of squares is not to be used."""
        beta2 = group["betas"][1]
        most = 2 / (1 - beta2) - 1
        q = most - 2 * t * beta2**t / correction(beta2, t)
        if q <= 5:
            return 0.0
        square = (q - 4) * (q - 2) * most / ((most - 4) * (most - 2) * q)
        return math.sqrt(square * correction(beta2, t))

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        factor = self._rectified(group, t)
        rate = group["lr"] / correction(beta1, t)
        averages = (beta1, 1 - beta1, beta2, 1 - beta2)
        if factor == 0:  # sqrt(0 * v + 0) + 1
            return (rate, *averages, 0.0, 0.0, 1.0, kept(group))
        return (rate * factor, *averages, 1.0, *eps_pair(group), kept(group))

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        factor = self._rectified(group, entry["step"])
        if factor == 0:
            return _core.full_like(entry["exp_avg_sq"], group["lr"])
        return rate_of(group["lr"] * factor, entry["exp_avg_sq"], eps_pair(group))

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        p, lr = kept_text(group), f"{group['lr']:g}"
        return [
            gradient_line(group),
            average_line("m", beta1, "g"),
            average_line("v", beta2, "g * g"),
            f"m' = m / (1 - {beta1:g}^t)",
            f"q = {2 / (1 - beta2) - 1:g} - 2 * t * {beta2:g}^t / (1 - {beta2:g}^t)",
            f"if q > 5: p = {p} - {lr} * r(q) * sqrt(1 - {beta2:g}^t) * m' / "
            + root_text(group, "v"),
            f"else: p = {p} - {lr} * m'",
        ]
