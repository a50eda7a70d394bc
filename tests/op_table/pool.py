"""Rows of pooling. The references walk the windows one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, distinct, normal

SHAPE_ERROR = (RuntimeError, ValueError)
DTYPE_ERROR = (TypeError, RuntimeError)


# --------------------------------------------------------------------------------- references


def each(value: Any, dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else tuple(value) * (dims // len(value))


def count_of(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (math.ceil if ceil else math.floor)(room / stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= size + padding else count


def windows(size: int, kernel: int, stride: int, padding: int, dilation: int,
            ceil: bool) -> list[list[int]]:  # fmt: skip
    """The positions of each window along one axis, those of the padding included."""
    count = count_of(size, kernel, stride, padding, dilation, ceil)
    starts = [i * stride - padding for i in range(count)]
    return [[s + k * dilation for k in range(kernel)] for s in starts]


def grid(x: Any, dims: int, *numbers: Any) -> list[list[list[int]]]:
    """Windows along H and W; a 1-d input has one row."""
    sizes = x.shape[-dims:]
    args = zip(*(each(n, dims) for n in numbers), strict=True)
    axes = [windows(size, *a) for size, a in zip(sizes, args, strict=True)]
    return axes if dims == 2 else [[[0]], axes[0]]


def plane(x: Any, dims: int) -> Any:
    return x if dims == 2 else x[..., None, :]


def over(axes: Any, x: Any, dims: int, take: Any) -> Any:
    """take(elements, their positions) of every window, in an array of the output's shape."""
    image = plane(x, dims)
    height, width = image.shape[-2:]
    out = []
    for rows in axes[0]:
        for columns in axes[1]:
            inside = [(r, c) for r in rows for c in columns if 0 <= r < height and 0 <= c < width]
            at = np.array([r * width + c for r, c in inside])
            out.append(
                take(image.reshape(*image.shape[:-2], height * width)[..., at], at, rows, columns)
            )
    shape = (len(axes[0]), len(axes[1])) if dims == 2 else (len(axes[1]),)
    return np.stack(out, -1).reshape(*x.shape[:-dims], *shape)


def best_of(values: Any) -> Any:
    """The last NaN, or else the first of the largest."""
    nan = np.isnan(values)
    last = values.shape[-1] - 1 - nan[..., ::-1].argmax(-1)
    return np.where(nan.any(-1), last, np.where(nan, -np.inf, values).argmax(-1))


def largest(axes: Any, x: Any, dims: int) -> tuple[Any, Any]:
    def value(v: Any, at: Any, *_: Any) -> Any:
        return np.take_along_axis(v, best_of(v)[..., None], -1)[..., 0]

    return (over(axes, x, dims, value),
            over(axes, x, dims, lambda v, at, *_: at[best_of(v)]).astype(np.int64))  # fmt: skip


def max_with_indices(dims: int) -> Any:
    def ref(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
            ceil_mode: bool = False) -> Any:  # fmt: skip
        stride = kernel_size if stride is None else stride
        axes = grid(x, dims, kernel_size, stride, padding, dilation, int(ceil_mode))
        return largest(axes, x, dims)

    return ref


def max_ref(dims: int) -> Any:
    return lambda *args, **kwargs: max_with_indices(dims)(*args, **kwargs)[0]


def avg_ref(dims: int) -> Any:
    def ref(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
            count_include_pad: bool = True, divisor_override: Any = None) -> Any:  # fmt: skip
        stride = kernel_size if stride is None else stride
        axes = grid(x, dims, kernel_size, stride, padding, 1, int(ceil_mode))
        sizes, pads = plane(x, dims).shape[-2:], (0, *each(padding, dims))[-2:]

        def mean(v: Any, at: Any, rows: Any, columns: Any) -> Any:
            # What sticks out of the padded input in ceil mode never counts.
            padded = [
                sum(p < s + q for p in positions)
                for positions, s, q in zip((rows, columns), sizes, pads, strict=True)
            ]
            count = padded[0] * padded[1] if count_include_pad else len(at)
            return v.sum(-1) / (divisor_override or count)

        return over(axes, x, dims, mean)

    return ref


def thirds(x: Any, size: Any, dims: int) -> list[list[list[int]]]:
    """Adaptive windows along H and W."""
    axes = []
    for n, count in zip(x.shape[-dims:], each(size, dims), strict=True):
        axes.append([list(range(i * n // count, -(-(i + 1) * n // count))) for i in range(count)])
    return axes if dims == 2 else [[[0]], axes[0]]


def adaptive_max_ref(dims: int) -> Any:
    return lambda x, size: largest(thirds(x, size, dims), x, dims)


def adaptive_avg_ref(dims: int) -> Any:
    return lambda x, size: over(thirds(x, size, dims), x, dims, lambda v, *_: v.mean(-1))


# ----------------------------------------------------------------------------------- samples

ONE_D = (
    ((2, 3, 7), (2,), {}),
    ((2, 1, 67), (2,), {}),
    ((3, 34), (3, 2, 1), {}),
    ((1, 2, 9), ((4,), (3,), (2,)), {"ceil_mode": True}),
    ((2, 2, 5), (5,), {}),
    ((0, 2, 5), (2,), {}),
)
TWO_D = (
    ((2, 3, 4, 6), (2,), {}),
    ((1, 2, 7, 37), (2,), {}),
    ((2, 5, 36), ((2, 3), (1, 1)), {}),
    ((2, 2, 9, 7), (3, 2, 1), {}),
    ((1, 1, 8, 35), (3, 2, 1), {"ceil_mode": True}),
    ((2, 6, 20), (3, 1, 1), {}),
    ((1, 2, 5, 11), ((3, 2), (2, 3), (1, 0)), {"ceil_mode": True}),
    ((0, 2, 4, 4), (2,), {}),
)
DILATED = {1: (((2, 3, 40), (3, 1, 1, 2), {}), ((2, 9), (2, 2, 0, 3), {"ceil_mode": True})),
           2: (((1, 2, 9, 40), (3, 2, 1, (2, 1)), {}),
               ((2, 9, 12), (2, 3, 1, 2), {"ceil_mode": True}))}  # fmt: skip


def samples(cases: Any, draw: Any) -> Any:
    return lambda rng: [call(draw(rng, *shape), *args, **rest) for shape, args, rest in cases]


def averages(dims: int) -> Any:
    def draw(rng: Rng) -> list[Sample]:
        result = samples(ONE_D if dims == 1 else TWO_D, normal)(rng)
        for shape, args, rest in (ONE_D if dims == 1 else TWO_D)[2:5]:
            extra = {"divisor_override": 3} if dims == 2 else {}
            result.append(call(normal(rng, *shape), *args, count_include_pad=False, **rest))
            result.append(call(normal(rng, *shape), *args, **rest, **extra))
        return result

    return draw


ADAPTIVE = {1: (((2, 3, 7), 3), ((2, 34), 17), ((1, 2, 5), (8,)), ((2, 2, 9), 1), ((0, 2, 3), 2)),
            2: (((2, 3, 7, 9), 3), ((1, 4, 6), (2, 3)), ((2, 2, 5, 35), (4, 35)),
                ((2, 3, 5, 4), 1), ((1, 2, 3, 2), (5, 3)), ((0, 2, 3, 3), 2))}  # fmt: skip


def adaptive(dims: int, draw: Any) -> Any:
    return lambda rng: [call(draw(rng, *shape), size) for shape, size in ADAPTIVE[dims]]


def special(dims: int, *args: Any) -> Any:
    def draw() -> list[Sample]:
        x = np.full((2, 1, *(1,) * (dims - 1), 44), 1.0)
        x[0, ..., 3], x[0, ..., 20:24], x[1, ..., 5] = np.nan, -np.inf, np.inf
        x[1, ..., 40:], x[1, ..., 43] = np.nan, 0.0
        tall = np.concatenate([x, -x, x], -2) if dims == 2 else x
        return [call(tall, *args), call(np.full_like(tall, -np.inf), *args)]

    return draw


def large(dims: int, *args: Any) -> Any:
    shape = (40, 3, 3001) if dims == 1 else (24, 6, 31, 53)
    return lambda rng: [call(distinct(rng, *shape), *args)]


def errors(name: str, dims: int) -> tuple[Any, ...]:
    tag, x = f"[{name}]", np.ones((2, 3, *(5,) * dims))
    wrong = np.ones((5,) * dims)
    return (
        bad(SHAPE_ERROR, (tag, "6", "5 + 2 * 0"), x, 6),
        bad(ValueError, (tag, "padding=2", "kernel_size=3", "half"), x, 3, 1, 2),
        bad(ValueError, (tag, "stride=0", "at least 1"), x, 2, 0),
        bad(ValueError, (tag, "kernel_size=0"), x, 0),
        bad(ValueError, (tag, "padding=-1"), x, 2, 2, -1),
        bad(ValueError, (tag, "kernel_size=(1, 1, 1)"), x, (1, 1, 1)),
        bad(SHAPE_ERROR, (tag, "(N, C", str(wrong.shape)), wrong, 2),
        bad(SHAPE_ERROR, (tag, "empty"), np.ones((2, 3, *(0,) * dims)), 2),
        bad(DTYPE_ERROR, (tag, "int64", "float()"), x.astype(np.int64), 2),
    )


def max_errors(name: str, dims: int) -> tuple[Any, ...]:
    x = np.ones((2, 3, *(5,) * dims))
    return (*errors(name, dims), bad(SHAPE_ERROR, (f"[{name}]", "spans 7"), x, 3, 1, 0, 3),
            bad(ValueError, (f"[{name}]", "dilation=0"), x, 3, 1, 0, 0))  # fmt: skip


def adaptive_errors(name: str, dims: int) -> tuple[Any, ...]:
    x = np.ones((2, 3, *(5,) * dims))
    return (
        bad(ValueError, (f"[{name}]", "output_size=0", "at least 1"), x, 0),
        bad(ValueError, (f"[{name}]", "output_size=(1, 2, 3)"), x, (1, 2, 3)),
        bad(SHAPE_ERROR, (f"[{name}]", "(5,)"), np.ones(5), 2),
        bad(DTYPE_ERROR, (f"[{name}]", "int64"), x.astype(np.int64), 2),
    )


DIVISOR = {1: (), 2: (bad(ValueError, ("[avg_pool2d]", "divisor_override"),
                              np.ones((1, 1, 4, 4)), 2, divisor_override=0),)}  # fmt: skip


def rows(dims: int) -> list[Row]:
    cases = (*(ONE_D if dims == 1 else TWO_D), *DILATED[dims])
    d = f"{dims}d"
    plain = f"max_pool{d}"
    return [
        Row(name=plain, ref=max_ref(dims), samples=samples(cases, distinct), method=None,
            rtol32=0, atol32=0, rtol64=0, atol64=0, special=special(dims, 3, 2, 1),
            large=large(dims, 2), errors=max_errors(plain, dims)),
        Row(name=f"{plain}_with_indices", ref=max_with_indices(dims),
            samples=samples(cases[2:], distinct), method=None, rtol32=0, atol32=0, rtol64=0,
            atol64=0, special=special(dims, 2), large=large(dims, 3, 2, 1)),
        Row(name=f"avg_pool{d}", ref=avg_ref(dims), samples=averages(dims), method=None,
            large=large(dims, 3, 2, 1), errors=(*errors(f"avg_pool{d}", dims), *DIVISOR[dims])),
        Row(name=f"adaptive_max_pool{d}", method=None,
            ref=lambda x, size: adaptive_max_ref(dims)(x, size)[0],
            samples=adaptive(dims, distinct), rtol32=0, atol32=0, rtol64=0, atol64=0,
            special=special(dims, 1), large=large(dims, 7),
            errors=adaptive_errors(f"adaptive_max_pool{d}", dims)),
        Row(name=f"adaptive_max_pool{d}_with_indices", method=None, ref=adaptive_max_ref(dims),
            samples=adaptive(dims, distinct), rtol32=0, atol32=0, rtol64=0, atol64=0),
        Row(name=f"adaptive_avg_pool{d}", method=None, ref=adaptive_avg_ref(dims),
            samples=adaptive(dims, normal), large=large(dims, 7),
            errors=adaptive_errors(f"adaptive_avg_pool{d}", dims)),
    ]  # fmt: skip


ROWS = [*rows(1), *rows(2)]
