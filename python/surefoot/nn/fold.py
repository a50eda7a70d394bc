"""Windows of an image as columns, and back."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._core import Tensor

from ._sizes import Sizes
from .module import Module

__all__ = ["Fold", "Unfold"]


class _Blocks(Module):
    init_hint = "pass"

    def __init__(self, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Unfold(_Blocks):
    """The windows of (N, C, H, W) as columns: (N, C * kernel H * kernel W, windows).

    A convolution is weight.reshape(out, -1) @ columns. Also (C, H, W) to (C * taps, windows).

    Args:
        kernel_size: of a window, one number or a pair; so are the others.
        dilation: between the elements of a window; 1.
        padding: zeros on both sides; 0.
        stride: between windows; 1.

    ValueError: a kernel larger than the padded input, a number out of range.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Unfold((1, 2))(sf.tensor([[[1.0, 2.0, 3.0]]])).tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """

    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, x: Tensor) -> Tensor:
        return _core.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Blocks):
    """Columns (N, C * taps, windows) added up to an image (N, C, *output_size).

    The gradient of Unfold, not its inverse: an element of several windows is their sum.

    Args:
        output_size: (H, W) of the image, or one number for both.
        kernel_size, dilation, padding, stride: as in Unfold.

    ValueError: rows that are no multiple of the taps, another number of windows.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Fold((1, 3), (1, 2))(sf.tensor([[1.0, 2.0], [2.0, 3.0]])).tolist()
        [[[1.0, 4.0, 3.0]]]
    """

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return _core.fold(
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
