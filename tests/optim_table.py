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


def decayed(
    p: Array, g: Array, lr: float, weight_decay: float, maximize: bool, decoupled: bool
) -> tuple[Array, Array]:
    """The gradient that the rule sees, and the parameter that it starts from."""
    g = -g if maximize else g
    return (g, p - lr * weight_decay * p) if decoupled else (g + weight_decay * p, p)


def root(square: Array, eps: float, eps_mode: str) -> Array:
    return np.sqrt(square + eps) if eps_mode == "inside" else np.sqrt(square) + eps


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
    decoupled_weight_decay: bool = False,
) -> Array:
    beta1, beta2 = betas
    g, p = decayed(p, g, lr, weight_decay, maximize, decoupled_weight_decay)
    t = state["step"] = state.get("step", 0) + 1
    m = state["exp_avg"] = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
    if amsgrad:
        v = state["max_exp_avg_sq"] = np.maximum(state.get("max_exp_avg_sq", 0), v)
    if bias_correction and eps_mode == "uncorrected":
        return p - lr * m / (1 - beta1**t) * np.sqrt(1 - beta2**t) / (np.sqrt(v) + eps)
    if bias_correction:
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m / root(v, eps, eps_mode)


def adamw(p: Array, g: Array, state: State, **options: Any) -> Array:
    options = {"weight_decay": 0.01, **options}
    return adam(p, g, state, **options, decoupled_weight_decay=True)


def adamax(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    t = state["step"] = state.get("step", 0) + 1
    m = state["exp_avg"] = betas[0] * state.get("exp_avg", 0) + (1 - betas[0]) * g
    u = state["exp_inf"] = np.maximum(betas[1] * state.get("exp_inf", 0), np.abs(g) + eps)
    return p - lr / (1 - betas[0] ** t) * m / u


def nadam(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
    eps_mode: str = "outside",
) -> Array:
    beta1, beta2 = betas
    g, p = decayed(p, g, lr, weight_decay, maximize, decoupled_weight_decay)
    t = state["step"] = state.get("step", 0) + 1
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in (t, t + 1))
    product = state["mu_product"] = state.get("mu_product", 1.0) * mu
    m = state["exp_avg"] = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
    step = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    return p - lr * step / root(v / (1 - beta2**t), eps, eps_mode)


def radam(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
    eps_mode: str = "outside",
) -> Array:
    beta1, beta2 = betas
    g, p = decayed(p, g, lr, weight_decay, maximize, decoupled_weight_decay)
    t = state["step"] = state.get("step", 0) + 1
    m = state["exp_avg"] = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g * g
    m = m / (1 - beta1**t)
    most = 2 / (1 - beta2) - 1
    q = most - 2 * t * beta2**t / (1 - beta2**t)
    if q <= 5:
        return p - lr * m
    r = np.sqrt((q - 4) * (q - 2) * most / ((most - 4) * (most - 2) * q))
    return p - lr * m * r * np.sqrt(1 - beta2**t) / root(v, eps, eps_mode)


def adagrad(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
    eps_mode: str = "outside",
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    t = state["step"] = state.get("step", 0) + 1
    s = state["sum"] = state.get("sum", initial_accumulator_value) + g * g
    return p - lr / (1 + lr_decay * (t - 1)) * g / root(s, eps, eps_mode)


def adadelta(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
    eps_mode: str = "inside",
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    state["step"] = state.get("step", 0) + 1
    u = state.get("acc_delta", np.zeros_like(p))
    v = state["square_avg"] = rho * state.get("square_avg", 0) + (1 - rho) * g * g
    delta = root(u, eps, eps_mode) / root(v, eps, eps_mode) * g
    state["acc_delta"] = rho * u + (1 - rho) * delta * delta
    return p - lr * delta


def rmsprop(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
    eps_mode: str = "outside",
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    state["step"] = state.get("step", 0) + 1
    v = state["square_avg"] = alpha * state.get("square_avg", 0) + (1 - alpha) * g * g
    if centered:
        average = state["grad_avg"] = alpha * state.get("grad_avg", 0) + (1 - alpha) * g
        v = v - average * average
    step = g / root(v, eps, eps_mode)
    if momentum:
        step = state["momentum_buffer"] = momentum * state.get("momentum_buffer", 0) + step
    return p - lr * step


def asgd(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Array:
    g = (-g if maximize else g) + weight_decay * p
    done = state.get("step", 0)
    state["step"] = done + 1
    eta = lr / (1 + lambd * lr * done) ** alpha
    p = p * (1 - lambd * eta) - eta * g
    average = state.get("ax", np.zeros_like(p))
    state["ax"] = average + (p - average) / max(1, done - t0)
    return p


def rprop(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    maximize: bool = False,
) -> Array:
    g = -g if maximize else g
    state["step"] = state.get("step", 0) + 1
    turn = np.sign(g) * np.sign(state.get("prev", np.zeros_like(g)))
    sizes = state.get("step_size", np.full_like(p, lr))
    sizes = sizes * np.where(turn < 0, etas[0], np.where(turn > 0, etas[1], 1.0))
    state["step_size"] = sizes = np.clip(sizes, *step_sizes)
    state["prev"] = g = np.where(turn < 0, 0.0, g)
    return p - np.sign(g) * sizes


def lion(
    p: Array,
    g: Array,
    state: State,
    *,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Array:
    g, p = decayed(p, g, lr, weight_decay, maximize, True)
    state["step"] = state.get("step", 0) + 1
    m = state.get("exp_avg", np.zeros_like(g))
    state["exp_avg"] = betas[1] * m + (1 - betas[1]) * g
    return p - lr * np.sign(betas[0] * m + (1 - betas[0]) * g)


REFERENCES: dict[str, Callable[..., Array]] = {
    "SGD": sgd,
    "ASGD": asgd,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adadelta": adadelta,
    "Adam": adam,
    "AdamW": adamw,
    "Adamax": adamax,
    "NAdam": nadam,
    "RAdam": radam,
    "Lion": lion,
    "Rprop": rprop,
}

# Rules whose step evaluates the loss itself: their references stand in test_optim_closure.py.
CLOSURE_RULES = ["LineSearchGD", "LBFGS"]

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
    Row("Adam", {"eps": 0.1, "eps_mode": "uncorrected"}),
    Row("Adam", {"eps": 0.1, "eps_mode": "uncorrected", "bias_correction": False}),
    Row("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    Row("AdamW"),
    Row("AdamW", {"weight_decay": 0.5, "maximize": True, "amsgrad": True}),
    Row("AdamW", {"weight_decay": 0.5, "eps": 0.1, "eps_mode": "inside"}),
    Row("AdamW", {"eps": 0.1, "eps_mode": "uncorrected", "bias_correction": False}),
    Row("Adamax"),
    Row("Adamax", {"betas": (0.5, 0.6), "eps": 0.1, "weight_decay": 0.1, "maximize": True}),
    Row("NAdam"),
    Row("NAdam", {"weight_decay": 0.1, "momentum_decay": 1.0, "maximize": True}),
    Row("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.5, 0.6)}),
    Row("NAdam", {"eps": 0.1, "eps_mode": "inside"}),
    Row("RAdam"),
    Row("RAdam", {"weight_decay": 0.1, "betas": (0.5, 0.6), "maximize": True}),
    Row("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "eps": 0.1}),
    Row("RAdam", {"eps": 0.1, "eps_mode": "inside"}),
    Row("Adagrad"),
    Row("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1}),
    Row("Adagrad", {"maximize": True, "eps": 0.1}),
    Row("Adagrad", {"eps": 0.1, "eps_mode": "inside"}),
    Row("Adadelta"),
    Row("Adadelta", {"rho": 0.5, "weight_decay": 0.1, "maximize": True}),
    Row("Adadelta", {"eps": 0.1, "eps_mode": "outside"}),
    Row("RMSprop"),
    Row("RMSprop", {"alpha": 0.5, "weight_decay": 0.1, "maximize": True}),
    Row("RMSprop", {"eps": 0.1, "eps_mode": "inside"}),
    Row("RMSprop", {"momentum": 0.9}),
    Row("RMSprop", {"centered": True, "eps": 1e-3}),
    Row("RMSprop", {"centered": True, "momentum": 0.9, "eps": 0.1, "eps_mode": "inside"}),
    Row("ASGD"),
    Row("ASGD", {"lambd": 0.1, "alpha": 0.5, "t0": 5.0, "weight_decay": 0.1, "maximize": True}),
    Row("Rprop"),
    Row("Rprop", {"etas": (0.25, 2.0), "step_sizes": (1e-3, 0.25), "maximize": True}),
    Row("Lion"),
    Row("Lion", {"betas": (0.5, 0.6), "weight_decay": 0.1, "maximize": True}),
]

# Per rule: options with which it comes to rest within 600 steps of the parabola (a row's own,
# where they would hold it back, give way), and 5000 steps in Rosenbrock's valley.
PARABOLA: dict[str, dict[str, Any]] = {
    "ASGD": {"lambd": 0.0},
    "Adagrad": {"lr": 2.0},
    "Adadelta": {"lr": 2.0, "rho": 0.5},
    "RAdam": {"lr": 0.1},
    "Lion": {"lr": 0.02},
}
ROSENBROCK: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 1e-3, "momentum": 0.9},
    "ASGD": {"lr": 1e-3, "lambd": 0.0},
    "Adagrad": {"lr": 0.5},
    "Adadelta": {"lr": 0.05},
    "RMSprop": {"lr": 1e-3},
    "Adam": {"lr": 0.02},
    "AdamW": {"lr": 0.02, "weight_decay": 0.0},
    "Adamax": {"lr": 0.05},
    "NAdam": {"lr": 0.02},
    "RAdam": {"lr": 4e-3, "betas": (0.9, 0.99)},
    "Lion": {"lr": 1e-3},
    "Rprop": {"lr": 1e-2},
}
