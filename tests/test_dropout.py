"""The dropout family: expectation, masks, scaling, SELU's moments, DropConnect."""

from __future__ import annotations

import math

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradcheck

FAMILY = {
    "dropout": lambda x: F.dropout(x, 0.3),
    "dropout1d": lambda x: F.dropout1d(x, 0.3),
    "alpha_dropout": lambda x: F.alpha_dropout(x, 0.3, True),
    "feature_alpha_dropout": lambda x: F.feature_alpha_dropout(x, 0.3, True),
}


def seeded(drop):
    def run(x):
        sf.manual_seed(11)
        return drop(x)

    return run


# ---- what all have in common ---------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILY)
def test_gradient_has_the_mask_of_the_forward(name: str) -> None:
    x = sf.randn(3, 4, 5, dtype=sf.float64).requires_grad_()
    gradcheck(seeded(FAMILY[name]), [x])


@pytest.mark.parametrize("name", FAMILY)
def test_gradient_can_be_differentiated(name: str) -> None:
    x = sf.randn(3, 4, 5, dtype=sf.float64).requires_grad_()
    y = FAMILY[name](x)
    (slope,) = sf.autograd.grad(y.square().sum(), [x], create_graph=True)
    (fused,) = sf.autograd.grad(y.square().sum(), [x], retain_graph=True)
    assert_close(slope.detach(), fused, 1e-14, 1e-14)
    (second,) = sf.autograd.grad(slope.sum(), [x], retain_graph=True)
    # The second derivative is 2 m^2, m the factor of each element.
    (factor,) = sf.autograd.grad(y.sum(), [x])
    assert_close(second, 2 * factor * factor, 1e-13, 1e-13)


@pytest.mark.parametrize("name", FAMILY)
def test_same_mask_for_any_number_of_threads_and_dtype(name: str) -> None:
    want = None
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        for dtype in (sf.float32, sf.float64):
            y = seeded(FAMILY[name])(sf.ones(64, 300, 5, dtype=dtype))
            mask = (y > 0).numpy()
            want = mask if want is None else want
            assert np.array_equal(mask, want)


@pytest.mark.parametrize("name", FAMILY)
def test_a_new_mask_in_every_call(name: str) -> None:
    x = sf.ones(8, 16, 5)
    assert bool((FAMILY[name](x) != FAMILY[name](x)).any())


LAYERS = [
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.AlphaDropout, nn.FeatureAlphaDropout),
]
SHAPES = {nn.Dropout2d: (4, 9, 3, 2), nn.Dropout3d: (4, 9, 3, 2, 2)}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_inplace_gives_the_same_numbers(kind, p: float) -> None:
    x = sf.randn(SHAPES.get(kind, (4, 9, 5)))
    sf.manual_seed(2)
    want = kind(p)(x)
    target = x.clone()
    sf.manual_seed(2)
    got = kind(p, inplace=True)(target)
    assert got is target
    assert_close(target, want, 0, 0)


@pytest.mark.parametrize("kind", LAYERS)
def test_dropping_nothing_and_everything(kind) -> None:
    x = sf.randn(SHAPES.get(kind, (4, 9, 5)))
    assert_close(kind(0.0)(x), x, 0, 0)
    assert bool((kind(1.0)(x) == 0).all())
    assert_close(kind(0.7).eval()(x), x, 0, 0)


# ---- the form that scales at test ----------------------------------------------------------------


@pytest.mark.parametrize(("kind", "shape"), [
    (nn.Dropout, (300, 400)), (nn.Dropout1d, (300, 400, 2)), (nn.Dropout2d, (300, 400, 1, 2)),
    (nn.Dropout3d, (300, 400, 1, 1, 2))])  # fmt: skip
def test_scaling_at_eval(kind, shape) -> None:
    p = 0.3
    x = sf.ones(*shape)
    layer = kind(p, scaling="eval")
    y = layer(x).numpy()
    assert set(np.unique(y)) == {0.0, 1.0}
    count = 300 * 400
    assert abs(y.mean() - (1 - p)) < 6 * math.sqrt(p * (1 - p) / count)
    assert_close(layer.eval()(x), x * (1 - p), 1e-7, 0)


def test_both_scalings_agree_in_expectation() -> None:
    """Up to the factor 1 - p that the weights behind them absorb."""
    x, p = sf.ones(200_000), 0.4
    for scaling, scale in (("train", 1.0), ("eval", 1 - p)):
        trained = nn.Dropout(p, scaling=scaling)(x).mean().item()
        evaluated = nn.Dropout(p, scaling=scaling).eval()(x).mean().item()
        assert abs(trained - scale) < 0.01 and abs(evaluated - scale) < 1e-3


# ---- whole channels ------------------------------------------------------------------------------


@pytest.mark.parametrize(("fn", "shape", "dim"), [
    (F.dropout1d, (40, 50, 6), 2), (F.dropout1d, (2000, 6), 1), (F.dropout2d, (40, 50, 3, 2), 2),
    (F.dropout2d, (40, 50, 6), 2), (F.dropout3d, (40, 50, 2, 3, 1), 2),
    (F.dropout3d, (2000, 2, 3, 1), 1)])  # fmt: skip
def test_channels_are_dropped_whole(fn, shape, dim) -> None:
    y = fn(sf.ones(*shape), 0.25).numpy().reshape(*shape[:dim], -1)
    assert (y == y[..., :1]).all()
    share = (y[..., 0] == 0).mean()
    assert abs(share - 0.25) < 6 * math.sqrt(0.25 * 0.75 / 2000)
    assert np.unique(y.round(5)).tolist() == [0.0, np.float32(1.33333).item()]


# ---- SELU ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("fn", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout_keeps_mean_and_variance(fn, p: float) -> None:
    x = sf.randn(400_000 // 8, 8, dtype=sf.float64)
    y = fn(x, p, True).numpy()
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.05


def test_alpha_dropout_is_the_formula_of_the_paper() -> None:
    """a (x m + limit (1 - m)) + b with q = 1 - p, a = (q + limit^2 q (1 - q))^(-1/2)."""
    x, p = sf.randn(5000, dtype=sf.float64), 0.3
    sf.manual_seed(4)
    keep = (F.dropout(sf.ones(5000), p) > 0).numpy()
    sf.manual_seed(4)
    y = F.alpha_dropout(x, p, True)
    q, limit = 1 - p, -1.0507009873554805 * 1.6732632423543772
    a = (q + limit**2 * q * (1 - q)) ** -0.5
    b = -a * (1 - q) * limit
    assert_close(y, a * np.where(keep, x.numpy(), limit) + b, 1e-12, 1e-12)


def test_a_deep_net_of_selus_keeps_its_moments() -> None:
    layers = []
    for _ in range(12):
        layers += [nn.Linear(256, 256), nn.SELU(), nn.AlphaDropout(0.1)]
    with sf.no_grad():
        y = nn.Sequential(*layers)(sf.randn(256, 256)).numpy()
    assert abs(y.mean()) < 0.15 and 0.7 < y.std() < 1.3


# ---- DropConnect ---------------------------------------------------------------------------------


def weights_used(layer: nn.DropConnect, width: int) -> np.ndarray:
    return layer(sf.eye(width)).detach().numpy().T  # without a bias


@pytest.mark.parametrize(("scaling", "factor"), [("train", 1 / 0.7), ("eval", 1.0)])
def test_dropconnect_masks_weights(scaling: str, factor: float) -> None:
    layer = nn.DropConnect(200, 100, 0.3, bias=False, scaling=scaling)
    weight = layer.weight.detach().numpy()
    used = weights_used(layer, 200)
    kept = used != 0
    assert abs(kept.mean() - 0.7) < 6 * math.sqrt(0.21 / weight.size)
    assert_close(used[kept], (weight * np.float32(factor))[kept], 1e-6, 0)
    assert not np.array_equal(weights_used(layer, 200) != 0, kept)  # a mask per call
    assert_close(weights_used(layer.eval(), 200), weight * np.float32(0.7 * factor), 1e-6, 0)


def test_dropconnect_gradient_reaches_kept_weights_only() -> None:
    layer = nn.DropConnect(30, 20, 0.4, bias=False)
    y = layer(sf.eye(30))
    y.sum().backward()
    used = y.detach().numpy().T != 0
    assert ((layer.weight.grad.numpy() != 0) == used).all()


def test_dropconnect_per_sample_has_a_mask_for_each() -> None:
    layer = nn.DropConnect(40, 30, 0.5, bias=False, per_sample=True)
    x = sf.ones(6, 40)
    y = layer(x).detach().numpy()
    assert len({row.tobytes() for row in y}) == 6
    with pytest.raises(ValueError, match=r"\(2, 3, 40\)"):
        layer(sf.ones(2, 3, 40))


def test_dropconnect_samples_have_the_moments_of_the_masked_sums() -> None:
    """Mean and variance of the sampled inference against a large draw of masks."""
    layer = nn.DropConnect(50, 4, 0.4, inference="sampled", samples=1).double()
    x = sf.randn(1, 50, dtype=sf.float64)
    with sf.no_grad():
        layer.bias.normal_()
        masked = np.concatenate([layer(x).numpy() for _ in range(4000)])
        layer.eval()
        sampled = np.concatenate([layer(x).numpy() for _ in range(4000)])
    spread = masked.std(0)
    assert (abs(masked.mean(0) - sampled.mean(0)) < 6 * spread * math.sqrt(2 / 4000)).all()
    assert (abs(sampled.std(0) / spread - 1) < 6 * math.sqrt(1 / 4000)).all()


def test_dropconnect_averages_after_the_activation() -> None:
    """E[relu(u)] of a normal u in closed form; the mean weights give relu(E[u]) instead."""
    layer = nn.DropConnect(30, 3, 0.5, inference="sampled", samples=20_000, activation=nn.ReLU())
    layer = layer.double().eval()
    x = sf.randn(2, 30, dtype=sf.float64)
    w = layer.weight.detach().numpy()
    mean, std = x.numpy() @ w.T, np.sqrt(x.numpy() ** 2 @ (w**2).T)  # p / (1 - p) = 1
    z = mean / std
    cdf = np.vectorize(lambda t: 0.5 * (1 + math.erf(t / math.sqrt(2))))(z)
    want = mean * cdf + std * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    with sf.no_grad():
        got = layer(x).numpy()
    assert (abs(got - want) < 6 * std / math.sqrt(20_000)).all()
    layer.inference = "mean"
    assert_close(layer(x).detach(), np.maximum(mean, 0), 1e-12, 1e-13)


def test_dropconnect_learns() -> None:
    net = nn.Sequential(nn.DropConnect(10, 64, 0.3), nn.ReLU(), nn.Linear(64, 2))
    x = sf.randn(200, 10)
    labels = (x[:, 0] > 0).long()
    optimizer = sf.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimizer.step()
    assert (net.eval()(x).argmax(1) == labels).float().mean().item() > 0.95


# ---- errors --------------------------------------------------------------------------------------

BAD = [
    (
        lambda: nn.Dropout(0.5, scaling="test"),
        ValueError,
        "'train', 'eval', got 'test'",
    ),
    (lambda: sf.dropout(sf.ones(2), 0.5, True, scaling="x"), ValueError, "'train' or 'eval'"),
    (lambda: nn.Dropout2d(-0.1), ValueError, r"\[Dropout2d\] p must be in \[0, 1\], got -0.1"),
    (lambda: nn.AlphaDropout(1.1), ValueError, "p must be in .*1.1"),
    (lambda: nn.Dropout1d()(sf.ones(2, 3, 4, 5)), ValueError, r"\(N, C, L\) or \(C, L\)"),
    (lambda: nn.Dropout2d()(sf.ones(2, 3)), ValueError, r"\(2, 3\).*\(N, C, H, W\)"),
    (lambda: nn.Dropout3d()(sf.ones(2, 3)), ValueError, r"\(N, C, D, H, W\)"),
    (lambda: sf.dropout(sf.tensor([1, 2])), TypeError, r"\[dropout\].*int64.*float\(\)"),
    (lambda: nn.DropConnect(3, 2, 1.0), ValueError, "p must be at least 0 and below 1"),
    (lambda: nn.DropConnect(3, 2, inference="map"), ValueError, "'mean', 'sampled'"),
    (lambda: nn.DropConnect(3, 2, samples=0), ValueError, "samples must be at least 1"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD)
def test_bad_argument(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()
