"""Stochastic gradient descent, with momentum in its three textbook forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from surefoot import _check
from surefoot._core import Tensor

from ._closure import Closure, with_grad
from ._options import check_options
from ._presets import with_presets
from ._row_rule import RowRule
from ._state import Group
from ._terms import gradient_line

__all__ = ["SGD"]

_FORMS = ("torch", "classical", "ema")


class SGD(RowRule):
    """Gradient descent: ``p = p - lr * g``, or with momentum a velocity ``v`` in place of ``g``.

    With ``g = grad + weight_decay * p`` (``-grad`` if ``maximize``) one step is

    ================  ====================================================  =================
    momentum_form     velocity                                              update
    ================  ====================================================  =================
    ``'torch'``       ``v = momentum * v + (1 - dampening) * g``            ``p -= lr * v``
                      (first step: ``v = g``)
    ``'classical'``   ``v = momentum * v + lr * g`` from 0                  ``p -= v``
    ``'ema'``         ``v = momentum * v + (1 - momentum) * g`` from 0      ``p -= lr * v``
    ================  ====================================================  =================

    ``'classical'`` equals ``'torch'`` as long as lr is constant; after a change of lr it goes on
    with steps of the old size. ``dampening=0.95`` is not ``'ema'``: its first step is undamped.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts (one per group).
        lr: learning rate, >= 0.
        momentum: share of the velocity that is kept, >= 0; 0 keeps none.
        dampening: takes its share off every gradient but the first; form ``'torch'`` only.
        weight_decay: L2 penalty, added to the gradient.
        nesterov: True steps along ``g + momentum * v`` (the same in the other forms);
            ``'lookahead'`` takes the gradient itself at the point that momentum alone would reach,
            as Nesterov's method is defined, and needs ``step(closure)``.
        maximize: climb instead of descend.
        momentum_form: see the table.
        like: ``'keras'`` takes Keras's defaults for what is not given: lr 0.01, form
            ``'classical'``.

    Raises:
        ValueError: a value out of range; nesterov without momentum or with dampening.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.SGD([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> w.tolist()
        [0.5, 1.0]

    Differences from PyTorch: ``momentum_form``, ``like`` and ``'lookahead'`` are additions;
    ``foreach``, ``fused`` and ``differentiable`` do not exist, every step is one fused call per
    group. Known misprint: plain momentum with the gradient at the look-ahead point; that is
    Nesterov's method, ``nesterov='lookahead'``.
    Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning".
    """

    _fields = ("momentum_buffer",)
    _counter = None

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool | Literal["lookahead"] = False,
        *,
        maximize: bool = False,
        momentum_form: Literal["torch", "classical", "ema"] = "torch",
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "momentum_form": momentum_form,
            },
        )

    def _check(self, group: Group) -> None:
        check_options("SGD", group)
        _check.choice("SGD", "momentum_form", group["momentum_form"], _FORMS)
        if group["nesterov"] != "lookahead":
            _check.flag("SGD", "nesterov", group["nesterov"])
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                "[SGD] nesterov needs momentum > 0 and dampening == 0, got "
                f"momentum={group['momentum']!r}, dampening={group['dampening']!r}"
            )
        if group["dampening"] and group["momentum_form"] != "torch":
            raise ValueError(
                "[SGD] dampening belongs to momentum_form='torch', got "
                f"dampening={group['dampening']!r} with {group['momentum_form']!r}"
            )

    def closure_kind(self) -> str:
        for group in self.param_groups:
            if group["nesterov"] == "lookahead":
                return "backward"
        return ""

    def step(self, closure: Closure | None = None, *, max_norm: float | None = None) -> Any:
        if not self.closure_kind():
            return super().step(closure, max_norm=max_norm)
        if closure is None:
            raise ValueError(
                "[SGD] nesterov='lookahead' takes the gradient at another point: call "
                "step(closure) with a closure that computes the loss and its gradients"
            )
        places = self._look_ahead()
        try:
            loss = with_grad(closure)
        finally:
            for parameter, place in places:
                parameter.detach().copy_(place)
        super().step(max_norm=max_norm)
        return loss

    def _look_ahead(self) -> list[tuple[Tensor, Tensor]]:
        """Moves the parameters to where their velocity alone carries them; returns the way back."""
        places = []
        for group in self.param_groups:
            if group["nesterov"] != "lookahead":
                continue
            scale = 1.0 if group["momentum_form"] == "classical" else group["lr"]
            for parameter in group["params"]:
                velocity = self.state.of(parameter).get("momentum_buffer")
                if velocity is not None:
                    places.append((parameter, parameter.detach().clone()))
                    parameter.detach().add_(velocity, alpha=-scale * group["momentum"])
        return places

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        if not group["momentum"]:
            return "sgd", ()
        return "nesterov" if group["nesterov"] is True else "momentum", self._fields

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        form, momentum, lr = group["momentum_form"], group["momentum"], group["lr"]
        if not momentum:
            return (lr,)
        rate = 1.0 if form == "classical" else lr
        taken = {"torch": 1.0 - group["dampening"], "classical": lr, "ema": 1.0 - momentum}[form]
        if form == "torch" and t == 1:
            taken = 1.0
        if group["nesterov"] is True:
            return rate * momentum, momentum, taken, rate * taken
        return rate, momentum, taken

    def _formula(self, group: Group) -> list[str]:
        lr, momentum, form = group["lr"], group["momentum"], group["momentum_form"]
        where = " at p - momentum step" if group["nesterov"] == "lookahead" else ""
        lines = [gradient_line(group, where)]
        if not momentum:
            return [*lines, f"p = p - {lr:g} * g"]
        share = {"torch": 1 - group["dampening"], "classical": lr, "ema": 1 - momentum}[form]
        factor = "" if share == 1 else f"{share:g} * "
        first = "first v = g" if form == "torch" else "from v = 0"
        lines.append(f"v = {momentum:g} * v + {factor}g  ({first})")
        rate = "" if form == "classical" else f"{lr:g} * "
        if group["nesterov"] is True:
            return [*lines, f"p = p - {rate}({factor}g + {momentum:g} * v)"]
        return [*lines, f"p = p - {rate}v"]
