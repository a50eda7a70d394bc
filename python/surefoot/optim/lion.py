"""Lion: every number moves by the learning rate, up or down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from ._presets import with_presets
from ._row_rule import RowRule
from ._state import Group
from ._terms import average_line, gradient_line, kept, kept_text

__all__ = ["Lion"]


class Lion(RowRule):
    """Lion: the sign of a blend of gradient and momentum, with decoupled weight decay.

    With ``g = grad`` (``-grad`` if ``maximize``)::

        p = (1 - lr * weight_decay) * p - lr * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    All steps are ``lr`` long, so lr should be 3 to 10 times smaller than for AdamW, and
    weight_decay as many times larger.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        betas: share of ``m`` in the step, and how much of ``m`` is kept, each in [0, 1).
        weight_decay: the share, times lr, that each step takes off the parameter, >= 0.
        maximize: climb instead of descend.
        like: ``'keras'`` takes Keras's default for what is not given: lr 0.001.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, -2.0], requires_grad=True)
        >>> opt = sf.optim.Lion([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> w.tolist()
        [0.75, -1.75]

    PyTorch has no Lion. Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms".
    """

    _fields = ("exp_avg",)

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
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
                "weight_decay": weight_decay,
                "maximize": maximize,
                "decoupled_weight_decay": True,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "lion", self._fields

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        return (group["lr"], beta1, 1 - beta1, beta2, 1 - beta2, kept(group))

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        blend = f"{beta1:g} * m + {1 - beta1:g} * g"
        return [
            gradient_line(group),
            f"p = {kept_text(group)} - {group['lr']:g} * sign({blend})",
            average_line("m", beta2, "g"),
        ]
