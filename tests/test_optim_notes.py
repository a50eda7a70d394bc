"""Small programs of a course on training, written with the library: the numbers of plain NumPy.

One sigmoid neuron ``f(x) = 1 / (1 + exp(-(w x + b)))``, squared error, its gradient by hand.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import optim

X, Y = np.array([0.5, 2.5, -1.0]), np.array([0.2, 0.9, 0.4])


def loss_of(w: float, b: float, x: np.ndarray = X, y: np.ndarray = Y) -> float:
    return 0.5 * float(((1 / (1 + np.exp(-(w * x + b))) - y) ** 2).sum())


def gradient(w: float, b: float, x: np.ndarray = X, y: np.ndarray = Y) -> np.ndarray:
    f = 1 / (1 + np.exp(-(w * x + b)))
    slope = (f - y) * f * (1 - f)
    return np.array([(slope * x).sum(), slope.sum()])


class Neuron:
    def __init__(self, w: float, b: float, x: np.ndarray = X, y: np.ndarray = Y) -> None:
        self.w, self.b = (sf.tensor(np.array([v])).requires_grad_() for v in (w, b))
        self.x, self.y = sf.tensor(x), sf.tensor(y)

    def loss(self) -> sf.Tensor:
        return ((sf.sigmoid(self.w * self.x + self.b) - self.y) ** 2).sum() / 2

    def values(self) -> np.ndarray:
        return np.array([self.w.item(), self.b.item()])

    def train(self, opt: optim.Optimizer, epochs: int) -> np.ndarray:
        def closure() -> sf.Tensor:
            opt.zero_grad()
            loss = self.loss()
            loss.backward()
            return loss

        path = []
        for _ in range(epochs):
            opt.step(closure)
            path.append(self.values())
        return np.array(path)


def plain(p: np.ndarray, s: dict) -> np.ndarray:
    return p - 1.0 * gradient(*p)


def momentum(p: np.ndarray, s: dict) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0) + 1.0 * gradient(*p)
    return p - s["v"]


def nesterov(p: np.ndarray, s: dict) -> np.ndarray:
    ahead = p - 0.9 * s.get("v", np.zeros(2))
    s["v"] = 0.9 * s.get("v", 0) + 1.0 * gradient(*ahead)
    return p - s["v"]


def adagrad(p: np.ndarray, s: dict) -> np.ndarray:
    g = gradient(*p)
    s["v"] = s.get("v", 0) + g**2
    return p - 0.1 / np.sqrt(s["v"] + 1e-8) * g


def rmsprop(p: np.ndarray, s: dict) -> np.ndarray:
    g = gradient(*p)
    s["v"] = 0.95 * s.get("v", 0) + 0.05 * g**2
    return p - 0.1 / np.sqrt(s["v"] + 1e-8) * g


def adam_uncorrected(p: np.ndarray, s: dict) -> np.ndarray:
    g = gradient(*p)
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return p - 0.01 / np.sqrt(s["v"] + 1e-8) * s["m"]


def best_of_list(p: np.ndarray, s: dict) -> np.ndarray:
    tries = [p, *(p - lr * gradient(*p) for lr in (0.1, 0.5, 1.0, 5.0, 10.0))]
    return min(tries, key=lambda q: loss_of(*q))


PROGRAMS: dict[Callable, Callable[[Any], optim.Optimizer]] = {
    plain: lambda p: optim.SGD(p, lr=1.0),
    momentum: lambda p: optim.SGD(p, lr=1.0, momentum=0.9, momentum_form="classical"),
    nesterov: lambda p: optim.SGD(
        p, lr=1.0, momentum=0.9, momentum_form="classical", nesterov="lookahead"
    ),
    adagrad: lambda p: optim.Adagrad(p, lr=0.1, eps=1e-8, eps_mode="inside"),
    rmsprop: lambda p: optim.RMSprop(p, lr=0.1, alpha=0.95, eps=1e-8, eps_mode="inside"),
    adam_uncorrected: lambda p: optim.Adam(p, lr=0.01, bias_correction=False, eps_mode="inside"),
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_programs_give_the_numbers_of_numpy(program: Callable) -> None:
    neuron, p, state = Neuron(-2.0, -2.0), np.array([-2.0, -2.0]), {}
    path = neuron.train(PROGRAMS[program]([neuron.w, neuron.b]), 60)
    expected = []
    for _ in range(60):
        p = program(p, state)
        expected.append(p)
    np.testing.assert_allclose(path, expected, rtol=1e-9)


def test_line_search_gives_the_numbers_of_numpy() -> None:
    neuron, p = Neuron(-2.0, -2.0), np.array([-2.0, -2.0])
    opt = optim.LineSearchGD([neuron.w, neuron.b])
    for _ in range(30):
        opt.step(neuron.loss)
        p = best_of_list(p, {})
        np.testing.assert_allclose(neuron.values(), p, rtol=1e-8)
    assert loss_of(*p) < 0.2 * loss_of(-2.0, -2.0)


def sparse_feature() -> tuple[np.ndarray, np.ndarray]:
    """100 points; the feature is 0 for about 80 of them."""
    rng = np.random.default_rng(0)
    x = rng.normal(2.0, 1.0, size=100) * (rng.random(100) >= 0.8)
    return x, 1 / (1 + np.exp(-(1.5 * x + 1.0)))


@pytest.mark.parametrize("rule", ["SGD", "momentum", "nesterov", "Adagrad"])
def test_adagrad_moves_the_weight_of_a_sparse_feature_as_fast_as_the_bias(rule: str) -> None:
    x, y = sparse_feature()
    neuron = Neuron(-2.0, -2.0, x, y)
    params = [neuron.w, neuron.b]
    opt = {
        "SGD": lambda: optim.SGD(params, lr=0.01),
        "momentum": lambda: optim.SGD(params, lr=0.01, momentum=0.9),
        "nesterov": lambda: optim.SGD(params, lr=0.01, momentum=0.9, nesterov="lookahead"),
        "Adagrad": lambda: optim.Adagrad(params, lr=0.1),
    }[rule]()
    path = neuron.train(opt, 5) - [-2.0, -2.0]
    first, later = np.abs(path[0]), np.abs(path[-1])
    g = gradient(-2.0, -2.0, x, y)
    if rule == "Adagrad":
        np.testing.assert_allclose(first, 0.1, rtol=1e-9)
        assert 0.8 < later[0] / later[1] < 1.25
    else:
        np.testing.assert_allclose(first, 0.01 * np.abs(g), rtol=1e-9)
        assert first[0] / first[1] < 0.5 and later[0] / later[1] < 0.5
