"""A perceptron's training step written by hand in pure array functions, for NumPy and jax.jit.

The formulas are those of the libraries beside it: x W^T + b, softmax with cross-entropy, and the
update rules with PyTorch's defaults. Weights, slots and step count go in and come out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from _nets import Net, Perceptron

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # of SELU

# name -> (value, derivative from z and the value)
ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "ReLU": (lambda xp, z: xp.maximum(z, 0), lambda xp, z, h: h > 0),
    "Tanh": (lambda xp, z: xp.tanh(z), lambda xp, z, h: 1 - h * h),
    "SELU": (
        lambda xp, z: SCALE * xp.where(z > 0, z, ALPHA * xp.expm1(xp.minimum(z, 0))),
        lambda xp, z, h: xp.where(z > 0, np.float32(SCALE), h + np.float32(SCALE * ALPHA)),
    ),
}


def sgd(xp: Any, p: Any, g: Any, slots: Any, t: Any, options: Any) -> Any:
    """Nesterov's momentum, v <- mu v + g."""
    v = options["momentum"] * slots[0] + g
    return p - options["lr"] * (g + options["momentum"] * v), (v,)


def adam(xp: Any, p: Any, g: Any, slots: Any, t: Any, options: Any) -> Any:
    m = 0.9 * slots[0] + 0.1 * g
    v = 0.999 * slots[1] + 0.001 * (g * g)
    root = xp.sqrt(v / (1 - 0.999**t)) + 1e-8
    return p - options["lr"] / (1 - 0.9**t) * m / root, (m, v)


def rmsprop(xp: Any, p: Any, g: Any, slots: Any, t: Any, options: Any) -> Any:
    s = 0.99 * slots[0] + 0.01 * (g * g)
    return p - options["lr"] * g / (xp.sqrt(s) + 1e-8), (s,)


RULES = {"SGD": (sgd, 1), "Adam": (adam, 2), "RMSprop": (rmsprop, 1)}  # and their slots


def able(net: Net) -> bool:
    build = net.build
    return isinstance(build, Perceptron) and not build.norm and net.classes > 0


def gradients(xp: Any, activation: str, weights: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """Mean cross-entropy against one-hot targets, and its gradient for each weight and bias."""
    value, derivative = ACTIVATIONS[activation]
    inputs, sums = [x], []
    for i, (w, b) in enumerate(weights):
        sums.append(inputs[-1] @ w.T + b)
        if i + 1 < len(weights):
            inputs.append(value(xp, sums[-1]))
    shifted = sums[-1] - sums[-1].max(1, keepdims=True)
    e = xp.exp(shifted)
    total = e.sum(1, keepdims=True)
    loss = (xp.log(total[:, 0]) - (shifted * target).sum(1)).mean()
    d = (e / total - target) * np.float32(1 / len(x))
    found = []
    for i in reversed(range(len(weights))):
        found.append((d.T @ inputs[i], d.sum(0)))
        if i:
            d = (d @ weights[i][0]) * derivative(xp, sums[i - 1], inputs[i])
    return loss, found[::-1]


def update(xp: Any, net: Net, weights: Any, slots: Any, found: Any, t: Any) -> tuple[Any, Any]:
    """New weights and slots from their gradients."""
    rule, _ = RULES[net.rule.name]
    new, kept = [], []
    for pair, pair_slots, pair_gradients in zip(weights, slots, found, strict=True):
        both = [
            rule(xp, p, g, s, t, net.rule.options)
            for p, g, s in zip(pair, pair_gradients, pair_slots, strict=True)
        ]
        new.append(tuple(p for p, _ in both))
        kept.append(tuple(s for _, s in both))
    return new, kept


def draw(sizes: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Weights (out, in) and biases, uniform in +-1 / sqrt(in)."""
    rng = np.random.default_rng(1)
    found = []
    for width, size in itertools.pairwise(sizes):
        shapes = ((size, width), (size,))
        found.append(
            tuple(rng.uniform(-1, 1, s).astype("float32") * np.float32(width**-0.5) for s in shapes)
        )
    return found


def training_step(library: str, net: Net) -> Callable[[], float]:
    """Gradients and update; returns the loss before the update."""
    assert isinstance(net.build, Perceptron)
    activation, (_, count) = net.build.activation, RULES[net.rule.name]
    x, y = net.data()
    target = np.eye(net.classes, dtype="float32")[y]
    weights = draw(net.build.sizes)
    slots = [tuple((np.zeros_like(p),) * count for p in pair) for pair in weights]

    def step(weights: Any, slots: Any, t: Any) -> Any:
        loss, found = gradients(xp, activation, weights, x, target)
        return loss, *update(xp, net, weights, slots, found, t)

    xp: Any = np
    run = step
    if library == "jax":
        import jax

        xp, run = jax.numpy, jax.jit(step, donate_argnums=(0, 1))
        weights, slots = jax.tree.map(jax.numpy.array, (weights, slots))
    state, t = (weights, slots), np.float32(0)

    def turn() -> float:
        nonlocal state, t
        t += 1
        loss, *new = run(*state, t)
        state = (new[0], new[1])
        return float(loss)

    return turn
