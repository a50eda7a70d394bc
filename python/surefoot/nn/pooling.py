"""Pooling: the largest element or the mean of each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from . import _pooling
from ._sizes import Sizes, sizes
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]


def _checked(owner: str, name: str, value: Sizes, dims: int, least: int) -> Any:
    """`value`, one integer or `dims` of them, each at least `least`, in the form it was given."""
    given = sizes(owner, name, value, dims, least)
    return given if isinstance(value, Sequence) else given[0]


def _check_padding(owner: str, padding: Any, kernel_size: Any) -> None:
    pads, kernels = (v if isinstance(v, tuple) else (v,) for v in (padding, kernel_size))
    most = max(len(pads), len(kernels))
    pairs = zip(pads * (most // len(pads)), kernels * (most // len(kernels)), strict=True)
    if any(pad > kernel // 2 for pad, kernel in pairs):
        raise ValueError(
            f"[{owner}] padding={padding} for kernel_size={kernel_size}: must be at most half the "
            "kernel"
        )


class _Pool(Module):
    init_hint = "pass"
    dims: int

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, ceil_mode: bool
    ) -> None:
        super().__init__()
        name, dims = type(self).__name__, self.dims
        self.kernel_size = _checked(name, "kernel_size", kernel_size, dims, 1)
        own = stride if stride is not None else kernel_size
        self.stride = _checked(name, "stride", own, dims, 1)
        self.padding = _checked(name, "padding", padding, dims, 0)
        _check_padding(name, self.padding, self.kernel_size)
        self.ceil_mode = ceil_mode


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = _checked(type(self).__name__, "dilation", dilation, self.dims, 1)
        self.return_indices = return_indices

    def forward(self, x: Tensor) -> Any:
        pool = _pooling.max_pool1d if self.dims == 1 else _pooling.max_pool2d
        return pool(
            x,
            *(self.kernel_size, self.stride, self.padding, self.dilation),
            *(self.ceil_mode, self.return_indices),
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """y[i] = max of x[i * stride - padding + k * dilation] over k < kernel_size, for (N, C, L).

    Input (N, C, L) or (C, L), output with L = (L + 2 padding - dilation (kernel_size - 1) - 1) /
    stride + 1, rounded down (up in ceil mode, if the last window begins inside). Padding counts as
    -inf; NaN wins; the gradient goes to the first of equal elements.

    Args:
        kernel_size: elements of a window.
        stride: between windows; kernel_size if None.
        padding: on both sides, at most half the kernel; 0.
        dilation: between the elements of a window; 1.
        return_indices: also give the places of the elements, int64; False.
        ceil_mode: round the size up; False.

    ValueError: a number out of range, a kernel larger than the padded input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.MaxPool1d(2)(sf.tensor([[1.0, 3.0, 2.0, 0.0, 9.0]])).tolist()
        [[3.0, 2.0]]

    Keras pads with padding='same' where torch and this take a number.
    """

    dims = 1


class MaxPool2d(_MaxPool):
    """MaxPool1d over H and W of (N, C, H, W) or (C, H, W); each argument one number or a pair.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.MaxPool2d(3, stride=2, padding=1)(sf.randn(2, 3, 32, 32)).shape
        (2, 3, 16, 16)
    """

    dims = 2


class AvgPool1d(_Pool):
    """y[i] = mean of x[i * stride - padding + k] over k < kernel_size, for (N, C, L) or (C, L).

    Args:
        kernel_size: elements of a window.
        stride: between windows; kernel_size if None.
        padding: zeros on both sides, at most half the kernel; 0.
        ceil_mode: round the size up; False.
        count_include_pad: divide by the elements of the window with its padding; True.

    ValueError: a number out of range, a kernel larger than the padded input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AvgPool1d(2)(sf.tensor([[1.0, 3.0, 2.0, 0.0, 9.0]])).tolist()
        [[2.0, 1.0]]

    Keras never counts padding: count_include_pad=False.
    """

    dims = 1

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        return _core.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_Pool):
    """AvgPool1d over H and W of (N, C, H, W) or (C, H, W); each argument one number or a pair.

    divisor_override: divide every window by this number instead.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AvgPool2d((2, 1))(sf.tensor([[[1.0, 2.0], [3.0, 6.0]]])).tolist()
        [[[2.0, 4.0]]]
    """

    dims = 2

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        if divisor_override == 0:
            raise ValueError("[AvgPool2d] divisor_override must not be 0")
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return _core.avg_pool2d(
            x,
            *(self.kernel_size, self.stride, self.padding, self.ceil_mode),
            *(self.count_include_pad, self.divisor_override),
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AdaptivePool(Module):
    init_hint = "pass"

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        name = type(self).__name__
        for size in output_size if isinstance(output_size, Sequence) else (output_size,):
            if size is not None:
                integer(name, "output_size", size, 1)
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """The means of output_size windows that divide (N, C, L): floor(i L / n) to ceil((i+1) L / n).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AdaptiveAvgPool1d(2)(sf.tensor([[1.0, 3.0, 2.0]])).tolist()
        [[2.0, 2.5]]
    """

    def forward(self, x: Tensor) -> Tensor:
        return _core.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """AdaptiveAvgPool1d over H and W; a size of None keeps that of the input, 1 is global pooling.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AdaptiveAvgPool2d((1, None))(sf.randn(2, 3, 8, 5)).shape
        (2, 3, 1, 5)

    Keras: GlobalAveragePooling2D is AdaptiveAvgPool2d(1) and a Flatten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _pooling.adaptive_avg_pool2d(x, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that divide (N, C, L), as AdaptiveAvgPool1d.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AdaptiveMaxPool1d(2)(sf.tensor([[1.0, 3.0, 2.0]])).tolist()
        [[3.0, 3.0]]
    """

    def forward(self, x: Tensor) -> Any:
        return _pooling.adaptive_max_pool1d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """AdaptiveMaxPool1d over H and W; a size of None keeps that of the input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.AdaptiveMaxPool2d(2)(sf.randn(2, 3, 8, 5)).shape
        (2, 3, 2, 2)
    """

    def forward(self, x: Tensor) -> Any:
        return _pooling.adaptive_max_pool2d(x, self.output_size, self.return_indices)
