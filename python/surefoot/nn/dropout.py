"""Layers that drop elements, or whole channels, at random while training."""

from __future__ import annotations

from surefoot._check import choice, probability
from surefoot._core import Tensor

from . import _dropout as functions
from .module import Module

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _Dropout(Module):
    init_hint = "pass"

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = probability(type(self).__name__, "p", p)
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class _ScaledDropout(_Dropout):
    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, scaling: functions.Scaling = "train"
    ) -> None:
        super().__init__(p, inplace)
        self.scaling: functions.Scaling = scaling
        choice(type(self).__name__, "scaling", scaling, ("train", "eval"))

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.scaling == "train" else f"{text}, scaling={self.scaling!r}"


class Dropout(_ScaledDropout):
    """In training, zeroes each element with probability p and multiplies the rest by 1 / (1 - p).

    In eval mode it is the identity. The mask is new in every call, that is, for every element of
    every batch.

    Args:
        p: the share that is dropped (not kept), in [0, 1], 0.5.
        inplace: write into the input.
        scaling: 'train' as above; 'eval': the form of the paper, where training only zeroes and
            eval mode multiplies by 1 - p. Both agree in expectation, up to the scale of the
            weights that follow.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Dropout(0.2).eval()(sf.ones(3)).tolist()
        [1.0, 1.0, 1.0]
        >>> sf.nn.Dropout(0.25, scaling="eval").eval()(sf.ones(3)).tolist()
        [0.75, 0.75, 0.75]

    Known misprints: scaling by p, the dropped share, at test, where it is the kept share 1 - p; a
    mask per epoch, where it is one per step. Source: Srivastava et al. 2014, whose p is the kept
    share.
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.dropout(x, self.p, self.training, self.inplace, scaling=self.scaling)


class Dropout1d(_ScaledDropout):
    """Dropout of whole channels: each x[n, c] of (N, C, L) or (C, L) is kept or dropped as one.

    Neighbours in a channel are alike, and dropping single ones would hide little. p, inplace and
    scaling as in Dropout. ValueError: another number of dimensions.

    Example:
        >>> import surefoot as sf
        >>> y = sf.nn.Dropout1d()(sf.ones(4, 8, 5))
        >>> bool((y == y[:, :, :1]).all())
        True

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks".
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.dropout1d(x, self.p, self.training, self.inplace, scaling=self.scaling)


class Dropout2d(_ScaledDropout):
    """Dropout1d for images (N, C, H, W); three dimensions are read as (N, C, L), as in torch.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Dropout2d()(sf.ones(4, 8, 5, 5)).shape
        (4, 8, 5, 5)
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.dropout2d(x, self.p, self.training, self.inplace, scaling=self.scaling)


class Dropout3d(_ScaledDropout):
    """Dropout1d for volumes: (N, C, D, H, W) or (C, D, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Dropout3d()(sf.ones(2, 8, 3, 3, 3)).shape
        (2, 8, 3, 3, 3)
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.dropout3d(x, self.p, self.training, self.inplace, scaling=self.scaling)


class AlphaDropout(_Dropout):
    """Dropout for nets of SELUs: what is dropped gets SELU's limit -c = -1.7581 instead of 0.

    In training y = a (x or -c) + a c p with a = 1 / sqrt((1 - p) (1 + p c^2)): mean 0 and variance
    1 stay so. In eval mode it is the identity. p: the share dropped, in [0, 1], 0.5; p = 1 gives 0.

    Example:
        >>> import surefoot as sf
        >>> y = sf.nn.AlphaDropout(0.3)(sf.randn(100_000))
        >>> abs(y.mean().item()) < 0.03, abs(y.std().item() - 1) < 0.03
        (True, True)

    Source: Klambauer et al. 2017, "Self-normalizing neural networks".
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.alpha_dropout(x, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N, C, ...).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.FeatureAlphaDropout(0.3)(sf.randn(4, 8, 5)).shape
        (4, 8, 5)
    """

    def forward(self, x: Tensor) -> Tensor:
        return functions.feature_alpha_dropout(x, self.p, self.training, self.inplace)
