"""CTC loss against the sum over all layouts, one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import surefoot as sf
from op_table.losses import log_softmax_ref
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradcheck


def labels_of(layout: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(c for c, _ in itertools.groupby(layout) if c != blank)


def by_layouts(logs: np.ndarray, target: tuple[int, ...], blank: int) -> float:
    steps, classes = logs.shape
    total = sum(
        math.exp(sum(logs[t, c] for t, c in enumerate(layout)))
        for layout in itertools.product(range(classes), repeat=steps)
        if labels_of(layout, blank) == target
    )
    return -math.log(total) if total else math.inf


def draw(steps: int, samples: int, classes: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(steps, samples, classes))
    return log_softmax_ref(x, -1)


TARGETS = [(), (1,), (2, 2), (1, 2, 1), (1, 1, 1), (2, 1)]
LENGTHS = [3, 5, 4, 5, 5, 1]  # the last target has no layout in one step, and (1, 1, 1) one in five


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("in_rows", [True, False])
def test_equals_the_sum_over_all_layouts(blank: int, in_rows: bool) -> None:
    x = draw(5, 6, 3)
    swap = {blank: 0} if blank else {}
    targets = [tuple(swap.get(c, c) for c in target) for target in TARGETS]
    expected = [
        by_layouts(x[:length, n], target, blank)
        for n, (target, length) in enumerate(zip(targets, LENGTHS, strict=True))
    ]
    assert expected[-1] == math.inf
    rows = np.full((6, 4), 77)  # what stands behind a target is not read
    for row, target in zip(rows, targets, strict=True):
        row[: len(target)] = target
    given = rows if in_rows else np.concatenate([np.array(t, np.int64) for t in targets])
    sizes = [len(target) for target in targets]
    args = (sf.tensor(x), sf.tensor(given.astype(np.int64)), sf.tensor(LENGTHS), tuple(sizes))
    got = F.ctc_loss(*args, blank=blank, reduction="none")
    assert_close(got, np.array(expected), rtol=1e-12, atol=0)
    finite = np.where(np.isinf(expected), 0.0, expected)
    zeroed = {"blank": blank, "zero_infinity": True}
    assert_close(F.ctc_loss(*args, reduction="sum", **zeroed), finite.sum(), rtol=1e-12, atol=0)
    mean = (finite / np.maximum(sizes, 1)).mean()
    assert_close(F.ctc_loss(*args, **zeroed), mean, rtol=1e-12, atol=0)


def test_a_single_sample_needs_no_batch() -> None:
    x = draw(4, 1, 3)
    batch = F.ctc_loss(sf.tensor(x), sf.tensor([[1, 2]]), (4,), (2,), reduction="none")
    alone = F.ctc_loss(sf.tensor(x[:, 0]), sf.tensor([1, 2]), (4,), (2,), reduction="none")
    assert alone.shape == () and alone.item() == batch.item()


def test_no_steps_hold_the_empty_target_only() -> None:
    x = sf.zeros(2, 2, 3, requires_grad=True)
    losses = F.ctc_loss(x, sf.tensor([[1], [1]]), (0, 0), (0, 1), reduction="none")
    assert losses.tolist() == [0.0, math.inf]


def test_a_target_without_a_layout_gives_no_gradient_or_nan() -> None:
    x = sf.tensor(draw(3, 2, 3), requires_grad=True)
    args = (x, sf.tensor([[1, 1, 1], [1, 2, 1]]), (3, 3), (3, 3))
    (g,) = sf.autograd.grad(F.ctc_loss(*args, zero_infinity=True), x)
    assert (g.numpy()[:, 0] == 0).all() and (g.numpy()[:, 1] < 0).any()
    for create_graph in (False, True):
        loss = F.ctc_loss(*args, reduction="sum")
        (g,) = sf.autograd.grad(loss, x, create_graph=create_graph)
        assert np.isnan(g.detach().numpy()[:, 0]).any()  # not a number, and not a wrong one


def test_gradients_behind_log_softmax() -> None:
    logits = np.random.default_rng(1).normal(size=(6, 2, 4))
    targets = sf.tensor([[1, 1], [3, 2]])

    def loss(x: sf.Tensor) -> sf.Tensor:
        return F.ctc_loss(F.log_softmax(x, -1), targets, (6, 4), (2, 2))

    assert gradcheck(loss, (sf.tensor(logits, requires_grad=True),))


def test_long_sequences_stay_finite_and_single_precision_is_enough() -> None:
    x = draw(1500, 2, 30, seed=3)
    targets = np.random.default_rng(4).integers(1, 30, (2, 200))
    args = (sf.tensor(targets), (1500, 1200), (200, 150))
    exact = F.ctc_loss(sf.tensor(x), *args)
    assert math.isfinite(exact.item())
    single = F.ctc_loss(sf.tensor(x).float(), *args)
    assert_close(single.item(), exact.item(), rtol=1e-5, atol=0)


def test_the_bits_are_those_of_any_number_of_threads() -> None:
    x = sf.tensor(draw(200, 9, 20), requires_grad=True)
    targets = sf.tensor(np.random.default_rng(4).integers(1, 20, (9, 30)))
    before, bits = sf.get_num_threads(), set()
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        loss = F.ctc_loss(x, targets, (200,) * 9, (30,) * 9)
        (g,) = sf.autograd.grad(loss, x)
        bits.add((loss.item(), g.numpy().tobytes()))
    sf.set_num_threads(before)
    assert len(bits) == 1


def test_a_net_learns_to_write() -> None:
    sf.manual_seed(0)
    x, target = sf.randn(12, 1, 5), sf.tensor([[2, 3, 3, 1]])
    net, loss = nn.Linear(5, 4), nn.CTCLoss()
    optimizer = sf.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        logs = F.log_softmax(net(x), -1)
        loss(logs, target, (12,), (4,)).backward()
        optimizer.step()
    best = tuple(logs.argmax(-1)[:, 0].tolist())
    assert labels_of(best, 0) == (2, 3, 3, 1)


X = sf.zeros(5, 2, 3)
T = sf.tensor([[1, 2], [2, 1]])
BAD = [
    (lambda: F.ctc_loss(sf.zeros(5), T, (5, 5), (2, 2)), ValueError, r"\(5,\): must be \(steps"),
    (lambda: F.ctc_loss(X, T, (5, 6), (2, 2)), ValueError, r"input_lengths\[1\] is 6.*0 to 5"),
    (lambda: F.ctc_loss(X, T, (5, 5), (2, 3)), ValueError, r"target_lengths\[1\] is 3.*0 to 2"),
    (lambda: F.ctc_loss(X, T, (5,), (2, 2)), ValueError, r"input_lengths \(1,\).*2 samples"),
    (lambda: F.ctc_loss(X, T, (5, 5), (2.0, 1.0)), TypeError, "target_lengths must be integers"),
    (lambda: F.ctc_loss(X, T[:1], (5, 5), (2, 2)), ValueError, r"targets \(1, 2\) for 2 samples"),
    (lambda: F.ctc_loss(X, T.float(), (5, 5), (2, 2)), TypeError, "targets must be integers"),
    (lambda: F.ctc_loss(X, T[0], (5, 5), (1, 0)), ValueError, "target_lengths add up to 1"),
    (lambda: F.ctc_loss(X, T + 1, (5, 5), (2, 2)), IndexError, "label 3 at place 1 of target 0"),
    (lambda: F.ctc_loss(X, T - 1, (5, 5), (2, 2)), IndexError, "label 0 at place 0.*not the blank"),
    (lambda: F.ctc_loss(X, T, (5, 5), (2, 2), 3), ValueError, "blank=3"),
    (lambda: F.ctc_loss(X.long(), T, (5, 5), (2, 2)), TypeError, "float32 or float64"),
    (lambda: nn.CTCLoss(blank=-1), ValueError, "blank must be at least 0"),
    (lambda: nn.CTCLoss(reduction="batchmean"), ValueError, "batchmean"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()
