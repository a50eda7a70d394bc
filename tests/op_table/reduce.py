"""Rows of the reductions: the whole tensor, one dim, several dims, with and without keepdim."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from op_table.row import (
    BIG,
    Bad,
    Rng,
    Row,
    Sample,
    along,
    away_from,
    bad,
    call,
    distinct,
    nonzero,
    normal,
    uniform,
)

NO_VALUE = (RuntimeError, ValueError, IndexError)
WIDE = ((), (1,), (33,), (3, 65), (65, 3), (2, 3, 5), (2, 1, 3, 2))


def axis_of(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, (list, tuple)) else dim


def over_dims(
    draw: Callable[..., Any] = normal, *, several: bool = True, empty: bool = True, **kwargs: Any
) -> Callable[[Rng], list[Sample]]:
    """No dim, each dim, pairs of dims; keepdim both ways; an empty tensor."""

    def samples(rng: Rng) -> list[Sample]:
        result = [call(draw(rng, *shape), **kwargs) for shape in WIDE]
        for shape in WIDE[2:]:
            for dim in range(-len(shape), len(shape)):
                result.append(call(draw(rng, *shape), dim, keepdim=dim % 2 == 0, **kwargs))
        if several:
            for dims in ((0, 2), (-1, 1), (0, 1, 2)):
                for keep in (False, True):
                    result.append(call(draw(rng, 2, 3, 5), dims, keepdim=keep, **kwargs))
        if empty:
            result += [call(draw(rng, 0), **kwargs), call(draw(rng, 3, 0), 1, **kwargs)]
            result += [call(draw(rng, 0, 3), 1, **kwargs), call(draw(rng, 2, 0, 3), 1, **kwargs)]
        return result

    return samples


def reduce_large(draw: Callable[..., Any] = normal, **kwargs: Any) -> Callable[[Rng], list[Sample]]:
    """Over all, over the last and over the first dim, a few long rows and many short ones."""
    return lambda rng: [
        call(draw(rng, BIG), **kwargs),
        call(draw(rng, 601, 499), 1, **kwargs),
        call(draw(rng, 601, 499), 0, **kwargs),
        call(draw(rng, 3, 100_001), 1, **kwargs),
        call(draw(rng, 100_001, 3), 0, **kwargs),
    ]


def dim_errors(name: str) -> tuple[Bad, ...]:
    return (
        bad(IndexError, (f"[{name}]", "2"), np.ones((2, 3)), 2),
        bad(IndexError, (f"[{name}]", "-3"), np.ones((2, 3)), -3),
    )


NANS = [np.array([1.0, np.nan, 2.0]), np.array([[np.inf, 1.0], [np.nan, 2.0]])]


def nan_whole() -> list[Sample]:
    return [call(x) for x in NANS]


def inf_and_nan() -> list[Sample]:
    infs = [np.array([np.inf, 1.0]), np.array([-np.inf, 2.0]), np.array([np.inf, -np.inf])]
    return [call(x) for x in [*NANS, *infs]] + [call(NANS[1], 0), call(NANS[1], 1)]


def nan_dims() -> list[Sample]:
    return [call(NANS[1], 0), call(NANS[1], 1), call(np.array([-np.inf, -np.inf]), 0)]


# --------------------------------------------------------------------------------- references


def sum_ref(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.sum(x, axis=axis_of(dim), keepdims=keepdim)


def mean_ref(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.mean(x, axis=axis_of(dim), keepdims=keepdim)


def var_ref(x: Any, dim: Any = None, keepdim: bool = False, correction: float = 1,
            unbiased: bool | None = None) -> Any:  # fmt: skip
    if unbiased is not None:
        correction = int(unbiased)
    axis = axis_of(dim)
    mean = np.mean(x, axis=axis, keepdims=True)
    total = np.sum((x - mean) ** 2, axis=axis, keepdims=keepdim)
    count = np.asarray(x).size / max(mean.size, 1)
    return total / np.maximum(count - correction, 0)


def std_ref(*args: Any, **kwargs: Any) -> Any:
    return np.sqrt(var_ref(*args, **kwargs))


def prod_ref(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.prod(x, axis=dim, keepdims=keepdim)


def logsumexp_ref(x: Any, dim: Any, keepdim: bool = False) -> Any:
    axis = axis_of(dim)
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    result = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return result if keepdim else np.squeeze(result, axis=axis)


def norm_ref(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    axis, p = axis_of(dim), 2 if p == "fro" else p
    size = np.abs(x)
    if p == math.inf:
        return np.max(size, axis=axis, keepdims=keepdim)
    if p == -math.inf:
        return np.min(size, axis=axis, keepdims=keepdim)
    if p == 0:
        return np.sum(size != 0, axis=axis, keepdims=keepdim).astype(float)
    return np.sum(size**p, axis=axis, keepdims=keepdim) ** (1 / p)


def extreme(pick: Any, argpick: Any) -> Callable[..., Any]:
    """max or min: a value over all; (values, indices) along a dim."""

    def ref(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is None:
            return pick(x)
        index = argpick(x, axis=dim)
        return pick(x, axis=dim, keepdims=keepdim), np.expand_dims(index, dim) if keepdim else index

    return ref


def arg_ref(argpick: Any) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: argpick(x, axis=dim, keepdims=keepdim)


def any_all(pick: Any) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: pick(x, axis=axis_of(dim), keepdims=keepdim)


# --------------------------------------------------------------------------------- samples


def norm_samples(rng: Rng) -> list[Sample]:
    draw = away_from([0.0])
    result = [call(draw(rng, *shape)) for shape in WIDE]
    for p in (1, 2, 3, 0.5, math.inf, -math.inf, "fro"):
        result += [call(distinct(rng, 33) + 0.01, p), call(distinct(rng, 3, 5) + 0.01, p, 1)]
        result += [call(distinct(rng, 2, 3, 5) + 0.01, p, (0, 2), keepdim=True)]
    return [*result, call(normal(rng, 0)), call(normal(rng, 3, 0), 1, 1)]


def var_samples(rng: Rng) -> list[Sample]:
    result = over_dims(empty=False)(rng)[2:]
    for correction in (0, 1, 2):
        result.append(call(normal(rng, 3, 33), 1, correction=correction))
        result.append(call(normal(rng, 3, 5), (0, 1), correction=correction, keepdim=True))
    result += [call(normal(rng, 33), unbiased=False), call(normal(rng, 3, 33), 0, unbiased=False)]
    return [s for s in result if np.asarray(s.args[0]).size > 1 and single_free(s)]


def single_free(sample: Sample) -> bool:
    """No group of one element, whose unbiased variance is 0 / 0."""
    x, *rest = sample.args
    axis = axis_of(rest[0]) if rest else None
    groups = np.sum(x, axis=axis).size
    return x.size // groups > 2


def many(draw: Callable[..., Any]) -> Callable[[Rng], list[Sample]]:
    return lambda rng: over_dims(draw, several=False, empty=False)(rng)


def bool_like(rng: Rng, *shape: int) -> Any:
    return (rng.random(shape) < 0.3).astype(np.float64)


def prod_samples(rng: Rng) -> list[Sample]:
    result = over_dims(uniform(0.7, 1.4), several=False)(rng)
    one_zero, two_zeros = nonzero(rng, 3, 5), nonzero(rng, 3, 5)
    one_zero[1, 2] = two_zeros[0, 0] = two_zeros[0, 3] = 0.0
    return result + [call(x, *d) for x in (one_zero, two_zeros) for d in ((), (0,), (1,))]


def cumsum_int(rng: Rng) -> list[Sample]:
    return [call(normal(rng, 3, 7), 1), call(normal(rng, 3, 7), 0)]


ROWS = [
    Row(name="sum", ref=sum_ref, samples=over_dims(), ints="int64", bools="int64",
        special=inf_and_nan, large=reduce_large(), errors=dim_errors("sum")),
    Row(name="mean", ref=mean_ref, samples=over_dims(), special=inf_and_nan, large=reduce_large(),
        errors=(*dim_errors("mean"),
                bad((RuntimeError, TypeError), ("[mean]", "int64"), np.ones(3, np.int64)))),
    Row(name="var", ref=var_ref, samples=var_samples, special=nan_whole, large=reduce_large(),
        rtol32=1e-5, rtol64=1e-11, errors=dim_errors("var")),
    Row(name="std", ref=std_ref, samples=var_samples, special=nan_whole, large=reduce_large(),
        rtol32=1e-5, rtol64=1e-11, errors=dim_errors("std")),
    Row(name="max", ref=extreme(np.max, np.argmax), samples=many(distinct), ints="same",
        special=lambda: nan_whole() + nan_dims(), large=reduce_large(distinct),
        errors=(*dim_errors("max"), bad(NO_VALUE, "[max]", np.ones(0)),
                bad(NO_VALUE, "[max]", np.ones((3, 0)), 1))),
    Row(name="min", ref=extreme(np.min, np.argmin), samples=many(distinct), ints="same",
        special=lambda: nan_whole() + nan_dims(), large=reduce_large(distinct),
        errors=(*dim_errors("min"), bad(NO_VALUE, "[min]", np.ones(0)))),
    Row(name="amax", ref=lambda x, dim=(), keepdim=False:
            np.max(x, axis=axis_of(dim) if dim != () else None, keepdims=keepdim),
        samples=over_dims(distinct, empty=False), ints="same", special=nan_whole,
        large=reduce_large(distinct), errors=dim_errors("amax")),
    Row(name="amin", ref=lambda x, dim=(), keepdim=False:
            np.min(x, axis=axis_of(dim) if dim != () else None, keepdims=keepdim),
        samples=over_dims(distinct, empty=False), ints="same", special=nan_whole,
        large=reduce_large(distinct), errors=dim_errors("amin")),
    Row(name="argmax", ref=arg_ref(np.argmax), samples=many(distinct), ints="int64", out="int64",
        grad=False, special=nan_whole, large=reduce_large(distinct), errors=dim_errors("argmax")),
    Row(name="argmin", ref=arg_ref(np.argmin), samples=many(distinct), ints="int64", out="int64",
        grad=False, special=nan_whole, large=reduce_large(distinct), errors=dim_errors("argmin")),
    Row(name="prod", ref=prod_ref, samples=prod_samples, ints="int64", special=inf_and_nan,
        large=lambda rng: [call(uniform(0.99, 1.01)(rng, 401, 499), 1)], rtol32=1e-5,
        int_samples=lambda rng: [call(rng.integers(1, 3, (3, 5)) / 4, 1)],
        errors=dim_errors("prod")),
    Row(name="logsumexp", ref=logsumexp_ref,
        samples=lambda rng: [s for s in over_dims()(rng) if len(s.args) > 1]
        + [call(normal(rng, 3, 5) * 300, 1)],
        special=nan_dims, rtol32=4e-6,
        large=lambda rng: [call(normal(rng, 401, 499), 1), call(normal(rng, 401, 499), 0)],
        errors=dim_errors("logsumexp")),
    Row(name="norm", ref=norm_ref, samples=norm_samples, special=nan_whole, rtol32=4e-6,
        large=lambda rng: [call(normal(rng, BIG)), call(normal(rng, 401, 499), 2, 1)],
        errors=(bad(IndexError, "[norm]", np.ones((2, 3)), 2, 2),)),
    Row(name="cumsum", ref=lambda x, dim: np.cumsum(x, axis=dim),
        samples=lambda rng: [*along(keepdim=False)(rng), call(normal(rng, 0), 0),
                             call(normal(rng, 2, 0), 0), call(normal(rng), 0)][:-1],
        ints="int64", int_samples=cumsum_int, bools="int64", rtol32=4e-6, atol32=1e-5,
        special=lambda: [call(NANS[0], 0), call(NANS[1], 1)],
        large=lambda rng: [call(normal(rng, 401, 499), 1), call(normal(rng, 401, 499), 0),
                           call(normal(rng, BIG), 0)],
        errors=dim_errors("cumsum")),
    Row(name="any", ref=any_all(np.any), samples=over_dims(bool_like, several=False), out="bool",
        ints="bool", bools="bool", grad=False, special=nan_whole, large=reduce_large(bool_like),
        errors=dim_errors("any")),
    Row(name="all", ref=any_all(np.all), samples=over_dims(bool_like, several=False), out="bool",
        ints="bool", bools="bool", grad=False, special=nan_whole, large=reduce_large(bool_like),
        errors=dim_errors("all")),
]  # fmt: skip
