"""A Linear and the activation behind it, run as one op: the same bits, and hooks that still run."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn

ACTIVATIONS = [
    nn.CELU(1.5), nn.ELU(0.5), nn.GELU(), nn.GELU("tanh"), nn.Hardsigmoid(), nn.Hardswish(),
    nn.Hardtanh(-0.5, 1.5), nn.LeakyReLU(0.2), nn.Mish(), nn.ReLU(), nn.ReLU(inplace=True),
    nn.SELU(), nn.Sigmoid(), nn.SiLU(), nn.Softplus(2.0), nn.Softsign(), nn.Tanh(),
]  # fmt: skip


def net_of(activation: Any, dtype: Any = sf.float32) -> Any:
    sf.manual_seed(1)
    return nn.Sequential(
        nn.Linear(37, 130, init="torch"), activation, nn.Linear(130, 3, init="torch")
    ).to(dtype)


def results(net: Any, x: Any) -> list[bytes]:
    """The output without and with recording, and all gradients, as bytes."""
    net.zero_grad()
    with sf.no_grad():
        quiet = net(x)
    x = x.clone().requires_grad_()
    y = net(x)
    (y * y).sum().backward()
    tensors = [quiet, y.detach(), x.grad, *(p.grad for p in net.parameters())]
    return [t.numpy().tobytes() for t in tensors]


def apart(net: Any) -> Any:
    """The same net, whose hooks keep its layers from being joined."""
    net = copy.deepcopy(net)
    for layer in net:
        layer.register_forward_hook(lambda *_: None)
    return net


@pytest.mark.parametrize("dtype", [sf.float32, sf.float64], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_joined_layers_give_the_bits_of_each_on_its_own(
    activation: Any, rows: int, dtype: Any
) -> None:
    net, x = net_of(activation, dtype), sf.randn(rows, 37, dtype=dtype)
    assert "linear" in net[:2](x).grad_fn and "linear" not in apart(net)[:2](x).grad_fn
    assert all(a == b for a, b in zip(results(net, x), results(apart(net), x), strict=True))


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.GELU(), nn.Tanh(), nn.ELU()], ids=repr)
def test_second_derivatives_of_joined_layers(activation: Any) -> None:
    net, x = net_of(activation, sf.float64), sf.randn(4, 37, dtype=sf.float64)

    def second(net: Any) -> list[Any]:
        net.zero_grad()
        leaf = x.clone().requires_grad_()
        (first,) = sf.autograd.grad(net(leaf).pow(3).sum(), [leaf], create_graph=True)
        (first * first).sum().backward()
        return [leaf.grad, *(p.grad for p in net.parameters())]

    for a, b in zip(second(net), second(apart(net)), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


def test_hooks_of_either_layer_are_called() -> None:
    net = net_of(nn.ReLU())
    seen: list[str] = []
    for layer in (net[0], net[1]):
        handle = layer.register_forward_hook(lambda m, *_: seen.append(type(m).__name__))
        net(sf.ones(2, 37))
        handle.remove()
    assert seen == ["Linear", "ReLU"]


def test_layers_with_a_forward_of_their_own_are_called() -> None:
    class Loud(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(x) * 0 - 1

    assert nn.Sequential(Loud(2, 2), nn.ReLU())(sf.ones(1, 2)).tolist() == [[0.0, 0.0]]
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net[1].forward = lambda x: x * 0 + 5
    assert net(sf.ones(1, 2)).tolist() == [[5.0, 5.0]]
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net[0].forward = lambda x: x * 0 + 7
    assert net(sf.ones(1, 2)).tolist() == [[7.0, 7.0]]


def test_arguments_are_read_at_every_call() -> None:
    net = nn.Sequential(nn.Linear(2, 2, init="ones"), nn.LeakyReLU(0.5))
    x = -sf.ones(1, 2)
    assert net(x).tolist() == [[-1.0, -1.0]]
    net[1].negative_slope = 2.0
    assert net(x).tolist() == [[-4.0, -4.0]]
