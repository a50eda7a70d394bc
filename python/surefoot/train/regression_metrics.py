"""Metrics of regression, summed in float64."""

from __future__ import annotations

import math

from surefoot import _core
from surefoot._core import Tensor

from .metrics import Metric

__all__ = ["MAE", "MSE", "R2", "RMSE"]


class _Errors(Metric):
    """A sum over all numbers of the targets."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._total, self._count = 0.0, 0

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        self._total += float(self._size(_errors(self, output, target)).sum().item())
        self._count += target.numel()

    def _size(self, errors: Tensor) -> Tensor:
        return errors.square()

    def compute(self) -> float:
        """Return the mean; NaN when there were no rows."""
        return self._total / self._count if self._count else math.nan


class MSE(_Errors):
    """Mean squared error over all numbers; shapes of output and target must be equal.

    Example:
        >>> import surefoot as sf
        >>> mse = MSE()
        >>> mse.update(sf.tensor([1.0, 2.0]), sf.tensor([1.0, 4.0]))
        >>> mse.compute()
        2.0
    """

    name = "mse"


class RMSE(_Errors):
    """Square root of the mean squared error, in the unit of the target.

    Example:
        >>> import surefoot as sf
        >>> rmse = RMSE()
        >>> rmse.update(sf.tensor([1.0, 2.0]), sf.tensor([3.0, 4.0]))
        >>> rmse.compute()
        2.0
    """

    name = "rmse"

    def compute(self) -> float:
        """Return the root over all rows, not a mean of roots."""
        return math.sqrt(super().compute()) if self._count else math.nan


class MAE(_Errors):
    """Mean absolute error over all numbers.

    Example:
        >>> import surefoot as sf
        >>> mae = MAE()
        >>> mae.update(sf.tensor([1.0, 2.0]), sf.tensor([1.0, 4.0]))
        >>> mae.compute()
        1.0
    """

    name = "mae"

    def _size(self, errors: Tensor) -> Tensor:
        return errors.abs()


class R2(Metric):
    """Share of the target's variance that is explained: ``1 - sum (y - f)^2 / sum (y - mean y)^2``.

    1 is perfect, 0 as good as the mean, below 0 worse. Of several outputs (N, K) the plain mean of
    their shares. A constant target gives 1 when it is met exactly, else 0. Spread is gathered
    around the mean (not as a difference of squares), so far-off targets lose no digits.

    Example:
        >>> import surefoot as sf
        >>> r2 = R2()
        >>> r2.update(sf.tensor([1.0, 2.0, 4.0]), sf.tensor([1.0, 2.0, 3.0]))
        >>> r2.compute()
        0.5

    Source: Chan et al. 1983, "Algorithms for computing the sample variance" (the gathering).
    """

    name = "r2"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._count = 0
        self._mean: Tensor | None = None  # of the target, per output
        self._spread: Tensor | None = None  # sum of squares around it
        self._residual: Tensor | None = None

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        rows = len(target)
        if not rows:
            return
        missed = _errors(self, output, target).reshape(rows, -1).square().sum(dim=0)
        values = target.to(_core.float64).reshape(rows, -1)
        mean = values.mean(dim=0)
        spread = (values - mean).square().sum(dim=0)
        if self._mean is None or self._spread is None or self._residual is None:
            self._count, self._mean, self._spread, self._residual = rows, mean, spread, missed
            return
        total, way = self._count + rows, mean - self._mean
        self._spread = self._spread + spread + way.square() * (self._count * rows / total)
        self._mean = self._mean + way * (rows / total)
        self._residual, self._count = self._residual + missed, total

    def compute(self) -> float:
        """Return the share; NaN for fewer than two rows."""
        if self._count < 2 or self._spread is None or self._residual is None:
            return math.nan
        pairs = zip(self._residual.tolist(), self._spread.tolist(), strict=True)
        shares = [1 - r / s if s else float(r == 0) for r, s in pairs]
        return float(sum(shares) / len(shares))


def _errors(metric: Metric, output: Tensor, target: Tensor) -> Tensor:
    if output.shape != target.shape:
        raise ValueError(
            f"[{type(metric).__name__}] output {tuple(output.shape)} with target "
            f"{tuple(target.shape)}: the shapes must be equal; reshape one of them"
        )
    return output.to(_core.float64) - target.to(_core.float64)
