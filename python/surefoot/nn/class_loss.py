"""Losses of classes and probabilities. `loss.py` says what reduction and sample_weight do."""

from __future__ import annotations

from surefoot import _core
from surefoot._check import probability
from surefoot._core import Tensor

from .loss import REDUCTIONS, Loss, WeightedLoss

__all__ = [
    "CrossEntropyLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "MultiLabelSoftMarginLoss",
    "KLDivLoss",
]


class CrossEntropyLoss(WeightedLoss):
    """-log softmax(input)[target], averaged over the samples.

    Shapes: input (N, C) or (N, C, *) of logits (no softmax before it); target (N) or (N, *) of
    integer classes 0 ... C-1, or probabilities of the shape of input.
    weight: (C) factor of each class, and the mean divides by the sum of the factors used.
    ignore_index: class that counts as absent, default -100. reduction: 'mean', 'sum' or 'none'.
    label_smoothing: share in [0, 1] of the target spread evenly over the classes.
    sample_weight: (N) or the shape of the labels; multiplies the factor of the class.
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
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = probability("CrossEntropyLoss", "label_smoothing", label_smoothing)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.cross_entropy(
            input,
            target,
            self.weight,
            self.ignore_index,
            self.reduction,
            self.label_smoothing,
            sample_weight=sample_weight,
        )


class NLLLoss(WeightedLoss):
    """-input[target], averaged; input holds log-probabilities, as LogSoftmax gives them.

    Shapes and arguments as in CrossEntropyLoss, with integer targets only.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.NLLLoss()(sf.tensor([[-0.5, -1.0]]), sf.tensor([1])).item()
        1.0
    """

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        options = (self.weight, self.ignore_index, self.reduction)
        return _core.nll_loss(input, target, *options, sample_weight=sample_weight)


class BCELoss(WeightedLoss):
    """-(target log(input) + (1 - target) log(1 - input)), averaged over all elements.

    input: probabilities, as Sigmoid gives them (BCEWithLogitsLoss takes scores and is safer);
    target: probabilities of the same shape. Logarithms are cut at -100.
    weight: factors that broadcast to the input; the mean does not divide by them.
    Errors: inputs or targets outside [0, 1], shapes that differ.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> loss = sf.nn.BCELoss()(sf.full((4,), 0.5), sf.tensor([0.0, 1.0, 1.0, 0.0]))
        >>> round(loss.item(), 4)
        0.6931
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.binary_cross_entropy(
            input, target, self.weight, self.reduction, sample_weight=sample_weight
        )


class BCEWithLogitsLoss(WeightedLoss):
    """BCELoss of sigmoid(input): p target log(1 + e^-input) + (1 - target) log(1 + e^input).

    input: scores (no sigmoid before it); target: probabilities of the same shape.
    weight: factors that broadcast to the input. pos_weight: p, by default 1, broadcast to the
    input; above 1 it counts positives more, for instance (negatives / positives) per class.
    Errors: targets outside [0, 1], shapes that differ.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> loss = sf.nn.BCEWithLogitsLoss(pos_weight=sf.tensor([2.0]))
        >>> round(loss(sf.zeros(1), sf.ones(1)).item(), 4)
        1.3863
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        options = (self.weight, self.reduction, self.pos_weight)
        return _core.binary_cross_entropy_with_logits(
            input, target, *options, sample_weight=sample_weight
        )


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean over classes of BCEWithLogitsLoss, one loss per sample.

    Shapes: input and target (N, C) or (C), targets in [0, 1]; weight: (C) factors.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> loss = sf.nn.MultiLabelSoftMarginLoss(reduction="none")
        >>> loss(sf.zeros(2, 5), sf.ones(2, 5)).shape
        (2,)
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.multilabel_soft_margin_loss(
            input, target, self.weight, self.reduction, sample_weight=sample_weight
        )


class KLDivLoss(Loss):
    """target (log(target) - input): the divergence of input, given as log-probabilities.

    reduction: 'batchmean', the sum over the number of samples, is the divergence proper; 'mean',
    the default as in torch, divides by the number of classes too.
    log_target: True for targets given as logarithms. Errors: negative targets.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> p = sf.tensor([[0.25, 0.75]])
        >>> sf.nn.KLDivLoss("batchmean")(p.log(), p).item()
        0.0
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction, (*REDUCTIONS, "batchmean"))
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.kl_div(
            input, target, self.reduction, self.log_target, sample_weight=sample_weight
        )
