"""What a regularizer is: a penalty to add to the loss, a change after the step, or both."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["Regularizer"]


class Regularizer:
    """Base of all regularizers; a subclass defines ``__call__``, ``apply_`` or both.

    ``in_loss`` says whether ``regularize.penalty`` adds its value to the loss. A proximal form
    acts by ``apply_`` alone.

    Example:
        >>> import surefoot as sf
        >>> class Entropy(sf.regularize.Regularizer):
        ...     def __call__(self, weight):
        ...         p = weight.abs() / weight.abs().sum()
        ...         return -(p * (p + 1e-12).log()).sum()
        >>> round(Entropy()(sf.ones(2, 2)).item(), 4)
        1.3863
    """

    in_loss: bool = True

    def __call__(self, weight: Tensor) -> Tensor:
        """The penalty, one differentiable number."""
        return _core.zeros((), dtype=weight.dtype)

    def apply_(self, weight: Tensor, lr: float) -> None:
        """Changes ``weight`` in place, after a step of the optimizer with rate ``lr``."""

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"
