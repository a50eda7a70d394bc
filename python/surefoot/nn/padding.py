"""Padding as layers: zeros, a constant, a reflection, the edge, the other end."""

from __future__ import annotations

from typing import ClassVar

from surefoot import _core
from surefoot._core import Tensor

from ._sizes import Sizes, sizes
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]


class _Pad(Module):
    init_hint = "pass"
    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        sides = sizes(type(self).__name__, "padding", padding, 2 * self.dims)
        self.padding = sides * (2 * self.dims // len(sides))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in (self.dims + 1, self.dims + 2):
            layout = "(N, C, L) or (C, L)" if self.dims == 1 else "(N, C, H, W) or (C, H, W)"
            raise ValueError(f"[{type(self).__name__}] needs {layout}, got {tuple(x.shape)}")
        return _core.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        shown = f"padding={self.padding}"
        return shown if self.value is None else f"{shown}, value={self.value}"


class ZeroPad1d(_Pad):
    """Zeros around (N, C, L) or (C, L).

    Args:
        padding: one number for all sides, or one for each: (left, right); negative ones cut.

    ValueError: another count of numbers, another number of dimensions.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ZeroPad1d((2, 1))(sf.ones(1, 2)).tolist()
        [[0.0, 0.0, 1.0, 1.0, 0.0]]
    """

    dims = 1


class ZeroPad2d(_Pad):
    """Zeros around (N, C, H, W) or (C, H, W); padding is (left, right, top, bottom) or one number.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ZeroPad2d((1, 1, 2, 0))(sf.ones(3, 4, 5)).shape
        (3, 6, 7)
    """

    dims = 2


class _ConstantPad(_Pad):
    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value


class ConstantPad1d(_ConstantPad):
    """ZeroPad1d with `value` in place of zeros.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ConstantPad1d(1, 7.0)(sf.ones(1, 2)).tolist()
        [[7.0, 1.0, 1.0, 7.0]]
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """ZeroPad2d with `value` in place of zeros.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ConstantPad2d((1, 0, 0, 0), 7.0)(sf.ones(1, 2, 1)).tolist()
        [[[7.0, 1.0], [7.0, 1.0]]]
    """

    dims = 2


class ReflectionPad1d(_Pad):
    """Reflection about the edge, which is not repeated: padding must be less than the size.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReflectionPad1d(2)(sf.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """ReflectionPad1d over H and W of (N, C, H, W) or (C, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReflectionPad2d(1)(sf.randn(2, 3, 4, 5)).shape
        (2, 3, 6, 7)
    """

    dims, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """The first and the last element repeated.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReplicationPad1d((2, 1))(sf.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]]
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """ReplicationPad1d over H and W of (N, C, H, W) or (C, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReplicationPad2d((0, 1, 0, 0))(sf.tensor([[[1.0], [2.0]]])).tolist()
        [[[1.0, 1.0], [2.0, 2.0]]]
    """

    dims, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """What lies at the other end: padding must be at most the size.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.CircularPad1d(1)(sf.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[3.0, 1.0, 2.0, 3.0, 1.0]]
    """

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """CircularPad1d over H and W of (N, C, H, W) or (C, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.CircularPad2d(2)(sf.randn(2, 3, 4, 5)).shape
        (2, 3, 8, 9)
    """

    dims, mode = 2, "circular"
