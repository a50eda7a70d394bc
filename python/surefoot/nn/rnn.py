"""Recurrent layers: RNN, LSTM, GRU over whole sequences, dense or packed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import choice, integer, number, probability, tensor
from surefoot._core import ShapeError, Tensor

from ._recurrent import add_weights, law_of, own_weights, reset_weights, run_layer
from .module import Module
from .utils.rnn import PackedSequence

__all__ = ["RNNBase", "RNN", "LSTM", "GRU"]


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers, directions, initial states, packed input.

    Not to be used by itself.

    Example:
        >>> import surefoot as sf
        >>> isinstance(sf.nn.GRU(2, 3), sf.nn.RNNBase)
        True
    """

    cell: str  # tanh, relu, lstm or gru
    forget_bias: float | None = None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if not hasattr(self, "cell"):
            raise NotImplementedError(f"[{name}] has no cell: build an RNN, LSTM or GRU")
        self.input_size = integer(name, "input_size", input_size, 1)
        self.hidden_size = integer(name, "hidden_size", hidden_size, 1)
        self.num_layers = integer(name, "num_layers", num_layers, 1)
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = probability(name, "dropout", dropout)
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                f"[{name}] dropout={dropout} with num_layers=1: dropout stands between layers, "
                "so it does nothing here",
                stacklevel=2 + (type(self).__init__ is not RNNBase.__init__),
            )
        self._law = law_of(name, init)
        directions = 2 if bidirectional else 1
        for layer in range(self.num_layers):
            size = self.input_size if layer == 0 else self.hidden_size * directions
            for suffix in self._suffixes(layer):
                add_weights(self, self.cell, (size, self.hidden_size), bias, suffix, dtype)
        self.reset_parameters()

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"] if self.bidirectional else [f"_l{layer}"]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        suffixes = [s for layer in range(self.num_layers) for s in self._suffixes(layer)]
        return [[w for w in own_weights(self, suffix) if w is not None] for suffix in suffixes]

    def flatten_parameters(self) -> None:
        """Nothing to do: kept for code that was written for GPUs."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew, by the law chosen with `init`."""
        for layer in range(self.num_layers):
            for suffix in self._suffixes(layer):
                weights = own_weights(self, suffix)
                reset_weights(weights, self.cell, self._law, self.forget_bias)

    # ---- forward ----------------------------------------------------------------------------

    def _run(
        self, x: Tensor, states: Sequence[Tensor], sizes: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """All layers: `states` and the new ones are (layers * directions, batch, hidden) each."""
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outs = []
            for suffix in self._suffixes(layer):
                first = tuple(state[len(last)] for state in states)
                out, *rest = run_layer(
                    *(self.cell, x, first, own_weights(self, suffix), sizes),
                    batch_first=self.batch_first and sizes is None,
                    reverse=suffix.endswith("_reverse"),
                )
                outs.append(out)
                last.append(tuple(rest))
            x = outs[0] if len(outs) == 1 else _core.cat(outs, -1)
            if self.training and self.dropout > 0 and layer + 1 < self.num_layers:
                x = _core.dropout(x, self.dropout, True)
        if len(last) == 1:
            return x, [state.unsqueeze(0) for state in last[0]]
        return x, [_core.stack(states) for states in zip(*last, strict=True)]

    def _check_input(self, x: Tensor) -> None:
        name = type(self).__name__
        shape = tuple(tensor(name, "input", x).shape)
        if x.ndim not in (2, 3):
            layout = "(batch, steps, input)" if self.batch_first else "(steps, batch, input)"
            raise ShapeError(
                f"[{name}] input {shape}: must be {layout}, or (steps, input) for one sequence"
            )
        steps = shape[1] if self.batch_first and x.ndim == 3 else shape[0]
        if steps == 0:
            raise ShapeError(f"[{name}] input {shape} has no steps: must have one or more")
        self._check_features(x)

    def _check_features(self, x: Tensor) -> None:
        if x.shape[-1] != self.input_size:
            raise ShapeError(
                f"[{type(self).__name__}] input {tuple(x.shape)} has {x.shape[-1]} features, "
                f"input_size={self.input_size}"
            )

    def _first_states(self, hx: Any, batch: int, x: Tensor, batched: bool) -> list[Tensor]:
        """The given states as (layers * directions, batch, hidden), or zeros."""
        name, count = type(self).__name__, 2 if self.cell == "lstm" else 1
        shape = (self.num_layers * (2 if self.bidirectional else 1), batch, self.hidden_size)
        if hx is None:
            return [_core.zeros(shape, dtype=x.dtype)] * count
        if count == 2 and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(f"[{name}] hx: must be a pair (h_0, c_0), got {type(hx).__name__}")
        if count == 1 and not isinstance(hx, Tensor):
            raise TypeError(f"[{name}] hx: must be a tensor h_0, got {type(hx).__name__}")
        wanted = shape if batched else (shape[0], shape[2])
        states = list(hx) if count == 2 else [hx]
        for title, state in zip(("h_0", "c_0"), states, strict=False):
            if tuple(tensor(name, title, state).shape) != wanted:
                kind = "(layers * directions, batch, hidden)"
                kind = kind if batched else "(layers * directions, hidden) for one sequence"
                raise ShapeError(f"[{name}] {title} {tuple(state.shape)}: must be {wanted}, {kind}")
        return states if batched else [state.unsqueeze(1) for state in states]

    def _result(self, states: list[Tensor]) -> Any:
        return tuple(states) if self.cell == "lstm" else states[0]

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        self._check_input(input)
        batched = input.ndim == 3
        dim = 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(dim)
        states = self._first_states(hx, x.shape[dim], x, batched)
        out, last = self._run(x, states, None)
        if not batched:
            out, last = out.squeeze(dim), [state.squeeze(1) for state in last]
        return out, self._result(last)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        x, sizes, order, back = packed
        if x.ndim == 2:
            self._check_features(x)
        states = self._first_states(hx, int(sizes[0].item()), x, True)
        if hx is not None and order is not None:
            states = [state.index_select(1, order) for state in states]
        out, last = self._run(x, states, sizes)
        if back is not None:
            last = [state.index_select(1, back) for state in last]
        return packed._replace(data=out), self._result(last)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        shown = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        for name, default in {**shown, "bidirectional": False}.items():
            value = getattr(self, name)
            text += f", {name}={value}" if value != default else ""
        return text


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh) for each step t, or relu in its place.

    Shapes: input (T, B, input_size), (B, T, input_size) with batch_first, (T, input_size) for one
    sequence, or a PackedSequence; h_0 (num_layers * directions, B, hidden_size), zeros by default.
    Returns (output, h_n): h_t of the last layer for all t, (T, B, directions * hidden_size), and
    the last states, of the shape of h_0. In a packed batch h_n is each sequence's own last state.

    Args:
        input_size, hidden_size: features of x and of h.
        num_layers: layers, each fed with the output of the one before it.
        nonlinearity: 'tanh' or 'relu'.
        bias: False leaves out b_ih and b_hh.
        batch_first: input and output are (B, T, ...); states are not.
        dropout: on the output of each layer but the last, in training.
        bidirectional: a second set of weights reads each sequence backwards; outputs are joined.
        init: 'auto': W_ih Glorot normal (He normal for relu) and W_hh orthogonal, gate by gate,
            biases 0; 'torch': all U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)); or a name of
            surefoot.initializers or a callable for each gate of both weights, biases 0.
        dtype: floating dtype of the parameters, float32 by default.

    ShapeError: sizes that do not fit, no steps.

    Example:
        >>> import surefoot as sf
        >>> rnn = sf.nn.RNN(10, 20, num_layers=2)
        >>> output, h_n = rnn(sf.randn(5, 3, 10))
        >>> output.shape, h_n.shape
        ((5, 3, 20), (2, 3, 20))

    torch differs in the default initialisation: init='torch'.
    Source: Elman 1990, "Finding structure in time"; orthogonal W_hh: Saxe et al. 2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        self.nonlinearity = choice("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))
        self.cell = nonlinearity
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            init=init,
            dtype=dtype,
        )

    def extra_repr(self) -> str:
        relu = ", nonlinearity=relu" if self.nonlinearity == "relu" else ""
        return super().extra_repr() + relu


class LSTM(RNNBase):
    """c_t = f c_(t-1) + i g, h_t = o tanh(c_t), with the gates of the step.

    i, f, o = sigmoid, g = tanh of W_ih x_t + b_ih + W_hh h_(t-1) + b_hh, whose rows are the gates
    in the order i, f, g, o.

    Shapes and arguments as in RNN, but the state is a pair: returns (output, (h_n, c_n)), and hx is
    (h_0, c_0). Also:

    Args:
        proj_size: projections of h (Sak et al. 2014) are not built: only 0.
        forget_bias: the sum of both biases of f at the start; None leaves them to `init`. A value
            of 1 keeps the cell's memory open until training closes it, as Keras does by default.

    TypeError: hx is no pair. ShapeError: sizes that do not fit, no steps.

    Example:
        >>> import surefoot as sf
        >>> lstm = sf.nn.LSTM(10, 20, batch_first=True, bidirectional=True, forget_bias=1.0)
        >>> output, (h_n, c_n) = lstm(sf.randn(3, 5, 10))
        >>> output.shape, h_n.shape, c_n.shape
        ((3, 5, 40), (2, 3, 20), (2, 3, 20))

    torch differs in the default initialisation: init='torch'.
    Source: Hochreiter and Schmidhuber 1997; forget gate Gers et al. 2000, its bias Jozefowicz et
    al. 2015.
    """

    cell = "lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        forget_bias: float | None = None,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        if proj_size != 0:
            raise NotImplementedError(
                f"[LSTM] proj_size={proj_size}: projections are not built; write 0 and put a "
                "Linear behind the layer"
            )
        if forget_bias is not None and not bias:
            raise ValueError(f"[LSTM] forget_bias={forget_bias} needs bias=True")
        self.proj_size = 0
        self.forget_bias = (
            forget_bias if forget_bias is None else number("LSTM", "forget_bias", forget_bias)
        )
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            init=init,
            dtype=dtype,
        )


class GRU(RNNBase):
    """h_t = (1 - z) n + z h_(t-1), with the gates of the step.

    r, z = sigmoid of the gates' sums, n = tanh(W_in x + b_in + r (W_hn h + b_hn)); rows of the
    weights are the gates in the order r, z, n.

    Shapes and arguments as in RNN.

    Example:
        >>> import surefoot as sf
        >>> output, h_n = sf.nn.GRU(10, 20)(sf.randn(5, 3, 10))
        >>> output.shape, h_n.shape
        ((5, 3, 20), (1, 3, 20))

    The paper multiplies h by r before W_hn; like torch (and cuDNN) this is the form with r outside,
    Keras's reset_after=True. torch differs in the default initialisation: init='torch'.
    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder".
    """

    cell = "gru"
