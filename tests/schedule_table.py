"""One row per schedule and option: its closed formula in NumPy, for t = 0, 1, ... steps.

To add a schedule: a row with how to build it and what it sets after t steps, where `base` is the
rate of the group before. `tests/test_lr_scheduler.py` runs every row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import surefoot as sf
from surefoot.optim import lr_scheduler as ls

Array = np.ndarray
Formula = Callable[[Array, float], Array]
STEPS = 60
METRICS = np.abs(np.sin(np.arange(1, STEPS + 1) * 0.37)) + 1 / np.arange(1, STEPS + 1)


@dataclass(frozen=True)
class Row:
    schedule: str
    build: Callable[[Any], Any]  # of the optimizer, or of the loader for sets="batch_size"
    formula: Formula  # of (t, base)
    sets: str = "lr"  # or "momentum", "betas", "batch_size"
    note: str = ""
    steps: int = STEPS
    scales: bool = True  # is the rate proportional to base?

    def __str__(self) -> str:
        return "-".join(part for part in (self.schedule, self.note, self.sets) if part != "lr")

    @property
    def needs_metric(self) -> bool:
        return bool(getattr(ls, self.schedule).needs_metric)


def cosine(low: float, high: Any, share: Any) -> Any:
    return low + (high - low) * 0.5 * (1 + np.cos(np.pi * share))


def warm_restarts(first: int, mult: int, low: float) -> Formula:
    """The same by listing the cycles, not by dividing."""

    def formula(t: Array, base: float) -> Array:
        places: list[float] = []
        length = first
        while len(places) < len(t):
            places += [k / length for k in range(length)]
            length *= mult
        return cosine(low, base, np.array(places[: len(t)]))

    return formula


def triangle(t: Array, up: int, down: int) -> tuple[Array, Array]:
    """Height and number of the cycle, as in Smith's paper and torch."""
    total, share = up + down, up / (up + down)
    cycle = np.floor(1 + t / total)
    x = 1 + t / total - cycle
    return np.where(x <= share, x / share, (x - 1) / (share - 1)), cycle


def one_cycle(
    t: Array, values: list[float], total: int, start: float, three: bool, linear: bool = False
) -> Array:
    ends = [start * total - 1, 2 * start * total - 2] if three else [start * total - 1]
    knots = [0.0, *ends, total - 1.0]
    if linear:
        return np.interp(t, knots, values)
    phase = np.clip(np.searchsorted(knots, t) - 1, 0, len(knots) - 2)
    a, b = np.array(values)[phase], np.array(values)[phase + 1]
    begin, end = np.array(knots)[phase], np.array(knots)[phase + 1]
    return cosine(1, 0, np.minimum((t - begin) / (end - begin), 1)) * (b - a) + a


def plateau(patience: int, factor: float, cooldown: int, low: float, sign: int) -> Formula:
    """The rule told with lists: how long ago was the best, and since when do we count again."""

    def formula(t: Array, base: float) -> Array:
        rates, best, bad, rest = [base], math.inf, 0, 0
        for value in sign * METRICS[: len(t) - 1]:
            margin = 1e-4 * abs(best) if math.isfinite(best) else 0.0
            improved = value < best - margin
            best, bad = (value, 0) if improved else (best, bad + 1)
            if rest:
                rest, bad = rest - 1, 0
            drop = bad > patience
            rates.append(max(rates[-1] * factor, low) if drop else rates[-1])
            bad, rest = (0, cooldown) if drop else (bad, rest)
        return np.array(rates)

    return formula


def halve_on_worse(t: Array, base: float) -> Array:
    worse = np.concatenate([[0, 0], METRICS[1 : len(t) - 1] > METRICS[: len(t) - 2]])
    return base * 0.5 ** np.cumsum(worse)


def warm_cosine(t: Array, base: float) -> Array:
    linear = base * (0.2 + 0.8 * t / 10)
    return np.where(t < 10, linear, cosine(0, base, (t - 10) / 50))


def nested(opt: Any) -> Any:
    late = ls.SequentialLR(opt, [ls.ConstantLR(opt, 0.5, 100), ls.ExponentialLR(opt, 0.9)], [7])
    return ls.SequentialLR(opt, [ls.LinearLR(opt, 0.1, total_iters=5), late], [12])


def nested_formula(t: Array, base: float) -> Array:
    first = base * np.minimum(0.1 + 0.9 * t / 5, 1)
    late = np.where(t - 12 < 7, base * 0.5, base * 0.9 ** np.maximum(t - 19.0, 0))
    return np.where(t < 12, first, late)


def chained(opt: Any) -> Any:
    parts = [ls.ConstantLR(opt, 0.1, 4), ls.ExponentialLR(opt, 0.95), ls.StepLR(opt, 10, 0.5)]
    return ls.ChainedScheduler(parts)


def sutskever(cap: float) -> Formula:
    return lambda t, base: np.minimum(1 - 2 ** (-1 - np.log2(np.floor(t / 250) + 1)), cap)


def cyclic(opt: Any, **options: Any) -> Any:
    return ls.CyclicLR(opt, 0.1, 0.7, 4, 7, **options)


def cycle(opt: Any, **options: Any) -> Any:
    return ls.OneCycleLR(opt, 2.0, total_steps=STEPS, **options)


LOW, HIGH, END = 2.0 / 25, 2.0, 2.0 / 25 / 1e4

ROWS = [
    Row("ConstantLR", ls.ConstantLR, lambda t, b: np.where(t < 5, b / 3, b)),
    Row("ConstantLR", lambda o: ls.ConstantLR(o, 0.5, 20), lambda t, b: np.where(t < 20, b / 2, b)),
    Row("StepLR", lambda o: ls.StepLR(o, 7), lambda t, b: b * 0.1 ** (t // 7)),
    Row("StepLR", lambda o: ls.StepLR(o, 5, 0.5), lambda t, b: b / 2.0 ** (t // 5), note="halve"),
    Row(
        "MultiStepLR",
        lambda o: ls.MultiStepLR(o, [30, 8, 30], 0.3),
        lambda t, b: b * 0.3 ** (1.0 * (t >= 8) + 2 * (t >= 30)),
    ),
    Row("LinearLR", ls.LinearLR, lambda t, b: b * np.interp(t, [0, 5], [1 / 3, 1])),
    Row(
        "LinearLR",
        lambda o: ls.LinearLR(o, 1.0, 0.0, 40),
        lambda t, b: b * np.interp(t, [0, 40], [1, 0]),
        note="down",
    ),
    Row("ExponentialLR", lambda o: ls.ExponentialLR(o, 0.9), lambda t, b: b * 0.9**t),
    Row(
        "ExponentialLR",
        lambda o: ls.ExponentialLR(o, math.exp(-0.1)),
        lambda t, b: b * np.exp(-0.1 * t),
        note="e^-kt",
    ),
    Row("InverseTimeLR", lambda o: ls.InverseTimeLR(o, 0.3), lambda t, b: b / (1 + 0.3 * t)),
    Row("InverseTimeLR", lambda o: ls.InverseTimeLR(o, k=0), lambda t, b: b + 0 * t, note="k=0"),
    Row(
        "PolynomialLR",
        lambda o: ls.PolynomialLR(o, 45, 2.5),
        lambda t, b: b * (1 - np.minimum(t, 45) / 45) ** 2.5,
    ),
    Row("PolynomialLR", ls.PolynomialLR, lambda t, b: b * np.maximum(1 - t / 5, 0), note="default"),
    Row("LambdaLR", lambda o: ls.LambdaLR(o, lambda t: 0.95**t), lambda t, b: b * 0.95**t),
    Row(
        "MultiplicativeLR",
        lambda o: ls.MultiplicativeLR(o, lambda t: t / (t + 2)),  # a telescope: 2 / (t+1)(t+2)
        lambda t, b: b * 2 / ((t + 1) * (t + 2)),
    ),
    Row(
        "CosineAnnealingLR",
        lambda o: ls.CosineAnnealingLR(o, STEPS),
        lambda t, b: cosine(0, b, t / STEPS),
    ),
    Row(
        "CosineAnnealingLR",
        lambda o: ls.CosineAnnealingLR(o, 11, eta_min=0.01),
        lambda t, b: cosine(0.01, b, t / 11),
        note="beyond",
        scales=False,
    ),
    Row(
        "CosineAnnealingWarmRestarts",
        lambda o: ls.CosineAnnealingWarmRestarts(o, 7),
        warm_restarts(7, 1, 0.0),
    ),
    Row(
        "CosineAnnealingWarmRestarts",
        lambda o: ls.CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.02),
        warm_restarts(3, 2, 0.02),
        note="T_mult=2",
        scales=False,
    ),
    Row("CyclicLR", cyclic, lambda t, b: 0.1 + 0.6 * triangle(t, 4, 7)[0], scales=False),
    Row("CyclicLR", cyclic, lambda t, b: 0.9 - 0.1 * triangle(t, 4, 7)[0], "momentum"),
    Row("CyclicLR", cyclic, lambda t, b: 0.9 - 0.1 * triangle(t, 4, 7)[0], "betas"),
    Row(
        "CyclicLR",
        lambda o: cyclic(o, mode="triangular2"),
        lambda t, b: 0.1 + 0.6 * triangle(t, 4, 7)[0] / 2.0 ** (triangle(t, 4, 7)[1] - 1),
        note="triangular2",
        scales=False,
    ),
    Row(
        "CyclicLR",
        lambda o: cyclic(o, mode="exp_range", gamma=0.97),
        lambda t, b: 0.1 + 0.6 * triangle(t, 4, 7)[0] * 0.97**t,
        note="exp_range",
        scales=False,
    ),
    Row(
        "CyclicLR",
        lambda o: cyclic(o, scale_fn=lambda t: 1 / (1 + t), scale_mode="iterations"),
        lambda t, b: 0.1 + 0.6 * triangle(t, 4, 7)[0] / (1 + t),
        note="scale_fn",
        scales=False,
    ),
    Row(
        "OneCycleLR",
        cycle,
        lambda t, b: one_cycle(t, [LOW, HIGH, END], STEPS, 0.3, False),
        scales=False,
    ),
    Row(
        "OneCycleLR",
        cycle,
        lambda t, b: one_cycle(t, [0.95, 0.85, 0.95], STEPS, 0.3, False),
        "momentum",
    ),
    Row(
        "OneCycleLR",
        lambda o: cycle(o, anneal_strategy="linear", pct_start=0.45),
        lambda t, b: one_cycle(t, [0.95, 0.85, 0.95], STEPS, 0.45, False, linear=True),
        "betas",
        note="linear",
    ),
    Row(
        "OneCycleLR",
        lambda o: cycle(o, anneal_strategy="linear", three_phase=True),
        lambda t, b: one_cycle(t, [LOW, HIGH, LOW, END], STEPS, 0.3, True, linear=True),
        note="three-linear",
        scales=False,
    ),
    Row(
        "OneCycleLR",
        lambda o: cycle(o, three_phase=True),
        lambda t, b: one_cycle(t, [0.95, 0.85, 0.95, 0.95], STEPS, 0.3, True),
        "momentum",
        note="three-cos",
    ),
    Row(
        "ReduceLROnPlateau",
        lambda o: ls.ReduceLROnPlateau(o, patience=2, factor=0.5, cooldown=3),
        plateau(2, 0.5, 3, 0.0, 1),
    ),
    Row(
        "ReduceLROnPlateau",
        lambda o: ls.ReduceLROnPlateau(o, "max", patience=0, factor=0.7, min_lr=0.02),
        plateau(0, 0.7, 0, 0.02, -1),
        note="max",
        scales=False,
    ),
    Row("HalveOnWorse", ls.HalveOnWorse, halve_on_worse),
    Row(
        "SequentialLR",
        lambda o: ls.SequentialLR(
            o, [ls.LinearLR(o, 0.2, total_iters=10), ls.CosineAnnealingLR(o, 50)], [10]
        ),
        warm_cosine,
    ),
    Row("SequentialLR", nested, nested_formula, note="nested"),
    Row("WarmupLR", lambda o: ls.WarmupLR(o, ls.CosineAnnealingLR(o, 50), 10, 0.2), warm_cosine),
    Row(
        "ChainedScheduler",
        chained,
        lambda t, b: b * np.where(t < 4, 0.1, 1) * 0.95**t * 0.5 ** (t // 10),
    ),
    Row("SutskeverMomentum", ls.SutskeverMomentum, sutskever(0.99), "momentum", steps=1300),
    Row(
        "SutskeverMomentum",
        lambda o: ls.SutskeverMomentum(o, mu_max=0.8),
        sutskever(0.8),
        "momentum",
        note="mu_max=0.8",
        steps=1300,
    ),
    Row(
        "BatchSizeGrowth",
        lambda loader: ls.BatchSizeGrowth(loader, 4),
        lambda t, b: 6 * 2.0 ** (t // 4),
        "batch_size",
    ),
    Row(
        "BatchSizeGrowth",
        lambda loader: ls.BatchSizeGrowth(loader, 3, 1.5, 100),
        lambda t, b: np.minimum(np.floor(6 * 1.5 ** (t // 3)), 100),
        "batch_size",
        note="capped",
    ),
]


def subject(row: Row, bases: tuple[float, ...] = (0.5,)) -> Any:
    """What the row's schedule is built on: an optimizer with a group per base, or a loader."""
    if row.sets == "batch_size":
        return sf.data.DataLoader(sf.arange(1000), batch_size=6)
    groups = [{"params": [sf.zeros(1, requires_grad=True)], "lr": base} for base in bases]
    if row.sets == "betas":
        return sf.optim.Adam(groups)
    return sf.optim.SGD(groups, momentum=0.5)


def read(row: Row, on: Any, group: int = 0) -> float:
    if row.sets == "batch_size":
        return float(on.batch_size)
    value = on.param_groups[group][row.sets]
    return float(value[0] if row.sets == "betas" else value)


def advance(row: Row, schedule: Any) -> None:
    """One step; a schedule that measures gets the next number of METRICS."""
    schedule.step(METRICS[schedule.last_epoch]) if row.needs_metric else schedule.step()
