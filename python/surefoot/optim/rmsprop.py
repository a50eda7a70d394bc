"""RMSprop: steps divided by the running size of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot import _check
from surefoot._core import Tensor

from ._presets import with_presets
from ._row_rule import AdaptiveRule
from ._state import Group
from ._terms import average_line, eps_pair, gradient_line, rate_of, root_text

__all__ = ["RMSprop"]

# (centered, with momentum) -> row and state tensors
_ROWS = {
    (False, False): ("rmsprop", ("square_avg",)),
    (False, True): ("rmsprop_momentum", ("square_avg", "momentum_buffer")),
    (True, False): ("rmsprop_centered", ("square_avg", "grad_avg")),
    (True, True): (
        "rmsprop_centered_momentum",
        ("square_avg", "grad_avg", "momentum_buffer"),
    ),
}


class RMSprop(AdaptiveRule):
    """RMSprop: the gradient over the root of the running average of its square.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``)::

        v = alpha * v + (1 - alpha) * g * g
        a = alpha * a + (1 - alpha) * g                 (only if centered: v - a * a replaces v)
        p = p - lr * g / (sqrt(v) + eps)

    and with momentum ``b = momentum * b + g / (sqrt(v) + eps)``, ``p = p - lr * b``.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        alpha: how much of the averages is kept, in [0, 1).
        eps: keeps the quotient finite, >= 0.
        weight_decay: L2 penalty, added to the gradient.
        momentum: share of ``b`` that is kept, >= 0; 0 keeps none.
        centered: divide by the deviation of the gradient from its average, not by its size.
        maximize: climb instead of descend.
        eps_mode: ``'outside'`` the root as above, or ``'inside'``: ``sqrt(v + eps)``. At
            ``g = 1e-6`` and eps 1e-8 steps inside are a hundredth of those outside.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.001, alpha 0.9,
            eps 1e-7 inside the root.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.RMSprop([w], lr=0.01)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]

    Differences from PyTorch: ``eps_mode`` and ``like`` are additions; a centered variance that
    rounding makes negative counts as 0 (there NaN). Keras's momentum has lr inside ``b``, the same
    while lr is constant. Known misprint: a program that starts ``v_w, v_b`` as one value.
    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e; Graves 2013,
    "Generating sequences with recurrent neural networks" (centered).
    """

    _fields = ("square_avg", "grad_avg", "momentum_buffer")

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside"] = "outside",
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
                "eps_mode": eps_mode,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        _check.number("RMSprop", "alpha", group["alpha"], 0, 1)

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return _ROWS[group["centered"], group["momentum"] > 0]

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        numbers = (group["lr"], group["alpha"], 1 - group["alpha"], *eps_pair(group))
        return (*numbers, group["momentum"]) if group["momentum"] else numbers

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        square = entry["square_avg"]
        if group["centered"]:
            square = (square - entry["grad_avg"] * entry["grad_avg"]).clamp(min=0)
        return rate_of(group["lr"], square, eps_pair(group))

    def _formula(self, group: Group) -> list[str]:
        lines = [gradient_line(group), average_line("v", group["alpha"], "g * g")]
        square, step = "v", "g"
        if group["centered"]:
            lines.append(average_line("a", group["alpha"], "g"))
            square = "v - a * a"
        step = f"g / {root_text(group, square)}"
        if group["momentum"]:
            lines.append(f"b = {group['momentum']:g} * b + {step}")
            step = "b"
        return [*lines, f"p = p - {group['lr']:g} * {step}"]
