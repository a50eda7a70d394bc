"""Adagrad: steps that shrink with everything a number's gradient has been so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot._core import Tensor

from ._presets import with_presets
from ._row_rule import AdaptiveRule
from ._state import Group
from ._terms import eps_pair, gradient_line, rate_of, root_text

__all__ = ["Adagrad"]


class Adagrad(AdaptiveRule):
    """Adagrad: numbers with few or small gradients get long steps, the others short ones.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        s = s + g * g
        p = p - lr / (1 + lr_decay * (t - 1)) * g / (sqrt(s) + eps)

    ``s`` only grows, so the steps only shrink: ``effective_lr()`` shows how far.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        lr_decay: makes lr itself fall as ``1 / t``, >= 0.
        weight_decay: L2 penalty, added to the gradient.
        initial_accumulator_value: ``s`` before the first step, >= 0.
        eps: keeps the quotient finite, >= 0.
        maximize: climb instead of descend.
        eps_mode: ``'outside'`` the root as above, or ``'inside'``: ``sqrt(s + eps)``.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.001,
            initial_accumulator_value 0.1, eps 1e-7 inside the root.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.Adagrad([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> opt.step(), w.tolist() == sf.tensor([0.9, 1.9]).tolist()
        (None, True)

    Differences from PyTorch: ``eps_mode`` and ``like`` are additions; ``sum`` appears in the state
    with the first step. Known misprints: ``s`` as a sum with no index over the steps; the update
    without its root, which divides by the square of the gradient's size.
    Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and
    stochastic optimization".
    """

    _fields = ("sum",)

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside"] = "outside",
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
                "eps_mode": eps_mode,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "adagrad", self._fields

    def _start(self, group: Group, field: str) -> float:
        return float(group["initial_accumulator_value"])

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        return (group["lr"] / (1 + (t - 1) * group["lr_decay"]), *eps_pair(group))

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        return rate_of(self._coefficients(group, entry["step"])[0], entry["sum"], eps_pair(group))

    def _formula(self, group: Group) -> list[str]:
        decay = group["lr_decay"]
        rate = f"{group['lr']:g}" + (f" / (1 + {decay:g} * (t - 1))" if decay else "")
        start = group["initial_accumulator_value"]
        return [
            gradient_line(group),
            f"s = s + g * g  (from {start:g})",
            f"p = p - {rate} * g / {root_text(group, 's')}",
        ]
