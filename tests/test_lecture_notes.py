"""What the lecture notes print, run through the library.

The PyTorch snippets run with `torch` read as `surefoot`. The toy programs (a sigmoid neuron with
one weight and one bias) run in plain NumPy, with the misprints listed in the docstrings put right,
and through the optimizers: every step must agree.
"""

from collections.abc import Callable

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim

# ------------------------------------------------------------------------------------ the snippets

SNIPPETS = {
    "gradient descent": """
import torch.optim as optim
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0)
""",
    "momentum": """
import torch.optim as optim
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
""",
    "nesterov": """
import torch.optim as optim

optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
""",
    "rmsprop": """
import torch.optim as optim

optimizer = optim.RMSprop(model.parameters(), lr=0.01, alpha=0.99)
""",
    "adagrad": """
import torch.optim as optim

optimizer = optim.Adagrad(model.parameters(), lr=0.01)
""",
    "adam": """
import torch.optim as optim

optimizer = optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.999))
""",
    # printed as optim.Adam(..., rho=0.9), which torch refuses: rho is Adadelta's
    "adadelta": """
import torch.optim as optim

optimizer = optim.Adadelta(model.parameters(), lr=0.01, rho=0.9)
""",
    "schedules": """
import torch.optim as optim

scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30,80], gamma=0.1)

scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1)

scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode = 'min')

scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer)
""",
    "initialisation": """
import torch

w = torch.empty(3, 5)

torch.nn.init.kaiming_uniform_(w, mode='fan_in', nonlinearity='relu')
""",
    "batch normalisation": """
import torch
import torch.nn as nn

m = nn.BatchNorm2d(100, affine=False)
input = torch.randn(20, 100, 35, 45)
output = m(input)
""",
}


def run_snippet(name: str) -> dict:
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    space = {"model": model, "optimizer": optimizer}
    exec(SNIPPETS[name].replace("torch", "surefoot"), space)
    return space


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_run_as_printed(name: str) -> None:
    space = run_snippet(name)
    if name.startswith(("gradient", "momentum", "nesterov", "rms", "ada")):
        model, optimizer = space["model"], space["optimizer"]
        before = model.weight.detach().clone()
        model(sf.ones(4, 3)).square().sum().backward()
        optimizer.step()
        assert (model.weight != before).all()


def test_snippet_of_initialisation_fills_with_he_uniform() -> None:
    w = run_snippet("initialisation")["w"].numpy()
    assert (abs(w) <= np.sqrt(6 / 5)).all()
    assert len(np.unique(w)) == 15


def test_snippet_of_batch_normalisation_has_standard_channels() -> None:
    y = run_snippet("batch normalisation")["output"].numpy()
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, atol=1e-4)


def test_adam_refuses_rho_by_name() -> None:
    with pytest.raises(TypeError, match="rho"):
        optim.Adam([sf.zeros(1, requires_grad=True)], lr=0.01, rho=0.9)  # type: ignore[call-arg]


# --------------------------------------------------------------------------------- the toy programs

X = np.array([0.5, 2.5])
Y = np.array([0.2, 0.9])
INIT_W, INIT_B, MAX_EPOCHS = -2.0, -2.0, 40

Path = list[tuple[float, float]]


def neuron(w: float, b: float, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(w * x + b)))


def error(w: float, b: float) -> float:
    return float(0.5 * ((neuron(w, b, X) - Y) ** 2).sum())


def gradient(w: float, b: float, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    f = neuron(w, b, x)
    slope = (f - y) * f * (1 - f)
    return float((slope * x).sum()), float(slope.sum())


def do_adagrad() -> Path:
    w, b, eta = INIT_W, INIT_B, 0.1
    v_w, v_b, eps = 0.0, 0.0, 1e-8
    path = []
    for _ in range(MAX_EPOCHS):
        dw, db = gradient(w, b, X, Y)
        v_w = v_w + dw**2
        v_b = v_b + db**2
        w = w - (eta / np.sqrt(v_w + eps)) * dw
        b = b - (eta / np.sqrt(v_b + eps)) * db
        path.append((w, b))
    return path


def do_rmsprop() -> Path:
    """Printed with five names for four values and without a `*` before `dw**2`."""
    w, b, eta = INIT_W, INIT_B, 0.1
    v_w, v_b, eps, beta1 = 0.0, 0.0, 1e-8, 0.9
    path = []
    for _ in range(MAX_EPOCHS):
        dw, db = gradient(w, b, X, Y)
        v_w = beta1 * v_w + (1 - beta1) * dw**2
        v_b = beta1 * v_b + (1 - beta1) * db**2
        w = w - (eta / np.sqrt(v_w + eps)) * dw
        b = b - (eta / np.sqrt(v_b + eps)) * db
        path.append((w, b))
    return path


def do_line_search_gradient_descent() -> Path:
    """Printed with the assignment behind the loop, and with 10000 for the present error."""
    w, b, etas = INIT_W, INIT_B, [0.1, 0.5, 1.0, 5.0, 10]
    path = []
    for _ in range(MAX_EPOCHS):
        dw, db = gradient(w, b, X, Y)
        min_error = error(w, b)
        best_w, best_b = w, b
        for eta in etas:
            tmp_w = w - eta * dw
            tmp_b = b - eta * db
            if error(tmp_w, tmp_b) < min_error:
                best_w, best_b = tmp_w, tmp_b
                min_error = error(tmp_w, tmp_b)
        w, b = best_w, best_b
        path.append((w, b))
    return path


def walk(make: Callable[[list[sf.Tensor]], optim.Optimizer]) -> Path:
    """The same neuron through the library, float64."""
    w = sf.tensor(INIT_W, dtype=sf.float64, requires_grad=True)
    b = sf.tensor(INIT_B, dtype=sf.float64, requires_grad=True)
    x, y = sf.tensor(X), sf.tensor(Y)
    optimizer = make([w, b])
    searches = isinstance(optimizer, optim.LineSearchGD)  # it calls backward itself

    def closure() -> sf.Tensor:
        optimizer.zero_grad()
        loss = 0.5 * ((w * x + b).sigmoid() - y).square().sum()
        if not searches:
            loss.backward()
        return loss

    path = []
    for _ in range(MAX_EPOCHS):
        optimizer.step(closure)
        path.append((w.item(), b.item()))
    return path


@pytest.mark.parametrize(
    ("program", "make"),
    [
        (do_adagrad, lambda p: optim.Adagrad(p, lr=0.1, eps=1e-8, eps_mode="inside")),
        (do_rmsprop, lambda p: optim.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-8, eps_mode="inside")),
        (do_line_search_gradient_descent, optim.LineSearchGD),
    ],
    ids=["adagrad", "rmsprop", "line search"],
)
def test_toy_programs_take_the_same_steps(program: Callable[[], Path], make: Callable) -> None:
    want = program()
    assert error(*want[-1]) < 0.5 * error(INIT_W, INIT_B)
    np.testing.assert_allclose(walk(make), want, rtol=1e-10)


# ------------------------------------------------------------------------------- sparse features


def first_steps(make: Callable[[list[sf.Tensor]], optim.Optimizer]) -> np.ndarray:
    """|change of w| / |change of b| in the first 3 steps; x is 0 for 80 of 100 points."""
    rng = np.random.default_rng(3)
    x = np.where(np.arange(100) % 5 == 0, rng.normal(1.0, 0.2, 100), 0.0)
    y = np.where(x > 0, 0.95, 0.7)
    w = sf.tensor(0.0, dtype=sf.float64, requires_grad=True)
    b = sf.tensor(0.0, dtype=sf.float64, requires_grad=True)
    optimizer = make([w, b])
    ratios = []
    for _ in range(3):
        before = w.item(), b.item()
        optimizer.zero_grad()
        loss = 0.5 * ((w * sf.tensor(x) + b).sigmoid() - sf.tensor(y)).square().sum()
        loss.backward()
        dw, db = w.grad.item(), b.grad.item()
        np.testing.assert_allclose([dw, db], gradient(*before, x, y), rtol=1e-12)
        optimizer.step()
        ratios.append(abs(w.item() - before[0]) / abs(b.item() - before[1]))
    return np.array(ratios)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_sparse_feature_moves_little_without_adaptive_steps(options: dict) -> None:
    assert (first_steps(lambda p: optim.SGD(p, lr=0.01, **options)) < 0.5).all()


def test_adagrad_moves_sparse_and_dense_features_alike() -> None:
    make = lambda p: optim.Adagrad(p, lr=0.1, eps=1e-8, eps_mode="inside")  # noqa: E731
    np.testing.assert_allclose(first_steps(make), 1, atol=0.15)
