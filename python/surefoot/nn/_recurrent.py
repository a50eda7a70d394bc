"""What the recurrent layers and their cells share: parameters and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from surefoot import _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from . import init as laws
from . import initializer
from .module import Module
from .parameter import Parameter

__all__ = ["Weights", "add_weights", "law_of", "own_weights", "reset_weights", "run_layer"]

# Gates of each cell: blocks of rows of its weights.
GATES = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 3}

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Weights(NamedTuple):
    """Of one layer and direction, in the order in which they are registered."""

    input: Parameter
    hidden: Parameter
    input_bias: Parameter | None
    hidden_bias: Parameter | None


def law_of(owner: str, init: Any) -> Any:
    """What `init` names: 'auto', 'torch' or a callable."""
    return init if init in ("auto", "torch") else initializer.get(init, owner)


def add_weights(
    module: Module, cell: str, sizes: tuple[int, int], bias: bool, suffix: str, dtype: Any
) -> None:
    """Register parameters for (input, hidden) sizes under torch's names."""
    size, hidden = sizes
    rows = GATES[cell] * hidden
    shapes: list[tuple[int, ...]] = [(rows, size), (rows, hidden), (rows,), (rows,)]
    for name, shape in zip(NAMES[: 4 if bias else 2], shapes, strict=False):
        setattr(module, name + suffix, Parameter(_core.empty(shape, dtype=dtype)))


def own_weights(module: Module, suffix: str) -> Weights:
    """What add_weights registered, None for biases that are not there."""
    own = vars(module)
    return Weights(*[own.get(name + suffix) for name in NAMES])  # type: ignore[arg-type]


def run_layer(
    cell: str,
    x: Tensor,
    states: Sequence[Tensor],
    w: Weights,
    sizes: Tensor | None = None,
    *,
    batch_first: bool = False,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """One layer in one direction over all steps: its output, then its last states."""
    if cell == "lstm":
        h, c = states
        return _core.lstm_layer(
            *(x, h, c, w.input, w.hidden),
            *(w.input_bias, w.hidden_bias, sizes),
            batch_first=batch_first,
            reverse=reverse,
        )
    (h,) = states
    if cell == "gru":
        return _core.gru_layer(
            *(x, h, w.input, w.hidden),
            *(w.input_bias, w.hidden_bias, sizes),
            batch_first=batch_first,
            reverse=reverse,
        )
    return _core.rnn_layer(
        *(x, h, w.input, w.hidden),
        *(w.input_bias, w.hidden_bias, sizes),
        nonlinearity=cell,
        batch_first=batch_first,
        reverse=reverse,
    )


def reset_weights(weights: Weights, cell: str, law: Any, forget_bias: float | None) -> None:
    """Draw the parameters of one layer and direction; each gate is a matrix of its own."""
    hidden = weights.hidden.shape[1]
    biases = [bias for bias in weights[2:] if bias is not None]
    if law == "torch":
        bound = 1.0 / math.sqrt(hidden)
        for parameter in [weights.input, weights.hidden, *biases]:
            laws.uniform_(parameter, -bound, bound)
    else:
        with no_grad():
            for matrix, is_hidden in ((weights.input, False), (weights.hidden, True)):
                for gate in matrix.split(hidden):
                    _draw(gate, law, is_hidden, cell)
        for bias in biases:
            laws.zeros_(bias)
    if forget_bias is not None:
        with no_grad():
            for bias, value in zip(biases, (forget_bias, 0.0), strict=True):
                bias[hidden : 2 * hidden] = value


def _draw(gate: Tensor, law: Any, is_hidden: bool, cell: str) -> None:
    if law != "auto":
        law(gate)
    elif is_hidden:
        laws.orthogonal_(gate)
    elif cell == "relu":
        laws.kaiming_normal_(gate, nonlinearity="relu")
    else:
        laws.xavier_normal_(gate)
