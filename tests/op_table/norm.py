"""Rows of the normalisations. Running statistics that move are tested in test_norm.py: a row's op
may not write to its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, normal, uniform

SHAPE_ERROR = (RuntimeError, ValueError)
DTYPE_ERROR = (TypeError, RuntimeError)
CHANNEL_SHAPES = ((7, 3), (2, 3, 5), (2, 4, 3, 2), (2, 3, 2, 1, 2))


def standardized(x: Any, axes: Any, eps: float) -> Any:
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)


def by_channel(v: Any, x: Any) -> Any:
    return v.reshape(-1, *[1] * (x.ndim - 2))


def scaled(y: Any, weight: Any, bias: Any) -> Any:
    y = y if weight is None else y * by_channel(weight, y)
    return y if bias is None else y + by_channel(bias, y)


def last_axes(shape: Any) -> tuple[int, ...]:
    count = len(shape) if isinstance(shape, (tuple, list)) else 1
    return tuple(range(-count, 0))


def layer_ref(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    y = standardized(x, last_axes(shape), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def rms_ref(x: Any, shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    eps = np.finfo(np.float64).eps if eps is None else eps
    y = x / np.sqrt((x * x).mean(last_axes(shape), keepdims=True) + eps)
    return y if weight is None else y * weight


def group_ref(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    rows = x.reshape(x.shape[0], groups, -1)
    return scaled(standardized(rows, 2, eps).reshape(x.shape), weight, bias)


def instance_ref(x: Any, mean: Any = None, var: Any = None, weight: Any = None, bias: Any = None,
                 use_input_stats: bool = True, momentum: float = 0.1,
                 eps: float = 1e-5) -> Any:  # fmt: skip
    if not use_input_stats:
        return batch_ref(x, mean, var, weight, bias, False, momentum, eps)
    return scaled(standardized(x, tuple(range(2, x.ndim)), eps), weight, bias)


def batch_ref(x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None,
              training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Any:  # fmt: skip
    if training:
        return scaled(standardized(x, (0, *range(2, x.ndim)), eps), weight, bias)
    y = (x - by_channel(mean, x)) / np.sqrt(by_channel(var, x) + eps)
    return scaled(y, weight, bias)


# ----------------------------------------------------------------------------------- samples


def vectors(rng: Rng, *shape: int) -> tuple[Any, Any]:
    return uniform(0.5, 2.0)(rng, *shape), normal(rng, *shape)


def layer_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape, normalized in (((7,), 7), ((3, 33), (33,)), ((2, 3, 5), (3, 5)), ((2, 3, 5), [5]),
                              ((0, 4), 4), ((65, 3), 3)):  # fmt: skip
        tail = tuple(normalized) if isinstance(normalized, (tuple, list)) else (normalized,)
        weight, bias = vectors(rng, *tail)
        x = normal(rng, *shape)
        result += [call(x, normalized), call(x, normalized, weight, bias)]
        result += [call(x, normalized, None, bias), call(x, normalized, weight, None, 0.3)]
    return result


def rms_samples(rng: Rng) -> list[Sample]:
    result = []
    for sample in layer_samples(rng)[1::4]:
        x, normalized, weight, _ = sample.args
        result += [call(x, normalized, None, 0.01), call(x, normalized, weight, 1e-3)]
    return result


def group_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape, groups in (((3, 6), 2), ((2, 6, 5), 3), ((2, 4, 3, 2), 1), ((2, 3, 2), 3),
                          ((1, 4, 1, 2, 2), 2)):  # fmt: skip
        x, (weight, bias) = normal(rng, *shape), vectors(rng, shape[1])
        result += [call(x, groups), call(x, groups, weight, bias), call(x, groups, None, bias, 0.2)]
    return result


def running(rng: Rng, channels: int) -> tuple[Any, Any]:
    return normal(rng, channels), uniform(0.5, 2.0)(rng, channels)


def instance_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape in CHANNEL_SHAPES[1:]:
        x, (weight, bias) = normal(rng, *shape), vectors(rng, shape[1])
        result += [call(x), call(x, weight=weight, bias=bias), call(x, bias=bias, eps=0.2)]
        mean, var = running(rng, shape[1])
        result.append(call(x, mean, var, weight, bias, use_input_stats=False))
    return result


def batch_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape in CHANNEL_SHAPES:
        x, (weight, bias) = normal(rng, *shape), vectors(rng, shape[1])
        result += [call(x, None, None, training=True),
                   call(x, None, None, weight, bias, True),
                   call(x, None, None, None, bias, training=True, eps=0.2)]  # fmt: skip
        mean, var = running(rng, shape[1])
        result += [call(x, mean, var), call(x, mean, var, weight, bias, eps=0.1)]
    return result


def batch_large(rng: Rng) -> list[Sample]:
    shapes = ((20_001, 10), (3, 70_001), (32, 20, 19, 17), (401, 499, 1))
    return [call(normal(rng, *s), None, None, *vectors(rng, s[1]), training=True) for s in shapes]


def row_large(rng: Rng) -> list[Sample]:
    return [call(normal(rng, *s), s[-1], *vectors(rng, s[-1]))
            for s in ((401, 499), (20_001, 10), (3, 70_001))]  # fmt: skip


ONE, TWO = np.ones((2, 3)), np.ones((2, 4, 5))
INTS = np.ones((2, 4), np.int64)

ROWS = [
    Row(name="layer_norm", ref=layer_ref, samples=layer_samples, method=None, rtol32=1e-5,
        atol32=1e-5, large=row_large,
        errors=(bad(SHAPE_ERROR, ("[layer_norm]", "(2, 3)", "(4,)"), ONE, 4),
                bad(SHAPE_ERROR, ("[layer_norm]", "()"), ONE, ()),
                bad(SHAPE_ERROR, ("[layer_norm]", "(1, 2, 3)"), ONE, (1, 2, 3)),
                bad(SHAPE_ERROR, ("[layer_norm]", "weight", "(3,)", "(2,)"), ONE, 3, np.ones(2)),
                bad(SHAPE_ERROR, ("[layer_norm]", "bias"), ONE, 3, None, np.ones(1)),
                bad(ValueError, ("[layer_norm]", "eps", "-1"), ONE, 3, eps=-1.0),
                bad(DTYPE_ERROR, ("[layer_norm]", "int64", "float()"), INTS, 4))),
    Row(name="rms_norm", ref=rms_ref, samples=rms_samples, method=None, rtol32=1e-5, atol32=1e-5,
        large=lambda rng: [Sample((*s.args[:3], 1e-5)) for s in row_large(rng)],
        errors=(bad(SHAPE_ERROR, ("[rms_norm]", "(2, 3)", "(4,)"), ONE, 4),
                bad(SHAPE_ERROR, ("[rms_norm]", "weight"), ONE, 3, np.ones(2)),
                bad(ValueError, ("[rms_norm]", "eps"), ONE, 3, eps=-1.0))),
    Row(name="group_norm", ref=group_ref, samples=group_samples, method=None, rtol32=1e-5,
        atol32=1e-5,
        large=lambda rng: [call(normal(rng, 16, 12, 31, 37), 3, *vectors(rng, 12))],
        errors=(bad(ValueError, ("[group_norm]", "(2, 4, 5)", "3 groups"), TWO, 3),
                bad(ValueError, ("[group_norm]", "0 groups"), TWO, 0),
                bad(SHAPE_ERROR, ("[group_norm]", "weight", "(4,)", "(2,)"), TWO, 2, np.ones(2)),
                bad(SHAPE_ERROR, ("[group_norm]", "more than 1 value"), np.ones((1, 3)), 3),
                bad(SHAPE_ERROR, ("[group_norm]", "(3,)"), np.ones(3), 3))),
    Row(name="instance_norm", ref=instance_ref, samples=instance_samples, method=None, rtol32=1e-5,
        atol32=1e-5,
        large=lambda rng: [call(normal(rng, 16, 12, 31, 37), None, None, *vectors(rng, 12))],
        errors=(bad(SHAPE_ERROR, ("[instance_norm]", "(2, 3, 1)", "more than 1 spatial"),
                    np.ones((2, 3, 1))),
                bad(SHAPE_ERROR, ("[instance_norm]", "bias", "(4,)"), TWO, bias=np.ones(5)),
                bad(ValueError, ("[instance_norm]", "running"), TWO, use_input_stats=False))),
    Row(name="batch_norm", ref=batch_ref, samples=batch_samples, method=None, rtol32=1e-5,
        atol32=1e-5, large=batch_large,
        errors=(bad(SHAPE_ERROR, ("[batch_norm]", "(1, 3)", "more than 1 value per channel"),
                    np.ones((1, 3)), None, None, training=True),
                bad(SHAPE_ERROR, ("[batch_norm]", "running_mean", "(4,)", "(3,)"), TWO, np.ones(3),
                    np.ones(3)),
                bad(SHAPE_ERROR, ("[batch_norm]", "weight", "(4,)"), TWO, np.ones(4), np.ones(4),
                    np.ones(2)),
                bad(ValueError, ("[batch_norm]", "both"), TWO, np.ones(4), None),
                bad(ValueError, ("[batch_norm]", "running_mean"), TWO, None, None),
                bad(SHAPE_ERROR, ("[batch_norm]", "(3,)", "unsqueeze"), np.ones(3), None, None),
                bad(ValueError, ("[batch_norm]", "eps"), TWO, np.ones(4), np.ones(4), eps=-1.0))),
]  # fmt: skip
