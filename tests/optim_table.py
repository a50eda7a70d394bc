"""One row per update rule and option: the step in NumPy, float64, straight from the papers.

To add a rule: a reference `rule(p, g, state, *, options...) -> new p` that keeps its state in the
dict under the names the optimizer uses, and its rows in `ROWS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import surefoot as sf

Array = np.ndarray
State = dict[str, Any]


@dataclass(frozen=True)
class Row:
    rule: str
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.rule, *(f"{k}={v}" for k, v in self.options.items())])

    def optimizer(self, params: Any, **options: Any) -> sf.optim.Optimizer:
        return getattr(sf.optim, self.rule)(params, **{**self.options, **options})

    def reference(self, p: Array, g: Array, state: State, **options: Any) -> Array:
        return REFERENCES[self.rule](p, g, state, **{**self.options, **options})


def sgd(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    momentum_form: str = "torch",
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    if momentum == 0:
        return p - lr * g
    v = state.get("momentum_buffer")
    if momentum_form == "torch":
        v = g.copy() if v is None else momentum * v + (1 - dampening) * g
        move = lr * (g + momentum * v) if nesterov else lr * v
    elif momentum_form == "classical":
        v = momentum * (0 if v is None else v) + lr * g
        move = lr * g + momentum * v if nesterov else v
    else:
        v = momentum * (0 if v is None else v) + (1 - momentum) * g
        move = lr * ((1 - momentum) * g + momentum * v) if nesterov else lr * v
    state["momentum_buffer"] = v
    return p - move


def adam(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    maximize: bool = False,
    eps_mode: str = "outside",
    bias_correction: bool = True,
) -> Array:
    beta1, beta2 = betas
    g = (-g if maximize else g) + weight_decay * p
    t = state["step"] = state.get("step", 0) + 1
    m = state["exp_avg"] = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
    if amsgrad:
        v = state["max_exp_avg_sq"] = np.maximum(state.get("max_exp_avg_sq", 0), v)
    if bias_correction:
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    root = np.sqrt(v + eps) if eps_mode == "inside" else np.sqrt(v) + eps
    return p - lr * m / root


REFERENCES: dict[str, Callable[..., Array]] = {"SGD": sgd, "Adam": adam}

ROWS = [
    Row("SGD"),
    Row("SGD", {"weight_decay": 0.1}),
    Row("SGD", {"maximize": True}),
    Row("SGD", {"momentum": 0.9}),
    Row("SGD", {"momentum": 0.9, "dampening": 0.3}),
    Row("SGD", {"momentum": 0.9, "nesterov": True}),
    Row("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    Row("SGD", {"momentum": 0.9, "momentum_form": "classical"}),
    Row("SGD", {"momentum": 0.9, "momentum_form": "classical", "nesterov": True}),
    Row("SGD", {"momentum": 0.9, "momentum_form": "ema"}),
    Row("SGD", {"momentum": 0.9, "momentum_form": "ema", "nesterov": True, "weight_decay": 0.1}),
    Row("Adam"),
    Row("Adam", {"betas": (0.8, 0.9)}),
    Row("Adam", {"betas": (0.0, 0.0)}),
    Row("Adam", {"weight_decay": 0.1}),
    Row("Adam", {"maximize": True, "weight_decay": 0.1}),
    Row("Adam", {"amsgrad": True, "betas": (0.9, 0.5)}),
    Row("Adam", {"eps": 0.1}),
    Row("Adam", {"eps": 0.1, "eps_mode": "inside"}),
    Row("Adam", {"bias_correction": False}),
    Row("Adam", {"bias_correction": False, "eps_mode": "inside", "eps": 1e-3, "amsgrad": True}),
]
