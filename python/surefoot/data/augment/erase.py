"""Transforms that blot out a part of a picture."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot import _check

from ._ranges import interval, size_of
from .base import Transform

__all__ = ["Cutout", "RandomErasing"]


class RandomErasing(Transform):
    """With probability ``p`` fills a random box of a picture with ``value``.

    Args:
        scale: the area of the box as a share of the picture, in [from, to).
        ratio: its height / width, log-uniform in [from, to).

    A box that does not fit is drawn anew, up to ten times. Source: Zhong et al. 2020.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import RandomErasing
        >>> x = RandomErasing(p=1, scale=(0.25, 0.25), ratio=(1, 1))(sf.ones(1, 1, 4, 4))
        >>> x.sum().item()
        12.0

    Difference from torchvision: ``value`` is a number for all channels.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float = 0,
    ) -> None:
        self.p = _check.probability("RandomErasing", "p", p)
        self.scale = interval("RandomErasing", "scale", scale, 0, 1)
        self.ratio = interval("RandomErasing", "ratio", ratio, 1e-6)
        self.value = _check.number("RandomErasing", "value", value)

    def _step(self) -> tuple[str, list[float]]:
        return "erase", [self.p, *self.scale, *self.ratio, self.value]


class Cutout(Transform):
    """Fills a box of ``size`` around a random pixel; what is beyond the border is cut off.

    Source: DeVries and Taylor 2017.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import Cutout
        >>> Cutout(9)(sf.ones(1, 1, 4, 4)).sum().item()
        0.0
    """

    def __init__(self, size: int | Sequence[int], value: float = 0) -> None:
        self.size = size_of("Cutout", size)
        self.value = _check.number("Cutout", "value", value)

    def _step(self) -> tuple[str, list[float]]:
        return "cutout", [float(self.size[0]), float(self.size[1]), self.value]
