"""One step of a recurrent layer: RNNCell, LSTMCell, GRUCell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import choice, integer, number, tensor
from surefoot._core import ShapeError, Tensor

from ._recurrent import add_weights, law_of, own_weights, reset_weights, run_layer
from .module import Module
from .parameter import Parameter

__all__ = ["RNNCell", "LSTMCell", "GRUCell"]


class _Cell(Module):
    cell: str  # tanh, relu, lstm or gru
    forget_bias: float | None = None

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, init: Any, dtype: Any
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = integer(name, "input_size", input_size, 1)
        self.hidden_size = integer(name, "hidden_size", hidden_size, 1)
        self.bias = bias
        self._law = law_of(name, init)
        sizes = (self.input_size, self.hidden_size)
        add_weights(self, self.cell, sizes, bias, "", dtype)
        if not bias:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, by the law chosen with `init`."""
        reset_weights(own_weights(self, ""), self.cell, self._law, self.forget_bias)

    def _step(self, x: Tensor, given: Sequence[Tensor] | None) -> tuple[Tensor, ...]:
        """The new states."""
        batch, states = self._prepared(x, given)
        new = run_layer(self.cell, batch, states, own_weights(self, ""))[1:]
        return new if x.ndim == 2 else tuple(state.squeeze(0) for state in new)

    def _prepared(self, x: Tensor, states: Sequence[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """x as (1, B, input) and the states as (B, hidden); None stands for zeros."""
        name = type(self).__name__
        shape = tuple(tensor(name, "input", x).shape)
        if x.ndim not in (1, 2):
            raise ShapeError(f"[{name}] input {shape}: must be (batch, input) or (input,)")
        if shape[-1] != self.input_size:
            raise ShapeError(
                f"[{name}] input {shape} has {shape[-1]} features, input_size={self.input_size}"
            )
        batch = x if x.ndim == 2 else x.unsqueeze(0)
        if states is None:
            zeros = _core.zeros(batch.shape[0], self.hidden_size, dtype=x.dtype)
            return batch.unsqueeze(0), [zeros] * (2 if self.cell == "lstm" else 1)
        wanted = (*shape[:-1], self.hidden_size)
        for state in states:
            if not isinstance(state, Tensor):
                raise TypeError(f"[{name}] hx: must hold tensors, got {type(state).__name__}")
            if tuple(state.shape) != wanted:
                raise ShapeError(
                    f"[{name}] hx {tuple(state.shape)}: must be {wanted} for input {shape}"
                )
        return batch.unsqueeze(0), [s if s.ndim == 2 else s.unsqueeze(0) for s in states]

    def extra_repr(self) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}"


class RNNCell(_Cell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu: one step of RNN.

    Shapes: input (B, input_size) or (input_size,), h (B, hidden_size) or (hidden_size,), zeros by
    default; returns h'. Arguments as in RNN.

    Example:
        >>> import surefoot as sf
        >>> cell = sf.nn.RNNCell(10, 20)
        >>> cell(sf.randn(3, 10), sf.zeros(3, 20)).shape
        (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        self.nonlinearity = choice("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))
        self.cell = nonlinearity
        super().__init__(input_size, hidden_size, bias, init, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(input, None if hx is None else [hx])[0]

    def extra_repr(self) -> str:
        relu = ", nonlinearity=relu" if self.nonlinearity == "relu" else ""
        return super().extra_repr() + relu


class LSTMCell(_Cell):
    """c' = f c + i g, h' = o tanh(c'): one step of LSTM.

    Shapes: input (B, input_size) or (input_size,), hx a pair (h, c) of (B, hidden_size) or
    (hidden_size,), zeros by default; returns (h', c'). Arguments as in LSTM.

    Example:
        >>> import surefoot as sf
        >>> cell = sf.nn.LSTMCell(10, 20, forget_bias=1.0)
        >>> h, c = cell(sf.randn(3, 10))
        >>> h, c = cell(sf.randn(3, 10), (h, c))
        >>> h.shape, c.shape
        ((3, 20), (3, 20))
    """

    cell = "lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        forget_bias: float | None = None,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        if forget_bias is not None and not bias:
            raise ValueError(f"[LSTMCell] forget_bias={forget_bias} needs bias=True")
        self.forget_bias = (
            forget_bias if forget_bias is None else number("LSTMCell", "forget_bias", forget_bias)
        )
        super().__init__(input_size, hidden_size, bias, init, dtype)

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Tensor]:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(f"[LSTMCell] hx: must be a pair (h, c), got {type(hx).__name__}")
        h, c = self._step(input, hx)
        return h, c


class GRUCell(_Cell):
    """h' = (1 - z) n + z h: one step of GRU.

    Shapes: input (B, input_size) or (input_size,), h (B, hidden_size) or (hidden_size,), zeros by
    default; returns h'. Arguments as in GRU.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GRUCell(10, 20)(sf.randn(3, 10)).shape
        (3, 20)
    """

    cell = "gru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, init, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(input, None if hx is None else [hx])[0]
