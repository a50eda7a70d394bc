"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

from surefoot._core import Tensor

from ._presets import with_presets
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

__all__ = ["Adam"]


class Adam(AdaptiveRule):
    """Adam: each number gets a step of about ``lr``, whatever the size of its gradient.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        m = beta1 * m + (1 - beta1) * g            m' = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g * g        v' = v / (1 - beta2**t)
        p = p - lr * m' / (sqrt(v') + eps)

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        betas: how much of the two averages is kept, each in [0, 1).
        eps: keeps the quotient finite, >= 0.
        weight_decay: L2 penalty, added to the gradient (not the decoupled decay of AdamW).
        amsgrad: divide by the largest ``v`` so far.
        maximize: climb instead of descend.
        eps_mode: ``'outside'`` the root as above, or ``'inside'``: ``sqrt(v' + eps)``. Where
            ``|g|`` is far below ``sqrt(eps)`` the inside form makes much shorter steps.
            ``'uncorrected'`` adds eps to the root of ``v`` before its correction, as Keras does:
            ``p = p - lr * m' * sqrt(1 - beta2**t) / (sqrt(v) + eps)``.
        bias_correction: False leaves ``m' = m`` and ``v' = v``: the first steps are then about
            ``(1 - beta1) / sqrt(1 - beta2)`` times as long.
        like: ``'keras'`` takes Keras's defaults for what is not given: eps 1e-7 before the
            correction.
        decoupled_weight_decay: take ``lr * weight_decay * p`` off the parameter itself, as AdamW.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.Adam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]

    Differences from PyTorch: ``eps_mode``, ``bias_correction`` and ``like`` are additions;
    ``step`` in the state is an int.
    Known misprints: ``g / g`` for the square ``g * g`` (Adam would be plain momentum), and Adam
    without ``m'`` and ``v'``, which is ``bias_correction=False``.
    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization"; Reddi et al. 2018,
    "On the convergence of Adam and beyond" (amsgrad).
    """

    _fields = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    _eps_modes = ("outside", "inside", "uncorrected")

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside", "uncorrected"] = "outside",
        bias_correction: bool = True,
        decoupled_weight_decay: bool = False,
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "eps_mode": eps_mode,
                "bias_correction": bias_correction,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return ("amsgrad", self._fields) if group["amsgrad"] else ("adam", self._fields[:2])

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        rate, factor, (inside, outside) = group["lr"], 1.0, eps_pair(group)
        if group["bias_correction"]:
            rate /= correction(beta1, t)
            factor /= correction(beta2, t)
        if group["eps_mode"] == "uncorrected":
            outside *= math.sqrt(factor)
        averages = (beta1, 1 - beta1, beta2, 1 - beta2)
        return (rate, *averages, factor, inside, outside, kept(group))

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        *_, factor, inside, outside, _ = self._coefficients(group, entry["step"])
        square = entry["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
        return rate_of(group["lr"], square * factor, (inside, outside))

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        m, v, rate = "m", "max of all v" if group["amsgrad"] else "v", f"{group['lr']:g}"
        lines = [
            gradient_line(group),
            average_line("m", beta1, "g"),
            average_line("v", beta2, "g * g"),
        ]
        if group["bias_correction"] and group["eps_mode"] == "uncorrected":
            lines.append(f"m' = m / (1 - {beta1:g}^t)")
            m, rate = "m'", f"{rate} * sqrt(1 - {beta2:g}^t)"
        elif group["bias_correction"]:
            lines.append(f"m' = m / (1 - {beta1:g}^t), v' = ({v}) / (1 - {beta2:g}^t)")
            m, v = "m'", "v'"
        return [*lines, f"p = {kept_text(group)} - {rate} * {m} / {root_text(group, v)}"]
