"""Regularizers against their formulas, where they act, and what training with them does."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, regularize
from surefoot.regularize import L1, L2, ElasticNet, LpNorm, MaxNorm, Orthogonality, Regularizer
from surefoot.testing import gradcheck
from surefoot.train import Trainer

Array = np.ndarray
LR = 0.3
W = np.random.default_rng(0).normal(size=(3, 5))


def soft(w: Array, by: float) -> Array:
    return np.sign(w) * np.maximum(np.abs(w) - by, 0)


def orthogonality(w: Array) -> float:
    """By the singular values: sum of (s^2 - 1)^2."""
    s = np.linalg.svd(w.reshape(len(w), -1), compute_uv=False)
    return float(((s**2 - 1) ** 2).sum())


def max_norm(limit: float, axis: int) -> Callable[[Array], Array]:
    def apply(w: Array) -> Array:
        w = w.copy()
        for unit in w if axis == 0 else w.T:
            unit *= min(1.0, limit / np.linalg.norm(unit))
        return w

    return apply


def same(w: Array) -> Array:
    return w


@dataclass(frozen=True)
class Row:
    """value(w): the penalty. grad(w): its gradient in the loss. after(w): the weight afterwards."""

    rule: Regularizer
    value: Callable[[Array], float] = lambda w: 0.0
    grad: Callable[[Array], Array] | None = None
    after: Callable[[Array], Array] = same

    def __str__(self) -> str:
        return str(self.rule)


ROWS = [
    Row(L1(0.2), lambda w: 0.2 * abs(w).sum(), lambda w: 0.2 * np.sign(w)),
    Row(
        L1(0.2, convention="per_sample", m=50),
        lambda w: 0.2 / 100 * abs(w).sum(),
        lambda w: 0.002 * np.sign(w),
    ),
    Row(L1(0.8, proximal=True), lambda w: 0.8 * abs(w).sum(), after=lambda w: soft(w, LR * 0.8)),
    Row(
        L1(80, proximal=True, convention="per_sample", m=50),
        lambda w: 0.8 * abs(w).sum(),
        after=lambda w: soft(w, LR * 0.8),
    ),
    Row(L2(0.2), lambda w: 0.2 * (w**2).sum(), lambda w: 0.4 * w),
    Row(L2(0.2, convention="decay"), lambda w: 0.1 * (w**2).sum(), lambda w: 0.2 * w),
    Row(
        L2(0.2, convention="per_sample", m=50),
        lambda w: 0.2 / 100 * (w**2).sum(),
        lambda w: 0.2 / 50 * w,
    ),
    Row(
        ElasticNet(0.2, 0.3),
        lambda w: 0.2 * abs(w).sum() + 0.3 * (w**2).sum(),
        lambda w: 0.2 * np.sign(w) + 0.6 * w,
    ),
    Row(
        ElasticNet(0.5, 0.3, proximal=True),
        lambda w: 0.5 * abs(w).sum() + 0.3 * (w**2).sum(),
        after=lambda w: soft(w, LR * 0.5) / (1 + 2 * LR * 0.3),
    ),
    Row(LpNorm(0.2), lambda w: 0.2 * np.linalg.norm(w), lambda w: 0.2 * w / np.linalg.norm(w)),
    Row(
        LpNorm(0.2, p=3),
        lambda w: 0.2 * (abs(w) ** 3).sum() ** (1 / 3),
        lambda w: 0.2 * np.sign(w) * w**2 / (abs(w) ** 3).sum() ** (2 / 3),
    ),
    Row(LpNorm(0.2, p=1), lambda w: 0.2 * abs(w).sum(), lambda w: 0.2 * np.sign(w)),
    Row(LpNorm(0.2, p=math.inf), lambda w: 0.2 * abs(w).max()),
    Row(
        Orthogonality(0.2),
        lambda w: 0.2 * orthogonality(w),
        lambda w: 0.8 * (w @ w.T - np.eye(len(w))) @ w,
    ),
    Row(MaxNorm(1.5), after=max_norm(1.5, 0)),
    Row(MaxNorm(1.5, dim=1), after=max_norm(1.5, 1)),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def leaf(values: Array) -> sf.Tensor:
    return sf.tensor(np.asarray(values)).requires_grad_()


def layer(values: Array = W) -> nn.Linear:
    out = nn.Linear(values.shape[1], values.shape[0], dtype=sf.float64)
    with sf.no_grad():
        out.weight.copy_(sf.tensor(values))
    return out


def test_every_exported_regularizer_has_a_row() -> None:
    classes = {
        name
        for name in regularize.__all__
        if isinstance(getattr(regularize, name), type)
        and issubclass(getattr(regularize, name), Regularizer)
    }
    assert classes - {"Regularizer"} == {type(row.rule).__name__ for row in ROWS}


@each_row
def test_value(row: Row) -> None:
    assert row.rule(leaf(W)).item() == pytest.approx(row.value(W), rel=1e-12)


@each_row
def test_gradient_in_the_loss(row: Row) -> None:
    net = layer()
    regularize.attach(net, row.rule, "weight")
    total = regularize.penalty(net)
    if not row.rule.in_loss:
        assert total.item() == 0
        assert not total.requires_grad
        return
    total.backward()
    assert net.bias.grad is None
    if row.grad is not None:
        np.testing.assert_allclose(net.weight.grad.numpy(), row.grad(W), rtol=1e-12)
    assert gradcheck(row.rule, (leaf(W),))


@each_row
def test_what_follows_the_step(row: Row) -> None:
    net = layer()
    bias = net.bias.detach().numpy().copy()
    regularize.apply_(net, LR, row.rule)
    np.testing.assert_allclose(net.weight.detach().numpy(), row.after(W), rtol=1e-12)
    np.testing.assert_array_equal(net.bias.detach().numpy(), bias)
    if row.after is same:
        np.testing.assert_array_equal(net.weight.detach().numpy(), W)


def test_proximal_l1_reaches_exact_zeros_and_the_subgradient_does_not() -> None:
    """Lasso on an orthonormal design has the solution soft(target, l1)."""
    target = np.array([2.0, -1.0, 0.25, -0.125, 0.0625])
    found = {}
    for proximal in (False, True):
        w = leaf(np.ones(5))
        rule = L1(0.3, proximal=proximal)
        opt = sf.optim.SGD([w], lr=0.07)
        for _ in range(400):
            opt.zero_grad()
            loss = 0.5 * ((w - sf.tensor(target)) ** 2).sum()
            (loss + rule(w) if rule.in_loss else loss).backward()
            opt.step()
            rule.apply_(w, 0.07)
        found[proximal] = w.detach().numpy().copy()
    np.testing.assert_allclose(found[True], soft(target, 0.3), atol=1e-9)
    assert (found[True][2:] == 0).all()
    assert (found[False] != 0).all()
    np.testing.assert_allclose(found[False], soft(target, 0.3), atol=0.03)


def test_conventions_of_l2_convert() -> None:
    w = leaf(W)
    for convention, m in (("norm", None), ("decay", None), ("per_sample", 7)):
        start = L2(0.3, convention=convention, m=m)
        for other, other_m in (("norm", None), ("decay", None), ("per_sample", 50)):
            converted = start.to(other, other_m)
            assert converted.convention == other
            assert converted(w).item() == pytest.approx(start(w).item(), rel=1e-12)
            assert converted.weight_decay == pytest.approx(start.weight_decay, rel=1e-12)


def test_weight_decay_is_that_of_sgd() -> None:
    rule = L2(0.2, convention="per_sample", m=5)
    a, b = leaf(W), leaf(W)
    decayed = sf.optim.SGD([a], lr=0.1, weight_decay=rule.weight_decay)
    penalised = sf.optim.SGD([b], lr=0.1)
    for _ in range(5):
        decayed.zero_grad()
        penalised.zero_grad()
        (a**3).sum().backward()
        ((b**3).sum() + rule(b)).backward()
        decayed.step()
        penalised.step()
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12)


def test_orthogonality_takes_tall_weights_and_filters() -> None:
    rng = np.random.default_rng(1)
    for shape in ((5, 3), (4, 2, 3, 3)):
        w = rng.normal(size=shape)
        assert Orthogonality(1.0)(leaf(w)).item() == pytest.approx(orthogonality(w))
    q, _ = np.linalg.qr(rng.normal(size=(5, 3)))
    assert Orthogonality(1.0)(leaf(q)).item() == pytest.approx(0, abs=1e-24)
    with pytest.raises(ValueError, match="2 dimensions"):
        Orthogonality()(sf.ones(3))


def test_max_norm_of_filters_vectors_and_zeros() -> None:
    w = sf.tensor(np.full((2, 3, 2, 2), 2.0))
    MaxNorm(1.0).apply_(w, 0.1)
    np.testing.assert_allclose(np.sqrt((w.numpy() ** 2).sum((1, 2, 3))), 1.0)
    v = sf.tensor([0.0, 3.0, -3.0])
    MaxNorm(2.0).apply_(v, 0.1)
    assert v.tolist() == [0.0, 2.0, -2.0]
    zeros = sf.zeros(2, 2)
    MaxNorm(0.0).apply_(zeros, 0.1)
    assert zeros.tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="no dimension 2"):
        MaxNorm(dim=2).apply_(sf.ones(2, 2), 0.1)


# Attached.


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


def test_a_model_has_its_weights_penalised_not_its_biases() -> None:
    model = net()
    total = regularize.penalty(model, L2(0.5))
    expected = sum(0.5 * (model[i].weight.detach().numpy() ** 2).sum() for i in (0, 2))
    assert total.item() == pytest.approx(float(expected), rel=1e-5)
    total.backward()
    assert model[0].bias.grad is None


def test_a_layer_has_its_own() -> None:
    model = net()
    regularize.attach(model[0], L1(0.1), "weight")
    regularize.attach(model[0], L2(0.2), "weight")
    regularize.attach(model[2], L2(0.3), "bias")
    assert len(regularize.collect(model)) == 3
    assert len(regularize.collect(model[2])) == 1
    w, b = model[0].weight.detach().numpy(), model[2].bias.detach().numpy()
    expected = 0.1 * abs(w).sum() + 0.2 * (w**2).sum() + 0.3 * (b**2).sum()
    assert regularize.penalty(model).item() == pytest.approx(float(expected), rel=1e-5)
    regularize.detach(model)
    assert len(regularize.collect(model)) == 0
    assert regularize.penalty(model).item() == 0


def test_what_is_attached_goes_with_a_copy_and_not_into_the_state() -> None:
    model = net()
    names = list(model.state_dict())
    regularize.attach(model, L2(0.1))
    copied = copy.deepcopy(model)
    assert len(regularize.collect(copied)) == 2
    regularize.detach(copied)
    assert len(regularize.collect(model)) == 2
    assert list(model.state_dict()) == names


def test_a_shared_weight_counts_once() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    model = nn.Sequential(a, b)
    rule = L2(0.5)
    regularize.attach(model, rule)
    expected = 0.5 * (a.weight.detach().numpy() ** 2).sum()
    assert regularize.penalty(model).item() == pytest.approx(float(expected), rel=1e-5)
    assert regularize.penalty(model, rule).item() == pytest.approx(float(expected), rel=1e-5)


def test_apply_takes_the_rate_of_each_group() -> None:
    model = net()
    before = [model[i].weight.detach().numpy().copy() for i in (0, 2)]
    groups = [
        {"params": model[0].parameters(), "lr": 0.5},
        {"params": [model[2].bias], "lr": 9.0},  # the second weight is frozen
    ]
    regularize.apply_(model, sf.optim.SGD(groups, lr=0.1), L1(0.2, proximal=True))
    np.testing.assert_allclose(model[0].weight.detach().numpy(), soft(before[0], 0.1), rtol=1e-6)
    np.testing.assert_array_equal(model[2].weight.detach().numpy(), before[1])


def test_bad_arguments_are_named() -> None:
    bad: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: L1(-1.0), ValueError, "l1"),
        (lambda: L1("much"), TypeError, "l1"),
        (lambda: L1(0.1, convention="decay"), ValueError, "convention"),
        (lambda: L2(math.nan), ValueError, "l2"),
        (lambda: L2(0.1, convention="sum"), ValueError, "convention"),
        (lambda: L2(0.1, m=5), ValueError, "per_sample"),
        (lambda: L2(0.1, convention="per_sample"), ValueError, "m"),
        (lambda: L2(0.1, convention="per_sample", m=0), ValueError, "m"),
        (lambda: ElasticNet(0.1, -0.1), ValueError, "l2"),
        (lambda: LpNorm(0.1, p=0.5), ValueError, "p"),
        (lambda: MaxNorm(-1), ValueError, "max_value"),
        (lambda: Orthogonality(math.inf), ValueError, "strength"),
        (lambda: regularize.attach(net(), 0.01), TypeError, "L2"),
        (lambda: regularize.attach(net(), L2(), "kernel"), ValueError, "kernel"),
        (lambda: regularize.attach(nn.Tanh(), L2()), ValueError, "no parameter"),
        (lambda: regularize.penalty(net(), lambda w: w), TypeError, "not a Regularizer"),
        (lambda: regularize.apply_(net(), None, L2()), TypeError, "optimizer"),
        (lambda: Trainer(net(), nn.MSELoss(), None, regularize="l2"), TypeError, "not a Reg"),
    ]
    for make, error, word in bad:
        with pytest.raises(error, match=word):
            make()


# In the Trainer.

X = np.random.default_rng(3).normal(size=(12, 4)).astype("float32")
Y = np.random.default_rng(4).normal(size=(12, 2)).astype("float32")


def fitted(rule: Regularizer | None, attached: Regularizer | None = None) -> tuple[Any, Any]:
    sf.manual_seed(1)
    model = net()
    if attached is not None:
        regularize.attach(model, attached)
    opt = sf.optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, nn.MSELoss(), opt, seed=0, regularize=rule)
    history = trainer.fit((X, Y), validation=(X, Y), epochs=4, batch_size=4, progress=False)
    return model, history


def weights(model: Any) -> list[Array]:
    return [p.detach().numpy() for p in model.parameters()]


def test_trainer_equals_a_loop_by_hand() -> None:
    rule = ElasticNet(0.01, 0.02)
    trained, _ = fitted(rule)
    sf.manual_seed(1)
    model = net()
    opt = sf.optim.SGD(model.parameters(), lr=0.1)
    data = sf.data.TensorDataset(sf.tensor(X), sf.tensor(Y))
    loader = sf.data.DataLoader(data, 4, shuffle=True, seed=0)
    for _ in range(4):
        for x, y in loader:
            opt.zero_grad()
            loss = ((model(x) - y) ** 2).mean() + regularize.penalty(model, rule)
            loss.backward()
            opt.step()
    for a, b in zip(weights(trained), weights(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_trainer_minds_what_is_attached() -> None:
    plain, _ = fitted(None)
    for rule in (L2(0.1), L1(0.3, proximal=True), MaxNorm(0.3)):
        given, attached = fitted(rule)[0], fitted(None, rule)[0]
        for a, b in zip(weights(given), weights(attached), strict=True):
            np.testing.assert_array_equal(a, b)
        assert any((a != b).any() for a, b in zip(weights(given), weights(plain), strict=True))


def test_trainer_makes_sparse_and_bounded_weights() -> None:
    sparse, _ = fitted(L1(0.5, proximal=True))
    assert 0 < (sparse[0].weight.detach().numpy() == 0).sum() < 12
    bounded, _ = fitted(MaxNorm(0.25))
    norms = np.linalg.norm(bounded[0].weight.detach().numpy(), axis=1)
    assert (norms <= 0.25 * (1 + 1e-6)).all()


def test_the_history_has_the_loss_without_the_penalty() -> None:
    """With a rate of 0 nothing changes, so training and validation have one and the same loss."""
    model = net()
    opt = sf.optim.SGD(model.parameters(), lr=0.0)
    trainer = Trainer(model, nn.MSELoss(), opt, seed=0, regularize=L2(100.0))
    history = trainer.fit((X, Y), validation=(X, Y), epochs=1, progress=False)
    assert history["loss"][0] == pytest.approx(history["val_loss"][0], rel=1e-5)


def test_the_rate_may_be_a_numpy_number() -> None:
    net = nn.Linear(2, 1, bias=False)
    nn.init.ones_(net.weight)
    regularize.apply_(net, np.float32(0.5), regularize.L1(1.0, proximal=True))
    assert net.weight.tolist() == [[0.5, 0.5]]


def test_max_norm_of_huge_weights_is_the_maximum() -> None:
    w = sf.full((2, 2), 1e30)
    MaxNorm(1.0).apply_(w, 0.1)
    np.testing.assert_allclose(w.numpy(), np.sqrt(0.5), rtol=1e-6)
