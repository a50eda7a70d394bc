"""Rows of softmax and the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Rng, Row, Sample, along, away_from, bad, call, distinct, normal

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


def reduced(losses: Any, reduction: str, sample_weight: Any = None, counts: Any = None) -> Any:
    """Sample weights belong to the first dims; the mean is over weights times counts."""
    w = np.ones_like(losses)
    if sample_weight is not None:
        ones = (1,) * (w.ndim - sample_weight.ndim)
        w = w * sample_weight.reshape(sample_weight.shape + ones)
    total = (losses * w).sum()
    by = {"sum": 1, "mean": (w if counts is None else w * counts).sum()}
    if reduction == "batchmean":
        by["batchmean"] = w.sum() / (w.size / len(w))
    return losses * w if reduction == "none" else total / by[reduction]


def losses_and_counts(logs: Any, target: Any, weight: Any, ignore_index: int,
                      smoothing: float) -> Any:  # fmt: skip
    """What each label costs and counts; classes are axis 1, or 0 of a single row."""
    logs = np.moveaxis(logs, 0 if logs.ndim == 1 else 1, -1)
    classes = logs.shape[-1]
    weight = np.ones(classes) if weight is None else weight
    keep = target != ignore_index
    label = np.where(keep, target, 0)
    one = -np.take_along_axis(logs, label[..., None], -1)[..., 0] * weight[label]
    spread = -(logs * weight).sum(-1) / classes
    return np.where(keep, (1 - smoothing) * one + smoothing * spread, 0), keep * weight[label]


def nll_ref(logs: Any, target: Any, weight: Any = None, *, ignore_index: int = -100,
            reduction: str = "mean", sample_weight: Any = None) -> Any:  # fmt: skip
    losses, counts = losses_and_counts(logs, target, weight, ignore_index, 0)
    return reduced(losses, reduction, sample_weight, counts)


def cross_entropy_ref(x: Any, target: Any, weight: Any = None, *, ignore_index: int = -100,
                      reduction: str = "mean", label_smoothing: float = 0.0,
                      sample_weight: Any = None) -> Any:  # fmt: skip
    axis = 0 if x.ndim == 1 else 1
    logs = log_softmax_ref(x, axis)
    if target.dtype.kind != "f":
        losses, counts = losses_and_counts(logs, target, weight, ignore_index, label_smoothing)
        return reduced(losses, reduction, sample_weight, counts)
    target = target * (1 - label_smoothing) + label_smoothing / x.shape[axis]
    shares = np.moveaxis(logs * target, axis, -1)
    losses = -(shares if weight is None else shares * weight).sum(-1)
    return reduced(losses, reduction, sample_weight)


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
        weight = rng.uniform(0.3, 2, 5)
        y = rng.integers(0, 5, (4, 3))
        result.append(
            call(
                normal(rng, 4, 5, 3),
                y,
                weight,
                reduction=reduction,
                ignore_index=1,
                sample_weight=rng.uniform(0.3, 2, 4),
                **extra,
            )
        )
        result.append(
            call(
                normal(rng, 4, 5, 3),
                y,
                reduction=reduction,
                sample_weight=rng.uniform(0.3, 2, (4, 3)),
                **extra,
            )
        )
    result.append(call(normal(rng, 5), np.array(3), **extra))
    return [*result, call(normal(rng, 0, 5), np.zeros(0, np.int64), reduction="sum", **extra)]


def entropy_samples(rng: Rng) -> list[Sample]:
    result = label_samples(rng) + label_samples(rng, label_smoothing=0.1)[:15]
    for reduction in ("mean", "sum", "none"):
        soft = softmax_ref(normal(rng, 7, 5), 1)
        result.append(call(normal(rng, 7, 5), soft, reduction=reduction))
        result.append(call(normal(rng, 7, 5), soft, reduction=reduction, label_smoothing=0.2))
        result.append(
            call(
                normal(rng, 7, 5),
                soft,
                rng.uniform(0.3, 2, 5),
                reduction=reduction,
                sample_weight=rng.uniform(0.3, 2, 7),
            )
        )
    return [*result, call(normal(rng, 7, 5) * 200, rng.integers(0, 5, 7))]


def nll_samples(rng: Rng) -> list[Sample]:
    result = []
    for sample in label_samples(rng):
        x, *rest = sample.args
        result.append(Sample((log_softmax_ref(x, 0 if x.ndim == 1 else 1), *rest), sample.kwargs))
    return result


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


def glu(x: Any, dim: int = -1) -> Any:
    a, b = np.split(x, 2, dim)
    return a / (1 + np.exp(-b))


def glu_samples(rng: Rng) -> list[Sample]:
    last = [call(normal(rng, *s)) for s in ((2,), (34,), (3, 6), (0, 4), (2, 3, 66))]
    return [*last, call(normal(rng, 4, 3), 0), call(normal(rng, 2, 6, 5), 1)]


def maxout(x: Any, k: int, dim: int = -1) -> Any:
    """Written as the maximum of every k-th slice."""
    x = np.moveaxis(x, dim, -1)
    return np.moveaxis(np.maximum.reduce([x[..., i::k] for i in range(k)]), -1, dim)


def maxout_samples(rng: Rng) -> list[Sample]:
    last = [call(distinct(rng, *s), 2) for s in ((2,), (34,), (3, 6), (0, 4), (2, 3, 66))]
    return [*last, call(distinct(rng, 6, 3), 3, 0), call(distinct(rng, 2, 6, 5), 3, dim=1),
            call(distinct(rng, 5), 1)]  # fmt: skip


def weight_error(name: str, *args: Any, **kwargs: Any) -> Any:
    return bad(
        SHAPE_ERROR,
        (f"[{name}]", "sample_weight", "(2,)", "(3,)"),
        *args,
        **kwargs,
        sample_weight=np.ones(2),
    )


def loss_errors(name: str) -> Any:
    return (
        bad(SHAPE_ERROR, (f"[{name}]", "(3, 1)", "(3,)"), np.ones((3, 1)), np.ones(3)),
        bad(SHAPE_ERROR, (f"[{name}]", "(3,)", "(3, 1)"), np.ones(3), np.ones((3, 1))),
        bad((ValueError, RuntimeError), (f"[{name}]", "average"), np.ones(3), np.ones(3),
            reduction="average"),
    )  # fmt: skip


# ------------------------------------------------------------ losses that give one loss per element

Draw = Callable[[Rng, tuple[int, ...]], tuple[Any, ...]]


def loss(
    name: str,
    losses: Any,
    draw: Draw,
    *variants: dict[str, Any],
    shapes: Any = ((), (33,), (3, 33), (2, 3, 5)),
    errors: Any = None,
    **more: Any,
) -> Row:
    """A row for losses(*args, **options): every shape and option with every reduction, plain and
    with sample weights."""

    def samples(rng: Rng) -> list[Sample]:
        result = []
        for reduction in ("mean", "sum", "none"):
            result += [call(*draw(rng, shape), reduction=reduction) for shape in shapes]
            for options in ({}, *variants):
                w = rng.uniform(0.3, 2, 4)
                result.append(
                    Sample(
                        draw(rng, (4, 3)), {"reduction": reduction, "sample_weight": w, **options}
                    )
                )
        return result + [Sample(draw(rng, (5, 3)), dict(options)) for options in variants]

    def ref(*args: Any, reduction: str = "mean", sample_weight: Any = None, **options: Any) -> Any:
        return reduced(np.asarray(losses(*args, **options)), reduction, sample_weight)

    more.setdefault("large", lambda rng: [Sample(draw(rng, (401, 499)), {})])
    if errors is None:
        errors = (*loss_errors(name), weight_error(name, np.ones(3), np.ones(3)))
    return Row(name=name, ref=ref, samples=samples, method=None, fn=functional(name),
               errors=errors, rtol32=1e-5, atol32=4e-6, **more)  # fmt: skip


def pair(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    return normal(rng, *shape), normal(rng, *shape)


def apart(*sizes: float) -> Draw:
    """Two numbers whose difference keeps 0.05 from 0 and the given sizes."""
    kinks = [0.0, *sizes, *(-size for size in sizes)]

    def draw(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
        y = normal(rng, *shape)
        return y + away_from(kinks)(rng, *shape), y

    return draw


def probabilities(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    return rng.uniform(0.05, 0.95, shape), rng.uniform(0, 1, shape)


def logits(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    return 3 * normal(rng, *shape), rng.uniform(0, 1, shape)


def signs(rng: Rng, shape: tuple[int, ...]) -> Any:
    """-1 and 1 as integers: a target without gradient."""
    return np.asarray(rng.choice([-1, 1], shape))


def signed(*kinks: float) -> Draw:
    return lambda rng, shape: (away_from(kinks)(rng, *shape), signs(rng, shape))


def rates(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    return rng.uniform(0.3, 2, shape), away_from([0.0, 1.0], 0, 6)(rng, *shape)


def with_variance(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    return *pair(rng, shape), rng.uniform(0.3, 2, shape)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def mse(x: Any, y: Any) -> Any:
    return (x - y) ** 2


def huber(x: Any, y: Any, delta: float = 1.0) -> Any:
    d = np.abs(x - y)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


def smooth_l1(x: Any, y: Any, beta: float = 1.0) -> Any:
    return huber(x, y, beta) / beta if beta else np.abs(x - y)


def poisson(x: Any, y: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Any:
    losses = np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
    t = np.maximum(y, 1)
    stirling = t * np.log(t) - t + np.log(2 * np.pi * t) / 2
    return losses + np.where(y > 1, stirling, 0) if full else losses


def gaussian(x: Any, y: Any, var: Any, full: bool = False, eps: float = 1e-6) -> Any:
    v = np.maximum(var, eps)
    v = v[..., None] if 0 < np.ndim(v) < x.ndim else v
    return (np.log(v) + (x - y) ** 2 / v) / 2 + (np.log(2 * np.pi) / 2 if full else 0)


def bce(x: Any, y: Any, weight: Any = 1.0) -> Any:
    return -(y * np.maximum(np.log(x), -100) + (1 - y) * np.maximum(np.log1p(-x), -100)) * weight


def bce_logits(x: Any, y: Any, weight: Any = 1.0, pos_weight: Any = 1.0) -> Any:
    return (pos_weight * y * softplus(-x) + (1 - y) * softplus(x)) * weight


def multilabel(x: Any, y: Any, weight: Any = 1.0) -> Any:
    return bce_logits(x, y, weight).mean(-1)


def kl(x: Any, y: Any, log_target: bool = False) -> Any:
    if log_target:
        return np.exp(y) * (y - x)
    return np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0) - y * x


def divergence(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    return -rng.uniform(0.1, 3, shape), rng.uniform(0.05, 1, shape)


def hinge(x: Any, y: Any, margin: float = 1.0, squared: bool = False) -> Any:
    return np.maximum(0, margin - x * y) ** (2 if squared else 1)


def hinge_embedding(x: Any, y: Any, margin: float = 1.0) -> Any:
    return np.where(y == 1, x, np.maximum(0, margin - x))


def multi_margin(x: Any, y: Any, p: int = 1, margin: float = 1.0, weight: Any = None) -> Any:
    own = np.take_along_axis(x, y[..., None], -1)
    gaps = np.maximum(0, margin - own + x) ** p
    np.put_along_axis(gaps, y[..., None], 0.0, -1)
    return gaps.mean(-1) * (1 if weight is None else weight[y])


def multilabel_margin(x: Any, y: Any) -> Any:
    def row(scores: Any, given: Any) -> float:
        count = list(given).index(-1) if -1 in given else len(given)
        labels = given[:count]
        others = [i for i in range(len(scores)) if i not in labels]
        gaps = [max(0.0, 1 - scores[t] + scores[i]) for t in labels for i in others]
        return sum(gaps) / len(scores)

    each = [row(*pair) for pair in zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1]),
                                       strict=True)]  # fmt: skip
    return np.array(each).reshape(x.shape[:-1])


def label_lists(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Scores that differ by less than 1, so that no gap is at its kink, and up to all labels."""
    x, _ = separated(rng, shape)
    order = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    keep = rng.integers(0, shape[-1] + 1, (*shape[:-1], 1))
    return x, np.where(np.arange(shape[-1]) < keep, order, -1)


def ctc_of_one(logs: Any, target: Any, blank: int) -> float:
    """By the probabilities of all beginnings, Graves et al. 2006, eq. 6."""
    states = [blank]
    for label in target:
        states += [int(label), blank]
    alpha = np.zeros(len(states))
    alpha[:2] = 1  # before the first step: what may come first
    for t, row in enumerate(np.exp(logs)):
        before = alpha.copy()
        for s, label in enumerate(states):
            reached = before[s]
            if t > 0 and s > 0:
                reached += before[s - 1]
            if t > 0 and s > 1 and label not in (blank, states[s - 2]):
                reached += before[s - 2]
            alpha[s] = reached * row[label]
    return float(-np.log(alpha[-2:].sum()))


def ctc(x: Any, targets: Any, inputs: Any, lengths: Any, blank: int = 0) -> Any:
    return np.array([ctc_of_one(x[:inputs[n], n], targets[n, :lengths[n]], blank)
                     for n in range(x.shape[1])])  # fmt: skip


def ctc_ref(x: Any, targets: Any, inputs: Any, lengths: Any, blank: int = 0, *,
            reduction: str = "mean", sample_weight: Any = None) -> Any:  # fmt: skip
    each = ctc(x, targets, inputs, lengths, blank)
    if reduction == "mean":
        each = each / np.maximum(lengths, 1)
    return reduced(each, reduction, sample_weight)


def ctc_draw(rng: Rng, steps: int, samples: int, classes: int, labels: int) -> tuple[Any, ...]:
    x = log_softmax_ref(normal(rng, steps, samples, classes), -1)
    targets = rng.integers(1, classes, (samples, labels))
    inputs = rng.integers(steps - 1, steps + 1, samples)
    return x, targets, inputs, rng.integers(0, labels + 1, samples)


def ctc_samples(rng: Rng) -> list[Sample]:
    result = []
    for reduction in ("mean", "sum", "none"):
        result.append(call(*ctc_draw(rng, 6, 3, 4, 2), reduction=reduction))
        x, targets, *lengths = ctc_draw(rng, 8, 2, 5, 3)
        weight = rng.uniform(0.3, 2, 2)
        result.append(call(x, targets - 1, *lengths, 4, reduction=reduction, sample_weight=weight))
    return result


def separated(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Rows whose scores differ by multiples of 0.1 plus a twentieth: no gap lies at a margin."""
    x = (rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1) * 0.1) * 1.07
    return np.asarray(x), np.asarray(rng.integers(0, shape[-1], shape[:-1]))


def ranked(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    return *apart(0.5)(rng, shape), signs(rng, shape)


def ranking(a: Any, b: Any, y: Any, margin: float = 0.0) -> Any:
    return np.maximum(0, margin - y * (a - b))


def angles(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    return *pair(rng, shape), signs(rng, shape[:-1])


def cosine_embedding(a: Any, b: Any, y: Any, margin: float = 0.0) -> Any:
    cos = (a * b).sum(-1) / np.sqrt(((a**2).sum(-1) + 1e-12) * ((b**2).sum(-1) + 1e-12))
    return np.where(y == 1, 1 - cos, np.maximum(0, cos - margin))


def triples(rng: Rng, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    return normal(rng, *shape), normal(rng, *shape), normal(rng, *shape)


def triplet(a: Any, b: Any, c: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
            swap: bool = False) -> Any:  # fmt: skip
    size = lambda d: (np.abs(d + eps) ** p).sum(-1) ** (1 / p)  # noqa: E731
    far = np.minimum(size(a - c), size(b - c)) if swap else size(a - c)
    return np.maximum(0, size(a - b) - far + margin)


def third(name: str, *first: str) -> Any:
    """Errors of losses with three tensors, the last or the third being odd."""
    x = np.ones((3, 2))
    return (
        bad(SHAPE_ERROR, (f"[{name}]", "(3, 2)", "(2, 3)", *first), x, np.ones((2, 3)), x),
        bad((ValueError, RuntimeError), (f"[{name}]", "average"), x, x, np.ones(3),
            reduction="average"),
    )  # fmt: skip


def not_signs(name: str, *args: Any) -> Any:
    return bad(ValueError, (f"[{name}]", "0 at element 1", "2 * target - 1"), *args,
               np.array([1, 0, 1]))  # fmt: skip


ROWS_ONLY = {"shapes": ((3,), (33, 5), (4, 3)), "large": None}
THREE = np.ones(3)
HIGH, LOW = np.array([0.5, 1.5, 0.0]), np.array([0.5, -0.5, 0.0])

LOSSES = [
    loss("mse_loss", mse, pair),
    loss("l1_loss", lambda x, y: np.abs(x - y), apart()),
    loss("huber_loss", huber, apart(1.0, 0.5), {"delta": 0.5}, errors=(
        *loss_errors("huber_loss"),
        bad(ValueError, ("[huber_loss]", "delta", "0"), THREE, THREE, delta=0.0))),
    loss("smooth_l1_loss", smooth_l1, apart(1.0, 0.5), {"beta": 0.5}, {"beta": 0.0}, errors=(
        *loss_errors("smooth_l1_loss"),
        bad(ValueError, ("[smooth_l1_loss]", "beta", "-1"), THREE, THREE, beta=-1.0))),
    loss("poisson_nll_loss", poisson, rates, {"full": True}, {"log_input": False, "eps": 1e-3},
         errors=(*loss_errors("poisson_nll_loss"),
                 bad(ValueError, ("[poisson_nll_loss]", "target -0.5 at element 1"), THREE, LOW),
                 bad(ValueError, ("[poisson_nll_loss]", "input -0.5 at element 1"), LOW, THREE,
                     log_input=False))),
    loss("gaussian_nll_loss", gaussian, with_variance, {"full": True}, {"eps": 0.01},
         errors=(*third("gaussian_nll_loss"),
                 bad(ValueError, ("[gaussian_nll_loss]", "var -0.5 at element 1"), THREE, THREE,
                     LOW),
                 bad(SHAPE_ERROR, ("[gaussian_nll_loss]", "var (2,)", "(3,)"), THREE, THREE,
                     np.ones(2)),
                 bad(SHAPE_ERROR, ("[gaussian_nll_loss]", "var (1,)", "()"), np.array(1.0),
                     np.array(1.0), np.ones(1)))),
    loss("binary_cross_entropy", bce, probabilities, {"weight": np.array([0.5, 2.0, 1.0])},
         errors=(*loss_errors("binary_cross_entropy"),
                 bad(ValueError, ("[binary_cross_entropy]", "target 1.5 at element 1"),
                     THREE * 0.5, HIGH),
                 bad(ValueError, ("[binary_cross_entropy]", "input -0.5", "with_logits"), LOW,
                     THREE),
                 bad(SHAPE_ERROR, ("[binary_cross_entropy]", "weight (2, 3)", "(3,)"), THREE,
                     THREE, np.ones((2, 3))))),
    loss("binary_cross_entropy_with_logits", bce_logits, logits,
         {"weight": np.array([0.5, 2.0, 1.0]), "pos_weight": np.array([3.0, 0.5, 1.0])},
         {"pos_weight": np.array(2.0)},
         errors=(*loss_errors("binary_cross_entropy_with_logits"),
                 bad(ValueError, ("with_logits]", "target -0.5 at element 1"), THREE, LOW))),
    loss("multilabel_soft_margin_loss", multilabel, logits, {"weight": np.array([0.5, 2.0, 1.0])},
         shapes=((3,), (33, 5), (2, 3, 5)),
         errors=(*loss_errors("multilabel_soft_margin_loss"),
                 bad(ValueError, ("margin_loss]", "target 1.5 at element 1"), THREE, HIGH))),
    loss("kl_div", kl, divergence, {"log_target": True}, {"reduction": "batchmean"},
         errors=(*loss_errors("kl_div"),
                 bad(ValueError, ("[kl_div]", "target -0.5 at element 1"), THREE, LOW),
                 bad(SHAPE_ERROR, ("[kl_div]", "batchmean", "0-d"), np.array(1.0), np.array(1.0),
                     reduction="batchmean"))),
    loss("hinge_loss", hinge, signed(-1.0, 1.0, -0.5, 0.5), {"squared": True}, {"margin": 0.5},
         errors=(*loss_errors("hinge_loss"), not_signs("hinge_loss", THREE))),
    loss("hinge_embedding_loss", hinge_embedding, signed(0.5, 1.0), {"margin": 0.5},
         errors=(*loss_errors("hinge_embedding_loss"), not_signs("hinge_embedding_loss", THREE))),
    loss("soft_margin_loss", lambda x, y: softplus(-x * y), signed(),
         errors=(*loss_errors("soft_margin_loss"), not_signs("soft_margin_loss", THREE))),
    loss("multi_margin_loss", multi_margin, separated, {"p": 2}, {"margin": 0.15},
         {"weight": np.array([0.5, 2.0, 1.0])}, **ROWS_ONLY,
         errors=(bad(LABEL_ERROR, ("[multi_margin_loss]", "label 3 in row 1"), np.ones((2, 3)),
                     np.array([0, 3])),
                 bad(SHAPE_ERROR, ("[multi_margin_loss]", "(2, 3)", "(4,)"), np.ones((2, 3)),
                     np.zeros(4, np.int64)),
                 bad(DTYPE_ERROR, "[multi_margin_loss]", np.ones((2, 3)), np.ones(2)),
                 bad(ValueError, "[multi_margin_loss] p", np.ones((2, 3)), np.array([0, 1]), 3))),
    loss("multilabel_margin_loss", multilabel_margin, label_lists, gradgrad=False, **ROWS_ONLY,
         errors=(bad(LABEL_ERROR, ("[multilabel_margin_loss]", "label 3 in row 1"),
                     np.ones((2, 3)), np.array([[0, -1, 5], [0, 3, -1]])),
                 bad(SHAPE_ERROR, ("[multilabel_margin_loss]", "(2, 3)", "(2,)"), np.ones((2, 3)),
                     np.zeros(2, np.int64)),
                 bad(DTYPE_ERROR, "[multilabel_margin_loss]", np.ones((2, 3)), np.ones((2, 3))))),
    Row(name="ctc_loss", ref=ctc_ref, samples=ctc_samples, method=None, fn=functional("ctc_loss"),
        rtol32=1e-5, atol32=4e-6, large=lambda rng: [call(*ctc_draw(rng, 60, 8, 9, 20))],
        errors=(bad(SHAPE_ERROR, ("[ctc_loss]", "log_probs (4,)"), np.ones(4),
                    np.zeros((1, 1), np.int64), (1,), (1,)),
                bad(LABEL_ERROR, ("[ctc_loss]", "label 3 at place 0 of target 1"),
                    np.ones((4, 2, 3)), np.array([[1], [3]]), (4, 4), (1, 1)))),
    loss("margin_ranking_loss", ranking, ranked, {"margin": 0.5},
         errors=(*third("margin_ranking_loss", "input1", "input2"),
                 not_signs("margin_ranking_loss", THREE, THREE))),
    loss("cosine_embedding_loss", cosine_embedding, angles, {"margin": 0.3}, **ROWS_ONLY,
         errors=(*third("cosine_embedding_loss", "input1", "input2"),
                 not_signs("cosine_embedding_loss", np.ones((3, 2)), np.ones((3, 2))),
                 bad(ValueError, ("[cosine_embedding_loss]", "margin"), np.ones((3, 2)),
                     np.ones((3, 2)), THREE, 2.0))),
    loss("triplet_margin_loss", triplet, triples, {"p": 3.0, "margin": 0.3}, {"swap": True},
         **ROWS_ONLY,
         errors=(bad(SHAPE_ERROR, ("[triplet_margin_loss]", "anchor (3, 2)", "positive (2, 3)"),
                     np.ones((3, 2)), np.ones((2, 3)), np.ones((3, 2))),
                 bad(ValueError, ("[triplet_margin_loss]", "margin"), THREE, THREE, THREE, 0.0))),
]  # fmt: skip

ROWS = [
    Row(name="softmax", ref=softmax_ref, samples=soft_samples, ints="float", special=lambda: [
            call(SOFT_SPECIAL, 1)],
        large=lambda rng: [call(normal(rng, *s), d) for s in SOFT_LARGE for d in (0, 1)],
        errors=(bad(IndexError, "[softmax]", np.ones((2, 3)), 2),
                bad(TypeError, "softmax", np.ones((2, 3)), 1.5))),
    Row(name="log_softmax", ref=log_softmax_ref, samples=soft_samples, special=lambda: [
            call(SOFT_SPECIAL, 1)], rtol32=4e-6, atol32=4e-6,
        large=lambda rng: [call(normal(rng, *s), d) for s in SOFT_LARGE for d in (0, 1)],
        errors=(bad(IndexError, "[log_softmax]", np.ones((2, 3)), 2),)),
    Row(name="softmin", ref=lambda x, dim: softmax_ref(-x, dim), samples=soft_samples, ints="float",
        large=lambda rng: [call(normal(rng, *s), d) for s in SOFT_LARGE for d in (0, 1)],
        errors=(bad(IndexError, "[softm", np.ones((2, 3)), 2),)),
    Row(name="glu", ref=glu, samples=glu_samples,
        large=lambda rng: [call(normal(rng, 401, 500)), call(normal(rng, 400, 499), 0)],
        errors=(bad(SHAPE_ERROR, ("[glu]", "(2, 3)", "even"), np.ones((2, 3))),
                bad(IndexError, "[glu]", np.ones((2, 4)), 2))),
    Row(name="maxout", ref=maxout, samples=maxout_samples,
        large=lambda rng: [call(distinct(rng, 401, 500), 4), call(distinct(rng, 400, 499), 5, 0)],
        errors=(bad(SHAPE_ERROR, ("[maxout]", "(2, 3)", "k = 2"), np.ones((2, 3)), 2),
                bad(ValueError, ("[maxout]", "0"), np.ones((2, 4)), 0))),
    Row(name="cross_entropy", ref=cross_entropy_ref, samples=entropy_samples, method=None,
        fn=functional("cross_entropy"), rtol32=1e-5, atol32=4e-6,
        large=lambda rng: [call(normal(rng, 20_001, 10), rng.integers(0, 10, 20_001))],
        errors=(*label_errors("cross_entropy"),
                bad(SHAPE_ERROR, "[cross_entropy]", np.ones((2, 3)), np.ones((2, 4))),
                bad(SHAPE_ERROR, "[cross_entropy]", np.ones((2, 3)), np.array([0, 1]),
                    label_smoothing=1.5))),
    Row(name="nll_loss", ref=nll_ref, samples=nll_samples, method=None, fn=functional("nll_loss"),
        rtol32=1e-5, atol32=4e-6,
        large=lambda rng: [call(normal(rng, 20_001, 10), rng.integers(0, 10, 20_001))],
        errors=(*label_errors("nll_loss"),
                bad(DTYPE_ERROR, "[nll_loss]", np.ones((2, 3)), np.array([0.0, 1.0])))),
    *LOSSES,
]  # fmt: skip
