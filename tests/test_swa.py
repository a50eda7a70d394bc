"""Averaged weights: the mean, the moving average, their rate, their running statistics."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.optim import swa_utils
from surefoot.optim.lr_scheduler import CosineAnnealingLR, SequentialLR, StepLR
from surefoot.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

STEPS = 12


def weights(model: Any) -> np.ndarray:
    return nn.utils.parameters_to_vector(model.parameters()).detach().numpy().copy()


def run(averaged: AveragedModel, model: nn.Module) -> list[np.ndarray]:
    """Random weights, step by step, all taken into the average."""
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(STEPS):
        values = sf.tensor(rng.normal(size=weights(model).size))
        nn.utils.vector_to_parameters(values, model.parameters())
        averaged.update_parameters(model)
        seen.append(weights(model))
    return seen


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def mean(seen: list[np.ndarray]) -> np.ndarray:
    return np.mean(seen, axis=0)


def moving(seen: list[np.ndarray], decay: float = 0.9) -> np.ndarray:
    """As a sum: decay^(n-1) w0 + (1 - decay) * sum decay^(n-1-k) wk."""
    n = len(seen)
    parts = [(1 - decay) * decay ** (n - 1 - k) * seen[k] for k in range(1, n)]
    return decay ** (n - 1) * seen[0] + np.sum(parts, axis=0)


CASES: list[tuple[dict[str, Any], Callable[..., np.ndarray]]] = [
    ({}, mean),
    ({"avg_fn": get_swa_avg_fn()}, mean),
    ({"multi_avg_fn": get_swa_multi_avg_fn()}, mean),
    ({"avg_fn": get_ema_avg_fn(0.9)}, moving),
    ({"multi_avg_fn": get_ema_multi_avg_fn(0.9)}, moving),
    ({"avg_fn": lambda averaged, current, n: current}, lambda seen: seen[-1]),
]


@pytest.mark.parametrize(("options", "expected"), CASES, ids=range(len(CASES)))
def test_average(options: dict[str, Any], expected: Callable[..., np.ndarray]) -> None:
    model = net()
    averaged = AveragedModel(model, **options)
    seen = run(averaged, model)
    np.testing.assert_allclose(weights(averaged), expected(seen), rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(weights(model), seen[-1])
    assert averaged.n_averaged.item() == STEPS


def test_it_is_a_module_with_names_as_in_torch() -> None:
    model = net()
    averaged = AveragedModel(model)
    assert list(averaged.state_dict()) == [
        "n_averaged",
        *(f"module.{name}" for name in model.state_dict()),
    ]
    x = sf.tensor(np.ones((2, 3)))
    np.testing.assert_array_equal(averaged(x).detach().numpy(), model(x).detach().numpy())
    assert averaged.module is not model


def test_state_goes_through_a_file(tmp_path: Path) -> None:
    model = net()
    averaged, other = AveragedModel(model), AveragedModel(net())
    run(averaged, model)
    sf.save(averaged.state_dict(), tmp_path / "x")
    other.load_state_dict(sf.load(tmp_path / "x"))
    for each in (averaged, other):
        each.update_parameters(net_of_ones())
    np.testing.assert_array_equal(weights(other), weights(averaged))


def net_of_ones() -> nn.Module:
    model = net()
    nn.utils.vector_to_parameters(sf.ones(weights(model).size), model.parameters())
    return model


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(sf.zeros(2))
        self.register_buffer("level", sf.zeros(2))
        self.register_buffer("count", sf.zeros((), dtype=sf.int64))


@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_copied_or_averaged(use_buffers: bool) -> None:
    model = Counting()
    averaged = AveragedModel(model, use_buffers=use_buffers)
    for value in (1, 2, 6):
        model.level.fill_(value)
        model.count.fill_(value)
        averaged.update_parameters(model)
    assert averaged.module.level.tolist() == ([3.0, 3.0] if use_buffers else [6.0, 6.0])
    assert averaged.module.count.item() == 6


def test_tied_weights_stay_tied() -> None:
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    model = nn.Sequential(a, b)
    averaged = AveragedModel(model)
    for value in (1.0, 3.0):
        nn.init.constant_(a.weight, value)
        averaged.update_parameters(model)
    assert averaged.module[0].weight is averaged.module[1].weight
    assert averaged.module[0].weight.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_averages_carry_no_graph_and_no_gradient() -> None:
    model = net()
    averaged = AveragedModel(model)
    model(sf.tensor(np.ones((1, 3)))).sum().backward()
    averaged.update_parameters(model)
    averaged.update_parameters(model)
    assert all(p.is_leaf and p.grad is None for p in averaged.parameters())


def test_another_model_is_refused_and_nothing_changes() -> None:
    averaged = AveragedModel(net())
    before = weights(averaged)
    for other in (nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))):
        with pytest.raises(ValueError, match=r"2\.weight"):
            averaged.update_parameters(other.double())
    np.testing.assert_array_equal(weights(averaged), before)
    assert averaged.n_averaged.item() == 0


# Running statistics.


def batches() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(loc=3, scale=2, size=(n, 3)) for n in (8, 8, 4)]


@pytest.mark.parametrize("form", ["tensor", "tuple", "loader"])
def test_update_bn_takes_the_mean_over_batches(form: str) -> None:
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1)).double()
    data = batches()
    loader: Any = [sf.tensor(x) for x in data]
    if form == "tuple":
        loader = [(x, sf.zeros(len(x))) for x in loader]
    elif form == "loader":
        rows = sf.tensor(np.concatenate(data))
        loader = sf.data.DataLoader(sf.data.TensorDataset(rows, rows), batch_size=8)
    net(loader[0] if form == "tensor" else sf.tensor(data[0] * 100))  # to be forgotten
    net.eval()
    before = weights(net)
    update_bn(loader, net, "cpu")
    np.testing.assert_allclose(
        net[0].running_mean.numpy(), np.mean([x.mean(0) for x in data], axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(
        net[0].running_var.numpy(), np.mean([x.var(0, ddof=1) for x in data], axis=0), rtol=1e-12
    )
    assert net[0].num_batches_tracked.item() == 3
    assert net[0].momentum == 0.1
    assert not any(module.training for module in net.modules())
    np.testing.assert_array_equal(weights(net), before)


def test_update_bn_restores_after_an_error() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3))
    net.eval()
    with pytest.raises(Exception, match=r"\(2, 4\)|4"):
        update_bn([sf.ones(2, 4)], net)
    assert net[0].momentum == 0.1
    assert not net[0].training


def test_update_bn_needs_no_data_where_there_is_nothing_to_do() -> None:
    def never() -> Any:
        raise AssertionError("the data was read")
        yield

    update_bn(never(), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)))


# The rate.


def sgd(*rates: float) -> sf.optim.SGD:
    groups = [{"params": [sf.zeros(1, requires_grad=True)], "lr": lr} for lr in rates]
    return sf.optim.SGD(groups)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_swalr_formula(strategy: str, epochs: int) -> None:
    opt = sgd(1.0, 0.2)
    schedule = SWALR(opt, [0.1, 0.5], epochs, strategy)
    for t in range(20):
        way = 1.0 if epochs == 0 else min(t / epochs, 1)
        share = way if strategy == "linear" else (1 - math.cos(math.pi * way)) / 2
        expected = [1.0 + (0.1 - 1.0) * share, 0.2 + (0.5 - 0.2) * share]
        assert schedule.get_last_lr() == pytest.approx(expected, rel=1e-12)
        schedule.step()


def test_swalr_starts_from_where_another_schedule_left() -> None:
    """As in torch's example: made at the beginning, stepped later; also if lr0 is swa_lr."""
    for swa_lr in (0.05, 1.0):
        opt = sgd(1.0)
        first, then = StepLR(opt, 1, 0.5), SWALR(opt, swa_lr, 4, "linear")
        for _ in range(3):
            first.step()
        for t in range(1, 6):
            then.step()
            expected = 0.125 + (swa_lr - 0.125) * min(t / 4, 1)
            assert then.get_last_lr() == pytest.approx([expected])


def test_swalr_after_another_in_a_sequence() -> None:
    opt = sgd(1.0)
    schedule = SequentialLR(opt, [CosineAnnealingLR(opt, 10), SWALR(opt, 0.2, 2, "linear")], [3])
    rates = []
    for _ in range(6):
        schedule.step()
        rates += schedule.get_last_lr()
    assert rates[2:] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_swalr_state_round_trips_to_the_bit() -> None:
    opt, other = sgd(1.0), sgd(1.0)
    schedule, resumed = SWALR(opt, 0.1, 9), SWALR(other, 0.1, 9)
    opt.param_groups[0]["lr"] = 0.7
    for _ in range(4):
        schedule.step()
    resumed.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert resumed.state_dict() == schedule.state_dict()
    for _ in range(8):
        assert resumed.get_last_lr() == schedule.get_last_lr()
        assert other.param_groups[0]["lr"] == opt.param_groups[0]["lr"]
        schedule.step()
        resumed.step()


def test_bad_arguments_are_named() -> None:
    bad: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: get_ema_avg_fn(1.5), ValueError, r"decay must be in \[0, 1\], got 1.5"),
        (lambda: get_ema_multi_avg_fn(-0.1), ValueError, "decay"),
        (lambda: AveragedModel(3), TypeError, "Module"),
        (lambda: AveragedModel(net(), "cuda"), TypeError, "cpu"),
        (lambda: update_bn([], net(), "cuda"), TypeError, "cpu"),
        (
            lambda: AveragedModel(net(), None, get_swa_avg_fn(), get_swa_multi_avg_fn()),
            ValueError,
            "not",
        ),
        (lambda: SWALR(sgd(1.0), -0.1), ValueError, "swa_lr"),
        (lambda: SWALR(sgd(1.0), [0.1, 0.2]), ValueError, "2 entries for 1"),
        (lambda: SWALR(sgd(1.0), 0.1, -1), ValueError, "anneal_epochs"),
        (lambda: SWALR(sgd(1.0), 0.1, 1, "exp"), ValueError, "anneal_strategy"),
    ]
    for make, error, word in bad:
        with pytest.raises(error, match=word):
            make()


def test_everything_exported_is_tested_here() -> None:
    text = Path(__file__).read_text()
    assert all(text.count(name) > 1 for name in swa_utils.__all__)


def test_the_average_of_a_noisy_run_is_nearer_to_the_optimum() -> None:
    """SGD with noise wanders about the minimum of a parabola; the mean of its path does not."""
    rng = np.random.default_rng(0)
    model = nn.Linear(4, 1, bias=False).double()
    averaged, opt = AveragedModel(model), sf.optim.SGD(model.parameters(), lr=0.3)
    last = []
    for step in range(400):
        opt.zero_grad()
        noise = sf.tensor(rng.normal(size=(1, 4)))
        (0.5 * (model.weight**2).sum() + (model.weight * noise).sum()).backward()
        opt.step()
        if step >= 50:
            averaged.update_parameters(model)
            last.append(np.abs(weights(model)).max())
    assert np.abs(weights(averaged)).max() < 0.3 * np.mean(last)
    assert copy.deepcopy(averaged).n_averaged.item() == 350


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"avg_fn": get_ema_avg_fn(0.75)},
        {"multi_avg_fn": get_ema_multi_avg_fn(0.75)},
        {"avg_fn": get_swa_avg_fn()},
    ],
)
def test_a_pickled_average_goes_on(options: dict[str, Any]) -> None:
    model = nn.Linear(3, 2)
    averaged = AveragedModel(model, **options)
    averaged.update_parameters(model)
    twin = pickle.loads(pickle.dumps(averaged))
    nn.init.ones_(model.weight)
    for each in (averaged, twin):
        each.update_parameters(model)
    np.testing.assert_array_equal(weights(twin), weights(averaged))
    assert twin.n_averaged.item() == 2
