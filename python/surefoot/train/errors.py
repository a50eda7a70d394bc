"""What ends a run."""

from __future__ import annotations

import math

from surefoot import _core
from surefoot._core import Tensor

from .history import History

__all__ = ["NonFiniteLossError", "is_finite", "one_number"]


class NonFiniteLossError(FloatingPointError):
    """The loss or a weight became NaN or infinite; ``history`` holds the epochs before.

    The model has its best weights so far again. The optimizer has kept its state, which may be
    spoilt: make a new one before training on.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def one_number(loss: Tensor) -> float:
    """The value of a loss, which must be a single number."""
    if loss.ndim != 0:
        raise ValueError(
            f"[Trainer] the loss has shape {tuple(loss.shape)}: expected one number; "
            "use reduction='mean' or return loss.mean()"
        )
    return float(loss.item())


def is_finite(tensor: Tensor) -> bool:
    """Whether no element is NaN or infinite: the largest magnitude says it in one pass."""
    return not tensor.numel() or math.isfinite(_core.norm(tensor, math.inf).item())
