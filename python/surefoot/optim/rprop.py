"""Rprop: steps that follow the sign of the gradient, not its size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surefoot import _check

from ._row_rule import RowRule
from ._state import Group
from ._terms import gradient_line

__all__ = ["Rprop"]


class Rprop(RowRule):
    """Rprop: each number's step grows while its gradient keeps its sign and shrinks when it turns.

    With ``g = grad`` (``-grad`` if ``maximize``), ``(eta-, eta+) = etas`` and, for every number, a
    step ``s`` that is lr at first::

        turn = sign(g * last g)
        s = s * (eta- if turn < 0, eta+ if turn > 0, else 1), within step_sizes
        g = 0 if turn < 0
        p = p - sign(g) * s

    It is made for the gradient of the whole data: the signs of mini-batches are noise.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: the steps at first, >= 0.
        etas: factors after a turn and after none, ``0 < eta- < 1 < eta+``.
        step_sizes: the least and the largest step.
        maximize: climb instead of descend.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, -2.0], requires_grad=True)
        >>> opt = sf.optim.Rprop([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> w.tolist()
        [0.75, -1.75]

    Difference from PyTorch: none known.
    Source: Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm"; Igel and Huesken 2000 (no step after a turn).
    """

    _fields = ("prev", "step_size")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize},
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        for name in ("etas", "step_sizes"):
            _check.pair("Rprop", name, group[name], 0)
        if not 0 < group["etas"][0] < 1 < group["etas"][1]:
            raise ValueError(f"[Rprop] etas must have 0 < eta- < 1 < eta+, got {group['etas']!r}")
        if group["step_sizes"][0] > group["step_sizes"][1]:
            raise ValueError(
                f"[Rprop] step_sizes must be (least, largest), got {group['step_sizes']!r}"
            )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "rprop", self._fields

    def _start(self, group: Group, field: str) -> float:
        return float(group["lr"]) if field == "step_size" else 0.0

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        return (*group["etas"], *group["step_sizes"])

    def _formula(self, group: Group) -> list[str]:
        (less, more), (least, most) = group["etas"], group["step_sizes"]
        return [
            gradient_line(group),
            f"s = s * ({less:g} where g has turned, {more:g} where not), "
            f"from {group['lr']:g}, within [{least:g}, {most:g}]",
            "p = p - sign(g) * s  (0 where g has turned)",
        ]
