"""Activations that work element by element, but for the rectifiers; what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from surefoot import _core
from surefoot._check import number
from surefoot._core import Tensor

from .module import Module

__all__ = [
    "Sigmoid",
    "Tanh",
    "LogSigmoid",
    "Softsign",
    "Hardtanh",
    "Hardsigmoid",
    "Softshrink",
    "Hardshrink",
    "Tanhshrink",
]


class Activation(Module):
    """Base: an op of surefoot, whose arguments after the input are attributes of the layer."""

    _op: ClassVar[Callable[..., Tensor]]
    _arguments: ClassVar[tuple[str, ...]] = ()
    inplace: bool = False

    def forward(self, x: Tensor) -> Tensor:
        if not self._arguments and not self.inplace:
            return self._op(x)
        arguments = [getattr(self, name) for name in self._arguments]
        if self.inplace:
            changed: Tensor = getattr(x, f"{self._op.__name__}_")(*arguments)
            return changed
        return self._op(x, *arguments)

    def extra_repr(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self._arguments]
        return ", ".join([*shown, *(["inplace=True"] if self.inplace else [])])


class InplaceActivation(Activation):
    """An activation that can write into its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), in (0, 1); its derivative is at most 1/4 and it saturates.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Sigmoid()(sf.zeros(2)).tolist()
        [0.5, 0.5]
    """

    init_hint = "sigmoid"
    _op = _core.sigmoid


class Tanh(Activation):
    """tanh(x), in (-1, 1); derivative 1 - tanh(x)^2.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Tanh()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "tanh"
    _op = _core.tanh


class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x))), finite and accurate for any x.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LogSigmoid()(sf.tensor([-200.0])).tolist()
        [-200.0]
    """

    init_hint = "sigmoid"
    _op = _core.logsigmoid


class Softsign(Activation):
    """x / (1 + |x|), in (-1, 1); it saturates more slowly than tanh.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Softsign()(sf.tensor([-1.0, 3.0])).tolist()
        [-0.5, 0.75]
    """

    init_hint = "tanh"
    _op = _core.softsign


class Hardtanh(InplaceActivation):
    """x cut off at min_val and max_val, by default -1 and 1; the derivative beyond them is 0.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Hardtanh()(sf.tensor([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """

    init_hint = "tanh"
    _op, _arguments = _core.hardtanh, ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if not min_val < max_val:
            raise ValueError(f"[Hardtanh] min_val={min_val!r}: must be below max_val={max_val!r}")
        self.min_val, self.max_val = min_val, max_val


class Hardsigmoid(InplaceActivation):
    """min(max(x + 3, 0), 6) / 6: a sigmoid of three straight lines.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Hardsigmoid()(sf.tensor([-4.0, 0.0, 4.0])).tolist()
        [0.0, 0.5, 1.0]
    """

    init_hint = "sigmoid"
    _op = _core.hardsigmoid


class _Shrink(Activation):
    _arguments = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = number(type(self).__name__, "lambd", lambd, 0, infinite=True)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(_Shrink):
    """x moved towards zero by lambd (0.5), zero where it would pass it.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Softshrink()(sf.tensor([-2.0, 0.25])).tolist()
        [-1.5, 0.0]
    """

    _op = _core.softshrink


class Hardshrink(_Shrink):
    """x, but zero between -lambd and lambd (0.5).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Hardshrink()(sf.tensor([-2.0, 0.25])).tolist()
        [-2.0, 0.0]
    """

    _op = _core.hardshrink


class Tanhshrink(Activation):
    """x - tanh(x).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Tanhshrink()(sf.zeros(1)).tolist()
        [0.0]
    """

    _op = _core.tanhshrink
