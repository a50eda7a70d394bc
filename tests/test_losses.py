"""What the rows of the losses do not show: sample weights in words, extremes, refusals."""

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close


def column(*values: float, dtype: sf.dtype = sf.float64) -> sf.Tensor:
    return sf.tensor(list(values), dtype=dtype)


# ------------------------------------------------------------------------------- sample weights


def test_weights_count_a_sample_as_often_as_they_say() -> None:
    """Weight 3 is the sample three times, weight 0 is the sample left out."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    times = np.array([3, 0, 1, 2])
    weighted = F.mse_loss(sf.tensor(x), sf.tensor(y), sample_weight=sf.tensor(times))
    copied = F.mse_loss(sf.tensor(x.repeat(times, 0)), sf.tensor(y.repeat(times, 0)))
    assert weighted.item() == pytest.approx(copied.item(), rel=1e-14)


def test_weights_of_samples_and_classes_multiply() -> None:
    rng = np.random.default_rng(1)
    x, y = sf.tensor(rng.normal(size=(5, 3))), sf.tensor(np.array([0, 2, -100, 1, 2]))
    each, own = column(0.5, 1.0, 2.0), column(1.0, 3.0, 7.0, 0.5, 2.0)
    losses = F.cross_entropy(x, y, each, reduction="none").numpy()
    counts = np.array([0.5, 2.0, 0.0, 1.0, 2.0]) * own.numpy()
    got = F.cross_entropy(x, y, each, sample_weight=own).item()
    assert got == pytest.approx((losses * own.numpy()).sum() / counts.sum(), rel=1e-14)


def test_equal_weights_change_no_mean() -> None:
    x, y = column(1.0, 4.0, -2.0), column(0.0, 0.0, 0.0)
    half = sf.full((3,), 0.5, dtype=sf.float64)
    for loss in (F.mse_loss, F.l1_loss, F.huber_loss):
        assert_close(loss(x, y, sample_weight=half), loss(x, y), rtol=1e-15, atol=0)


@pytest.mark.parametrize("kind", [sf.bool, sf.int64, sf.float32])
def test_weights_of_any_dtype(kind: sf.dtype) -> None:
    keep = sf.tensor([True, False]).to(kind)
    loss = nn.L1Loss()(column(1.0, 9.0), column(0.0, 0.0), sample_weight=keep)
    assert (loss.item(), loss.dtype) == (1.0, sf.float64)


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCELoss(), nn.KLDivLoss("batchmean")])
def test_weights_that_are_all_zero_give_zero(loss: nn.Module) -> None:
    x = sf.full((3, 2), 0.25, dtype=sf.float64, requires_grad=True)
    value = loss(x, sf.ones(3, 2, dtype=sf.float64), sample_weight=sf.zeros(3))
    value.backward()
    assert value.item() == 0.0
    assert x.grad is not None
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("shape", [(3,), (2, 1), (2, 3, 1), (1,), (3, 2)])
def test_weights_that_fit_no_sample_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[mse_loss\] sample_weight .*\(2, 3\).*\(2,\)"):
        F.mse_loss(sf.ones(2, 3), sf.ones(2, 3), sample_weight=sf.ones(shape))


def test_negative_weights_are_refused_where_a_mean_divides_by_their_sum() -> None:
    x, y, w = sf.tensor([1.0, 2.0, 4.0]), sf.zeros(3), sf.tensor([2.0, -1.0, 1.0])
    with pytest.raises(ValueError, match=r"\[l1_loss\] sample_weight -1 at element 1 .*'sum'"):
        F.l1_loss(x, y, sample_weight=w)
    with pytest.raises(ValueError, match=r"\[cross_entropy\] sample_weight -1"):
        F.cross_entropy(sf.ones(3, 2), sf.tensor([0, 1, 0]), sample_weight=w)
    assert F.l1_loss(x, y, reduction="sum", sample_weight=w).item() == 4.0
    assert F.l1_loss(x, y, reduction="none", sample_weight=w).tolist() == [2.0, -2.0, 4.0]


def test_batchmean_divides_by_the_weight_of_the_samples() -> None:
    x, y = sf.zeros(2, 4, dtype=sf.float64), sf.full((2, 4), 0.5, dtype=sf.float64)
    rows = 4 * 0.5 * np.log(0.5)
    loss = nn.KLDivLoss("batchmean")
    assert loss(x, y).item() == pytest.approx(rows)
    assert loss(x, y, sample_weight=column(1.0, 5.0)).item() == pytest.approx(rows)


# ------------------------------------------------------------------------------------ extremes


def test_logits_of_any_size_have_exact_losses_and_gradients() -> None:
    """log(1 + e^-x) keeps its relative accuracy where log(sigmoid(x)) is 0 or -inf."""
    sizes = [-800.0, -40.0, -1e-9, 0.0, 1e-9, 40.0, 700.0]
    x = column(*sizes).requires_grad_()
    loss = F.binary_cross_entropy_with_logits(x, sf.ones(7, dtype=sf.float64), reduction="none")
    wide = np.array(sizes, dtype=np.longdouble)
    expected = np.maximum(-wide, 0) + np.log1p(np.exp(-abs(wide)))
    np.testing.assert_allclose(loss.detach().numpy(), expected.astype(float), rtol=1e-15, atol=0)
    loss.sum().backward()
    assert x.grad is not None
    slope = -(np.exp(-wide - np.maximum(-wide, 0)) / (np.exp(-abs(wide)) + 1))
    np.testing.assert_allclose(x.grad.numpy(), slope.astype(float), rtol=1e-14, atol=1e-300)


def test_probabilities_0_and_1_give_100_at_most() -> None:
    x = column(0.0, 1.0, 0.0, 1.0).requires_grad_()
    loss = F.binary_cross_entropy(x, column(0.0, 1.0, 1.0, 0.0), reduction="none")
    assert loss.tolist() == [0.0, 0.0, 100.0, 100.0]
    loss.sum().backward()
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()
    assert x.grad.tolist()[2] < 0 < x.grad.tolist()[3]


def test_zero_targets_of_a_divergence_count_nothing() -> None:
    x, y = column(-1.0, -2.0).requires_grad_(), column(0.0, 1.0)
    F.kl_div(x, y, reduction="sum").backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -1.0]


def test_tiny_variance_counts_as_eps_and_still_learns() -> None:
    var = column(0.0).requires_grad_()
    loss = F.gaussian_nll_loss(column(0.0), column(0.0), var, eps=0.25)
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * np.log(0.25))
    assert var.grad is not None
    assert var.grad.item() == pytest.approx(0.5 / 0.25)


def test_one_variance_per_row_or_one_for_all() -> None:
    rng = np.random.default_rng(3)
    x, y, var = (sf.tensor(rng.uniform(0.5, 2, shape)) for shape in ((4, 3), (4, 3), (4,)))
    wide = F.gaussian_nll_loss(x, y, var.unsqueeze(1).expand(4, 3))
    assert_close(F.gaussian_nll_loss(x, y, var), wide, rtol=1e-14, atol=0)
    assert_close(F.gaussian_nll_loss(x, y, var.unsqueeze(1)), wide, rtol=1e-14, atol=0)
    same = F.gaussian_nll_loss(x, y, sf.full((4, 3), 2.0, dtype=sf.float64))
    assert_close(F.gaussian_nll_loss(x, y, 2.0), same, rtol=1e-14, atol=0)


def test_nan_goes_through() -> None:
    bad, good = column(float("nan"), 0.5), column(1.0, 1.0)
    for loss in (F.mse_loss, F.huber_loss, F.binary_cross_entropy, F.hinge_loss, F.kl_div):
        assert np.isnan(loss(bad, good).item())


def test_class_weight_has_a_gradient() -> None:
    """Of sum(w_t l) / sum(w_t): (l_i - loss) / sum(w_t) for each label, 0 for absent classes."""
    x, y = sf.zeros(2, 3, dtype=sf.float64), sf.tensor([0, 1])
    weight = column(1.0, 3.0, 5.0).requires_grad_()
    losses = column(2.0, 0.0)
    F.nll_loss(x - losses.unsqueeze(1), y, weight).backward()
    assert weight.grad is not None
    mean = 2.0 / 4.0
    np.testing.assert_allclose(weight.grad.numpy(), [(2 - mean) / 4, (0 - mean) / 4, 0])


# ------------------------------------------------------------------------------------ refusals

PAIRS = [
    *(nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.SmoothL1Loss(), nn.PoissonNLLLoss()),
    *(nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.MultiLabelSoftMarginLoss(), nn.KLDivLoss()),
    *(nn.HingeLoss(), nn.HingeEmbeddingLoss(), nn.SoftMarginLoss()),
]


@pytest.mark.parametrize("loss", PAIRS, ids=repr)
@pytest.mark.parametrize(("shape", "target"), [((5,), (5, 1)), ((5, 1), (5,)), ((5, 2), (5,))])
def test_no_loss_broadcasts(loss: nn.Module, shape, target) -> None:
    with pytest.raises(ValueError, match="must have the same shape"):
        loss(sf.ones(*shape), sf.ones(*target))


def test_three_tensor_losses_do_not_broadcast() -> None:
    row, wide = sf.ones(5), sf.ones(5, 1)
    for tensors in ((wide, row, row), (row, wide, row), (row, row, wide)):
        with pytest.raises(ValueError, match="must have the same shape"):
            nn.MarginRankingLoss()(*tensors)
    with pytest.raises(ValueError, match=r"var \(4,\)"):
        nn.GaussianNLLLoss()(row, row, sf.ones(4))
    with pytest.raises(ValueError, match=r"\(5,\), got \(5, 1\)"):
        nn.CosineEmbeddingLoss()(sf.ones(5, 2), sf.ones(5, 2), wide)


BAD_ARGUMENTS = [
    (lambda: nn.HuberLoss(delta=0), "delta must be positive, got 0"),
    (lambda: nn.SmoothL1Loss(beta=-1), "beta must be at least 0 and finite, got -1"),
    (lambda: nn.GaussianNLLLoss(eps=0), "eps must be positive, got 0"),
    (lambda: nn.MultiMarginLoss(p=3), "p must be one of 1, 2, got 3"),
    (lambda: nn.CosineEmbeddingLoss(margin=2), r"margin must be in \[-1, 1\], got 2"),
    (lambda: nn.TripletMarginLoss(margin=0), "margin must be positive, got 0"),
    (lambda: nn.MSELoss("batchmean"), "'mean', 'sum', 'none'"),
    (lambda: nn.KLDivLoss("median"), "'batchmean'"),
    (lambda: F.mse_loss(sf.ones(2), sf.ones(2), "batchmean"), "'mean', 'sum' or 'none'"),
]


@pytest.mark.parametrize(("make", "words"), BAD_ARGUMENTS)
def test_bad_argument(make, words) -> None:
    with pytest.raises(ValueError, match=words):
        make()
