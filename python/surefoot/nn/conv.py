"""Convolutions and transposed convolutions of signals and images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from surefoot import _core
from surefoot._check import choice, integer
from surefoot._core import Tensor

from . import initializer
from ._sizes import Sizes, sizes
from .auto_init import AutoInit, draw_parameters
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """Weight, bias and how the kernel moves; one number stands for every dimension."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        init: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.in_channels = integer(name, "in_channels", in_channels, 1)
        self.out_channels = integer(name, "out_channels", out_channels, 1)
        self.groups = integer(name, "groups", groups, 1)
        for side in ("in_channels", "out_channels"):
            if getattr(self, side) % self.groups:
                raise ValueError(
                    f"[{name}] {side}={getattr(self, side)}: must be a multiple of "
                    f"groups={self.groups}"
                )
        self.kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self.stride = self._sizes("stride", stride, 1)
        self.dilation = self._sizes("dilation", dilation, 1)
        self.padding = self._padding(padding)
        self.padding_mode = choice(name, "padding_mode", padding_mode, PADDING_MODES)
        self._law = init if init in ("auto", "torch") else initializer.get(init, name)
        self._auto_init: AutoInit | None = None
        dtype = _core.float32 if dtype is None else dtype
        channels = (self.out_channels, self.in_channels // self.groups)
        if self.transposed:
            channels = (self.in_channels, self.out_channels // self.groups)
        self.weight = Parameter(_core.empty(*channels, *self.kernel_size, dtype=dtype))
        if bias:
            self.bias = Parameter(_core.empty(self.out_channels, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _sizes(self, name: str, value: Sizes, least: int) -> tuple[int, ...]:
        given = sizes(type(self).__name__, name, value, self.dims, least)
        return given * (self.dims // len(given))

    def _padding(self, padding: Sizes | str) -> tuple[int, ...] | str:
        if not isinstance(padding, str):
            return self._sizes("padding", padding, 0)
        name = type(self).__name__
        if self.transposed:
            raise ValueError(f"[{name}] padding={padding!r}: must be integers")
        choice(name, "padding", padding, ("same", "valid"))
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(
                f"[{name}] padding='same' keeps the size: stride must be 1, got {self.stride}"
            )
        return padding

    def reset_parameters(self) -> None:
        """Draw the parameters anew, by the law chosen with `init`."""
        draw_parameters(self)

    def _both_sides(self) -> list[int]:
        """The padding as `pad` takes it: left, right, top, bottom."""
        sides: list[int] = []
        for d in reversed(range(self.dims)):
            if isinstance(self.padding, tuple):
                sides += [self.padding[d]] * 2
            else:
                total = self.dilation[d] * (self.kernel_size[d] - 1) * (self.padding == "same")
                sides += [total // 2, total - total // 2]
        return sides

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        zero, one = (0,) * self.dims, (1,) * self.dims
        text += f", padding={self.padding}" if self.padding != zero else ""
        text += f", dilation={self.dilation}" if self.dilation != one else ""
        extra = getattr(self, "output_padding", zero)
        text += f", output_padding={extra}" if extra != zero else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        text += f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        return text


class _Forward(_Conv):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation,
                         groups, bias, padding_mode, init, dtype)  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x = _core.pad(x, self._both_sides(), mode=self.padding_mode)
            padding = 0
        return type(self).function(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv1d(_Forward):
    """y[n, o, i] = b[o] + sum over c, u of w[o, c, u] x[n, c, i stride + u dilation - padding].

    Shapes: x (N, in_channels, L) or (in_channels, L), w (out_channels, in_channels / groups,
    kernel_size), y (N, out_channels, (L + 2 padding - dilation (kernel_size - 1) - 1) // stride
    + 1). What is called a convolution is a cross-correlation: the kernel is not flipped.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, padding, dilation: an integer, or one for each dimension.
        padding: also 'valid' (none) or 'same' (output as large as the input; stride 1 only).
        groups: the channels are divided into so many independent convolutions;
            groups=in_channels is a depthwise one.
        bias: add a number per output channel.
        padding_mode: what the padding holds: 'zeros', 'reflect', 'replicate' or 'circular'.
        init: as in Linear: 'auto', 'torch', a name of surefoot.initializers or a callable.
        dtype: floating dtype of the parameters, float32 by default.

    Errors: channels that differ, a kernel that spans more than the padded input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Conv1d(16, 33, 3, stride=2)(sf.ones(20, 16, 50)).shape
        (20, 33, 24)

    torch differs in the default initialisation only. Keras puts the channels last and pads 'same'
    with a stride, too.
    """

    dims = 1
    function = _core.conv1d


class Conv2d(_Forward):
    """Conv1d for images: x (N, in_channels, H, W) or (in_channels, H, W).

    Pairs are (height, width).

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding="valid", groups=1)
        >>> layer(sf.ones(4, 3, 32, 32)).shape
        (4, 8, 15, 28)

    Known misprint: "(W - F + 2P) / S + 1" without rounding down; where the kernel does not fit a
    last time, those pixels are left out.
    """

    dims = 2
    function = _core.conv2d


class _Transposed(_Conv):
    transposed = True
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f"[{type(self).__name__}] padding_mode={padding_mode!r}: must be 'zeros'"
            )
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation,
                         groups, bias, padding_mode, init, dtype)  # fmt: skip
        self.output_padding = self._sizes("output_padding", output_padding, 0)

    def forward(self, x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """`output_size`: the size wanted of the output, in place of output_padding."""
        extra = self.output_padding if output_size is None else self._extra(x, output_size)
        return type(self).function(
            x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output_padding that gives `output_size`."""
        name, wanted = type(self).__name__, tuple(output_size)
        if len(wanted) == x.ndim:
            wanted = wanted[-self.dims :]
        if len(wanted) != self.dims:
            raise ValueError(
                f"[{name}] output_size={tuple(output_size)}: must have {self.dims} or "
                f"{x.ndim} sizes"
            )
        extra = []
        for d, size in enumerate(wanted):
            least = (
                (x.shape[x.ndim - self.dims + d] - 1) * self.stride[d]
                - 2 * int(self.padding[d])
                + self.dilation[d] * (self.kernel_size[d] - 1)
                + 1
            )
            if not least <= size < least + self.stride[d]:
                raise ValueError(
                    f"[{name}] output_size={tuple(output_size)}: an input {tuple(x.shape)} gives "
                    f"sizes from {least} to {least + self.stride[d] - 1} in dimension {d}"
                )
            extra.append(size - least)
        return tuple(extra)


class ConvTranspose1d(_Transposed):
    """The transposed convolution: the gradient of Conv1d's input as a layer.

    y[n, o, i stride + u dilation - padding] += w[c, o, u] x[n, c, i], summed over c, u and i, plus
    b[o]. It undoes the shape of a Conv1d with the same arguments, not its values.

    Shapes: x (N, in_channels, L) or (in_channels, L), w (in_channels, out_channels / groups,
    kernel_size), y (N, out_channels, (L - 1) stride - 2 padding + dilation (kernel_size - 1)
    + output_padding + 1).

    Args:
        output_padding: added to one side of the output's size; smaller than stride or dilation.
            Several lengths give the same L under a stride: this chooses among them, as
            `layer(x, output_size=...)` does.
        The others are those of Conv1d; padding_mode is 'zeros'. As in torch, the laws of `init`
        take out_channels / groups * kernel_size for fan_in.

    Errors: as Conv1d; output_padding not smaller than stride or dilation; an impossible
    output_size.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1)
        >>> layer(sf.ones(1, 4, 5)).shape, layer(sf.ones(1, 4, 5), output_size=[10]).shape
        ((1, 2, 9), (1, 2, 10))

    Source: Zeiler et al. 2010, "Deconvolutional networks".
    """

    dims = 1
    function = _core.conv_transpose1d


class ConvTranspose2d(_Transposed):
    """ConvTranspose1d for images: x (N, in_channels, H, W) or (in_channels, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)(sf.ones(2, 8, 7, 7)).shape
        (2, 3, 14, 14)
    """

    dims = 2
    function = _core.conv_transpose2d
