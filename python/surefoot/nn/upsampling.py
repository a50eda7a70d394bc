"""Resizing of images and sequences, and sub-pixel layouts."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot import _core
from surefoot._check import choice, integer
from surefoot._core import Tensor

from .module import Module

__all__ = [
    "ChannelShuffle",
    "PixelShuffle",
    "PixelUnshuffle",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]

MODES = ("nearest", "nearest-exact", "linear", "bilinear", "area")


class Upsample(Module):
    """(N, C, L) or (N, C, H, W) resized to `size`, or by `scale_factor`.

    Output i of n lies at (i + 1/2) L / n - 1/2 of the input: 'nearest' takes the element at
    floor(i L / n), 'nearest-exact' the one whose centre is nearest, 'linear' and 'bilinear' the
    mean of the two (four) around it, weighted by distance, 'area' the mean of what it covers.

    Args:
        size: of the output, one number or one for each dimension.
        scale_factor: output over input, rounded down; this or size.
        mode: as above, 'nearest'; 'linear' is for (N, C, L), 'bilinear' for (N, C, H, W).
        align_corners: of linear and bilinear: the first and last centres coincide,
            position i (L - 1) / (n - 1); False.
        recompute_scale_factor: take positions from the sizes, not from scale_factor; False.

    ValueError: both or neither of size and scale_factor, an output without elements, an unknown
    mode. NotImplementedError: bicubic, trilinear.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Upsample(scale_factor=2)(sf.tensor([[[1.0, 2.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
        >>> sf.nn.Upsample(4, mode="linear")(sf.tensor([[[1.0, 2.0]]])).tolist()
        [[[1.0, 1.25, 1.75, 2.0]]]

    Keras's UpSampling2D has align_corners=False and 'nearest', as here.
    """

    init_hint = "pass"

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("bicubic", "trilinear"):  # those are refused by name when they are called
            choice(type(self).__name__, "mode", mode, MODES)
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        return _core.interpolate(
            x,
            *(self.size, self.scale_factor, self.mode, self.align_corners),
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        given = "size" if self.size is not None else "scale_factor"
        return f"{given}={getattr(self, given)}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample of (N, C, H, W) with mode='nearest'.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.UpsamplingNearest2d(scale_factor=2)(sf.randn(2, 3, 4, 5)).shape
        (2, 3, 8, 10)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Upsample of (N, C, H, W) with mode='bilinear' and align_corners=True.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.UpsamplingBilinear2d((2, 3))(sf.tensor([[[[1.0, 2.0]]]])).tolist()
        [[[[1.0, 1.5, 2.0], [1.0, 1.5, 2.0]]]]
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Module):
    """(..., C r^2, H, W) as (..., C, H r, W r).

    Channel c r^2 + i r + j becomes offset (i, j) of each pixel of channel c.

    Args:
        upscale_factor: r.

    ValueError: channels that are no multiple of r^2.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.PixelShuffle(2)(sf.arange(4.0).reshape(4, 1, 1)).tolist()
        [[[0.0, 1.0], [2.0, 3.0]]]

    Source: Shi et al. 2016, "Real-time single image and video super-resolution".
    """

    init_hint = "pass"

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = integer("PixelShuffle", "upscale_factor", upscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _core.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(..., C, H r, W r) as (..., C r^2, H, W): the inverse of PixelShuffle.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.PixelUnshuffle(2)(sf.randn(5, 3, 8, 6)).shape
        (5, 12, 4, 3)
    """

    init_hint = "pass"

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = integer("PixelUnshuffle", "downscale_factor", downscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _core.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of (N, C, ...), in groups, dealt out in turn: c of group g goes to c groups + g.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ChannelShuffle(2)(sf.arange(4.0).reshape(1, 4, 1)).flatten().tolist()
        [0.0, 2.0, 1.0, 3.0]

    Source: Zhang et al. 2018, "ShuffleNet".
    """

    init_hint = "pass"

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = integer("ChannelShuffle", "groups", groups, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _core.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
