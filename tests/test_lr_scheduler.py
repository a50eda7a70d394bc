"""Schedules against their closed formulas, and what they promise besides."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from schedule_table import METRICS, ROWS, Row, advance, read, subject
from surefoot.optim import lr_scheduler as ls

each_row = pytest.mark.parametrize("row", ROWS, ids=str)
each_rate = pytest.mark.parametrize("row", [r for r in ROWS if r.sets == "lr"], ids=str)


def sgd(*rates: float, **options: Any) -> sf.optim.SGD:
    groups = [{"params": [sf.zeros(1, requires_grad=True)], "lr": lr} for lr in rates or (1.0,)]
    return sf.optim.SGD(groups, **options)


def test_every_exported_schedule_has_a_row() -> None:
    bases_and_functions = {"Schedule", "LRScheduler", "lr_with_momentum"}
    assert set(ls.__all__) - bases_and_functions == {row.schedule for row in ROWS}


@each_row
def test_values_are_those_of_the_closed_formula(row: Row) -> None:
    on = subject(row)
    schedule = row.build(on)
    got = [read(row, on)]
    for _ in range(row.steps - 1):
        advance(row, schedule)
        got.append(read(row, on))
    expected = row.formula(np.arange(row.steps), 0.5)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)
    if row.sets == "lr":
        assert schedule.get_last_lr() == [got[-1]]


@each_rate
def test_every_group_has_its_own_rate(row: Row) -> None:
    bases = (0.5, 2.0)
    on = subject(row, bases)
    schedule = row.build(on)
    for _ in range(19):
        advance(row, schedule)
    for i, base in enumerate(bases):
        expected = row.formula(np.arange(20), base)[-1]
        assert read(row, on, i) == pytest.approx(expected, rel=1e-12)
    if row.scales:
        assert read(row, on, 1) == pytest.approx(4 * read(row, on, 0), rel=1e-12)


@each_row
@pytest.mark.parametrize("stop", [0, 1, 13, 29])
def test_state_round_trips_to_the_bit(row: Row, stop: int) -> None:
    """Through JSON, into a schedule made anew on an optimizer made anew."""
    on, fresh = subject(row), subject(row)
    schedule, resumed = row.build(on), row.build(fresh)
    for _ in range(stop):
        advance(row, schedule)
    resumed.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert read(row, fresh) == read(row, on)
    assert resumed.state_dict() == schedule.state_dict()
    for _ in range(30):
        advance(row, schedule)
        advance(row, resumed)
        assert read(row, fresh) == read(row, on)


@each_row
def test_state_round_trips_with_the_optimizer_through_a_file(row: Row, tmp_path: Path) -> None:
    on, fresh = subject(row), subject(row)
    schedule, resumed = row.build(on), row.build(fresh)
    for _ in range(17):
        advance(row, schedule)
    sf.save({"on": on.state_dict(), "schedule": schedule.state_dict()}, tmp_path / "run")
    saved = sf.load(tmp_path / "run")
    fresh.load_state_dict(saved["on"])
    resumed.load_state_dict(saved["schedule"])
    for _ in range(30):
        assert read(row, fresh) == read(row, on)
        advance(row, schedule)
        advance(row, resumed)


@each_row
def test_a_state_that_does_not_fit_changes_nothing(row: Row) -> None:
    schedule = row.build(subject(row))
    before = schedule.state_dict()
    for wrong in ({}, {**before, "schedule": "Other"}, {**before, "more": 1}, {"schedule": 1}):
        with pytest.raises(ValueError, match=rf"\[{row.schedule}\]"):
            schedule.load_state_dict(wrong)
    assert schedule.state_dict() == before


@each_row
def test_the_state_is_a_copy(row: Row) -> None:
    schedule = row.build(subject(row))
    before = json.dumps(schedule.state_dict())
    state = schedule.state_dict()
    for value in state.values():
        if isinstance(value, list):
            value.clear()
    assert json.dumps(schedule.state_dict()) == before


# Schedules and what else moves the rate.


def test_schedules_stepped_one_after_the_other_multiply() -> None:
    opt = sgd(2.0)
    a, b = ls.ExponentialLR(opt, 0.9), ls.StepLR(opt, 3, 0.5)
    for t in range(1, 30):
        a.step()
        b.step()
        expected = 2 * 0.9**t * 0.5 ** (t // 3)
        assert opt.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)


T = 20
COS = [1 + math.cos(math.pi * t / T) for t in range(T + 1)]
# The step from t - 1 to t on the rate that stands there, which is how torch writes these.
RECURSIONS: list[tuple[Callable[[Any], Any], Callable[[float, int], float]]] = [
    (lambda o: ls.StepLR(o, 4, 0.5), lambda lr, t: lr * (0.5 if t % 4 == 0 else 1)),
    (lambda o: ls.MultiStepLR(o, [3, 9], 0.5), lambda lr, t: lr * (0.5 if t in (3, 9) else 1)),
    (lambda o: ls.ConstantLR(o, 0.5, 9), lambda lr, t: lr * (2 if t == 9 else 1)),
    (
        lambda o: ls.LinearLR(o, 0.2, 0.8, T),
        lambda lr, t: lr * (1 + 0.6 / (T * 0.2 + (t - 1) * 0.6)),
    ),
    (lambda o: ls.ExponentialLR(o, 0.9), lambda lr, t: lr * 0.9),
    (
        lambda o: ls.PolynomialLR(o, T, 2.0),
        lambda lr, t: lr * ((1 - t / T) / (1 - (t - 1) / T)) ** 2,
    ),
    (lambda o: ls.MultiplicativeLR(o, lambda t: 1 / t), lambda lr, t: lr / t),
    (
        lambda o: ls.CosineAnnealingLR(o, T, 0.01),
        lambda lr, t: COS[t] / COS[t - 1] * (lr - 0.01) + 0.01,
    ),
    (lambda o: ls.InverseTimeLR(o, 0.5), lambda lr, t: lr * (2 + t - 1) / (2 + t)),
]


@pytest.mark.parametrize(("build", "recursion"), RECURSIONS, ids=range(len(RECURSIONS)))
@pytest.mark.parametrize("touched", [None, 0, 1, 7])
def test_a_touched_rate_goes_on_as_the_recursion_would(
    build: Callable[[Any], Any], recursion: Callable[[float, int], float], touched: int | None
) -> None:
    opt = sgd(0.8)
    schedule = build(opt)
    lr = schedule.get_last_lr()[0]
    for t in range(T):
        if t == touched:
            opt.param_groups[0]["lr"] *= 0.3
            lr *= 0.3
        schedule.step()
        lr = recursion(lr, t + 1)
        assert schedule.get_last_lr()[0] == pytest.approx(lr, rel=1e-9, abs=1e-12)


def test_a_rate_set_by_hand_is_kept_in_proportion() -> None:
    opt = sgd(1.0)
    schedule = ls.CosineAnnealingLR(opt, 10, eta_min=0.1)
    schedule.step()
    opt.param_groups[0]["lr"] = 0.1 + (opt.param_groups[0]["lr"] - 0.1) / 2
    for t in range(2, 11):
        schedule.step()
        expected = 0.1 + 0.45 * (1 + math.cos(math.pi * t / 10)) / 2
        assert schedule.get_last_lr()[0] == pytest.approx(expected)


def test_a_plateau_rule_and_a_decay_work_together() -> None:
    opt = sgd(1.0)
    decay, plateau = ls.ExponentialLR(opt, 0.5), ls.ReduceLROnPlateau(opt, patience=0, factor=0.1)
    for value in (1.0, 1.0, 1.0):
        decay.step()
        plateau.step(value)
    assert opt.param_groups[0]["lr"] == pytest.approx(0.5**3 * 0.1**2)


def test_a_group_added_later_starts_at_its_own_rate() -> None:
    opt = sgd(1.0)
    schedule = ls.ExponentialLR(opt, 0.5)
    schedule.step()
    opt.add_param_group({"params": [sf.zeros(1, requires_grad=True)], "lr": 0.3})
    schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.25, 0.15])


def test_a_group_added_later_is_refused_where_options_go_by_group() -> None:
    opt = sgd(1.0)
    schedule = ls.LambdaLR(opt, [lambda t: 1.0])
    opt.add_param_group({"params": [sf.zeros(1, requires_grad=True)]})
    with pytest.raises(ValueError, match="make a new schedule"):
        schedule.step()


def test_a_plateau_takes_in_a_group_added_later_unless_min_lr_is_a_list() -> None:
    for min_lr in (0.02, [0.02]):
        opt = sgd(1.0)
        schedule = ls.ReduceLROnPlateau(opt, patience=0, min_lr=min_lr)
        schedule.step(1.0)
        opt.add_param_group({"params": [sf.zeros(1, requires_grad=True)], "lr": 0.1})
        if isinstance(min_lr, list):
            with pytest.raises(ValueError, match="min_lr is a list: make a new schedule"):
                schedule.step(2.0)
        else:
            schedule.step(2.0)
            assert schedule.get_last_lr() == pytest.approx([0.1, 0.02])


RELATIVE: list[Any] = [
    (lambda o, k: ls.ExponentialLR(o, 0.5, last_epoch=k), lambda t: 0.5**t),
    (lambda o, k: ls.LinearLR(o, 0.5, total_iters=8, last_epoch=k), lambda t: 0.5 + t / 16),
    (lambda o, k: ls.PolynomialLR(o, 8, 2.0, last_epoch=k), lambda t: (1 - t / 8) ** 2),
    (
        lambda o, k: ls.CosineAnnealingLR(o, 8, last_epoch=k),
        lambda t: (1 + math.cos(math.pi * t / 8)) / 2,
    ),
    (lambda o, k: ls.MultiplicativeLR(o, lambda t: 0.9, last_epoch=k), lambda t: 0.9**t),
]


@pytest.mark.parametrize(("build", "formula"), RELATIVE)
def test_begun_at_a_later_step_it_keeps_the_rate_it_finds(build: Any, formula: Any) -> None:
    """As in torch: what stands there is taken for the rate of step last_epoch + 1."""
    opt = sgd(0.3)
    opt.param_groups[0]["initial_lr"] = 1.0
    schedule = build(opt, 3)
    assert opt.param_groups[0]["lr"] == 0.3 and schedule.last_epoch == 4
    assert schedule.get_last_lr() == [0.3]
    for t in (5, 6, 7):
        schedule.step()
        assert opt.param_groups[0]["lr"] == pytest.approx(0.3 * formula(t) / formula(4))


def test_last_epoch_goes_on_and_needs_the_first_rate() -> None:
    with pytest.raises(KeyError, match="initial_lr"):
        ls.StepLR(sgd(0.5), 2, last_epoch=4)
    opt = sf.optim.SGD([{"params": [sf.zeros(1, requires_grad=True)], "initial_lr": 0.5}], lr=0.1)
    assert ls.StepLR(opt, 2, 0.5, last_epoch=4).get_last_lr() == [0.125]


def test_the_first_rate_is_saved_with_the_optimizer() -> None:
    opt, other = sgd(0.5), sgd(0.5)
    schedule = ls.StepLR(opt, 1, 0.5)
    schedule.step()
    other.load_state_dict(opt.state_dict())
    assert ls.StepLR(other, 1, 0.5, last_epoch=schedule.last_epoch).get_last_lr() == [0.125]


def test_a_schedule_of_ones_own() -> None:
    class Zigzag(ls.LRScheduler):
        def get_lr(self) -> list[float]:
            return [lr * (1 + self.last_epoch % 2) for lr in self.base_lrs]

    schedule = Zigzag(sgd(1.0, 3.0))
    schedule.step()
    assert schedule.get_last_lr() == [2.0, 6.0]


def test_loading_leaves_a_loaded_optimizer_alone() -> None:
    """Two schedules stepped by hand: the optimizer's rate is neither one's own."""
    opt, other = sgd(1.0), sgd(1.0)
    a, b = ls.ExponentialLR(opt, 0.9), ls.StepLR(opt, 1, 0.5)
    c, d = ls.ExponentialLR(other, 0.9), ls.StepLR(other, 1, 0.5)
    for _ in range(5):
        a.step()
        b.step()
    other.load_state_dict(opt.state_dict())
    d.load_state_dict(b.state_dict())
    c.load_state_dict(a.state_dict())
    for _ in range(5):
        assert other.param_groups[0]["lr"] == opt.param_groups[0]["lr"]
        for schedule in (a, b, c, d):
            schedule.step()


class Power:
    def __init__(self, base: float) -> None:
        self.base = base

    def __call__(self, t: int) -> float:
        return self.base**t


def test_attributes_of_a_callable_object_are_state() -> None:
    schedule = ls.LambdaLR(sgd(1.0, 1.0), [Power(0.5), lambda t: 0.25])
    other = ls.LambdaLR(sgd(1.0, 1.0), [Power(0.9), lambda t: 0.25])
    other.load_state_dict(schedule.state_dict())
    other.step()
    assert other.get_last_lr() == [0.5, 0.25]


# One by one.


def test_sutskever_values_of_the_notes() -> None:
    opt = sgd(0.1, momentum=0.9)
    schedule = ls.SutskeverMomentum(opt, mu_max=0.999)
    seen = {0: opt.param_groups[0]["momentum"]}
    for t in range(1, 10001):
        schedule.step()
        seen[t] = opt.param_groups[0]["momentum"]
    known = {0: 0.5, 250: 0.75, 500: 0.8333, 1000: 0.9, 10000: 0.98780}
    assert {t: round(seen[t], 4) for t in known} == {t: round(v, 4) for t, v in known.items()}
    assert ls.SutskeverMomentum(opt, mu_max=0).get_momentum() == 0


def test_cosine_without_t_max_names_it() -> None:
    schedule = ls.CosineAnnealingLR(sgd(1.0))
    assert schedule.get_last_lr() == [1.0]
    with pytest.raises(TypeError, match="T_max"):
        schedule.step()
    schedule = ls.CosineAnnealingLR(sgd(1.0))
    schedule.set_length(2)
    schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.5])


def test_cosine_with_another_length_warns() -> None:
    schedule = ls.CosineAnnealingLR(sgd(1.0), T_max=5)
    with pytest.warns(UserWarning, match="climbs again"):
        schedule.set_length(10)
    with pytest.warns(UserWarning, match="stops early"):
        schedule.set_length(3)
    schedule.set_length(5)
    assert schedule.T_max == 5


def test_the_rest_of_the_run_goes_to_the_last_schedule() -> None:
    opt = sgd(1.0)
    cosine = ls.CosineAnnealingLR(opt)
    ls.WarmupLR(opt, cosine, total_iters=4).set_length(20)
    assert cosine.T_max == 16
    cosine = ls.CosineAnnealingLR(opt)
    ls.ChainedScheduler([cosine, ls.StepLR(opt, 2)]).set_length(20)
    assert cosine.T_max == 20


def test_one_cycle_takes_its_length_from_the_run_and_ends_there() -> None:
    schedule = ls.OneCycleLR(sgd(0.1, momentum=0.9), 1.0)
    with pytest.raises(ValueError, match="total_steps"):
        schedule.step()
    schedule = ls.OneCycleLR(sgd(0.1, momentum=0.9), 1.0, anneal_strategy="linear")
    schedule.set_length(10)
    for _ in range(10):
        schedule.step()
    assert schedule.get_last_lr() == pytest.approx([1 / 25 / 1e4])
    with pytest.raises(ValueError, match="total_steps=10"):
        schedule.step()
    opt = sgd(0.1, momentum=0.9)
    assert ls.OneCycleLR(opt, 1.0, epochs=3, steps_per_epoch=4).total_steps == 12


def test_parts_of_a_sequence_keep_their_own_first_rates() -> None:
    opt = sgd(1.0, momentum=0.9)
    decay = ls.ExponentialLR(opt, 0.5)
    for make in (
        lambda: ls.CyclicLR(opt, 0.25, 0.75, 2),
        lambda: ls.OneCycleLR(opt, 0.75, 5, div_factor=3, anneal_strategy="linear", pct_start=0.6),
    ):
        schedule = ls.SequentialLR(opt, [decay, make()], [2])
        rates = schedule.get_last_lr()
        for _ in range(4):
            schedule.step()
            rates += schedule.get_last_lr()
        assert rates == pytest.approx([1.0, 0.5, 0.25, 0.5, 0.75])


def test_one_cycle_and_cyclic_have_bounds_by_group() -> None:
    opt = sgd(1.0, 1.0, momentum=0.9)
    schedule = ls.CyclicLR(opt, [0.1, 0.2], [1.0, 2.0], 2, max_momentum=[0.9, 0.99])
    assert [g["momentum"] for g in opt.param_groups] == [0.9, 0.99]
    schedule.step()
    schedule.step()
    assert schedule.get_last_lr() == [1.0, 2.0]
    assert ls.OneCycleLR(opt, [1.0, 2.0], total_steps=5).get_last_lr() == pytest.approx(
        [0.04, 0.08]
    )


def test_warm_restarts_go_to_fractions_of_an_epoch() -> None:
    schedule = ls.CosineAnnealingWarmRestarts(sgd(1.0), T_0=2, T_mult=2)
    for time in (0.5, 1.75, 2.0, 5.25, 6.5):
        schedule.step(time)
        begin, length = (0, 2) if time < 2 else (2, 4) if time < 6 else (6, 8)
        expected = (1 + math.cos(math.pi * (time - begin) / length)) / 2
        assert schedule.get_last_lr()[0] == pytest.approx(expected)
        assert (schedule.T_cur, schedule.T_i) == (time - begin, length)
        assert schedule.last_epoch == math.floor(time)


@pytest.mark.parametrize("make", [ls.ReduceLROnPlateau, ls.HalveOnWorse])
def test_nan_is_an_error_that_says_so(make: Callable[[Any], Any]) -> None:
    schedule = make(sgd(1.0))
    schedule.step(1.0)
    state = schedule.state_dict()
    for nan in (float("nan"), sf.tensor(float("nan"))):
        with pytest.raises(ValueError, match="NaN"):
            schedule.step(nan)
    assert schedule.state_dict() == state
    schedule.step(sf.tensor(math.inf))
    assert schedule.last_epoch == 2


def test_plateau_thresholds() -> None:
    opt = sgd(1.0)
    cases = [
        ("min", "rel", 0.1, 10.0, 8.9, 9.1),
        ("min", "abs", 0.1, 10.0, 9.8, 9.95),
        ("max", "rel", 0.1, 10.0, 11.1, 10.9),
        ("max", "abs", 0.1, 10.0, 10.2, 10.05),
    ]
    for mode, threshold_mode, threshold, best, better, no_better in cases:
        rule = ls.ReduceLROnPlateau(opt, mode, threshold=threshold, threshold_mode=threshold_mode)
        assert rule.is_better(better, best)
        assert not rule.is_better(no_better, best)


def test_plateau_leaves_out_tiny_changes_and_keeps_the_least_rate() -> None:
    opt = sgd(1.0, 1e-9)
    rule = ls.ReduceLROnPlateau(opt, patience=0, min_lr=[0.05, 0.0])
    for _ in range(4):
        rule.step(1.0)
    assert rule.get_last_lr() == [0.05, 1e-9]


def test_halving_looks_at_the_previous_epoch_not_the_best() -> None:
    schedule = ls.HalveOnWorse(sgd(1.0))
    rates = []
    for error in (0.3, 0.5, 0.45, 0.45, 0.46):
        schedule.step(error)
        rates += schedule.get_last_lr()
    assert rates == [1.0, 0.5, 0.5, 0.5, 0.25]


def test_batch_size_grows_from_epoch_to_epoch() -> None:
    loader = sf.data.DataLoader(sf.arange(20), batch_size=4)
    growth = ls.BatchSizeGrowth(loader, step_size=1, max_size=16)
    lengths = []
    for _ in range(4):
        lengths.append([len(batch) for batch in loader])
        growth.step()
    assert lengths == [[4] * 5, [8, 8, 4], [16, 4], [16, 4]]


def test_effective_rate_is_reported_and_warned_of() -> None:
    with pytest.warns(UserWarning, match="lower lr when momentum is high"):
        assert ls.lr_with_momentum(sgd(0.1, momentum=0.99)) == pytest.approx([10.0])
    assert ls.lr_with_momentum(sgd(0.1, momentum=0.5)) == [0.2]
    assert ls.lr_with_momentum(sgd(0.1, momentum=0.9, momentum_form="ema")) == [0.1]
    assert ls.lr_with_momentum(sf.optim.Adam([sf.zeros(1, requires_grad=True)], lr=0.1)) == [0.1]


def test_effective_rate_is_how_far_a_constant_gradient_carries() -> None:
    x = sf.zeros(1, requires_grad=True)
    opt = sf.optim.SGD([x], lr=0.1, momentum=0.75)
    for _ in range(100):
        before = x.item()
        x.grad = sf.ones(1)
        opt.step()
    assert before - x.item() == pytest.approx(ls.lr_with_momentum(opt)[0], rel=1e-5)


BAD: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda o: ls.StepLR(o, 0), ValueError, "step_size"),
    (lambda o: ls.StepLR(o, 2.5), TypeError, "step_size"),
    (lambda o: ls.StepLR(o, 2, -0.1), ValueError, "gamma"),
    (lambda o: ls.StepLR(o, 2, last_epoch=-2), ValueError, "last_epoch"),
    (lambda o: ls.StepLR(sf.zeros(1), 2), TypeError, "not an Optimizer"),
    (lambda o: ls.StepLR(o, 2, warmup=3), TypeError, "warmup"),
    (lambda o: ls.MultiStepLR(o, [-1]), ValueError, "milestones"),
    (lambda o: ls.ConstantLR(o, 1.5), ValueError, "factor"),
    (lambda o: ls.LinearLR(o, 0.0), ValueError, "start_factor"),
    (lambda o: ls.LinearLR(o, end_factor=2.0), ValueError, "end_factor"),
    (lambda o: ls.LinearLR(o, total_iters=0), ValueError, "total_iters"),
    (lambda o: ls.ExponentialLR(o, math.nan), ValueError, "gamma"),
    (lambda o: ls.InverseTimeLR(o, -1), ValueError, "k"),
    (lambda o: ls.PolynomialLR(o, power="2"), TypeError, "power"),
    (lambda o: ls.LambdaLR(o, 0.5), TypeError, "function"),
    (lambda o: ls.LambdaLR(o, [Power(1), Power(2)]), ValueError, "2 entries for 1 group"),
    (lambda o: ls.MultiplicativeLR(o, None), TypeError, "function"),
    (lambda o: ls.CosineAnnealingLR(o, 0), ValueError, "T_max"),
    (lambda o: ls.CosineAnnealingLR(o, 5, eta_min=-1), ValueError, "eta_min"),
    (lambda o: ls.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
    (lambda o: ls.CosineAnnealingWarmRestarts(o, 5, 0), ValueError, "T_mult"),
    (lambda o: ls.CosineAnnealingWarmRestarts(o, 5).step(-1), ValueError, "epoch"),
    (lambda o: ls.CyclicLR(o, 0.1, 1.0, mode="saw"), ValueError, "mode"),
    (lambda o: ls.CyclicLR(o, 0.1, [1.0, 2.0]), ValueError, "max_lr"),
    (lambda o: ls.CyclicLR(o, 0.1, 1.0, 0), ValueError, "step_size_up"),
    (lambda o: ls.CyclicLR(o, 0.1, 1.0, max_momentum=1.0), ValueError, "max_momentum"),
    (lambda o: ls.OneCycleLR(o, 1.0, epochs=3), ValueError, "steps_per_epoch"),
    (lambda o: ls.OneCycleLR(o, 1.0, 10, pct_start=1.2), ValueError, "pct_start must be in "),
    (lambda o: ls.OneCycleLR(o, 1.0, 10, anneal_strategy="exp"), ValueError, "anneal_strategy"),
    (lambda o: ls.OneCycleLR(o, 1.0, 10, div_factor=0), ValueError, "div_factor"),
    (lambda o: ls.ReduceLROnPlateau(o, "down"), ValueError, "mode"),
    (lambda o: ls.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor"),
    (lambda o: ls.ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "min_lr"),
    (lambda o: ls.ReduceLROnPlateau(o, patience=-1), ValueError, "patience"),
    (lambda o: ls.HalveOnWorse(o, 1.5), ValueError, "factor"),
    (lambda o: ls.SequentialLR(o, [], []), ValueError, "empty"),
    (lambda o: ls.SequentialLR(o, [ls.StepLR(o, 1)], [3]), ValueError, "0 milestones"),
    (lambda o: ls.SequentialLR(o, [ls.HalveOnWorse(o)], []), TypeError, "step by itself|itself"),
    (lambda o: ls.SequentialLR(o, [ls.StepLR(sgd(), 1)], []), ValueError, "another optimizer"),
    (lambda o: ls.SequentialLR(o, [ls.StepLR(o, 1)] * 3, [5, 5]), ValueError, "increase"),
    (lambda o: ls.ChainedScheduler([]), ValueError, "empty"),
    (lambda o: ls.ChainedScheduler([o]), TypeError, "SGD"),
    (lambda o: ls.ChainedScheduler(ls.StepLR(o, 1)), TypeError, "list"),
    (lambda o: ls.WarmupLR(o, ls.StepLR(o, 1), 0), ValueError, "total_iters"),
    (lambda o: ls.SutskeverMomentum(o, 1.0), ValueError, "mu_max"),
    (lambda o: ls.SutskeverMomentum(o.param_groups), TypeError, "not an Optimizer"),
    (lambda o: ls.BatchSizeGrowth(o, 2), TypeError, "batch_size"),
]


@pytest.mark.parametrize(("make", "error", "word"), BAD, ids=range(len(BAD)))
def test_bad_arguments_are_named(
    make: Callable[[Any], Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        make(sgd(1.0, momentum=0.9))


def test_bad_growth_of_the_batch_is_named() -> None:
    loader = sf.data.DataLoader(sf.arange(10), batch_size=4)
    for options, word in (
        ({"step_size": 0}, "step_size"),
        ({"step_size": 1, "factor": 0.5}, "factor"),
        ({"step_size": 1, "max_size": 3}, "max_size"),
    ):
        with pytest.raises(ValueError, match=word):
            ls.BatchSizeGrowth(loader, **options)


def test_momentum_is_cycled_only_where_there_is_some() -> None:
    class Plain(sf.optim.Optimizer):
        def _check(self, group: Any) -> None:
            pass

    plain = Plain([sf.zeros(1, requires_grad=True)], {"lr": 0.1})
    for make in (lambda: ls.CyclicLR(plain, 0.2, 1.0), lambda: ls.OneCycleLR(plain, 1.0, 10)):
        with pytest.raises(ValueError, match="cycle_momentum=False"):
            make()
    with pytest.raises(ValueError, match="momentum"):
        ls.SutskeverMomentum(plain)
    assert plain.param_groups[0]["lr"] == 0.1
    assert ls.CyclicLR(plain, 0.2, 1.0, cycle_momentum=False).get_last_lr() == [0.2]


def test_a_state_of_other_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="2 groups, the optimizer has 1"):
        ls.StepLR(sgd(1.0), 1).load_state_dict(ls.StepLR(sgd(1.0, 2.0), 1).state_dict())
    opt = sgd(1.0)
    one, two = (ls.ChainedScheduler([ls.StepLR(opt, 1)] * n) for n in (1, 2))
    with pytest.raises(ValueError, match="schedulers"):
        one.load_state_dict(two.state_dict())


def test_metrics_of_the_table_make_the_measured_rows_drop() -> None:
    """Otherwise those rows would prove little."""
    assert (np.diff(METRICS) > 0).sum() > 20
