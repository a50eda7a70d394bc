"""Losses as modules."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

from ._check import REDUCTIONS, one_of, probability
from .module import Module

__all__ = ["CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss"]


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = one_of(type(self).__name__, "reduction", reduction, REDUCTIONS)


class _WeightedLoss(_Loss):
    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int, reduction: str) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index


class CrossEntropyLoss(_WeightedLoss):
    """-log softmax(input)[target], averaged over the samples.

    Shapes: input (N, C) or (N, C, *) of logits (no softmax before it); target (N) or (N, *) of
    integer classes 0 ... C-1, or probabilities of the shape of input.
    weight: (C) factor of each class, and the mean divides by the sum of the factors used.
    ignore_index: class that counts as absent, default -100. reduction: 'mean', 'sum' or 'none'.
    label_smoothing: share in [0, 1] of the target spread evenly over the classes.
    Errors: shapes that do not fit, float labels of shape (N); IndexError for labels out of range.

    Example:
        >>> import surefoot as sf
        >>> loss = sf.nn.CrossEntropyLoss()(sf.zeros(3, 10), sf.tensor([1, 0, 4]))
        >>> round(loss.item(), 4)
        2.3026
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = probability("CrossEntropyLoss", "label_smoothing", label_smoothing)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _core.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_WeightedLoss):
    """-input[target], averaged; input holds log-probabilities, as LogSoftmax gives them.

    Shapes and arguments as in CrossEntropyLoss, with integer targets only.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.NLLLoss()(sf.tensor([[-0.5, -1.0]]), sf.tensor([1])).item()
        1.0
    """

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _core.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(_Loss):
    """(input - target)^2, averaged over all elements; both must have the same shape.

    torch warns and broadcasts when the shapes differ; here it is an error.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.MSELoss()(sf.zeros(4), sf.ones(4)).item()
        1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _core.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """|input - target|, averaged over all elements; both must have the same shape.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.L1Loss()(sf.zeros(4), sf.ones(4)).item()
        1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return _core.l1_loss(input, target, self.reduction)
