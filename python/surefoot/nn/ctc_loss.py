"""The loss of label sequences whose layout in time is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from .loss import Loss

__all__ = ["CTCLoss"]


class CTCLoss(Loss):
    """-log of the probability of a target, summed over all its layouts in time.

    A layout emits one class a step: the labels in order, each once or several times in a row, with
    any number of blanks around; between two equal labels stands one at least.

    Shapes: log_probs (T, N, C) or (T, C), of ``log_softmax``; targets (N, S) of classes without the
    blank, or all in one vector (sum of target_lengths); input_lengths, target_lengths (N), tensors
    or tuples: the steps of each sample and the labels of each target.
    blank: 0. reduction: 'mean' divides each loss by the length of its target, 1 at least, and
    averages those. zero_infinity: a target that is too long for its input gives 0 instead of inf.
    sample_weight, of the call: (N), one per sample; the mean divides by their sum.
    Errors: IndexError for labels out of range and blanks among them; lengths beyond the tensors.

    The gradient is that by log_probs. torch gives the one by what went into ``log_softmax``; behind
    ``log_softmax`` both are the same.

    Source: Graves, Fernandez, Gomez and Schmidhuber 2006.

    Example:
        >>> import surefoot as sf
        >>> log_probs = sf.nn.functional.log_softmax(sf.zeros(4, 1, 3), -1)
        >>> loss = sf.nn.CTCLoss()(log_probs, sf.tensor([[1, 2]]), (4,), (2,))
        >>> round(loss.item(), 4)  # 15 layouts of 81, two labels
        0.8432
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction)
        self.blank = integer("CTCLoss", "blank", blank, 0)
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        return _core.ctc_loss(
            *(log_probs, targets, input_lengths, target_lengths),
            *(self.blank, self.reduction, self.zero_infinity),
            sample_weight=sample_weight,
        )
