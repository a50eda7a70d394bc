"""The gate before every commit: a little of everything, in a few seconds."""

from __future__ import annotations

import numpy as np
import pytest

import surefoot as sf
from surefoot.testing import assert_close, gradcheck


def test_elementwise_and_broadcast():
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    x, y = sf.tensor(a), sf.tensor(b)
    assert_close(x * y + 1, a * b + 1)
    assert_close((x - y).relu(), np.maximum(a - b, 0))
    assert_close((x / (y + 3)).exp(), np.exp(a / (b + 3)))
    assert (x > 2).tolist() == (a > 2).tolist()


def test_matmul_and_reductions():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((33, 17)), rng.standard_normal((17, 65))
    c = sf.tensor(a) @ sf.tensor(b)
    assert_close(c, a @ b)
    assert_close(c.sum(), (a @ b).sum())
    assert_close(c.mean(0), (a @ b).mean(0))
    assert_close(c.max(1).values, (a @ b).max(1))
    assert_close(c.softmax(1).sum(1), np.ones(33))


def test_views_share_memory():
    x = sf.zeros(3, 4)
    x.T[1] = 5.0
    x[::2] += 1
    assert x.tolist() == [[1, 6, 1, 1], [0, 5, 0, 0], [1, 6, 1, 1]]


def test_gradients():
    rng = np.random.default_rng(1)
    x = sf.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    w = sf.tensor(rng.standard_normal((4, 2)), requires_grad=True)
    assert gradcheck(lambda x, w: (x @ w).tanh().log_softmax(1), [x, w])
    (x @ w).square().sum().backward()
    assert_close(w.grad, 2 * x.detach().numpy().T @ (x @ w).detach().numpy())


def test_second_derivative():
    x = sf.tensor(3.0, requires_grad=True)
    (slope,) = sf.autograd.grad(x**3, x, create_graph=True)
    (curve,) = sf.autograd.grad(slope, x)
    assert (slope.item(), curve.item()) == (27.0, 18.0)


def test_freed_graph_and_changed_tensor_are_errors():
    x = sf.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    h = x * 2
    z = (h * h).sum()
    h.add_(1)
    with pytest.raises(RuntimeError, match="version"):
        z.backward()


def test_errors_name_op_and_shapes():
    with pytest.raises(RuntimeError, match=r"\[matmul\] \(32, 64\) @ \(63, 10\)"):
        sf.zeros(32, 64) @ sf.zeros(63, 10)
    with pytest.raises(ValueError, match=r"\[add\].*\(2,\).*\(3,\)"):
        sf.zeros(2) + sf.zeros(3)


def test_numpy_both_ways():
    a = np.arange(4.0)
    t = sf.from_numpy(a)
    t[0] = 9
    assert a[0] == 9
    assert_close(sf.tensor(a).numpy(), a)


def test_random_numbers_repeat():
    sf.manual_seed(3)
    first = sf.randn(1000).tolist()
    sf.manual_seed(3)
    sf.set_num_threads(1)
    assert sf.randn(1000).tolist() == first


def test_training_learns():
    """XOR by hand: forward, backward, step."""
    sf.manual_seed(0)
    x = sf.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    labels = sf.tensor([0, 1, 1, 0])
    w1, w2 = (sf.randn(2, 8) * 0.8).requires_grad_(), (sf.randn(8, 2) * 0.8).requires_grad_()
    b1 = sf.zeros(8, requires_grad=True)
    for _ in range(300):
        logits = (x @ w1 + b1).tanh() @ w2
        loss = sf.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        with sf.no_grad():
            for p in (w1, w2, b1):
                p -= 0.5 * p.grad
                p.grad = None
    assert loss.item() < 0.05
    assert logits.argmax(1).tolist() == labels.tolist()


def test_long_chain():
    x = sf.ones(1, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 0.0
    y.backward()
    assert x.grad.item() == 1.0
