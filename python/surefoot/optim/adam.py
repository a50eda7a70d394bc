"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot import _core
from surefoot._core import Tensor

from . import _check
from ._state import Group
from .optimizer import Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
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
        bias_correction: False leaves ``m' = m`` and ``v' = v``: the first steps are then about
            ``(1 - beta1) / sqrt(1 - beta2)`` times as long.

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

    Differences from PyTorch: ``eps_mode`` and ``bias_correction`` are additions; ``step`` in the
    state is an int. Keras's Adam has ``eps=1e-7``, and adds it before the correction of ``v``.
    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization"; Reddi et al. 2018,
    "On the convergence of Adam and beyond" (amsgrad).
    """

    _fields = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

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
        eps_mode: Literal["outside", "inside"] = "outside",
        bias_correction: bool = True,
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
            },
        )

    def _check(self, group: Group) -> None:
        for name in ("lr", "eps", "weight_decay"):
            _check.number("Adam", name, group[name])
        _check.betas("Adam", group["betas"])
        for name in ("amsgrad", "maximize", "bias_correction"):
            _check.flag("Adam", name, group[name])
        _check.choice("Adam", "eps_mode", group["eps_mode"], ("outside", "inside"))

    def _update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        entries = self._entries(params)
        averages = self._buffers("exp_avg", entries, params)
        squares = self._buffers("exp_avg_sq", entries, params)
        largest = self._buffers("max_exp_avg_sq", entries, params) if group["amsgrad"] else []
        steps = [entry.get("step", 0) + 1 for entry in entries]
        beta1, beta2 = group["betas"]
        _core._adam_step_(
            params,
            grads,
            averages,
            squares,
            largest,
            steps,
            group["lr"],
            beta1,
            beta2,
            group["eps"],
            group["weight_decay"],
            group["maximize"],
            group["eps_mode"] == "inside",
            group["bias_correction"],
        )
        self._keep("step", entries, steps)
        self._keep("exp_avg", entries, averages)
        self._keep("exp_avg_sq", entries, squares)
        self._keep("max_exp_avg_sq", entries if largest else [], largest)

    def _formula(self, group: Group) -> list[str]:
        beta1, beta2 = group["betas"]
        decay = f" + {group['weight_decay']:g} * p" if group["weight_decay"] else ""
        m, v = "m", "max of all v" if group["amsgrad"] else "v"
        lines = [
            f"g = {'-' if group['maximize'] else ''}grad{decay}",
            f"m = {beta1:g} * m + {1 - beta1:g} * g",
            f"v = {beta2:g} * v + {1 - beta2:g} * g * g",
        ]
        if group["bias_correction"]:
            lines.append(f"m' = m / (1 - {beta1:g}^t), v' = ({v}) / (1 - {beta2:g}^t)")
            m, v = "m'", "v'"
        inside = group["eps_mode"] == "inside"
        root = f"sqrt({v} + {group['eps']:g})" if inside else f"(sqrt({v}) + {group['eps']:g})"
        return [*lines, f"p = p - {group['lr']:g} * {m} / {root}"]
