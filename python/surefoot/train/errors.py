"""What ends a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._core import Tensor

from .history import History

__all__ = ["NonFiniteLossError", "all_finite", "is_finite", "one_number", "remedy"]


class NonFiniteLossError(FloatingPointError):
    """The loss or a weight became NaN or infinite; ``history`` holds the epochs before.

    ``event`` says what happened, ``remedy`` what to do.

    The model has its best weights so far again. The optimizer has kept its state, which may be
    spoilt: make a new one before training on.
    """

    def __init__(self, event: str, remedy: str, history: History) -> None:
        super().__init__(f"[Trainer] {event}. {remedy}")
        self.event, self.remedy, self.history = event, remedy, history


def one_number(loss: Tensor) -> float:
    """The value of a loss, which must be a single number."""
    if loss.numel() != 1:
        raise ValueError(
            f"[Trainer] the loss has shape {tuple(loss.shape)}: expected one number; "
            "use reduction='mean' or return loss.mean()"
        )
    return float(loss.item())


def remedy(inputs: Any, targets: Any, step: int, rates: Sequence[float]) -> str:
    """What to do about a number that is not finite, in the order of what is certain.

    inputs, targets: the batch, where it is known; step: steps taken before it; rates: those of the
    optimizer's groups.
    """
    for name, part in (("inputs", inputs), ("targets", targets)):
        if isinstance(part, Tensor) and part.dtype.is_floating_point and not is_finite(part):
            return (
                f"The {name} of the batch hold NaN or infinity: find the rows with "
                "numpy.isfinite and mend or drop them"
            )
    if not step:
        return (
            "Inputs and first weights are finite: look for a logarithm of 0 or a division by 0 in "
            "the loss, or standardise inputs and targets that are very large"
        )
    lr = max(rates, default=0.0)
    return (
        f"After {step} step{'s' * (step > 1)} with lr={lr:g} the most likely reason is that this "
        f"is too high: write lr={lr / 10:g}, ask train.lr_find, or pass clip=1.0 to Trainer"
    )


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether no element of floating tensors is NaN or infinite; one pass where that is so."""
    if not tensors or math.isfinite(_core._total_norm(tensors, 2.0).item()):
        return True
    return all(is_finite(tensor) for tensor in tensors)


def is_finite(tensor: Tensor) -> bool:
    """Whether no element is NaN or infinite.

    A finite sum says so at once; one that is not may have grown too large, then the largest
    magnitude decides.
    """
    if math.isfinite(tensor.sum().item()) or not tensor.numel():
        return True
    return math.isfinite(_core.norm(tensor, math.inf).item())
