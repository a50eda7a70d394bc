"""Positions for layers that do not know any order. torch has no such layers."""

from __future__ import annotations

import math
from typing import Any

from surefoot import _core
from surefoot._check import integer, probability
from surefoot._core import Tensor

from . import _dropout, init
from .module import Module
from .parameter import Parameter

__all__ = ["LearnedPositionalEncoding", "SinusoidalPositionalEncoding"]


def _sinusoids(length: int, features: int) -> Tensor:
    """(length, features) in float64: sines in the even columns, cosines in the odd ones."""
    position = _core.arange(length, dtype=_core.float64).reshape(-1, 1)
    rate = _core.arange(0, features, 2, dtype=_core.float64) * (-math.log(10000.0) / features)
    angle = position * rate.exp()
    pairs = _core.stack([angle.sin(), angle.cos()], -1)
    return pairs.reshape(length, -1)[:, :features].contiguous()


class _Positional(Module):
    """dropout(x + the table's first rows)."""

    def __init__(self, d_model: int, max_len: int, dropout: float, batch_first: bool) -> None:
        super().__init__()
        owner = type(self).__name__
        self.d_model = integer(owner, "d_model", d_model, 1)
        self.max_len = integer(owner, "max_len", max_len, 1)
        self.dropout = probability(owner, "dropout", dropout)
        self.batch_first = batch_first

    def _table(self, dtype: Any, length: int) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        owner, shape = type(self).__name__, tuple(x.shape)
        if x.ndim not in (2, 3) or shape[-1] != self.d_model:
            layout = "(N, L, d_model)" if self.batch_first else "(L, N, d_model)"
            raise ValueError(
                f"[{owner}] input {shape}: must be {layout} or (L, d_model), d_model={self.d_model}"
            )
        length = shape[1] if self.batch_first and x.ndim == 3 else shape[0]
        if length > self.max_len:
            raise ValueError(
                f"[{owner}] a sequence of length {length} is longer than max_len={self.max_len}; "
                "build the layer with a larger max_len"
            )
        rows = self._table(x.dtype, length)
        y = x + (rows if self.batch_first or x.ndim == 2 else rows.unsqueeze(1))
        return _dropout.dropout(y, self.dropout, self.training)

    def extra_repr(self) -> str:
        return (
            f"{self.d_model}, max_len={self.max_len}, dropout={self.dropout}, "
            f"batch_first={self.batch_first}"
        )


class SinusoidalPositionalEncoding(_Positional):
    """x + P, P[t, 2i] = sin(t / 10000^(2i/d)), P[t, 2i+1] = cos(t / 10000^(2i/d)); no parameters.

    Shapes: x (L, N, d_model), with batch_first (N, L, d_model), or (L, d_model); y as x.

    Args:
        d_model: d.
        max_len: the longest sequence that is taken, 5000.
        dropout: of the sum, 0; the paper has 0.1.
        batch_first: False, as in the layers of torch that follow.

    ValueError: other features, or a sequence longer than max_len. torch has no such layer.

    Example:
        >>> import surefoot as sf
        >>> encode = sf.nn.SinusoidalPositionalEncoding(4)
        >>> encode(sf.zeros(2, 4))[0].tolist()
        [0.0, 1.0, 0.0, 1.0]

    Source: Vaswani et al. 2017, "Attention is all you need". They multiply the embeddings before by
    sqrt(d_model), which is left to the caller.
    """

    def __init__(
        self, d_model: int, max_len: int = 5000, dropout: float = 0.0, batch_first: bool = False
    ) -> None:
        super().__init__(d_model, max_len, dropout, batch_first)
        self._rows = _sinusoids(self.max_len, self.d_model)  # float64: no cast makes it coarse

    def _table(self, dtype: Any, length: int) -> Tensor:
        return self._rows[:length].to(dtype)


class LearnedPositionalEncoding(_Positional):
    """x + weight[:L]: a learned vector for each position.

    Shapes: x (L, N, d_model), with batch_first (N, L, d_model), or (L, d_model); y as x; weight
    (max_len, d_model), from N(0, 0.02^2).

    Args:
        d_model: features.
        max_len: the longest sequence that is taken. What training did not reach is not learned.
        dropout: of the sum, 0.
        batch_first: False, as in the layers of torch that follow.
        dtype: floating dtype of the weight, float32 by default.

    ValueError: other features, or a sequence longer than max_len. torch has no such layer.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LearnedPositionalEncoding(4, max_len=10)(sf.zeros(7, 3, 4)).shape
        (7, 3, 4)

    Source: Gehring et al. 2017, "Convolutional sequence to sequence learning"; the law of the
    weight is that of Devlin et al. 2019.
    """

    weight: Parameter

    def __init__(
        self,
        d_model: int,
        max_len: int,
        dropout: float = 0.0,
        batch_first: bool = False,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__(d_model, max_len, dropout, batch_first)
        self.weight = Parameter(_core.empty(self.max_len, self.d_model, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight from N(0, 0.02^2)."""
        init.normal_(self.weight, 0.0, 0.02)

    def _table(self, dtype: Any, length: int) -> Tensor:
        return self.weight[:length]
