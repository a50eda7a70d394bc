"""PyTorch snippets of lecture notes on deep networks, with `torch` read as `surefoot`."""

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim

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
