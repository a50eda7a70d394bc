"""Normalisation: running statistics, large offsets, autograd, errors; the Standardize layer."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradgradcheck

RNG = np.random.default_rng(5)


def draw(*shape: int) -> sf.Tensor:
    return sf.tensor(np.random.default_rng(sum(shape)).normal(size=shape))


def channels_first(x: np.ndarray) -> np.ndarray:
    """(C, everything else)."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


# ---- running statistics --------------------------------------------------------------------------

BATCH_NORMS = [(nn.BatchNorm1d, (7, 3)), (nn.BatchNorm1d, (4, 3, 5)),
               (nn.BatchNorm2d, (2, 3, 4, 5)), (nn.BatchNorm3d, (2, 3, 2, 3, 4))]  # fmt: skip


@pytest.mark.parametrize(("kind", "shape"), BATCH_NORMS)
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics_follow_the_formula(kind, shape, momentum) -> None:
    layer = kind(3, momentum=momentum).double()
    mean, var = np.zeros(3), np.ones(3)
    for step in range(1, 5):
        x = RNG.normal(2.0, 3.0, shape)
        layer(sf.tensor(x))
        rows = channels_first(x)
        share = 1 / step if momentum is None else momentum
        mean = (1 - share) * mean + share * rows.mean(1)
        var = (1 - share) * var + share * rows.var(1, ddof=1)  # unbiased
    assert_close(layer.running_mean, mean, 1e-12, 1e-13)
    assert_close(layer.running_var, var, 1e-12, 1e-13)
    assert int(layer.num_batches_tracked) == 4
    assert layer.num_batches_tracked.dtype == sf.int64


def test_eval_uses_and_leaves_the_running_statistics() -> None:
    layer = nn.BatchNorm1d(3).double()
    layer(draw(9, 3) * 3 + 1)
    kept = {name: value.clone() for name, value in layer.state_dict().items()}
    x = draw(5, 3)
    y = layer.eval()(x)
    mean, var = kept["running_mean"].numpy(), kept["running_var"].numpy()
    assert_close(y.detach(), (x.numpy() - mean) / np.sqrt(var + 1e-5), 1e-12, 1e-13)
    for name, value in layer.state_dict().items():
        assert_close(value, kept[name], 0, 0)
    assert layer(x[:1]).shape == (1, 3)  # one sample is enough outside training


def test_training_normalises_by_the_biased_variance() -> None:
    x = draw(2, 100, 3, 4) * 5 + 7
    y = nn.BatchNorm2d(100, affine=False, eps=0.0).double()(x).numpy()
    assert_close(channels_first(y).mean(1), np.zeros(100), 0, 1e-13)
    assert_close(channels_first(y).var(1), np.ones(100), 1e-12, 0)


def test_without_tracking_eval_uses_the_batch() -> None:
    layer, x = nn.BatchNorm1d(3, track_running_stats=False).double(), draw(8, 3)
    assert layer.running_mean is None and layer.running_var is None
    assert_close(layer(x).detach(), layer.eval()(x).detach(), 0, 0)


def test_instance_norm_tracks_the_mean_over_samples() -> None:
    layer = nn.InstanceNorm2d(3, track_running_stats=True, momentum=0.25).double()
    x = RNG.normal(1.0, 2.0, (4, 3, 5, 2))
    layer(sf.tensor(x))
    rows = x.reshape(4, 3, -1)
    assert_close(layer.running_mean, 0.25 * rows.mean(2).mean(0), 1e-12, 1e-13)
    assert_close(layer.running_var, 0.75 + 0.25 * rows.var(2, ddof=1).mean(0), 1e-12, 1e-13)


def test_reset_running_stats() -> None:
    layer = nn.BatchNorm1d(2)
    layer(sf.randn(8, 2) * 4 + 3)
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert int(layer.num_batches_tracked) == 0


def test_functional_batch_norm_writes_float32_statistics_from_float64_data() -> None:
    mean, var = sf.zeros(3), sf.ones(3)
    version = mean._version
    x = draw(6, 3)
    y = F.batch_norm(x, mean, var, training=True, momentum=1.0)
    assert y.dtype == sf.float64 and mean.dtype == sf.float32
    assert mean._version > version
    assert_close(mean, x.numpy().mean(0).astype(np.float32), 1e-6, 1e-7)


def test_statistics_do_not_join_the_graph() -> None:
    layer, x = nn.BatchNorm1d(3).double(), draw(6, 3).requires_grad_()
    layer(x)
    layer(x).sum().backward()
    assert not layer.running_mean.requires_grad and not layer.running_var.requires_grad


def test_two_training_passes_then_backward_through_both() -> None:
    layer, x = nn.BatchNorm1d(3).double(), draw(6, 3).requires_grad_()
    (layer(x).square().sum() + layer(x * 2).square().sum()).backward()
    assert x.grad is not None


def test_statistics_that_move_before_backward_leave_the_gradient_right() -> None:
    layer, x = nn.BatchNorm1d(3).double().eval(), draw(6, 3).requires_grad_()
    y = layer(x).sum()
    layer.train()(x.detach() * 5)
    y.backward()
    assert_close(x.grad, np.full((6, 3), 1 / np.sqrt(1 + 1e-5)), 1e-14, 0)


# ---- the same function by other means ------------------------------------------------------------


def test_norms_agree_where_they_are_the_same() -> None:
    x = draw(3, 6, 4)
    assert_close(F.group_norm(x, 6), F.instance_norm(x), 1e-12, 1e-13)
    assert_close(F.group_norm(x, 1), F.layer_norm(x, (6, 4)), 1e-12, 1e-13)
    one = x[:1]
    assert_close(F.instance_norm(one), F.batch_norm(one, None, None, training=True), 1e-12, 1e-13)


def test_rms_norm_takes_the_epsilon_of_the_dtype() -> None:
    for dtype, eps in ((sf.float32, 2.0**-23), (sf.float64, 2.0**-52)):
        x = sf.full((2, 1), eps**0.5, dtype=dtype)
        assert_close(F.rms_norm(x, 1), sf.full((2, 1), 0.5**0.5, dtype=dtype), 1e-6, 0)


@pytest.mark.parametrize("offset", [1e4, -3e5])
def test_a_large_offset_does_no_harm(offset: float) -> None:
    """In float32; a variance by E[x^2] - E[x]^2 would be all rounding, or negative."""
    x = (offset + RNG.normal(size=(64, 512))).astype(np.float32)
    wide = x.astype(np.float64)
    spacing = np.spacing(np.float32(abs(offset)))
    row = (wide - wide.mean(1, keepdims=True)) / wide.std(1, keepdims=True)
    column = (wide - wide.mean(0)) / wide.std(0)
    assert_close(F.layer_norm(sf.tensor(x), 512, eps=0.0).numpy(), row, 1e-2, spacing,
                 check_dtype=False)  # fmt: skip
    got = F.batch_norm(sf.tensor(x), None, None, training=True, eps=0.0).numpy()
    assert_close(got, column, 1e-2, spacing, check_dtype=False)


def test_an_outlier_in_the_first_row_does_no_harm() -> None:
    """Sums are taken around the first row, and once more where that is far from the mean."""
    x = RNG.normal(size=(300, 40)).astype(np.float32)
    x[0, ::3] = 3e4
    wide = x.astype(np.float64)
    want = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5)
    var = sf.ones(40)
    got = F.batch_norm(sf.tensor(x), sf.zeros(40), var, training=True, momentum=1.0)
    assert_close(got.numpy(), want, 1e-5, 1e-5, check_dtype=False)
    assert_close(var.numpy(), wide.var(0, ddof=1), 1e-5, 0, check_dtype=False)
    x[1:, ::3] = 2e4 + RNG.normal(size=(299, 14))  # small spread, far away
    x[0, ::3] = 2e4 + 100
    wide = x.astype(np.float64)
    got = F.batch_norm(sf.tensor(x), None, None, training=True)
    want = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5)
    assert_close(got.numpy(), want, 1e-3, 1e-3, check_dtype=False)


def test_constant_input_gives_the_bias() -> None:
    x = sf.full((4, 3), 7.7)
    bias = sf.tensor([1.0, 2.0, 3.0])
    for y in (F.batch_norm(x, None, None, None, bias, training=True),):
        assert_close(y, bias.expand(4, 3), 0, 1e-3)
    assert_close(F.layer_norm(x, 3, None, bias), bias.expand(4, 3), 0, 1e-3)


def test_double_backward_through_a_training_norm() -> None:
    layer = nn.BatchNorm1d(2, affine=False).double()
    gradgradcheck(lambda x: layer(x), [draw(5, 2).requires_grad_()])


def test_same_bits_for_any_number_of_threads() -> None:
    x = sf.randn(64, 32, 17, 19)
    want = None
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        leaf = x.clone().requires_grad_()
        layer = nn.BatchNorm2d(32)
        y = layer(leaf)
        y.square().mean().backward()
        got = [y.detach(), leaf.grad, layer.weight.grad, layer.running_var]
        want = want or got
        for a, b in zip(got, want, strict=True):
            assert_close(a, b, 0, 0)


# ---- as the lecture notes call them --------------------------------------------------------------


def test_notes_batch_norm_call() -> None:
    layer = nn.BatchNorm2d(100, affine=False)
    x = sf.randn(20, 100, 35, 45)
    y = layer(x)
    assert y.shape == (20, 100, 35, 45)
    assert list(layer.parameters()) == []
    assert abs(y.mean().item()) < 1e-5 and abs(y.var().item() - 1) < 1e-3


def test_notes_sequence_of_dense_and_batch_norm_learns() -> None:
    """Dense(90, relu), BN, Dense(70, relu), BN, output."""
    net = nn.Sequential(
        *(nn.Linear(8, 90), nn.ReLU(), nn.BatchNorm1d(90)),
        *(nn.Linear(90, 70), nn.ReLU(), nn.BatchNorm1d(70), nn.Linear(70, 3)),
    )
    x = sf.randn(96, 8)
    labels = x[:, :3].argmax(1)
    optimizer = sf.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
    accuracy = (net.eval()(x).argmax(1) == labels).float().mean().item()
    assert accuracy > 0.95


def test_auto_init_looks_through_a_norm() -> None:
    sf.manual_seed(1)
    plain = nn.Sequential(nn.Linear(50, 40), nn.ReLU())
    sf.manual_seed(1)
    normed = nn.Sequential(nn.Linear(50, 40), nn.BatchNorm1d(40), nn.ReLU())
    assert_close(normed[0].weight, plain[0].weight, 0, 0)


# ---- errors --------------------------------------------------------------------------------------

BAD = [
    (lambda: nn.BatchNorm1d(0), ValueError, "num_features must be at least 1"),
    (lambda: nn.BatchNorm1d(3, eps=-1e-5), ValueError, "eps must be at least 0.*-1e-05"),
    (lambda: nn.BatchNorm1d(3, momentum=1.5), ValueError, "momentum must be in .*1.5"),
    (lambda: nn.BatchNorm1d(3, momentun=0.1), TypeError, "momentun"),
    (lambda: nn.BatchNorm1d(3)(sf.ones(1, 3)), ValueError, "more than 1 value per channel"),
    (lambda: nn.BatchNorm1d(3)(sf.ones(2, 4)), ValueError, r"\(2, 4\) has 4 channels.*features=3"),
    (lambda: nn.BatchNorm1d(3)(sf.ones(2, 3, 4, 5)), ValueError, r"2D \(N, C\) or 3D.*got 4D"),
    (lambda: nn.BatchNorm2d(3)(sf.ones(2, 3)), ValueError, r"expected 4D \(N, C, H, W\), got 2D"),
    (lambda: nn.BatchNorm3d(3)(sf.ones(2, 3, 4, 5)), ValueError, "expected 5D"),
    (lambda: nn.InstanceNorm1d(3)(sf.ones(2, 3, 1)), ValueError, "more than 1 spatial"),
    (lambda: nn.InstanceNorm2d(3)(sf.ones(2, 4, 5)), ValueError, "has 2 channels"),
    (lambda: nn.GroupNorm(3, 4), ValueError, "num_channels=4 cannot be divided"),
    (lambda: nn.GroupNorm(2, 4)(sf.ones(2, 6, 3)), ValueError, "6 channels"),
    (lambda: nn.LayerNorm(()), ValueError, "normalized_shape"),
    (lambda: nn.LayerNorm(3)(sf.ones(2, 4)), ValueError, r"\(2, 4\) must end with .*\(3,\)"),
    (lambda: nn.RMSNorm(3, eps=-1.0), ValueError, "eps"),
    (lambda: nn.Standardize(3)(sf.ones(2, 3)), RuntimeError, "fit"),
    (lambda: nn.Standardize(3).fit(sf.ones(2, 4)), ValueError, r"\(2, 4\) must have 3 features"),
    (lambda: nn.Standardize(3, mean=0.0, std=[1.0, 0.0, 1.0]), ValueError, "positive"),
    (lambda: nn.Standardize(3, mean=0.0), ValueError, "both"),
    (lambda: nn.Standardize(3).fit(sf.ones(0, 3)), ValueError, "no data"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD)
def test_bad_argument(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()


# ---- Standardize ---------------------------------------------------------------------------------


def test_standardize_takes_the_statistics_of_the_data() -> None:
    x = RNG.normal([1.0, -50.0, 1e6], [2.0, 0.1, 3.0], (500, 3))
    layer = nn.Standardize(3, dtype=sf.float64).fit(x)
    assert_close(layer.mean, x.mean(0), 1e-13, 0)
    assert_close(layer.std, x.std(0), 1e-10, 0)
    y = layer(sf.tensor(x)).numpy()
    assert_close(y.mean(0), np.zeros(3), 0, 1e-9)
    assert_close(y.std(0), np.ones(3), 1e-10, 0)
    assert_close(layer.inverse(sf.tensor(y)), x, 1e-12, 0)


def test_standardize_sees_batches_as_one() -> None:
    x = RNG.normal(1e4, 2.0, (100, 3))
    whole = nn.Standardize(3, dtype=sf.float64).fit(x)
    loader = sf.data.DataLoader(sf.data.TensorDataset(sf.tensor(x), sf.zeros(100)), batch_size=7)
    parts = nn.Standardize(3, dtype=sf.float64).fit(loader)
    assert_close(parts.mean, whole.mean, 1e-13, 0)
    assert_close(parts.std, whole.std, 1e-11, 0)


def test_standardize_of_image_channels() -> None:
    x = RNG.normal(3.0, 2.0, (6, 2, 4, 5)).astype(np.float32)
    y = nn.Standardize(2, dim=1).fit(x)(sf.tensor(x)).numpy()
    rows = channels_first(y)
    assert_close(rows.mean(1), np.zeros(2), 0, 1e-5, check_dtype=False)
    assert_close(rows.std(1), np.ones(2), 1e-5, 0, check_dtype=False)


def test_standardize_of_a_constant_feature_is_zero() -> None:
    x = np.stack([np.arange(5.0), np.full(5, 0.1)], 1)
    layer = nn.Standardize(2).fit(x)
    assert layer.std.tolist()[1] == 1.0
    assert abs(layer(sf.tensor(x).float())[:, 1]).max().item() < 1e-6


def test_standardize_travels_with_the_model(tmp_path) -> None:
    x = RNG.normal(5.0, 3.0, (50, 4)).astype(np.float32)
    net = nn.Sequential(nn.Standardize(4).fit(x), nn.Linear(4, 2))
    other = nn.Sequential(nn.Standardize(4), nn.Linear(4, 2))
    sf.save(net.state_dict(), tmp_path / "net.safetensors")
    other.load_state_dict(sf.load(tmp_path / "net.safetensors"))
    assert list(net.state_dict())[:2] == ["0.mean", "0.std"]
    assert_close(other(sf.tensor(x)), net(sf.tensor(x)), 0, 0)
    assert_close(copy.deepcopy(net)(sf.tensor(x)), net(sf.tensor(x)), 0, 0)
    assert sum(p.numel() for p in net.parameters()) == 10  # the statistics are not learned


def test_running_statistics_keep_nan() -> None:
    layer = nn.BatchNorm1d(2)
    layer(sf.tensor([[np.nan, 0.0], [1.0, 2.0]]))
    assert np.isnan(layer.running_mean.numpy()).tolist() == [True, False]
    assert np.isnan(layer.running_var.numpy()).tolist() == [True, False]


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (5, 3, 0)])
def test_a_batch_without_values_trains_nothing(shape: tuple[int, ...]) -> None:
    layer = sf.nn.BatchNorm1d(3)
    x = sf.zeros(*shape, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert tuple(y.shape) == tuple(x.grad.shape) == shape
    assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]
    assert layer.num_batches_tracked.item() == 1
    assert layer.weight.grad.tolist() == layer.bias.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_an_even_average_reads_its_counter_in_the_core(kind, monkeypatch) -> None:
    layer = kind(3, momentum=None, track_running_stats=True).double()
    monkeypatch.setattr(sf.Tensor, "item", None)  # a step that reads a value cannot be captured
    batches = [sf.randn(4, 3, 5, dtype=sf.float64) + i for i in range(3)]
    for batch in batches:
        layer(batch)
    monkeypatch.undo()
    over = (0, 2) if kind is nn.BatchNorm1d else 2
    means = [b.numpy().mean(over).reshape(-1, 3).mean(0) for b in batches]
    assert_close(layer.running_mean, np.mean(means, 0), rtol=1e-13, atol=0)


def test_the_counter_of_a_norm_is_checked() -> None:
    mean, var = sf.zeros(3), sf.ones(3)
    for count, error, words in (
        (sf.tensor(1.0), TypeError, "num_batches_tracked must be int64, got float32"),
        (sf.tensor([1, 2]), ValueError, "num_batches_tracked"),
    ):
        with pytest.raises(error, match=words):
            F.batch_norm(sf.ones(4, 3), mean, var, training=True, num_batches_tracked=count)
