"""Rows of the ops that work element by element, with broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import (
    BIG,
    PAIRS,
    SHAPES,
    SPECIAL,
    Bad,
    Rng,
    Row,
    Sample,
    away_from,
    bad,
    binary_large,
    binary_samples,
    call,
    distinct,
    nonzero,
    normal,
    positive,
    special_binary,
    special_unary,
    unary_large,
    unary_samples,
    uniform,
)

erf = np.vectorize(math.erf, otypes=[np.float64])
SHAPE_ERROR = (RuntimeError, ValueError)


def sigmoid(x: Any) -> Any:
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
    )


def gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


# ------------------------------------------------------------------------------------- unary


def unary(name: str, ref: Any, draw: Any = normal, **more: Any) -> Row:
    """A row with the shapes, special values and sizes that suit every unary op."""
    more.setdefault("inplace", more.get("out", "same") == "same")
    more.setdefault("special", special_unary)
    more.setdefault("large", unary_large(draw))
    more.setdefault("errors", (bad(TypeError, name),))
    return Row(name=name, ref=ref, samples=unary_samples(draw), **more)


STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
HALVES = (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)

UNARY = [
    unary("neg", np.negative, ints="same"),
    unary("abs", np.abs, away_from([0.0]), ints="same"),
    unary("square", np.square, ints="same"),
    unary("sign", np.sign, away_from([0.0]), ints="same", gradgrad=False),
    unary("floor", np.floor, away_from(STEPS), ints="same", gradgrad=False),
    unary("ceil", np.ceil, away_from(STEPS), ints="same", gradgrad=False),
    unary("round", np.round, away_from(HALVES), ints="same", gradgrad=False),
    unary("trunc", np.trunc, away_from(STEPS), ints="same", gradgrad=False),
    unary("exp", np.exp, uniform(-3, 3), ints="float"),
    unary("expm1", np.expm1, uniform(-2, 2), ints="float"),
    unary("log", np.log, positive, ints="float"),
    unary("log2", np.log2, positive, ints="float"),
    unary("log10", np.log10, positive, ints="float"),
    unary("log1p", np.log1p, uniform(-0.6, 3), ints="float"),
    unary("sqrt", np.sqrt, positive, ints="float"),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), positive, ints="float"),
    unary("reciprocal", lambda x: 1 / x, nonzero, ints="float"),
    unary("sin", np.sin, ints="float"),
    unary("cos", np.cos, ints="float"),
    unary("tan", np.tan, uniform(-1.2, 1.2), ints="float"),
    unary("tanh", np.tanh, ints="float"),
    unary("sigmoid", sigmoid, ints="float"),
    unary("erf", erf, ints="float"),
    unary("relu", lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)), away_from([0.0]),
          ints="same"),
    unary("sinh", np.sinh, uniform(-3, 3), ints="float"),
    unary("cosh", np.cosh, uniform(-3, 3), ints="float"),
    unary("asin", np.arcsin, uniform(-0.9, 0.9), int_samples=lambda rng: [call(np.zeros(3))],
          ints="float"),
    unary("acos", np.arccos, uniform(-0.9, 0.9), int_samples=lambda rng: [call(np.zeros(3))],
          ints="float"),
    unary("atan", np.arctan, ints="float"),
    unary("isnan", np.isnan, out="bool", ints="bool", grad=False),
    unary("isinf", np.isinf, out="bool", ints="bool", grad=False),
    unary("isfinite", np.isfinite, out="bool", ints="bool", grad=False),
    unary("logical_not", np.logical_not, out="bool", ints="bool", bools="bool", grad=False),
]  # fmt: skip


def rounded_samples(rng: Rng) -> list[Sample]:
    ties = np.array([-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    return [call(away_from(HALVES)(rng, *s)) for s in SHAPES] + [call(ties)]


# ------------------------------------------------------------------------ unary with arguments


def clamp_ref(x: Any, min: Any = None, max: Any = None) -> Any:
    if min is not None:
        x = np.where(x < min, min, x)
    if max is not None:
        x = np.where(x > max, max, x)
    return np.asarray(x)


def clamp_samples(rng: Rng) -> list[Sample]:
    draw = away_from([-0.5, 0.7])
    result = []
    for shape in SHAPES:
        result += [
            call(draw(rng, *shape), -0.5, 0.7),
            call(draw(rng, *shape), min=-0.5),
            call(draw(rng, *shape), max=0.7),
        ]
    return result


def clamp_special() -> list[Sample]:
    return [call(SPECIAL, -0.5, 0.7), call(SPECIAL, max=0.7)]


def leaky_ref(x: Any, negative_slope: float = 0.01) -> Any:
    return np.where(x < 0, x * negative_slope, x)


def leaky_samples(rng: Rng) -> list[Sample]:
    draw = away_from([0.0])
    return [call(draw(rng, *s)) for s in SHAPES] + [call(draw(rng, 3, 33), negative_slope=0.3)]


ARGUMENTS = [
    Row(
        name="clamp",
        ref=clamp_ref,
        samples=clamp_samples,
        int_samples=lambda rng: [
            call(normal(rng, 3, 33), 0, 2),
            call(normal(rng, 7), min=1),
            call(normal(rng), max=1),
        ],
        inplace=True,
        ints="same",
        special=clamp_special,
        large=lambda rng: [call(normal(rng, BIG), -0.5, 0.7)],
        errors=(bad((ValueError, RuntimeError, TypeError), "[clamp]", np.ones(3)),),
    ),
    Row(
        name="leaky_relu",
        inplace=True,
        ref=leaky_ref,
        fn=lambda *a, **k: sf.nn.functional.leaky_relu(*a, **k),
        method=None,
        samples=leaky_samples,
        special=special_unary,
        large=unary_large(),
    ),
    Row(
        name="gelu",
        ref=gelu,
        fn=lambda *a, **k: sf.nn.functional.gelu(*a, **k),
        method=None,
        samples=lambda rng: [call(normal(rng, *s)) for s in SHAPES]
        + [call(normal(rng, 3, 33), approximate="tanh")],
        large=unary_large(),
        atol32=3e-6,
        errors=(
            bad((ValueError, RuntimeError), ("[gelu]", "approximate"), np.ones(3),
                approximate="cubic"),
        ),
    ),
]  # fmt: skip

# -------------------------------------------------------------------------------- activations


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    z = x * beta
    soft = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(np.isnan(x), x, np.where(z > threshold, x, soft))


def elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(x: Any) -> Any:
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def celu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def hard_sigmoid(x: Any) -> Any:
    return np.clip(x + 3, 0, 6) / 6


def soft_shrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0))


def hard_shrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where((x >= -lambd) & (x <= lambd), 0, x)


def activation(name: str, ref: Any, draw: Any = normal, *more_args: Any, **options: Any) -> Row:
    """A row of nn.functional: the common shapes, and one call for each variant of arguments."""

    def samples(rng: Rng) -> list[Sample]:
        first = [more_args[0]] if options.get("needs_args") else []
        result = [call(draw(rng, *s), *(first[0] if first else ())) for s in SHAPES]
        return result + [Sample((draw(rng, 3, 33), *args)) for args in more_args]

    def large(rng: Rng) -> list[Sample]:
        return [Sample((normal(rng, BIG), *(more_args[0] if options.get("needs_args") else ())))]

    more = {key: value for key, value in options.items() if key != "needs_args"}
    more.setdefault("special", None if options.get("needs_args") else special_unary)
    more.setdefault("inplace", True)
    return Row(name=name, ref=ref, samples=samples, method=None, large=large,
               fn=lambda *a, **k: getattr(sf.nn.functional, name)(*a, **k), **more)  # fmt: skip


ACTIVATIONS = [
    activation("silu", lambda x: x * sigmoid(x), special=None),
    activation("mish", lambda x: x * np.tanh(softplus(x)), special=None),
    activation("softplus", softplus, normal, (2.0,), (3.0, 1.0)),
    activation("logsigmoid", lambda x: -softplus(-x, threshold=math.inf)),
    activation("elu", elu, away_from([0.0]), (0.5,)),
    activation("selu", selu, away_from([0.0]), rtol32=4e-6),
    activation("celu", celu, away_from([0.0]), (0.5,)),
    activation("hardtanh", lambda x, lo=-1.0, hi=1.0: np.clip(x, lo, hi),
               away_from([-1.0, 1.0, -0.5, 2.0]), (-0.5, 2.0)),
    activation("hardsigmoid", hard_sigmoid, away_from([-3.0, 3.0], -4, 4)),
    activation("hardswish", lambda x: x * hard_sigmoid(x), away_from([-3.0, 3.0], -4, 4),
               special=None),
    activation("relu6", lambda x: np.clip(x, 0, 6), away_from([0.0, 6.0], -7, 7), inplace=False),
    activation("softsign", lambda x: x / (1 + np.abs(x)), away_from([0.0]), special=None),
    activation("tanhshrink", lambda x: x - np.tanh(x), special=None),
    activation("softshrink", soft_shrink, away_from([-0.5, 0.5, -1.0, 1.0]), (1.0,), special=None),
    activation("hardshrink", hard_shrink, away_from([-0.5, 0.5, -1.0, 1.0]), (1.0,)),
    activation("threshold", lambda x, t, v: np.where(x <= t, v, x), away_from([0.1]), (0.1, 20.0),
               needs_args=True),
]  # fmt: skip

# ------------------------------------------------------------------------------------- binary


def shape_clash(name: str) -> Bad:
    return bad(SHAPE_ERROR, (f"[{name}]", "(2, 3)", "(4,)"), np.ones((2, 3)), np.ones(4))


def binary(name: str, ref: Any, left: Any = normal, right: Any = normal, **more: Any) -> Row:
    """A row with the broadcasts, special values and sizes that suit every binary op."""
    more.setdefault("special", special_binary)
    more.setdefault("large", binary_large(left, right))
    more.setdefault("errors", (shape_clash(name),))
    more.setdefault("samples", binary_samples(left, right))
    more.setdefault("inplace", more.get("out") != "bool")
    return Row(name=name, ref=ref, **more)


def with_scalars(left: Any, right: Any, *scalars: Any, **kwargs: Any) -> Any:
    def samples(rng: Rng) -> list[Sample]:
        result = binary_samples(left, right)(rng)
        result += [call(left(rng, 3, 33), s, **kwargs) for s in scalars]
        if kwargs:
            result += [call(left(rng, 3, 5), right(rng, 5), **kwargs)]
        return result

    return samples


def ordered_pairs(rng: Rng) -> list[Sample]:
    """Two sides with no equal elements: the maximum has no tie."""
    result = []
    for a, b in PAIRS:
        x, y = distinct(rng, *a), distinct(rng, *b) + 0.02
        result.append(call(x, y))
    return result


def compare_samples(rng: Rng) -> list[Sample]:
    """Small whole numbers: equal elements are frequent."""
    result = []
    for a, b in PAIRS:
        x, y = (rng.integers(-2, 3, s).astype(np.float64) for s in (a, b))
        result.append(call(x, y))
    return [*result, call(np.array([-1.0, 0.0, 1.0]), 0), call(np.array([[2.0], [0.5]]), 0.5)]


def logical_samples(rng: Rng) -> list[Sample]:
    return [
        s for s in compare_samples(rng) if len(s.args) == 2 and isinstance(s.args[1], np.ndarray)
    ]


def nan_maximum(x: Any, y: Any) -> Any:
    return np.maximum(x, y)


def add_ref(x: Any, y: Any, alpha: float = 1) -> Any:
    return x + alpha * np.asarray(y)


def sub_ref(x: Any, y: Any, alpha: float = 1) -> Any:
    return x - alpha * np.asarray(y)


def div_ref(x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode == "floor":
        return np.floor_divide(x, y)
    return np.trunc(x / y) if rounding_mode == "trunc" else x / y


def safe_div(rng: Rng) -> list[Sample]:
    """Quotients at least 0.05 from whole numbers, so that rounding has no kink near."""
    result = list(with_scalars(normal, nonzero, 2.5, -3)(rng))
    for mode in ("floor", "trunc"):
        y = nonzero(rng, 3, 33)
        result.append(call(away_from((*STEPS, -4.0, 4.0), -3.9, 3.9)(rng, 3, 33) * y, y,
                           rounding_mode=mode))  # fmt: skip
    return result


def mod_samples(rng: Rng) -> list[Sample]:
    y = nonzero(rng, 3, 33)
    x = away_from((*STEPS, -4.0, 4.0), -3.9, 3.9)(rng, 3, 33)
    result = [call(x * y, y), call(x * y[0], y[0]), call(x * 2.5, 2.5), call(x[0], np.array(1.0))]
    return [*result, call(x[:, :0], y[:, :0])]


def pow_samples(rng: Rng) -> list[Sample]:
    result = binary_samples(positive, uniform(-2, 2))(rng)
    for exponent in (2, 3, 0.5, -1, 0, 1, 2.5):
        result.append(call(positive(rng, 3, 33), exponent))
    result += [call(nonzero(rng, 3, 33), 2), call(nonzero(rng, 7), 3), call(nonzero(rng, 7), -2)]
    return [*result, call(2.0, normal(rng, 3, 33)), call(0.5, normal(rng, 7))]


def int_divisors(rng: Rng) -> list[Sample]:
    result = []
    for a, b in PAIRS:
        x = rng.integers(0, 90, a).astype(np.float64) / 4
        y = rng.integers(1, 9, b).astype(np.float64) / 4
        result.append(call(np.asarray(x), np.asarray(y)))
    return result


def prelu(x: Any, weight: Any) -> Any:
    channels = (1,) * min(x.ndim, 1) + weight.shape + (1,) * max(x.ndim - 2, 0)
    slope = weight.reshape(channels) if weight.size != 1 else weight.reshape(())
    return np.where(x > 0, x, slope * x)


def prelu_samples(rng: Rng) -> list[Sample]:
    draw = away_from([0.0])
    one = [call(draw(rng, *s), normal(rng, 1)) for s in SHAPES]
    channels = [call(draw(rng, *s), normal(rng, s[1])) for s in SHAPES if len(s) > 1]
    return [*one, *channels, call(draw(rng, 3, 5), normal(rng))]


BINARY = [
    binary("add", add_ref, samples=with_scalars(normal, normal, 2, 0.5, alpha=0.5), inplace=True,
           ints="same", int_samples=binary_samples()),
    binary("sub", sub_ref, samples=with_scalars(normal, normal, 2, 0.5, alpha=-2), inplace=True,
           ints="same", int_samples=binary_samples()),
    binary("mul", lambda x, y: x * y, samples=with_scalars(normal, normal, 3, -0.5), inplace=True,
           ints="same", int_samples=binary_samples()),
    binary("div", div_ref, samples=safe_div, inplace=True, ints="float",
           int_samples=int_divisors),
    binary("pow", np.power, samples=pow_samples, inplace=True, ints="same", special=None,
           large=binary_large(positive, uniform(-2, 2)), rtol32=4e-6,
           int_samples=lambda rng: [call(rng.integers(0, 5, (3, 7)) / 4,
                                         rng.integers(0, 4, 7) / 4)]),
    binary("maximum", nan_maximum, samples=ordered_pairs, ints="same"),
    binary("minimum", np.minimum, samples=ordered_pairs, ints="same"),
    binary("eq", np.equal, samples=compare_samples, out="bool", ints="bool", bools="bool",
           grad=False, int_samples=logical_samples),
    binary("ne", np.not_equal, samples=compare_samples, out="bool", ints="bool", bools="bool",
           grad=False, int_samples=logical_samples),
    binary("lt", np.less, samples=compare_samples, out="bool", ints="bool", grad=False,
           int_samples=logical_samples),
    binary("le", np.less_equal, samples=compare_samples, out="bool", ints="bool", grad=False,
           int_samples=logical_samples),
    binary("gt", np.greater, samples=compare_samples, out="bool", ints="bool", grad=False,
           int_samples=logical_samples),
    binary("ge", np.greater_equal, samples=compare_samples, out="bool", ints="bool", grad=False,
           int_samples=logical_samples),
    binary("logical_and", np.logical_and, samples=logical_samples, out="bool", ints="bool",
           bools="bool", grad=False),
    binary("logical_or", np.logical_or, samples=logical_samples, out="bool", ints="bool",
           bools="bool", grad=False),
    binary("logical_xor", np.logical_xor, samples=logical_samples, out="bool", ints="bool",
           bools="bool", grad=False),
    binary("floor_divide", np.floor_divide, samples=mod_samples, grad=False,
           ints="same", int_samples=int_divisors, special=None,
           large=binary_large(normal, nonzero)),
    binary("remainder", np.mod, ints="same",
           int_samples=int_divisors, special=None, samples=mod_samples,
           large=binary_large(normal, nonzero)),
    binary("fmod", np.fmod, ints="same", int_samples=int_divisors, special=None,
           samples=mod_samples, large=binary_large(normal, nonzero)),
    binary("atan2", np.arctan2, nonzero, nonzero),
    binary("hypot", np.hypot, nonzero, nonzero),
    binary("prelu", prelu, samples=prelu_samples, inplace=False, special=None,
           large=lambda rng: [call(away_from([0.0])(rng, 4, 50_001), normal(rng, 50_001)[:1]),
                              call(away_from([0.0])(rng, 7, 5, 6001), normal(rng, 5))],
           errors=(bad(SHAPE_ERROR, ("[prelu]", "(2, 3)", "(2,)"), np.ones((2, 3)), np.ones(2)),
                   bad(SHAPE_ERROR, ("[prelu]", "(4,)", "(2,)"), np.ones(4), np.ones(2)))),
]  # fmt: skip


def bit_samples(rng: Rng) -> list[Sample]:
    return [call(rng.random(a) < 0.5, rng.random(b) < 0.5) for a, b in PAIRS] + [
        call(rng.integers(-9, 99, a), rng.integers(-9, 99, b)) for a, b in PAIRS
    ]


def bits(name: str, ref: Any, samples: Any = bit_samples) -> Row:
    floats = [np.ones(2)] * ref.nin
    return Row(name=name, ref=ref, samples=samples, grad=False, out="given", strided=False,
               errors=(bad((TypeError, RuntimeError), f"[{name}]", *floats),))  # fmt: skip


BITS = [
    bits("bitwise_and", np.bitwise_and),
    bits("bitwise_or", np.bitwise_or),
    bits("bitwise_xor", np.bitwise_xor),
    bits("bitwise_not", np.invert,
         lambda rng: [call(rng.random(5) < 0.5), call(rng.integers(-9, 9, (2, 3)))]),
]  # fmt: skip


def close_samples(rng: Rng) -> list[Sample]:
    """Differences around the limit, but not at it."""
    x = normal(rng, 3, 33)
    off = rng.choice([0.0, 0.3, 3.0], (3, 33))
    result = [call(x, x + off * 0.1, atol=0.1, rtol=0.0), call(x, x + off * 1e-5, rtol=0.0)]
    nans = np.array([np.nan, 1.0, np.inf, -np.inf])
    return [
        *result,
        call(nans, nans),
        call(nans, nans, equal_nan=True),
        call(nans, nans[::-1].copy()),
    ]


def nan_samples(rng: Rng) -> list[Sample]:
    x = np.where(rng.random((3, 33)) < 0.3, np.nan, normal(rng, 3, 33))
    ends = np.array([np.inf, -np.inf, np.nan, 1.0])
    return [call(normal(rng, *s)) for s in SHAPES] + [
        call(x),
        call(x, 2.5),
        call(ends, nan=1.0, posinf=7.0, neginf=-8.0),
    ]


def nan_ref(x: Any, nan: float = 0.0, posinf: float | None = None,
            neginf: float | None = None) -> Any:  # fmt: skip
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


NUMBERS = [
    Row(name="isclose", ref=lambda *a, **k: np.isclose(*a, **k), samples=close_samples,
        out="bool", grad=False, errors=(shape_clash("isclose"),)),
    Row(name="nan_to_num", ref=nan_ref, samples=nan_samples,
        large=lambda rng: [call(normal(rng, BIG))]),
]  # fmt: skip

# ---------------------------------------------------------------------------- three arguments


def where_samples(rng: Rng) -> list[Sample]:
    result = [call(rng.random(a) < 0.5, normal(rng, *a), normal(rng, *b)) for a, b in PAIRS]
    result.append(call(rng.random((3, 1)) < 0.5, normal(rng, 5), normal(rng, 1)))
    result.append(call(rng.random(7) < 0.5, normal(rng, 7), 1.5))
    return [*result, call(rng.random(7) < 0.5, 0.0, normal(rng, 7))]


def where_special() -> list[Sample]:
    mask = np.arange(8) % 2 == 0
    return [call(mask, SPECIAL, SPECIAL[::-1].copy())]


def fill_samples(rng: Rng) -> list[Sample]:
    return [call(normal(rng, *a), np.asarray(rng.random(b) < 0.5), 2.5)
            for a, b in PAIRS if np.broadcast_shapes(a, b) == a]  # fmt: skip


def fill_ref(x: Any, mask: Any, value: Any) -> Any:
    return np.where(mask, value, x)


THREE = [
    Row(
        name="where",
        ref=np.where,
        samples=where_samples,
        method=None,
        special=where_special,
        large=lambda rng: [call(rng.random(BIG) < 0.5, normal(rng, BIG), normal(rng, BIG))],
        ints="same",
        int_samples=lambda rng: [call(rng.random((3, 7)) < 0.5, normal(rng, 3, 7), normal(rng, 7))],
        errors=(
            bad(SHAPE_ERROR, "[where]", np.ones(3, bool), np.ones(4), np.ones(4)),
            bad((TypeError, RuntimeError), ("[where]", "bool"), np.ones(3), np.ones(3), np.ones(3)),
        ),
    ),
    Row(
        name="masked_fill",
        ref=fill_ref,
        samples=fill_samples,
        inplace=True,
        ints="same",
        int_samples=lambda rng: [call(normal(rng, 3, 7), rng.random(7) < 0.5, 2)],
        large=lambda rng: [call(normal(rng, BIG), rng.random(BIG) < 0.5, -1.0)],
        special=lambda: [call(SPECIAL, np.arange(8) % 2 == 0, math.inf)],
        errors=(
            bad(SHAPE_ERROR, "[masked_fill]", np.ones(3), np.ones(4, bool), 0.0),
            bad((TypeError, RuntimeError), "[masked_fill]", np.ones(3), np.ones(3), 0.0),
        ),
    ),
]

ROWS = [*UNARY, *ACTIVATIONS, *ARGUMENTS, *BINARY, *BITS, *NUMBERS, *THREE]
