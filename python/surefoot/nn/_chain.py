"""Layers one after the other, with a Linear and the activation behind it run as one op."""

from __future__ import annotations

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


def run_chain(modules: list[Module], x: Any) -> Any:
    """modules[-1](... modules[0](x)), with the same bits.

    Layers with hooks, or with a forward of their own, are called one by one.
    """
    i, count = 0, len(modules)
    while i < count:
        module = modules[i]
        i += 1
        if i < count and module.__class__ is Linear and modules[i].__class__ in _NAMES:
            after = modules[i]
            if _is_plain(module) and _is_plain(after):
                x = _linear_with(module, after, x)
                i += 1
                continue
        x = module(x)
    return x


def _is_plain(module: Module) -> bool:
    return module._hooks is None and "forward" not in module.__dict__


def _linear_with(linear: Any, after: Any, x: Any) -> Any:
    name, options = _NAMES[after.__class__], after._arguments
    if after.__class__ is GELU:
        name, options = "gelu_tanh" if after.approximate == "tanh" else "gelu", ()
    if not options:
        return _core.linear(x, linear.weight, linear.bias, activation=name)
    numbers = [getattr(after, option) for option in options]
    return _core.linear(x, linear.weight, linear.bias, activation=name, arguments=numbers)
