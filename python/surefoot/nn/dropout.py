"""Dropout."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

from ._check import probability
from .module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, zeroes each element with probability p and multiplies the rest by 1 / (1 - p).

    In eval mode it is the identity. p: in [0, 1], default 0.5, the share that is dropped (not
    kept). inplace: write into the input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Dropout(0.2).eval()(sf.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    init_hint = "pass"

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = probability("Dropout", "p", p)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        if not self.inplace:
            return _core.dropout(x, self.p, self.training)
        return x.copy_(_core.dropout(x, self.p, True)) if self.training else x

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
