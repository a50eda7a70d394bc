"""Transforms of sequences (N, T, F): N samples of T steps with F features."""

from __future__ import annotations

from surefoot import _check

from ._ranges import count
from .base import Transform
from .geometry import PaddingMode, mode_number

__all__ = ["Scaling", "TimeMask", "TimeShift", "TimeWarp"]


class TimeShift(Transform):
    """Moves a sequence in time by a whole number of steps, uniform in [-max_shift, max_shift].

    Args:
        padding_mode: what comes in at the end: 'wrap' (the default) rolls the sequence, 'constant'
            puts ``fill``; the others as in RandomCrop.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import TimeShift
        >>> x = sf.arange(5.0).reshape(1, 5, 1)
        >>> sorted(TimeShift(2)(x).flatten().tolist())
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """

    def __init__(
        self, max_shift: int, padding_mode: PaddingMode = "wrap", *, fill: float = 0
    ) -> None:
        self.max_shift = count("TimeShift", "max_shift", max_shift)
        self.padding_mode = padding_mode
        mode_number("TimeShift", padding_mode)
        self.fill = _check.number("TimeShift", "fill", fill)

    def _step(self) -> tuple[str, list[float]]:
        return "shift_rows", [float(self.max_shift), mode_number("", self.padding_mode), self.fill]


class TimeWarp(Transform):
    """Lets time run faster and slower: y[t] = x[tau(t)], linear between steps; float inputs.

    tau is piecewise linear between ``knots`` points at equal distances; each piece has the speed
    exp(sigma z), z ~ N(0, 1), up to the factor that makes tau(0) = 0 and tau(T - 1) = T - 1. So
    the order of events never changes. After Um et al. 2017, who draw a smooth curve instead.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import TimeWarp
        >>> x = sf.arange(6.0).reshape(1, 6, 1)
        >>> y = TimeWarp(0.5)(x).flatten().tolist()
        >>> y[0], y[-1], y == sorted(y)
        (0.0, 5.0, True)
    """

    def __init__(self, sigma: float = 0.2, knots: int = 4) -> None:
        self.sigma = _check.number("TimeWarp", "sigma", sigma, 0)
        self.knots = _check.integer("TimeWarp", "knots", knots, 1, 64)
        if self.sigma > 10:
            raise ValueError(f"[TimeWarp] sigma must be at most 10, got {sigma}")

    def _step(self) -> tuple[str, list[float]]:
        return "warp_rows", [self.sigma, float(self.knots)]


class TimeMask(Transform):
    """Fills ``num_masks`` stretches of time with ``value``, over all features.

    Each is w steps long, w uniform in [0, max_width], anywhere in the sequence; they may overlap.
    Source: the time masks of SpecAugment, Park et al. 2019.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import TimeMask
        >>> masked = TimeMask(3)(sf.ones(1, 10, 2))
        >>> masked.sum().item() >= 14
        True
    """

    def __init__(self, max_width: int, num_masks: int = 1, value: float = 0) -> None:
        self.max_width = count("TimeMask", "max_width", max_width)
        self.num_masks = count("TimeMask", "num_masks", num_masks, 1)
        self.value = _check.number("TimeMask", "value", value)

    def _step(self) -> tuple[str, list[float]]:
        return "mask_rows", [float(self.max_width), float(self.num_masks), self.value]


class Scaling(Transform):
    """Multiplies each feature of a sequence with a factor ~ N(1, sigma^2); float inputs.

    Source: Um et al. 2017.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data.augment import Scaling
        >>> y = Scaling(0.1)(sf.ones(1, 5, 3))
        >>> bool((y == y[:, :1]).all())
        True
    """

    def __init__(self, sigma: float = 0.1) -> None:
        self.sigma = _check.number("Scaling", "sigma", sigma, 0)

    def _step(self) -> tuple[str, list[float]]:
        return "scale_columns", [self.sigma]
