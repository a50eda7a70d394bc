"""Transforms that mix samples, and their targets with them."""

from __future__ import annotations

from typing import ClassVar

from surefoot import _check

from ._ranges import count
from .base import Mix

__all__ = ["CutMix", "MixUp"]


class _BetaMix(Mix):
    _name: ClassVar[str]

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None) -> None:
        title = type(self).__name__
        self.alpha = _check.positive(title, "alpha", alpha)
        self.num_classes = num_classes
        if num_classes is not None:
            count(title, "num_classes", num_classes, 1)

    def _how(self) -> tuple[str, float, int]:
        return self._name, self.alpha, self.num_classes or 0


class MixUp(_BetaMix):
    """x_i = l x_i + (1 - l) x_(i-1), targets alike; l ~ Beta(alpha, alpha) for every sample.

    The partner is the sample before in the batch (the last for the first), so a result depends on
    the order of the batch; l depends on (seed, epoch, index) alone.

    Args:
        alpha: > 0; the smaller, the closer l is to 0 or 1.
        num_classes: turns labels (N,) into shares (N, num_classes), float32. Targets that are
            real numbers (N, ...) are mixed as they are, and need no classes.

    Inputs: float32 or float64, (N, ...). Source: Zhang et al. 2018.

    Raises:
        ValueError: no targets, labels without ``num_classes``. IndexError: a label out of range.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import MixUp
        >>> x, y = MixUp(num_classes=3)(sf.rand(4, 2), sf.tensor([0, 1, 2, 1]))
        >>> y.shape, [round(total, 6) for total in y.sum(dim=1).tolist()]
        ((4, 3), [1.0, 1.0, 1.0, 1.0])

    Difference from torchvision: every sample has its own l.
    """

    _name = "mixup"


class CutMix(_BetaMix):
    """Puts a box of the sample before in the batch over every picture, and mixes the targets.

    The box, around a random pixel and cut off at the border, has sides sqrt(1 - l) of the
    picture's, l ~ Beta(alpha, alpha); a target keeps the share of pixels that the picture keeps.
    Partner, arguments and errors are as in MixUp; pictures may be uint8. Source: Yun et al. 2019.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import CutMix
        >>> images = sf.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 8, 8)
        >>> x, y = CutMix(num_classes=2)(images, sf.tensor([0, 1]))
        >>> bool((x.mean(dim=(1, 2, 3)) == y[:, 1]).all())
        True

    Difference from torchvision: every sample has its own l and box.
    """

    _name = "cutmix"
