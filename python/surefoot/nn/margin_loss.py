"""Losses that stop at a margin. `loss.py` says what reduction and sample_weight do."""

from __future__ import annotations

from surefoot import _core
from surefoot._check import choice, positive
from surefoot._core import Tensor

from .loss import Loss, WeightedLoss

__all__ = [
    "HingeLoss",
    "HingeEmbeddingLoss",
    "SoftMarginLoss",
    "MultiMarginLoss",
    "MultiLabelMarginLoss",
    "MarginRankingLoss",
    "CosineEmbeddingLoss",
    "TripletMarginLoss",
]


class HingeLoss(Loss):
    """max(0, margin - target input), or its square: the loss of the support vector machine.

    input: scores; target: -1 or 1, same shape. margin: 1. squared: False. torch has no such loss;
    Keras turns targets 0 into -1, here they are an error. For several classes: MultiMarginLoss.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> y = sf.tensor([1.0, -1.0])
        >>> sf.nn.HingeLoss(reduction="none")(sf.tensor([0.5, 1.0]), y).tolist()
        [0.5, 2.0]
    """

    def __init__(self, margin: float = 1.0, squared: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin, self.squared = margin, squared

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        options = (self.reduction, self.margin, self.squared)
        return _core.hinge_loss(input, target, *options, sample_weight=sample_weight)


class HingeEmbeddingLoss(Loss):
    """input where target is 1, max(0, margin - input) where it is -1; input is a distance.

    Shapes: any, the same for both. margin: 1. Errors: targets other than -1 and 1.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> y = sf.tensor([1.0, -1.0])
        >>> sf.nn.HingeEmbeddingLoss(reduction="none")(sf.tensor([0.5, 0.25]), y).tolist()
        [0.5, 0.75]
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.hinge_embedding_loss(
            input, target, self.margin, self.reduction, sample_weight=sample_weight
        )


class SoftMarginLoss(Loss):
    """log(1 + exp(-target input)) for targets -1 and 1, finite for any input.

    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> round(sf.nn.SoftMarginLoss()(sf.zeros(3), sf.ones(3)).item(), 4)
        0.6931
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.soft_margin_loss(input, target, self.reduction, sample_weight=sample_weight)


class MultiMarginLoss(WeightedLoss):
    """sum over i != t of max(0, margin - x[t] + x[i])^p / C, times weight[t], per row x.

    Shapes: input (N, C) or (C), target (N) or () of integer classes t, weight (C).
    p: 1 or 2. margin: 1. The mean divides by N, not by the weights, as in torch.
    Errors: IndexError for labels out of range.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> x = sf.tensor([[0.1, 0.2, 0.4, 0.8]])
        >>> round(sf.nn.MultiMarginLoss()(x, sf.tensor([3])).item(), 4)
        0.325
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction)
        self.p, self.margin = choice("MultiMarginLoss", "p", p, (1, 2)), margin

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        options = (self.p, self.margin, self.weight, self.reduction)
        return _core.multi_margin_loss(input, target, *options, sample_weight=sample_weight)


class MultiLabelMarginLoss(Loss):
    """sum over labels t and other classes i of max(0, 1 - x[t] + x[i]) / C, per row x.

    Shapes: input and target (N, C) or (C): the integer classes of a row first, -1 behind the last.
    Errors: IndexError for labels out of range.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> x, target = sf.tensor([[0.1, 0.2, 0.4, 0.8]]), sf.tensor([[3, 0, -1, 1]])
        >>> round(sf.nn.MultiLabelMarginLoss()(x, target).item(), 4)
        0.85
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        return _core.multilabel_margin_loss(
            input, target, self.reduction, sample_weight=sample_weight
        )


class MarginRankingLoss(Loss):
    """max(0, margin - target (input1 - input2)): target 1 wants input1 larger, -1 smaller.

    Shapes: any, the same for all three. margin: 0.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> loss = sf.nn.MarginRankingLoss(margin=1.0)
        >>> loss(sf.tensor([2.0]), sf.tensor([1.5]), sf.tensor([1.0])).item()
        0.5
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(
        self,
        input1: Tensor,
        input2: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        options = (self.margin, self.reduction)
        return _core.margin_ranking_loss(
            input1, input2, target, *options, sample_weight=sample_weight
        )


class CosineEmbeddingLoss(Loss):
    """1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1.

    Shapes: inputs (N, D) and target (N), or (D) and (). margin: in [-1, 1], 0 by default.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> a, b = sf.tensor([[1.0, 0.0]]), sf.tensor([[0.0, 1.0]])
        >>> sf.nn.CosineEmbeddingLoss()(a, b, sf.tensor([1.0])).item()
        1.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not -1.0 <= margin <= 1.0:
            raise ValueError(f"[CosineEmbeddingLoss] margin must be in [-1, 1], got {margin!r}")
        self.margin = margin

    def forward(
        self,
        input1: Tensor,
        input2: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        options = (self.margin, self.reduction)
        return _core.cosine_embedding_loss(
            input1, input2, target, *options, sample_weight=sample_weight
        )


class TripletMarginLoss(Loss):
    """max(0, |a - p| - |a - n| + margin): a nearer to its positive p than to its negative n.

    Shapes: anchor, positive, negative (N, D) or (D), losses (N) or ().
    margin: positive, 1. p: order of the norm |a - b + eps|_p, 2. swap: take the distance of
    positive and negative where it is the smaller (Balntas et al. 2016).
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.

    Example:
        >>> import surefoot as sf
        >>> a = sf.zeros(1, 2)
        >>> round(sf.nn.TripletMarginLoss()(a, a, a).item(), 4)
        1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin = positive("TripletMarginLoss", "margin", margin)
        self.p = positive("TripletMarginLoss", "p", p, infinite=True)
        self.eps, self.swap = eps, swap

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negative: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        options = (self.margin, self.p, self.eps, self.swap, self.reduction)
        return _core.triplet_margin_loss(
            anchor, positive, negative, *options, sample_weight=sample_weight
        )
