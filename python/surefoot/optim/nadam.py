"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Literal

from surefoot import _core
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

__all__ = ["NAdam"]


class NAdam(AdaptiveRule):
    """NAdam: Adam that already uses the momentum of the next step.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``), step ``t`` from 1::

        mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2)        P = mu_1 * mu_2 * ... * mu_t
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g                        v' = v / (1 - beta2**t)
        m' = mu_(t+1) * m / (1 - P * mu_(t+1)) + (1 - mu_t) * g / (1 - P)
        p = p - lr * m' / (sqrt(v') + eps)

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        betas: how much of the two averages is kept, each in [0, 1).
        eps: keeps the quotient finite, >= 0.
        weight_decay: L2 penalty, added to the gradient.
        momentum_decay: how fast ``mu`` grows from ``beta1 / 2`` to ``beta1``, >= 0.
        decoupled_weight_decay: take ``lr * weight_decay * p`` off the parameter itself, as AdamW.
        maximize: climb instead of descend.
        eps_mode: ``'outside'`` the root as above, or ``'inside'``: ``sqrt(v' + eps)``.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.001, eps 1e-7,
            momentum_decay 1.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.NAdam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 3) for x in w.tolist()]
        [0.894, 1.894]

    Difference from PyTorch: ``eps_mode`` and ``like`` are additions.
    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam".
    """

    _fields = ("exp_avg", "exp_avg_sq")
    _numbers = ("step", "mu_product")

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside"] = "outside",
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "eps_mode": eps_mode,
            },
        )

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        return "nadam", self._fields

    @staticmethod
    def _mu(group: Group, t: int) -> float:
        return float(group["betas"][0] * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])))

    def _run(
        self, group: Group, params: list[Tensor], grads: list[Tensor] | None, scale: float
    ) -> None:
        """As any row, once for each product of all mu so far; mostly they all have the same."""
        if grads is None:
            params, grads = _core._with_grads(params)
        entries, alike = [self.state.of(p) for p in params], defaultdict[float, list[int]](list)
        for i, entry in enumerate(entries):
            alike[entry.get("mu_product", 1.0)].append(i)
        for product, those in alike.items():
            now = {**group, "mu_product": product}
            super()._run(now, [params[i] for i in those], [grads[i] for i in those], scale)
            for i in those:
                entries[i]["mu_product"] = product * self._mu(group, entries[i]["step"])

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        mu, mu_next = self._mu(group, t), self._mu(group, t + 1)
        product = group["mu_product"] * mu
        return (
            lr * mu_next / (1 - product * mu_next),
            *(beta1, 1 - beta1, beta2, 1 - beta2),
            1 / correction(beta2, t),
            *eps_pair(group),
            kept(group),
            lr * (1 - mu) / (1 - product),
        )

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        square = entry["exp_avg_sq"] / correction(group["betas"][1], entry["step"])
        return rate_of(group["lr"], square, eps_pair(group))

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        root = root_text(group, "v'")
        return [
            gradient_line(group),
            f"mu_t = {beta1:g} * (1 - 0.96^({group['momentum_decay']:g} * t) / 2), P = all mu",
            average_line("m", beta1, "g"),
            average_line("v", beta2, "g * g"),
            "m' = mu_(t+1) * m / (1 - P * mu_(t+1)) + (1 - mu_t) * g / (1 - P)",
            f"v' = v / (1 - {beta2:g}^t)",
            f"p = {kept_text(group)} - {group['lr']:g} * m' / {root}",
        ]
