"""Activations that look at a whole dimension: the softmax family, GLU and Maxout."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from .activation import Activation
from .linear import Linear
from .module import Module

__all__ = ["Softmax", "LogSoftmax", "Softmin", "GLU", "Maxout"]


class _AlongDim(Activation):
    _arguments = ("dim",)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_AlongDim):
    """exp(x_i) / sum_j exp(x_j) along `dim`.

    `dim` must be given: torch guesses one with a warning. CrossEntropyLoss takes logits: a net that
    is trained with it must not end in Softmax.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Softmax(dim=1)(sf.zeros(1, 4)).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """

    init_hint = "softmax"
    _op = _core.softmax


class LogSoftmax(_AlongDim):
    """x_i - log sum_j exp(x_j) along `dim`, which must be given; for NLLLoss.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LogSoftmax(dim=0)(sf.zeros(1)).tolist()
        [0.0]
    """

    init_hint = "softmax"
    _op = _core.log_softmax


class Softmin(_AlongDim):
    """exp(-x_i) / sum_j exp(-x_j) along `dim`, which must be given.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Softmin(dim=0)(sf.zeros(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    init_hint = "softmax"
    _op = _core.softmin


class GLU(Activation):
    """a * sigmoid(b), a and b the halves of the input along `dim` (Dauphin et al. 2017).

    dim: -1 by default; its size must be even, and is halved.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GLU()(sf.tensor([[1.0, 2.0, 0.0, 0.0]])).tolist()
        [[0.5, 1.0]]
    """

    init_hint = "sigmoid"
    _op, _arguments = _core.glu, ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class Maxout(Module):
    """max over k linear pieces, y_j = max_i (x W_ji^T + b_ji) (Goodfellow et al. 2013).

    Shapes: x (*, in_features), y (*, out_features); the weight of `linear` is
    (k * out_features, in_features), the k pieces of an output below each other.
    k: 2 by default. init: as in Linear; 'auto' is He normal. torch has no such layer;
    functional.maxout takes the maximum alone.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Maxout(20, 30, k=3)(sf.ones(128, 20)).shape
        (128, 30)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        k: int = 2,
        bias: bool = True,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = integer("Maxout", "in_features", in_features, 1)
        self.out_features = integer("Maxout", "out_features", out_features, 1)
        self.k = integer("Maxout", "k", k, 1)
        law = "he_normal" if isinstance(init, str) and init == "auto" else init
        self.linear = Linear(in_features, out_features * k, bias, init=law, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        return _core.maxout(self.linear(x), self.k)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, k={self.k}"
