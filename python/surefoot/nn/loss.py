"""Losses of numbers against numbers, and what all losses share.

Every loss takes ``reduction``: 'mean', 'sum' or 'none', and ``loss(input, target,
sample_weight=w)`` with one weight per sample, of shape (N). 'none' gives ``w * loss``, 'sum' their
sum, and 'mean' divides that by the sum of the weights, once for each element that a sample has
(Keras calls it 'mean_with_sample_weight'; its default divides by the number of samples). A negative
weight is an error where the mean would divide by it; 'sum' and 'none' take both signs, such as the
advantages of a policy gradient.
"""

from __future__ import annotations

from surefoot import _core
from surefoot._check import choice, number, positive
from surefoot._core import Tensor

from .module import Module

__all__ = ["MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "PoissonNLLLoss", "GaussianNLLLoss"]

REDUCTIONS = ("mean", "sum", "none")


class Loss(Module):
    """Base of the losses: checks ``reduction``."""

    def __init__(self, reduction: str = "mean", allowed: tuple[str, ...] = REDUCTIONS) -> None:
        super().__init__()
        self.reduction = choice(type(self).__name__, "reduction", reduction, allowed)


class WeightedLoss(Loss):
    """Base of the losses with a buffer ``weight``."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, reduction: str) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class MSELoss(Loss):
    """(input - target)^2, averaged over all elements; both must have the same shape.

    torch warns and broadcasts when the shapes differ; here it is an error.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.MSELoss()(sf.zeros(4), sf.ones(4)).item()
        1.0
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.mse_loss(input, target, self.reduction, sample_weight=sample_weight)


class L1Loss(Loss):
    """|input - target|, averaged over all elements; both must have the same shape.

    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> loss, weight = sf.nn.L1Loss(), sf.tensor([3.0, 1.0])
        >>> loss(sf.tensor([1.0, 5.0]), sf.zeros(2), sample_weight=weight).item()
        2.0
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.l1_loss(input, target, self.reduction, sample_weight=sample_weight)


class HuberLoss(Loss):
    """d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond, with d = input - target.

    Squared near the target, linear for outliers (Huber 1964). delta: positive, 1 by default.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.HuberLoss("none")(sf.tensor([1.0, 3.0]), sf.zeros(2)).tolist()
        [0.5, 2.5]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = positive("HuberLoss", "delta", delta, infinite=True)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.huber_loss(
            input, target, self.reduction, self.delta, sample_weight=sample_weight
        )


class SmoothL1Loss(Loss):
    """d^2 / (2 beta) for |d| < beta, |d| - beta / 2 beyond, with d = input - target.

    HuberLoss(delta=beta) / beta (Girshick 2015). beta: >= 0, 1 by default; 0 gives L1Loss.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.SmoothL1Loss("none", beta=0.5)(sf.tensor([0.5, 3.0]), sf.zeros(2)).tolist()
        [0.25, 2.75]
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = number("SmoothL1Loss", "beta", beta, 0)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.smooth_l1_loss(
            input, target, self.reduction, self.beta, sample_weight=sample_weight
        )


class PoissonNLLLoss(Loss):
    """exp(input) - target input: targets are counts, input the logarithms of their rates.

    log_input: False takes rates themselves, input - target log(input + eps). full: adds Stirling's
    target log(target) - target + log(2 pi target) / 2 where target > 1. eps: 1e-8.
    Errors: negative targets, and negative rates.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.PoissonNLLLoss()(sf.zeros(2), sf.tensor([0.0, 3.0])).item()
        1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.log_input, self.full = log_input, full
        self.eps = number("PoissonNLLLoss", "eps", eps, 0)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        options = (self.log_input, self.full, self.eps, self.reduction)
        return _core.poisson_nll_loss(input, target, *options, sample_weight=sample_weight)


class GaussianNLLLoss(Loss):
    """(log(v) + (input - target)^2 / v) / 2 with v = max(var, eps): a net that predicts its error.

    Shapes: var as input, or without its last size, or with 1 there; or a number.
    full: adds log(2 pi) / 2. eps: 1e-6; below it a variance keeps the gradient that eps has.
    Errors: a negative variance.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GaussianNLLLoss()(sf.ones(2), sf.zeros(2), sf.ones(2)).item()
        0.5
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, positive("GaussianNLLLoss", "eps", eps)

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        var: Tensor | float,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        options = (self.full, self.eps, self.reduction)
        return _core.gaussian_nll_loss(input, target, var, *options, sample_weight=sample_weight)
