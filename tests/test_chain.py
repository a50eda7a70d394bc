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


# Names and numbers of the activations that linear() knows, and the op of each on its own.
JOINED: dict[str, tuple[float, ...]] = {
    "celu": (1.5,), "elu": (0.5,), "gelu": (), "gelu_tanh": (), "hardsigmoid": (), "hardswish": (),
    "hardtanh": (-0.5, 1.5), "leaky_relu": (0.2,), "mish": (), "relu": (), "selu": (),
    "sigmoid": (), "silu": (), "softplus": (2.0, 20.0), "softsign": (), "tanh": (),
}  # fmt: skip
# Rows and outputs: none, odd, more than one band of rows, a band of the widest rows.
SIZES = [(0, 5), (1, 7), (7, 1), (7, 65), (65, 3), (1031, 10), (1100, 129), (130, 512)]


def separate(name: str, z: Any) -> Any:
    if name == "gelu_tanh":
        return nn.functional.gelu(z, approximate="tanh")
    return getattr(nn.functional, name)(z, *JOINED[name])


def leaves(rows: int, outputs: int, dtype: Any) -> list[Any]:
    sf.manual_seed(rows)
    shapes = (rows, 9), (outputs, 9), (outputs,)
    return [sf.randn(*shape, dtype=dtype).requires_grad_() for shape in shapes]


def one_by_one(name: str, tensors: list[Any], g: Any) -> list[bytes]:
    """Result and gradients of x, weight and bias, each step an op; the bias's a sum of its own."""
    x, w, b = tensors
    z = nn.functional.linear(x, w, b)
    y = separate(name, z) if name else z
    dx, dw, dz = sf.autograd.grad(y, [x, w, z], g)
    return [t.detach().numpy().tobytes() for t in (y, dx, dw, dz.sum(0))]


def joined(name: str, tensors: list[Any], g: Any) -> list[bytes]:
    """The same; a gradient that nobody else holds is given as `g * 1`."""
    options = {"activation": name, "arguments": JOINED[name]} if name else {}
    y = nn.functional.linear(*tensors, **options)
    found = [y, *sf.autograd.grad(y * 1, tensors, g)]
    return [t.detach().numpy().tobytes() for t in found]


@pytest.mark.parametrize("name", ["", *JOINED])
def test_backward_of_activation_and_bias_has_the_bits_of_each_step(name: str) -> None:
    for dtype in (sf.float32, sf.float64):
        for rows, outputs in SIZES:
            tensors = leaves(rows, outputs, dtype)
            g = sf.randn(rows, outputs, dtype=dtype)
            sf.set_num_threads(1)
            want = one_by_one(name, tensors, g)
            for threads in (1, 2, 3, 8):
                sf.set_num_threads(threads)
                assert joined(name, tensors, g) == want, (dtype, rows, outputs, threads)


@pytest.mark.parametrize("name", ["", "tanh", "gelu"])
def test_gradients_of_any_layout(name: str) -> None:
    tensors = leaves(70, 33, sf.float32)
    options = {"activation": name} if name else {}
    for g in (sf.randn(33, 70).T, sf.randn(1, 33).expand(70, 33), sf.randn(70, 66)[:, ::2]):
        found = sf.autograd.grad(nn.functional.linear(*tensors, **options), tensors, g)
        assert [t.numpy().tobytes() for t in found] == one_by_one(name, tensors, g)[1:]


@pytest.mark.parametrize("name", ["relu", "selu"])
def test_a_gradient_that_somebody_holds_is_left_alone(name: str) -> None:
    tensors, ones = leaves(70, 33, sf.float32), sf.ones(70, 33)
    want = joined(name, tensors, ones)[1:]
    held: list[Any] = []

    def hooked(y: Any) -> Any:
        y.register_hook(held.append)
        return y * 1

    def retained(y: Any) -> Any:
        y.retain_grad()
        held.append(y)
        return y * 1

    for keep in (hooked, retained, lambda y: y):
        y = keep(nn.functional.linear(*tensors, activation=name))
        found = sf.autograd.grad(y, tensors, ones)
        assert [t.numpy().tobytes() for t in found] == want
    for kept in (ones, held[0], held[1].grad):
        assert np.array_equal(kept.numpy(), np.ones((70, 33)))


@pytest.mark.parametrize("name", ["", "tanh", "mish"])
def test_only_what_needs_a_gradient_gets_one(name: str) -> None:
    options = {"activation": name} if name else {}
    g = sf.randn(70, 33)
    want = joined(name, leaves(70, 33, sf.float32), g)[1:]
    for wanted in range(1, 8):
        tensors = leaves(70, 33, sf.float32)
        for i, t in enumerate(tensors):
            t.requires_grad_(bool(wanted >> i & 1))
        nn.functional.linear(*tensors, **options).backward(g)
        for i, t in enumerate(tensors):
            assert (t.grad.numpy().tobytes() == want[i]) if t.requires_grad else t.grad is None


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
