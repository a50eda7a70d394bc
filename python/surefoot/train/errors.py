"""What ends a run."""

from __future__ import annotations

import math

from surefoot import _core
from surefoot._core import Tensor

from .history import History

__all__ = ["NonFiniteLossError", "is_finite", "no_number", "one_number"]


class NonFiniteLossError(FloatingPointError):
    """The loss or a weight became NaN or infinite; ``history`` holds the epochs before.

    The model has its best weights so far again. The optimizer has kept its state, which may be
    spoilt: make a new one before training on.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def no_number(loss: Tensor) -> ValueError:
    """What to say of a loss of many numbers."""
    return ValueError(
        f"[Trainer] the loss has shape {tuple(loss.shape)}: expected one number; "
        "use reduction='mean' or return loss.mean()"
    )


def one_number(loss: Tensor) -> float:
    """The value of a loss, which must be a single number."""
    if loss.numel() != 1:
        raise no_number(loss)
    return float(loss.item())


def is_finite(tensor: Tensor) -> bool:
    """Whether no element is NaN or infinite.

    A finite sum says so at once; one that is not may have grown too large, then the largest
    magnitude decides.
    """
    if math.isfinite(tensor.sum().item()) or not tensor.numel():
        return True
    return math.isfinite(_core.norm(tensor, math.inf).item())
