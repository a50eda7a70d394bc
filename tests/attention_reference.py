"""Attention layers in NumPy float64, from a state as state_dict names it; batch first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from op_table.attention import weights_ref

Array = np.ndarray
State = dict[str, Array]


def below(state: State, prefix: str) -> State:
    """The part of a state under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def linear(state: State, x: Array) -> Array:
    return x @ state["weight"].T + state.get("bias", 0.0)


def layer_norm(state: State, x: Array) -> Array:
    centered = x - x.mean(-1, keepdims=True)
    y = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
    return y * state["weight"] + state.get("bias", 0.0)


def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def multihead(
    state: State,
    query: Array,
    key: Array,
    value: Array,
    heads: int,
    hidden: Any = None,
    more: Any = None,
) -> tuple[Array, Array]:
    """Output (N, L, E) and weights (N, heads, L, S); hidden: bool, broadcast to the weights; more:
    a row "k" of keys and "v" of values, which with a row of zeros go behind the projected ones."""
    size = query.shape[-1]
    if "in_proj_weight" in state:
        weights = np.split(state["in_proj_weight"], 3)
    else:
        weights = [state[f"{name}_proj_weight"] for name in "qkv"]
    biases = np.split(state.get("in_proj_bias", np.zeros(3 * size)), 3)
    projected = []
    for name, x, w, b in zip("qkv", (query, key, value), weights, biases, strict=True):
        y = x @ w.T + b
        if more is not None and name in more:
            row = np.broadcast_to(more[name], (len(y), 1, size))
            y = np.concatenate([y, row, np.zeros_like(row)], 1)
        projected.append(y.reshape(*y.shape[:2], heads, size // heads).swapaxes(1, 2))
    q, k, v = projected
    shares = weights_ref(q, k, None if hidden is None else ~np.asarray(hidden))
    joined = (shares @ v).swapaxes(1, 2).reshape(query.shape)
    return linear(below(state, "out_proj."), joined), shares


def block(
    state: State,
    x: Array,
    heads: int,
    memory: Array | None = None,
    activation: Any = relu,
    norm_first: bool = False,
    hidden: Any = None,
) -> Array:
    """An encoder layer, or with a memory a decoder layer; hidden is for the attention to itself."""

    def to_itself(y: Array) -> Array:
        return multihead(below(state, "self_attn."), y, y, y, heads, hidden)[0]

    def to_memory(y: Array) -> Array:
        return multihead(below(state, "multihead_attn."), y, memory, memory, heads)[0]

    def feed_forward(y: Array) -> Array:
        return linear(below(state, "linear2."), activation(linear(below(state, "linear1."), y)))

    parts = [to_itself, *([] if memory is None else [to_memory]), feed_forward]
    for i, part in enumerate(parts, start=1):
        norm = below(state, f"norm{i}.")
        x = x + part(layer_norm(norm, x)) if norm_first else layer_norm(norm, x + part(x))
    return x


def stack(state: State, x: Array, heads: int, memory: Array | None = None, **options: Any) -> Array:
    """Layers 0, 1, ... and the norm, where the state has one."""
    for i in range(1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers"))):
        x = block(below(state, f"layers.{i}."), x, heads, memory, **options)
    norm = below(state, "norm.")
    return layer_norm(norm, x) if norm else x


def sinusoids(length: int, size: int) -> Array:
    table = np.zeros((length, size))
    for t in range(length):
        for column in range(size):
            angle = t / 10000 ** (column // 2 * 2 / size)
            table[t, column] = math.cos(angle) if column % 2 else math.sin(angle)
    return table
