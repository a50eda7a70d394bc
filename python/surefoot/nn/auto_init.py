"""init='auto': weights drawn for the activation that follows.

A layer built alone does not know its activation; it draws Glorot and remembers where the generator
stood. A Sequential that holds it knows, and repeats that one draw under the right law - if nobody
has written to the weight in between. docs/design/2026-11-21-init-auto.md has the reasons.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from surefoot._core import Generator, Tensor, default_generator

from . import init

__all__ = ["AutoInit", "RELU_FAMILY", "draw", "draw_parameters", "settle"]


if TYPE_CHECKING:
    from .module import Module

RELU_FAMILY = (
    *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu"),
    *("gelu", "silu", "mish", "softplus", "hardswish"),
)


def draw(weight: Tensor, activation: str, slope: float, generator: Generator | None) -> None:
    """He normal for the ReLU family, LeCun normal for SELU, Glorot normal for all else."""
    if activation == "selu":
        init.lecun_normal_(weight, generator)
    elif activation in RELU_FAMILY:
        init.kaiming_normal_(weight, slope, generator=generator)
    else:
        init.xavier_normal_(weight, 1.0, generator)


class AutoInit:
    """One draw of a weight that may still be repeated under another law."""

    def __init__(self, weight: Tensor) -> None:
        self._state = default_generator.get_state()
        draw(weight, "", 0.0, None)
        self._weight = weakref.ref(weight)
        self._version = weight._version

    def settle(self, weight: Tensor, activation: str, slope: float) -> None:
        """Repeat the draw for `activation`, from the same point of the random stream."""
        untouched = self._weight() is weight and weight._version == self._version
        if (
            untouched
            and weight.grad is None
            and (activation in RELU_FAMILY or activation == "selu")
        ):
            generator = Generator()
            generator.set_state(self._state)
            draw(weight, activation, slope, generator)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()  # copies are None: a copied or pickled layer keeps its numbers


def draw_parameters(layer: Any) -> None:
    """Draw weight (out, in, ...) and bias of a layer anew, by its law."""
    if layer._law == "torch":
        bound = 1.0 / math.sqrt(math.prod(tuple(layer.weight.shape)[1:]))
        init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None:
            init.uniform_(layer.bias, -bound, bound)
        return
    if layer._law == "auto":
        layer._auto_init = AutoInit(layer.weight)
    else:
        layer._law(layer.weight)
    if layer.bias is not None:
        init.zeros_(layer.bias)


def settle(chain: Iterable[Module]) -> None:
    """Tell every layer of a plain chain which activation follows it."""
    waiting: Any = None
    for module in chain:
        if getattr(module, "_auto_init", None) is not None:
            waiting = module
        elif waiting is not None and module.init_hint != "pass":
            if module.init_hint:
                slope = float(getattr(module, "negative_slope", 0.0))
                waiting._auto_init.settle(waiting.weight, module.init_hint, slope)
                waiting._auto_init = None
            waiting = None
