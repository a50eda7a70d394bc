"""Constraints: weights are put back where they may be, after every step."""

from __future__ import annotations

from surefoot import _core
from surefoot._check import number
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from ._base import Regularizer

__all__ = ["MaxNorm"]


class MaxNorm(Regularizer):
    """Shortens the weights of every unit whose 2-norm is above ``max_value`` to that norm.

    A unit is a slice of the weight along ``dim``: with 0 a row of Linear, (out, in), or a filter
    of a convolution, (out, in, h, w). Shorter ones are not touched.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([[3.0, 4.0], [0.6, 0.8]])
        >>> MaxNorm(2.5).apply_(w, lr=0.1)
        >>> [[round(x, 4) for x in row] for row in w.tolist()]
        [[1.5, 2.0], [0.6, 0.8]]

    Keras's ``axis=0`` sums over the inputs of its (in, out) layout, which is ``dim=0`` here.
    Source: Srebro and Shraibman 2005, "Rank, trace-norm and max-norm"; Srivastava et al. 2014,
    "Dropout".
    """

    in_loss = False

    def __init__(self, max_value: float = 2.0, dim: int = 0) -> None:
        self.max_value = float(number("MaxNorm", "max_value", max_value, 0))
        self.dim = dim

    def apply_(self, weight: Tensor, lr: float) -> None:
        unit = self.dim % weight.ndim if -weight.ndim <= self.dim < weight.ndim else None
        if unit is None:
            raise ValueError(
                f"[MaxNorm] weight {tuple(weight.shape)} has no dimension {self.dim}; choose dim"
            )
        others = [d for d in range(weight.ndim) if d != unit]
        with no_grad():
            wide = weight.double()  # the square of a large float32 is infinite
            norms = _core.norm(wide, 2.0, others, True) if others else wide.abs()
            weight.copy_(_core.where(norms > self.max_value, wide * (self.max_value / norms), wide))
