"""Layers one after the other, with a Linear and the activation behind it run as one op."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surefoot import _core

from .activation import Hardsigmoid, Hardtanh, Sigmoid, Softsign, Tanh
from .linear import Linear
from .module import Module
from .rectifier import CELU, ELU, GELU, SELU, Hardswish, LeakyReLU, Mish, ReLU, SiLU, Softplus

__all__ = ["run_chain"]

# What the core's linear() calls the layers it can do; a subclass may do something else.
_NAMES: dict[type[Module], str] = {
    layer: layer._op.__name__
    for layer in (
        *(CELU, ELU, GELU, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, Mish, ReLU, SELU, Sigmoid),
        *(SiLU, Softplus, Softsign, Tanh),
    )
}


def run_chain(modules: Iterable[Module], x: Any) -> Any:
    """The last of `modules` of ... of the first of x, with the bits of calling them one by one.

    Layers with hooks, or with a forward of their own, are called.
    """
    held: Linear | None = None  # waits for what comes behind it
    for module in modules:
        if held is not None:
            name = _NAMES.get(module.__class__)
            if name is not None and _is_plain(module):
                x, held = _linear_with(held, name, module, x), None
                continue
            x, held = _core.linear(x, held.weight, held.bias), None
        if module.__class__ is Linear and _is_plain(module):
            held = module
        else:
            x = module(x)
    return x if held is None else _core.linear(x, held.weight, held.bias)


def _is_plain(module: Module) -> bool:
    return module._hooks is None and "forward" not in module.__dict__


def _linear_with(linear: Linear, name: str, after: Any, x: Any) -> Any:
    options = after._arguments
    if not options:
        return _core.linear(x, linear.weight, linear.bias, activation=name)
    if after.__class__ is GELU:
        name, numbers = "gelu_tanh" if after.approximate == "tanh" else "gelu", []
    else:
        numbers = [getattr(after, option) for option in options]
    return _core.linear(x, linear.weight, linear.bias, activation=name, arguments=numbers)
