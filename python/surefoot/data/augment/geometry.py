"""Transforms that move pixels: flips, crops, rotations, affine maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from surefoot import _check

from ._ranges import PADDING_MODES, around, count, interval, size_of
from .base import Transform

__all__ = [
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
]

PaddingMode = Literal["constant", "edge", "reflect", "symmetric", "wrap"]
Interpolation = Literal["nearest", "bilinear"]


def mode_number(where: str, padding_mode: str) -> float:
    """The number of a padding mode in the core."""
    _check.choice(where, "padding_mode", padding_mode, PADDING_MODES)
    return float(PADDING_MODES.index(padding_mode))


class RandomHorizontalFlip(Transform):
    """Mirrors a picture left to right with probability ``p``. Exact.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomHorizontalFlip
        >>> RandomHorizontalFlip(p=1)(sf.tensor([[[[1.0, 2.0, 3.0]]]])).tolist()
        [[[[3.0, 2.0, 1.0]]]]
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = _check.probability("RandomHorizontalFlip", "p", p)

    def _step(self) -> tuple[str, list[float]]:
        return "flip_columns", [self.p]


class RandomVerticalFlip(Transform):
    """Mirrors a picture top to bottom with probability ``p``. Exact.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomVerticalFlip
        >>> RandomVerticalFlip(p=1)(sf.tensor([[[[1.0], [2.0]]]])).tolist()
        [[[[2.0], [1.0]]]]
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = _check.probability("RandomVerticalFlip", "p", p)

    def _step(self) -> tuple[str, list[float]]:
        return "flip_rows", [self.p]


class RandomCrop(Transform):
    """Cuts a window of ``size`` out of a random place, of the picture with padding. Exact.

    Args:
        size: height and width, or one number for both.
        padding: pixels added before cutting: one number; (left and right, top and bottom); or
            (left, top, right, bottom).
        fill: the value of padding in mode 'constant'.
        padding_mode: 'constant'; 'edge' repeats the border; 'reflect' mirrors without, 'symmetric'
            with the border pixel; 'wrap' goes on at the other side.

    Raises:
        ShapeError: (on use) a window larger than the padded picture.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomCrop
        >>> RandomCrop(28, padding=2)(sf.rand(16, 1, 28, 28)).shape
        (16, 1, 28, 28)

    Difference from torchvision: there is no pad_if_needed.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        *,
        fill: float = 0,
        padding_mode: PaddingMode = "constant",
    ) -> None:
        self.size = size_of("RandomCrop", size)
        self.padding = _sides(padding)
        self.fill = _check.number("RandomCrop", "fill", fill)
        self.padding_mode = padding_mode
        mode_number("RandomCrop", padding_mode)

    def _step(self) -> tuple[str, list[float]]:
        left, top, right, bottom = self.padding
        mode = mode_number("RandomCrop", self.padding_mode)
        return "crop", [*map(float, (*self.size, top, left, bottom, right)), mode, self.fill]


def _sides(padding: int | Sequence[int] | None) -> tuple[int, int, int, int]:
    """Of (left, top, right, bottom)."""
    if padding is None:
        return 0, 0, 0, 0
    sides = list(padding) if isinstance(padding, Sequence) else [padding]
    if len(sides) not in {1, 2, 4}:
        raise ValueError(f"[RandomCrop] padding must be 1, 2 or 4 numbers, got {padding!r}")
    left, top, right, bottom = (
        count("RandomCrop", "padding", side) for side in sides * (4 // len(sides))
    )
    return left, top, right, bottom


class RandomAffine(Transform):
    """Rotates about the centre, scales, shears and moves a picture, by random amounts.

    Args:
        degrees: the angle, clockwise, in [-degrees, degrees) or [from, to).
        translate: the largest moves as shares of width and height; moves are whole pixels.
        scale: the factor, in [from, to).
        shear: degrees along x in [-shear, shear) or [from, to); four numbers: along x and y.
        interpolation: 'nearest' or 'bilinear'.
        fill: what lies outside, in padding_mode 'constant'; the other modes as in RandomCrop.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomAffine
        >>> move = RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation="bilinear")
        >>> move(sf.rand(4, 3, 32, 32)).shape
        (4, 3, 32, 32)

    Differences from torchvision: ``padding_mode`` is an addition; there is no ``center``.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Interpolation = "nearest",
        fill: float = 0,
        *,
        padding_mode: PaddingMode = "constant",
    ) -> None:
        name = "RandomAffine"
        self.degrees = around(name, "degrees", degrees)
        self.translate = _shares(translate)
        self.scale = (1.0, 1.0) if scale is None else interval(name, "scale", scale, 1e-6)
        self.shear = _shears(shear)
        self.interpolation = interpolation
        _check.choice(name, "interpolation", interpolation, ("nearest", "bilinear"))
        self.fill = _check.number(name, "fill", fill)
        self.padding_mode = padding_mode
        mode_number(name, padding_mode)

    def _step(self) -> tuple[str, list[float]]:
        x, y = self.translate
        map_options = [*self.degrees, -x, x, -y, y, *self.scale, *self.shear]
        bilinear = float(self.interpolation == "bilinear")
        return "affine", [*map_options, bilinear, mode_number("", self.padding_mode), self.fill]


def _shares(translate: Sequence[float] | None) -> tuple[float, float]:
    if translate is None:
        return 0.0, 0.0
    if len(translate) != 2 or not all(0 <= share <= 1 for share in translate):
        raise ValueError(
            f"[RandomAffine] translate must be two shares in [0, 1], got {translate!r}"
        )
    return float(translate[0]), float(translate[1])


def _shears(shear: float | Sequence[float] | None) -> tuple[float, float, float, float]:
    if shear is None:
        return 0.0, 0.0, 0.0, 0.0
    if not isinstance(shear, Sequence):
        shear = around("RandomAffine", "shear", shear)
    if len(shear) not in {2, 4}:
        raise ValueError(f"[RandomAffine] shear must be 1, 2 or 4 numbers, got {shear!r}")
    x = interval("RandomAffine", "shear", list(shear[:2]), -89, 89)
    y = interval("RandomAffine", "shear", list(shear[2:]) or [0, 0], -89, 89)
    return *x, *y


class RandomRotation(Transform):
    """Rotates a picture about its centre, by a random angle. The size stays.

    Args:
        degrees: the angle, counter-clockwise, in (-degrees, degrees] or (from, to].
        interpolation, fill, padding_mode: as in RandomAffine.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomRotation
        >>> RandomRotation((90, 90))(sf.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
        [[[[2.0, 4.0], [1.0, 3.0]]]]

    Differences from torchvision: ``padding_mode`` is an addition; there are no ``expand`` and
    ``center``.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Interpolation = "nearest",
        *,
        fill: float = 0,
        padding_mode: PaddingMode = "constant",
    ) -> None:
        name = "RandomRotation"
        self.degrees = around(name, "degrees", degrees)
        self.interpolation = interpolation
        _check.choice(name, "interpolation", interpolation, ("nearest", "bilinear"))
        self.fill = _check.number(name, "fill", fill)
        self.padding_mode = padding_mode
        mode_number(name, padding_mode)

    def _step(self) -> tuple[str, list[float]]:
        low, high = self.degrees
        turned = RandomAffine(
            (-high, -low),
            interpolation=self.interpolation,
            fill=self.fill,
            padding_mode=self.padding_mode,
        )
        return turned._step()
