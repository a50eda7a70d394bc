"""Transforms of the values of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surefoot import _check

from ._ranges import Range, interval
from .base import Transform

__all__ = ["ColorJitter", "GaussianNoise", "Normalize", "RandomGrayscale"]


class GaussianNoise(Transform):
    """Adds N(mean, sigma^2) to every number; inputs of any shape (N, ...), float32 or float64.

    For sequences this is what Um et al. 2017 call jittering.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import GaussianNoise
        >>> noise = GaussianNoise(sigma=0.1)(sf.zeros(100, 100), seed=0)
        >>> round(noise.std().item(), 2)
        0.1

    Difference from torchvision: results are not clipped to [0, 1].
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1) -> None:
        self.mean = _check.number("GaussianNoise", "mean", mean)
        self.sigma = _check.number("GaussianNoise", "sigma", sigma, 0)

    def _step(self) -> tuple[str, list[float]]:
        return "noise", [self.mean, self.sigma]


class Normalize(Transform):
    """(x - mean) / std for each channel; uint8 is divided by 255 first and becomes float32.

    Not random: apply it to validation data, too, ``Normalize(mean, std)(x)``.

    Args:
        mean, std: one number for each channel, or one for all of a picture with one channel.

    Raises:
        ValueError: a std that is not positive. ShapeError: (on use) another number of channels.

    Example:
        >>> import numpy as np
        >>> from surefoot.data.augment import Normalize
        >>> Normalize(0.5, 0.25)(np.array([[[[0, 255]]]], np.uint8)).tolist()
        [[[[-2.0, 2.0]]]]
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = _numbers("mean", mean, _check.number)
        self.std = _numbers("std", std, _check.positive)
        if len(self.mean) != len(self.std):
            raise ValueError(
                f"[Normalize] {len(self.mean)} means and {len(self.std)} standard deviations"
            )

    def _step(self) -> tuple[str, list[float]]:
        return "normalize", [*self.mean, *self.std]


def _numbers(
    name: str, values: float | Sequence[float], check: Callable[[str, str, float], float]
) -> list[float]:
    parts = list(values) if isinstance(values, Sequence) else [values]
    if not parts:
        raise ValueError(f"[Normalize] {name} is empty")
    return [check("Normalize", name, part) for part in parts]


class ColorJitter(Transform):
    """Changes brightness, contrast and saturation by random factors f, in a random order.

    Brightness: f x. Contrast: f x + (1 - f) m, m the mean grey of the picture. Saturation:
    f x + (1 - f) g, g the grey of the pixel, 0.2989 R + 0.587 G + 0.114 B. Results are kept in
    [0, 1], or [0, 255] for uint8, so inputs must be in that range.

    Args:
        brightness, contrast, saturation: f is in [max(0, 1 - value), 1 + value) or [from, to).

    Shapes: 3 channels (RGB) or 1, which has no saturation.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import ColorJitter
        >>> ColorJitter(brightness=(0.5, 0.5))(sf.ones(1, 1, 1, 2)).tolist()
        [[[[0.5, 0.5]]]]

    Differences from torchvision: no hue; uint8 is rounded, not cut off.
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
    ) -> None:
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)

    def _step(self) -> tuple[str, list[float]]:
        return "color", [*self.brightness, *self.contrast, *self.saturation]


def _factors(name: str, value: float | Sequence[float]) -> Range:
    if isinstance(value, Sequence):
        return interval("ColorJitter", name, value, 0)
    spread = _check.number("ColorJitter", name, value, 0)
    return max(0.0, 1 - spread), 1 + spread


class RandomGrayscale(Transform):
    """Replaces the three channels of a pixel by its grey, with probability ``p``.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomGrayscale
        >>> gray = RandomGrayscale(p=1)(sf.rand(2, 3, 4, 4))
        >>> bool((gray[:, 0] == gray[:, 2]).all())
        True
    """

    def __init__(self, p: float = 0.1) -> None:
        self.p = _check.probability("RandomGrayscale", "p", p)

    def _step(self) -> tuple[str, list[float]]:
        return "gray", [self.p]
