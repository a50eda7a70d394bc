"""Rows of the matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

import surefoot as sf
from op_table import elementwise as of
from op_table.row import Rng, Row, Sample, bad, call, normal

SHAPE_ERROR = (RuntimeError, ValueError)
SPECIAL_MATRIX = np.array([[1.0, np.nan], [np.inf, 2.0]])

MATMULS = (
    ((7,), (7,)),
    ((33,), (33, 5)),
    ((5, 33), (33,)),
    ((1, 1), (1, 1)),
    ((5, 7), (7, 3)),
    ((33, 65), (65, 17)),
    ((2, 3, 4), (4, 5)),
    ((4, 3), (2, 3, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((3,), (2, 3, 4)),
    ((2, 3, 4), (4,)),
    ((0, 3), (3, 2)),
    ((3, 0), (0, 2)),
    ((2, 0), (0,)),
)


def products(*pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> Any:
    return lambda rng: [call(normal(rng, *a), normal(rng, *b)) for a, b in pairs]


def addmm_ref(bias: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    return beta * bias + alpha * (a @ b)


def addmm_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape in ((5, 3), (3,), (1, 3), (5, 1), ()):
        result.append(call(normal(rng, *shape), normal(rng, 5, 7), normal(rng, 7, 3)))
    result.append(call(normal(rng, 5, 3), normal(rng, 5, 7), normal(rng, 7, 3), beta=0.5, alpha=-2))
    result.append(call(normal(rng, 5, 3), normal(rng, 5, 0), normal(rng, 0, 3)))
    return [*result, call(normal(rng, 17), normal(rng, 33, 65), normal(rng, 65, 17))]


def linear_ref(x: Any, weight: Any, bias: Any = None) -> Any:
    y = x @ weight.T
    return y if bias is None else y + bias


def linear_samples(rng: Rng) -> list[Sample]:
    result = [call(normal(rng, *s, 7), normal(rng, 5, 7)) for s in ((), (1,), (3,), (2, 3), (0,))]
    result += [call(normal(rng, *s, 7), normal(rng, 5, 7), normal(rng, 5))
               for s in ((), (1,), (3,), (2, 3), (0,))]  # fmt: skip
    return [*result, call(normal(rng, 33, 65), normal(rng, 17, 65), normal(rng, 17))]


# Names that linear(activation=...) takes, the numbers they are called with here, references.
JOINED: dict[str, tuple[tuple[float, ...], Any]] = {
    "relu": ((), lambda x: np.maximum(x, 0)),
    "leaky_relu": ((0.1,), lambda x, slope: np.where(x > 0, x, slope * x)),
    "elu": ((1.5,), of.elu),
    "selu": ((), of.selu),
    "celu": ((2.0,), of.celu),
    "gelu": ((), of.gelu),
    "gelu_tanh": ((), lambda x: of.gelu(x, "tanh")),
    "silu": ((), lambda x: x * of.sigmoid(x)),
    "mish": ((), lambda x: x * np.tanh(of.softplus(x))),
    "softplus": ((2.0, 20.0), of.softplus),
    "sigmoid": ((), of.sigmoid),
    "tanh": ((), np.tanh),
    "hardtanh": ((-0.5, 0.5), np.clip),
    "hardsigmoid": ((), of.hard_sigmoid),
    "hardswish": ((), lambda x: x * of.hard_sigmoid(x)),
    "softsign": ((), lambda x: x / (1 + np.abs(x))),
}


def layer_ref(
    x: Any, weight: Any, bias: Any = None, activation: str = "", arguments: Any = ()
) -> Any:
    y = linear_ref(x, weight, bias)
    return JOINED[activation][1](y, *arguments) if activation else y


def joined_samples(rng: Rng) -> list[Sample]:
    def one(name: str, *arrays: Any) -> Sample:
        return call(*arrays, activation=name, arguments=JOINED[name][0])

    result = [one(n, normal(rng, 3, 7), normal(rng, 5, 7), normal(rng, 5)) for n in JOINED]
    shapes = ((), (1,), (2, 3), (0,))
    for name in ("elu", "tanh"):
        result += [one(name, normal(rng, *s, 7), normal(rng, 5, 7)) for s in shapes]
    return [*result, one("gelu", normal(rng, 33, 65), normal(rng, 17, 65), normal(rng, 17))]


def product(name: str, samples: Any, ref: Any = np.matmul, **more: Any) -> Row:
    more.setdefault("errors", (
        bad(SHAPE_ERROR, (f"[{name}]", "(2, 3)", "(4, 5)"), np.ones((2, 3)), np.ones((4, 5))),
    ))  # fmt: skip
    # A sum of K products: K roundings of a value of order sqrt(K), K <= 499 here.
    return Row(name=name, ref=ref, samples=samples, rtol32=1e-5, atol32=2e-5, atol64=1e-12, **more)


ROWS = [
    product("matmul", products(*MATMULS), ints="same", int_dtypes=("int64", "int32"),
            int_samples=products(((5, 7), (7, 3)), ((7,), (7,)), ((2, 3, 4), (4, 5))),
            special=lambda: [call(SPECIAL_MATRIX, SPECIAL_MATRIX), call(SPECIAL_MATRIX, np.eye(2))],
            large=products(((203, 301), (301, 257)), ((67, 65, 64), (64, 65)), ((999, 99), (99,))),
            errors=(
                bad(SHAPE_ERROR, ("[matmul]", "(32, 64)", "(63, 10)", "64 and 63"),
                    np.ones((32, 64)), np.ones((63, 10))),
                bad(SHAPE_ERROR, "[matmul]", np.ones(()), np.ones((2, 2))),
                bad(SHAPE_ERROR, ("[matmul]", "(2, 3, 4)", "(3, 4, 5)"),
                    np.ones((2, 3, 4)), np.ones((3, 4, 5))),
            )),
    product("mm", products(((5, 7), (7, 3)), ((33, 65), (65, 17)), ((0, 3), (3, 2)),
                           ((3, 0), (0, 2)), ((1, 65), (65, 1))),
            large=products(((203, 301), (301, 257)))),
    product("bmm", products(((2, 5, 7), (2, 7, 3)), ((3, 33, 4), (3, 4, 9)), ((0, 2, 3), (0, 3, 4)),
                            ((2, 3, 0), (2, 0, 4))),
            large=products(((37, 65, 64), (37, 64, 65))),
            errors=(bad(SHAPE_ERROR, ("[bmm]", "(2, 3, 4)", "(3, 4, 5)"),
                        np.ones((2, 3, 4)), np.ones((3, 4, 5))),)),
    product("mv", products(((5, 7), (7,)), ((65, 33), (33,)), ((3, 0), (0,)), ((0, 3), (3,))),
            large=products(((999, 499), (499,))),
            errors=(bad(SHAPE_ERROR, "[mv]", np.ones((2, 3)), np.ones(4)),)),
    product("dot", products(((1,), (1,)), ((65,), (65,)), ((0,), (0,))), np.dot, ints="same",
            int_dtypes=("int64", "int32"),
            int_samples=products(((9,), (9,))), large=products(((200_003,), (200_003,))),
            errors=(bad(SHAPE_ERROR, "[dot]", np.ones(3), np.ones(4)),
                    bad(SHAPE_ERROR, "[dot]", np.ones((2, 3)), np.ones(3)))),
    product("outer", products(((1,), (1,)), ((33,), (65,)), ((0,), (3,)), ((3,), (0,))), np.outer,
            large=products(((401,), (499,))),
            errors=(bad(SHAPE_ERROR, "[outer]", np.ones((2, 3)), np.ones(3)),)),
    product("addmm", addmm_samples, addmm_ref,
            large=lambda rng: [call(normal(rng, 99), normal(rng, 203, 301), normal(rng, 301, 99))],
            errors=(bad(SHAPE_ERROR, ("[addmm]", "(2, 3)", "(4, 5)"), np.ones(5), np.ones((2, 3)),
                        np.ones((4, 5))),
                    bad(SHAPE_ERROR, "[addmm]", np.ones(7), np.ones((2, 3)), np.ones((3, 5))))),
    product("linear", lambda rng: linear_samples(rng) + joined_samples(rng), layer_ref,
            method=None, fn=lambda *a, **k: sf.nn.functional.linear(*a, **k),
            large=lambda rng: [
                call(normal(rng, 203, 301), normal(rng, 99, 301), normal(rng, 99), **options)
                for options in ({}, {"activation": "tanh"}, {"activation": "silu"})
            ],
            errors=(bad(SHAPE_ERROR, ("[linear]", "(2, 3)", "(5, 4)"), np.ones((2, 3)),
                        np.ones((5, 4))),
                    bad(SHAPE_ERROR, "[linear]", np.ones((2, 3)), np.ones((5, 3)), np.ones(4)),
                    bad(ValueError, ("[linear]", "'sine'", "relu, leaky_relu"), np.ones((2, 3)),
                        np.ones((5, 3)), activation="sine"),
                    bad(ValueError, ("[linear]", "elu", "1"), np.ones((2, 3)), np.ones((5, 3)),
                        activation="elu"))),
]  # fmt: skip
