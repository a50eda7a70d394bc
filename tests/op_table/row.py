"""What a row of the op table is made of, and the samples that many rows share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Rng = np.random.Generator
Array = np.ndarray


@dataclass(frozen=True)
class Sample:
    """Arguments of one call. A float64 array stands for a floating tensor of the dtype under test;
    int64 and bool arrays keep their dtype; everything else is passed as it is."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        parts = [_short(a) for a in self.args]
        parts += [f"{key}={_short(value)}" for key, value in self.kwargs.items()]
        return ", ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return "(" + " ".join(_short(v) for v in value) + ")"
    return repr(value)


def call(*args: Any, **kwargs: Any) -> Sample:
    """NumPy's scalars become 0-d arrays: they stand for tensors."""
    lift = lambda v: np.asarray(v) if isinstance(v, np.generic) else v  # noqa: E731
    return Sample(
        tuple([lift(w) for w in v] if isinstance(v, list) else lift(v) for v in args),
        {key: lift(value) for key, value in kwargs.items()},
    )


@dataclass(frozen=True)
class Bad:
    """A call that must raise `error` with every text of `match` in its message."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: type[BaseException] | tuple[type[BaseException], ...]
    match: tuple[str, ...]


def bad(error: Any, match: str | Sequence[str], *args: Any, **kwargs: Any) -> Bad:
    return Bad(args, kwargs, error, (match,) if isinstance(match, str) else tuple(match))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One op: how it is called, what it must give, on what."""

    name: str
    ref: Callable[..., Any]  # NumPy, float64; takes the sample's arguments
    samples: Callable[[Rng], list[Sample]]
    fn: Callable[..., Any] | None = None  # the function form; default surefoot.<name>
    method: str | None = ""  # the Tensor method; "" = <name>, None = there is none
    inplace: bool = False  # <method>_ exists and gives the same values
    grad: bool = True  # differentiable in every floating array
    no_grad_args: tuple[
        int, ...
    ] = ()  # floating arrays (counted among themselves) without gradient
    out: str = "same"  # result dtype of floating inputs: same | bool | int64 | given (reference's)
    ints: str = ""  # result dtype of integer inputs: same | int64 | float | bool; "" = not run
    bools: str = ""  # the same for bool inputs
    int_samples: Callable[[Rng], list[Sample]] | None = None  # default: samples, scaled and rounded
    int_dtypes: tuple[str, ...] = ("int64", "int32", "uint8")
    rtol32: float = 2e-6
    atol32: float = 2e-6
    rtol64: float = 1e-12
    atol64: float = 1e-12
    special: Callable[[], list[Sample]] | None = None  # NaN, inf, signed zero
    large: Callable[[Rng], list[Sample]] | None = None  # big enough to run on several threads
    strided: bool = True  # run on transposed, sliced and expanded inputs
    errors: tuple[Bad, ...] = ()
    gradgrad: bool = True  # False: the second derivative is zero everywhere or undefined
    check_values: bool = True  # False: only shape and dtype are compared (empty)


# ----------------------------------------------------------------------------------- domains


def normal(rng: Rng, *shape: int) -> Array:
    return rng.standard_normal(shape)


def uniform(low: float, high: float) -> Callable[..., Array]:
    return lambda rng, *shape: rng.uniform(low, high, shape)


def away_from(kinks: Sequence[float], low: float = -3.0, high: float = 3.0) -> Callable[..., Array]:
    """Uniform in [low, high], at least 0.05 from every kink, so that differences see no kink."""

    def draw(rng: Rng, *shape: int) -> Array:
        x = rng.uniform(low, high, shape)
        for kink in kinks:
            near = np.abs(x - kink) < 0.05
            x = np.where(near, kink + np.where(x < kink, -0.07, 0.07), x)
        return x

    return draw


def positive(rng: Rng, *shape: int) -> Array:
    return rng.uniform(0.3, 3.0, shape)


def nonzero(rng: Rng, *shape: int) -> Array:
    return rng.uniform(0.3, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


def distinct(rng: Rng, *shape: int) -> Array:
    """No two elements closer than 0.05: order and maxima are certain."""
    count = int(np.prod(shape, dtype=np.int64))
    return (rng.permutation(count).reshape(shape) - count / 2) * 0.05


# ----------------------------------------------------------------------------------- shapes

SHAPES: tuple[tuple[int, ...], ...] = (
    (),
    (0,),
    (1,),
    (7,),
    (33,),
    (65,),
    (2, 0, 3),
    (3, 33),
    (2, 3, 5),
    (1, 2, 1, 3),
)

PAIRS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()),
    ((5,), ()),
    ((), (2, 3)),
    ((33,), (33,)),
    ((65,), (1,)),
    ((3, 33), (33,)),
    ((3, 1), (1, 5)),
    ((2, 1, 5), (3, 1)),
    ((0, 3), (1, 3)),
    ((2, 3, 4), (2, 3, 4)),
)

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5])

BIG = 300_007  # elements; more than any op keeps on one thread


def unary_samples(draw: Callable[..., Array] = normal, **kwargs: Any) -> Callable[[Rng], Any]:
    return lambda rng: [call(draw(rng, *shape), **kwargs) for shape in SHAPES]


def binary_samples(
    left: Callable[..., Array] = normal, right: Callable[..., Array] = normal, **kwargs: Any
) -> Callable[[Rng], Any]:
    return lambda rng: [call(left(rng, *a), right(rng, *b), **kwargs) for a, b in PAIRS]


def unary_large(draw: Callable[..., Array] = normal) -> Callable[[Rng], Any]:
    return lambda rng: [call(draw(rng, BIG)), call(draw(rng, 401, 499))]


def binary_large(
    left: Callable[..., Array] = normal, right: Callable[..., Array] = normal
) -> Callable[[Rng], Any]:
    return lambda rng: [
        call(left(rng, BIG), right(rng, BIG)),
        call(left(rng, 401, 499), right(rng, 499)),
        call(left(rng, 401, 1), right(rng, 401, 499)),
    ]


def special_unary() -> list[Sample]:
    return [call(SPECIAL), call(np.tile(SPECIAL, 5))]


def special_binary() -> list[Sample]:
    return [
        call(SPECIAL[:, None], SPECIAL[None, :]),
        call(np.repeat(SPECIAL, 8), np.tile(SPECIAL, 8)),
    ]


def along(
    draw: Callable[..., Array] = normal,
    *,
    shapes: Sequence[tuple[int, ...]] = ((7,), (3, 33), (65, 2), (2, 3, 5)),
    keepdim: bool = True,
    **kwargs: Any,
) -> Callable[[Rng], list[Sample]]:
    """Samples for an op that works along one dim: every dim of every shape, from both ends."""

    def samples(rng: Rng) -> list[Sample]:
        result = []
        for shape in shapes:
            for dim in range(-len(shape), len(shape)):
                extra = {"keepdim": bool(dim % 2)} if keepdim else {}
                result.append(call(draw(rng, *shape), dim, **extra, **kwargs))
        return result

    return samples
