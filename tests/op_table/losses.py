"""Rows of softmax and the losses."""

from __future__ import annotations

from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Rng, Row, Sample, along, bad, call, normal

SHAPE_ERROR = (RuntimeError, ValueError)
LABEL_ERROR = (IndexError, ValueError)
DTYPE_ERROR = (TypeError, RuntimeError)


def functional(name: str) -> Any:
    return lambda *a, **k: getattr(sf.nn.functional, name)(*a, **k)


def log_softmax_ref(x: Any, dim: int) -> Any:
    x = x - np.max(x, axis=dim, keepdims=True, initial=-np.inf)
    return x - np.log(np.sum(np.exp(x), axis=dim, keepdims=True))


def softmax_ref(x: Any, dim: int) -> Any:
    return np.exp(log_softmax_ref(x, dim))


def nll_ref(logs: Any, target: Any, weight: Any = None, *, ignore_index: int = -100,
            reduction: str = "mean") -> Any:  # fmt: skip
    if logs.ndim == 1:
        logs, target = logs[None], target[None]
        single = reduction == "none"
    else:
        single = False
    classes = logs.shape[1]
    weight = np.ones(classes) if weight is None else weight
    rows = np.moveaxis(logs, 1, -1).reshape(-1, classes)
    labels = target.reshape(-1)
    keep = labels != ignore_index
    safe = np.where(keep, labels, 0)
    w = np.where(keep, weight[safe], 0.0)
    loss = np.where(keep, -rows[np.arange(len(rows)), safe] * w, 0.0)
    return reduce_rows(loss.reshape(target.shape), w, reduction, single)


def reduce_rows(loss: Any, weight: Any, reduction: str, single: bool) -> Any:
    if reduction == "none":
        return loss[0] if single else loss
    return loss.sum() if reduction == "sum" else loss.sum() / weight.sum()


def cross_entropy_ref(x: Any, target: Any, weight: Any = None, *, ignore_index: int = -100,
                      reduction: str = "mean", label_smoothing: float = 0.0) -> Any:  # fmt: skip
    axis = 0 if x.ndim == 1 else 1
    logs = log_softmax_ref(x, axis)
    classes = x.shape[axis]
    if target.dtype.kind == "f":
        return soft_target_ref(logs, target, weight, reduction, label_smoothing, axis)
    hard = nll_ref(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if label_smoothing == 0:
        return hard
    w = np.ones(classes) if weight is None else weight
    keep = target != ignore_index
    spread = -np.sum(np.moveaxis(logs, axis, -1) * w, axis=-1) / classes
    spread = np.where(keep, spread, 0.0)
    total = np.where(keep, w[np.where(keep, target, 0)], 0.0)
    smooth = reduce_rows(spread, total, reduction, False)
    return (1 - label_smoothing) * hard + label_smoothing * smooth


def soft_target_ref(logs: Any, target: Any, weight: Any, reduction: str, smoothing: float,
                    axis: int) -> Any:  # fmt: skip
    classes = logs.shape[axis]
    target = target * (1 - smoothing) + smoothing / classes
    w = np.ones(classes) if weight is None else weight
    loss = -np.sum(np.moveaxis(logs * target, axis, -1) * w, axis=-1)
    if reduction == "none":
        return loss
    return loss.sum() / (1 if reduction == "sum" else max(loss.size, 1))


def mse_ref(x: Any, y: Any, reduction: str = "mean") -> Any:
    square = (x - y) ** 2
    return square if reduction == "none" else square.mean() if reduction == "mean" else square.sum()


# ----------------------------------------------------------------------------------- samples


def label_samples(rng: Rng, **extra: Any) -> list[Sample]:
    """Logits with integer labels: rows, one row, images; weights, ignored labels, reductions."""
    result = []
    for reduction in ("mean", "sum", "none"):
        x, y = normal(rng, 33, 5), rng.integers(0, 5, 33)
        result.append(call(x, y, reduction=reduction, **extra))
        weight = rng.uniform(0.3, 2, 5)
        y = np.where(rng.random(33) < 0.3, -100, y)
        result.append(call(x, y, weight, reduction=reduction, **extra))
        x, y = normal(rng, 2, 5, 3), rng.integers(0, 5, (2, 3))
        result.append(call(x, y, reduction=reduction, ignore_index=2, **extra))
    result.append(call(normal(rng, 5), np.array(3), **extra))
    return [*result, call(normal(rng, 0, 5), np.zeros(0, np.int64), reduction="sum", **extra)]


def entropy_samples(rng: Rng) -> list[Sample]:
    result = label_samples(rng) + label_samples(rng, label_smoothing=0.1)[:9]
    for reduction in ("mean", "sum", "none"):
        soft = softmax_ref(normal(rng, 7, 5), 1)
        result.append(call(normal(rng, 7, 5), soft, reduction=reduction))
        result.append(call(normal(rng, 7, 5), soft, reduction=reduction, label_smoothing=0.2))
    return [*result, call(normal(rng, 7, 5) * 200, rng.integers(0, 5, 7))]


def nll_samples(rng: Rng) -> list[Sample]:
    result = []
    for sample in label_samples(rng):
        x, *rest = sample.args
        result.append(Sample((log_softmax_ref(x, 0 if x.ndim == 1 else 1), *rest), sample.kwargs))
    return result


def mse_samples(rng: Rng) -> list[Sample]:
    shapes = ((), (33,), (3, 33), (2, 3, 5), (1,))
    return [call(normal(rng, *s), normal(rng, *s), reduction=r)
            for s in shapes for r in ("mean", "sum", "none")]  # fmt: skip


def l1_ref(x: Any, y: Any, reduction: str = "mean") -> Any:
    size = np.abs(x - y)
    return size if reduction == "none" else size.mean() if reduction == "mean" else size.sum()


def label_errors(name: str) -> Any:
    labels = np.array([0, 1])
    return (
        bad(LABEL_ERROR, (f"[{name}]", "3"), np.ones((2, 3)), np.array([0, 3])),
        bad(LABEL_ERROR, (f"[{name}]", "-1"), np.ones((2, 3)), np.array([-1, 0])),
        bad(SHAPE_ERROR, (f"[{name}]", "(2, 3)", "(4,)"), np.ones((2, 3)), np.zeros(4, np.int64)),
        bad(SHAPE_ERROR, f"[{name}]", np.ones((2, 3)), np.zeros((2, 1), np.int64)),
        bad(DTYPE_ERROR, f"[{name}]", np.ones((2, 3)), np.array([True, False])),
        bad(SHAPE_ERROR, f"[{name}]", np.ones((2, 3)), labels, np.ones(4)),
        bad((ValueError, RuntimeError), (f"[{name}]", "average"), np.ones((2, 3)), labels,
            reduction="average"),
    )  # fmt: skip


SOFT_SPECIAL = np.array([[1.0, np.nan, 2.0], [np.inf, 1.0, 2.0], [-np.inf, 1.0, 2.0]])
SOFT_LARGE = [(401, 499), (70_001, 3), (3, 70_001)]


def soft_samples(rng: Rng) -> list[Sample]:
    result = along(keepdim=False)(rng)
    return [
        *result,
        call(normal(rng, 3, 5) * 300, 1),
        call(normal(rng, 0, 3), 1),
        call(normal(rng), 0),
    ]


def loss_errors(name: str) -> Any:
    return (
        bad(SHAPE_ERROR, (f"[{name}]", "(3, 1)", "(3,)"), np.ones((3, 1)), np.ones(3)),
        bad(SHAPE_ERROR, (f"[{name}]", "(3,)", "(3, 1)"), np.ones(3), np.ones((3, 1))),
        bad((ValueError, RuntimeError), (f"[{name}]", "average"), np.ones(3), np.ones(3),
            reduction="average"),
    )  # fmt: skip


ROWS = [
    Row(name="l1_loss", ref=l1_ref, samples=mse_samples, method=None, fn=functional("l1_loss"),
        rtol32=4e-6, large=lambda rng: [call(normal(rng, 401, 499), normal(rng, 401, 499))],
        errors=loss_errors("l1_loss")),
    Row(name="softmax", ref=softmax_ref, samples=soft_samples, ints="float", special=lambda: [
            call(SOFT_SPECIAL, 1)],
        large=lambda rng: [call(normal(rng, *s), d) for s in SOFT_LARGE for d in (0, 1)],
        errors=(bad(IndexError, "[softmax]", np.ones((2, 3)), 2),
                bad(TypeError, "softmax", np.ones((2, 3)), 1.5))),
    Row(name="log_softmax", ref=log_softmax_ref, samples=soft_samples, special=lambda: [
            call(SOFT_SPECIAL, 1)], rtol32=4e-6, atol32=4e-6,
        large=lambda rng: [call(normal(rng, *s), d) for s in SOFT_LARGE for d in (0, 1)],
        errors=(bad(IndexError, "[log_softmax]", np.ones((2, 3)), 2),)),
    Row(name="cross_entropy", ref=cross_entropy_ref, samples=entropy_samples, method=None,
        fn=functional("cross_entropy"), no_grad_args=(1,), rtol32=1e-5, atol32=4e-6,
        large=lambda rng: [call(normal(rng, 20_001, 10), rng.integers(0, 10, 20_001))],
        errors=(*label_errors("cross_entropy"),
                bad(SHAPE_ERROR, "[cross_entropy]", np.ones((2, 3)), np.ones((2, 4))),
                bad(SHAPE_ERROR, "[cross_entropy]", np.ones((2, 3)), np.array([0, 1]),
                    label_smoothing=1.5))),
    Row(name="nll_loss", ref=nll_ref, samples=nll_samples, method=None, fn=functional("nll_loss"),
        no_grad_args=(1,),
        rtol32=1e-5, atol32=4e-6,
        large=lambda rng: [call(normal(rng, 20_001, 10), rng.integers(0, 10, 20_001))],
        errors=(*label_errors("nll_loss"),
                bad(DTYPE_ERROR, "[nll_loss]", np.ones((2, 3)), np.array([0.0, 1.0])))),
    Row(name="mse_loss", ref=mse_ref, samples=mse_samples, method=None, fn=functional("mse_loss"),
        rtol32=4e-6, large=lambda rng: [call(normal(rng, 401, 499), normal(rng, 401, 499))],
        errors=loss_errors("mse_loss")),
]  # fmt: skip
