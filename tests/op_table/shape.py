"""Rows of the ops that move, join, cut and repeat elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Rng, Row, Sample, bad, call, normal

SHAPE_ERROR = (RuntimeError, ValueError)
ANY_ERROR = (RuntimeError, ValueError, IndexError, TypeError)


def exact(name: str, ref: Any, samples: Any, **more: Any) -> Row:
    """A row that only moves values: any dtype, equal bits."""
    more.setdefault("ints", "same")
    more.setdefault("bools", "same")
    for key in ("rtol32", "atol32", "rtol64", "atol64"):
        more.setdefault(key, 0.0)
    return Row(name=name, ref=ref, samples=samples, **more)


def fixed(*calls: tuple[tuple[int, ...], tuple[Any, ...]], **kwargs: Any) -> Any:
    """Samples of one array of the given shape, followed by the given arguments."""
    return lambda rng: [call(normal(rng, *shape), *rest, **kwargs) for shape, rest in calls]


# --------------------------------------------------------------------------------- references


def reshape_ref(x: Any, shape: Any) -> Any:
    return np.reshape(x, shape)


def flatten_ref(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if x.ndim == 0:
        return x.reshape(1)
    first, last = start_dim % x.ndim, end_dim % x.ndim
    middle = math.prod(x.shape[first : last + 1])
    return x.reshape((*x.shape[:first], middle, *x.shape[last + 1 :]))


def expand_ref(x: Any, *sizes: Any) -> Any:
    shape = sizes[0] if isinstance(sizes[0], tuple) else sizes
    lead = len(shape) - x.ndim
    return np.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(shape)])


def unflat_shape(shape: Any, dim: int, sizes: Any) -> Any:
    dim = dim % len(shape)
    return (*shape[:dim], *sizes, *shape[dim + 1 :])


def squeeze_ref(x: Any, dim: Any = None) -> Any:
    if dim is None:
        return np.squeeze(x)
    dims = dim if isinstance(dim, tuple) else (dim,)
    return np.squeeze(x, tuple(d for d in dims if x.shape[d] == 1))


def split_ref(x: Any, sizes: Any, dim: int = 0) -> Any:
    if isinstance(sizes, int):
        cuts = list(range(sizes, x.shape[dim], sizes))
    else:
        cuts = list(np.cumsum(sizes)[:-1])
    return tuple(np.split(x, cuts, axis=dim))


def chunk_ref(x: Any, chunks: int, dim: int = 0) -> Any:
    return split_ref(x, max(-(-x.shape[dim] // chunks), 1), dim)


def roll_ref(x: Any, shifts: Any, dims: Any = None) -> Any:
    return np.roll(x, shifts, axis=dims)


def repeat_ref(x: Any, *sizes: Any) -> Any:
    return np.tile(x, sizes[0] if isinstance(sizes[0], tuple) else sizes)


def pad_ref(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    widths = [(0, 0)] * x.ndim
    cut = [slice(None)] * x.ndim
    for i in range(len(pad) // 2):
        low, high = pad[2 * i], pad[2 * i + 1]
        widths[-1 - i] = (max(low, 0), max(high, 0))
        cut[-1 - i] = slice(max(-low, 0), x.shape[-1 - i] - max(-high, 0))
    if mode == "constant":
        return np.pad(x[tuple(cut)], widths, constant_values=value or 0)
    whole = np.pad(x, widths, mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode))
    return whole[tuple(cut_back(pad, whole.shape))]


def cut_back(pad: Any, shape: Any) -> list[slice]:
    """What negative padding leaves of an array that was padded on the other sides."""
    cut = [slice(None)] * len(shape)
    for i in range(len(pad) // 2):
        cut[-1 - i] = slice(max(-pad[2 * i], 0), shape[-1 - i] - max(-pad[2 * i + 1], 0))
    return cut


def one_hot_ref(x: Any, num_classes: int = -1) -> Any:
    count = int(x.max()) + 1 if num_classes == -1 else num_classes
    return (x[..., None] == np.arange(count)).astype(np.int64)


# ----------------------------------------------------------------------------------- samples


def cat_samples(rng: Rng) -> list[Sample]:
    result = [call([normal(rng, *s) for s in ((3,), (5,), (0,))])]
    result += [call([normal(rng, 2, n, 3) for n in (1, 4, 2)], d) for d in (1, -2)]
    result += [call([normal(rng, 33, 3), normal(rng, 65, 3)], 0), call([normal(rng, 3, 2)], 1)]
    return [*result, call([normal(rng, 3, 33), normal(rng, 3, 65)], dim=-1)]


def stack_samples(rng: Rng) -> list[Sample]:
    result = [call([normal(rng, 2, 3) for _ in range(3)], d) for d in range(-3, 3)]
    return [*result, call([normal(rng), normal(rng)]), call([normal(rng, 0), normal(rng, 0)], 1)]


TRIANGLES = fixed(
    ((3, 3), ()), ((3, 5), (1,)), ((5, 3), (-1,)), ((33, 65), (2,)), ((2, 3, 4), (-2,)),
    ((3, 3), (9,)), ((0, 3), ()), ((2, 3, 0), ()),
)  # fmt: skip


def hot_samples(rng: Rng) -> list[Sample]:
    return [
        call(rng.integers(0, 5, 33), 5),
        call(rng.integers(0, 5, (2, 3)), num_classes=7),
        call(np.array([0, 2, 1])),
        call(np.array(2), 4),
        call(np.zeros(0, np.int64), 3),
    ]


PAD_MODES = (
    ((2, 5), ((2, 4), "reflect")), ((2, 3, 35), ((4, 2), "reflect")),
    ((2, 3, 4), ((3, 1, 1, 2), "reflect")), ((1, 2, 5, 3), ((0, 2, 4, -1), "reflect")),
    ((2, 3, 2, 3, 4), ((1, 2, 2, 1, 1, 0), "reflect")), ((2, 5), ((3, 9), "replicate")),
    ((2, 2, 3, 4), ((5, 1, -1, 4), "replicate")), ((1, 2, 1, 1), ((1, 2, 3, 4), "replicate")),
    ((2, 3, 3, 4), ((1, 0, 0, 2, 2, 1), "replicate")), ((2, 5), ((5, 2), "circular")),
    ((2, 3, 33), ((1, 3), "circular")), ((1, 2, 3, 4), ((4, 1, 2, 3), "circular")),
    ((0, 2, 4), ((1, 2), "reflect")), ((2, 0, 4), ((1, 2), "circular")),
)  # fmt: skip

VIEWS = [
    exact("reshape", reshape_ref, fixed(
        ((6,), ((2, 3),)), ((2, 3), ((-1,),)), ((2, 3, 4), ((4, -1),)), ((), ((1, 1),)),
        ((1,), ((),)), ((0, 3), ((3, 0),)), ((2, 0), ((0, 5),)), ((33, 2), ((2, 33),))),
        errors=(bad(SHAPE_ERROR, ("[reshape]", "(2, 3)", "(4, 2)"), np.ones((2, 3)), (4, 2)),
                bad(SHAPE_ERROR, "[reshape]", np.ones((2, 3)), (-1, -1)),
                bad(SHAPE_ERROR, "[reshape]", np.ones((0, 3)), (-1, 0)),
                bad(SHAPE_ERROR, "[reshape]", np.ones((2, 3)), (-2, 3)))),
    exact("view", reshape_ref, fixed(
        ((6,), ((2, 3),)), ((2, 3), ((-1,),)), ((2, 3, 4), ((4, -1),)), ((), ((1, 1),))),
        strided=False,
        errors=(bad(SHAPE_ERROR, ("[view]", "(2, 3)", "(4, 2)"), np.ones((2, 3)), (4, 2)),)),
    exact("flatten", flatten_ref, fixed(
        ((2, 3, 4), ()), ((2, 3, 4), (1,)), ((2, 3, 4), (0, 1)), ((), ()), ((7,), ()),
        ((2, 3, 4), (-2, -1)), ((2, 0, 4), (1,))),
        errors=(bad(IndexError, "[flatten]", np.ones((2, 3)), 2),
                bad(ANY_ERROR, "[flatten]", np.ones((2, 3)), 1, 0))),
    exact("permute", lambda x, dims: np.transpose(x, dims), fixed(
        ((2, 3), ((1, 0),)), ((2, 3, 4), ((2, 0, 1),)), ((2, 3, 4), ((-1, 0, -2),)), ((), ((),)),
        ((2, 0, 3), ((1, 2, 0),)), ((33, 65), ((1, 0),))),
        large=lambda rng: [call(normal(rng, 401, 499), (1, 0))],
        errors=(bad(ANY_ERROR, "[permute]", np.ones((2, 3)), (0,)),
                bad(ANY_ERROR, "[permute]", np.ones((2, 3)), (0, 0)))),
    exact("transpose", lambda x, a, b: np.swapaxes(x, a, b), fixed(
        ((2, 3), (0, 1)), ((2, 3, 4), (0, 2)), ((2, 3, 4), (-1, 1)), ((33, 65), (1, 0)),
        ((7,), (0, 0))),
        errors=(bad(IndexError, "[transpose]", np.ones((2, 3)), 0, 2),)),
    exact("t", lambda x: np.transpose(x), fixed(((2, 3), ()), ((5,), ()), ((), ()), ((0, 3), ())),
        errors=(bad(SHAPE_ERROR, "[t]", np.ones((2, 3, 4))),)),
    exact("expand", expand_ref, fixed(
        ((3, 1), (3, 4)), ((3,), (2, 3)), ((1,), (5,)), ((), (2, 3)), ((3, 1), (-1, 4)),
        ((3, 1), (2, -1, 5)), ((1, 3), (0, 3))),
        errors=(bad(SHAPE_ERROR, ("[expand]", "(2, 3)"), np.ones((2, 3)), 4, 3),
                bad(SHAPE_ERROR, "[expand]", np.ones((2, 3)), 3))),
    exact("broadcast_to", lambda x, shape: np.broadcast_to(x, shape), fixed(
        ((3, 1), ((3, 4),)), ((3,), ((2, 3),)), ((), ((2, 3),))),
        errors=(bad(SHAPE_ERROR, "(2, 3)", np.ones((2, 3)), (4, 3)),)),
    exact("unflatten", lambda x, d, sizes: np.reshape(x, unflat_shape(x.shape, d, sizes)), fixed(
        ((6,), (0, (2, 3))), ((4, 6), (1, (3, -1))), ((4, 6), (-2, (2, 2)))),
        errors=(bad(SHAPE_ERROR, "[unflatten]", np.ones((2, 6)), 1, (4, 2)),)),
    exact("squeeze", squeeze_ref, fixed(
        ((1, 3, 1), ()), ((1, 3, 1), (0,)), ((1, 3, 1), (-1,)), ((1, 3, 1), (1,)), ((), ()),
        ((1, 3, 1), ((0, 2),))),
        errors=(bad(IndexError, "[squeeze]", np.ones((2, 1)), 2),)),
    exact("unsqueeze", lambda x, dim: np.expand_dims(x, dim), fixed(
        ((3,), (0,)), ((3,), (1,)), ((2, 3), (-1,)), ((2, 3), (-3,)), ((), (0,)), ((0,), (1,))),
        errors=(bad(IndexError, "[unsqueeze]", np.ones(3), 2),)),
    exact("movedim", lambda x, a, b: np.moveaxis(x, a, b), fixed(
        ((2, 3, 4), (0, 2)), ((2, 3, 4), (-1, 0)), ((2, 3, 4), (1, -1)))),
    exact("select", lambda x, dim, i: np.take(x, i, axis=dim), fixed(
        ((7,), (0, 3)), ((3, 33), (1, -1)), ((2, 3, 5), (1, 0)), ((2, 3, 5), (-1, 4))),
        errors=(bad(IndexError, ("[select]", "3"), np.ones((3, 2)), 0, 3),
                bad(IndexError, "[select]", np.ones((3, 2)), 0, -4))),
    exact("narrow", lambda x, dim, s, n: np.take(x, range(s, s + n), axis=dim), fixed(
        ((7,), (0, 2, 3)), ((3, 33), (1, 5, 20)), ((2, 3, 5), (-1, 0, 5)), ((4,), (0, 4, 0))),
        errors=(bad(ANY_ERROR, "[narrow]", np.ones(4), 0, 2, 3),
                bad(ANY_ERROR, "[narrow]", np.ones(4), 0, 0, -1))),
    exact("unbind", lambda x, dim=0: tuple(np.moveaxis(x, dim, 0)), fixed(
        ((3,), ()), ((3, 2), ()), ((2, 3, 4), (1,)), ((2, 3), (-1,)))),
    exact("diagonal", lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2), fixed(
        ((3, 3), ()), ((3, 5), (1,)), ((5, 3), (-1,)), ((2, 3, 4), (0, 1, 2)))),
]  # fmt: skip

MOVES = [
    exact("cat", lambda xs, dim=0: np.concatenate(xs, axis=dim), cat_samples, method=None,
        large=lambda rng: [call([normal(rng, 301, 499), normal(rng, 99, 499)]),
                           call([normal(rng, 401, 299), normal(rng, 401, 199)], 1)],
        errors=(bad(SHAPE_ERROR, ("[cat]", "(2, 3)", "(2, 4)"), [np.ones((2, 3)), np.ones((2, 4))]),
                bad(SHAPE_ERROR, "[cat]", [np.ones((2, 3)), np.ones(3)]),
                bad(ANY_ERROR, "[cat]", []),
                bad(IndexError, "[cat]", [np.ones(3)], 1))),
    exact("stack", lambda xs, dim=0: np.stack(xs, axis=dim), stack_samples, method=None,
        large=lambda rng: [call([normal(rng, 201, 499), normal(rng, 201, 499)], 1)],
        errors=(bad(SHAPE_ERROR, ("[stack]", "(2,)", "(3,)"), [np.ones(2), np.ones(3)]),
                bad(ANY_ERROR, "[stack]", []))),
    exact("split", split_ref, fixed(
        ((7,), (3,)), ((7,), ((2, 5),)), ((3, 33), (10, 1)), ((3, 6), ((1, 2, 3), -1)),
        ((4,), (9,)), ((4,), ((0, 4),))),
        errors=(bad(ANY_ERROR, ("[split]", "7"), np.ones(7), (2, 4)),
                bad(ANY_ERROR, "[split]", np.ones(7), 0),
                bad(IndexError, "[split]", np.ones(7), 2, 1))),
    exact("chunk", chunk_ref, fixed(
        ((7,), (3,)), ((6, 2), (3,)), ((3, 33), (4, 1)), ((3, 5), (2, -1)), ((2,), (5,))),
        errors=(bad(ANY_ERROR, "[chunk]", np.ones(7), 0),)),
    exact("flip", lambda x, dims: np.flip(x, dims), fixed(
        ((7,), ((0,),)), ((3, 33), ((1,),)), ((2, 3, 5), ((0, 2),)), ((2, 3, 5), ((-1,),)),
        ((2, 3), ((),)), ((0, 3), ((0,),))),
        large=lambda rng: [call(normal(rng, 401, 499), (0, 1))],
        errors=(bad(IndexError, "[flip]", np.ones(3), (1,)),
                bad(ANY_ERROR, "[flip]", np.ones((2, 3)), (0, 0)))),
    exact("roll", roll_ref, fixed(
        ((7,), (2,)), ((7,), (-9,)), ((3, 33), (4, 1)), ((3, 5), ((1, -2), (0, 1))), ((3, 5), (4,)),
        ((0,), (1,)), ((3, 5), (2, -1))),
        large=lambda rng: [call(normal(rng, 401, 499), (7, 5), (0, 1))],
        errors=(bad(IndexError, "[roll]", np.ones(3), 1, 1),)),
    exact("repeat", repeat_ref, fixed(
        ((3,), (2,)), ((3,), (2, 2)), ((2, 3), (1, 3)), ((2, 3), (2, 1, 2)), ((2, 3), (0, 1)),
        ((), (3,)), ((3,), (1, 1)), ((1, 2, 1, 1, 1, 1, 1), (2, 1, 1, 1, 1, 1, 3))),
        large=lambda rng: [call(normal(rng, 101, 499), 2, 3)],
        errors=(bad(ANY_ERROR, "[repeat]", np.ones((2, 3)), 2),
                bad(ANY_ERROR, "[repeat]", np.ones(3), -1),
                bad(ANY_ERROR, "[repeat]", np.ones(3), 2**62))),
    exact("tile", lambda x, dims: np.tile(x, dims), fixed(
        ((3,), ((2,),)), ((2, 3), ((2,),)), ((2, 3), ((2, 1, 2),)))),
    exact("tril", lambda x, k=0: np.tril(x, k), TRIANGLES,
        large=lambda rng: [call(normal(rng, 401, 499))],
        special=lambda: [call(np.full((2, 2), np.nan)), call(np.full((2, 2), np.inf))],
        errors=(bad(ANY_ERROR, "[tril]", np.ones(3)),)),
    exact("triu", lambda x, k=0: np.triu(x, k), TRIANGLES,
        large=lambda rng: [call(normal(rng, 401, 499))],
        special=lambda: [call(np.full((2, 2), np.nan)), call(np.full((2, 2), np.inf))],
        errors=(bad(ANY_ERROR, "[triu]", np.ones(3)),)),
    exact("pad", pad_ref, fixed(
        ((7,), ((1, 2),)), ((3, 5), ((1, 2),)), ((3, 5), ((1, 2, 3, 0),)), ((2, 3, 4), ((0, 1),)),
        ((3, 5), ((-1, 2),)), ((3, 5), ((1, 1), "constant", 2.5)), ((0,), ((1, 1),)),
        *PAD_MODES),
        method=None, fn=lambda *a, **k: sf.nn.functional.pad(*a, **k), bools="",
        int_samples=fixed(((7,), ((1, 2),)), ((3, 5), ((1, 2, 3, 0),)),
                          ((2, 3, 4), ((2, 1, 1, 2), "reflect")), ((3, 5), ((1, 4), "circular"))),
        large=lambda rng: [call(normal(rng, 401, 499), (1, 2, 3, 4)),
                           call(normal(rng, 9, 91, 99), (3, 2, 0, 1), "reflect")],
        errors=(bad(ANY_ERROR, "[pad]", np.ones(3), (1,)),
                bad(ANY_ERROR, "[pad]", np.ones(3), (1, 1, 1, 1)),
                bad(ANY_ERROR, "[pad]", np.ones(3), (-2, -2)),
                bad(SHAPE_ERROR, ("[pad]", "reflect by 3", "(2, 3)", "size 3"), np.ones((2, 3)),
                    (3, 0), "reflect"),
                bad(SHAPE_ERROR, ("[pad]", "circular by 4", "size 3"), np.ones((2, 3)), (0, 4),
                    "circular"),
                bad(SHAPE_ERROR, ("[pad]", "replicate", "(1, 1)", "(3,)"), np.ones(3), (1, 1),
                    "replicate"),
                bad(SHAPE_ERROR, ("[pad]", "(2, 3)"), np.ones((2, 3)), (1, 1, 1), "reflect"),
                bad(SHAPE_ERROR, ("[pad]", "at least 1"), np.ones((2, 3)), (-2, -1), "replicate"),
                bad(SHAPE_ERROR, ("[pad]", "nothing"), np.ones((2, 0)), (1, 1), "replicate"),
                bad(ValueError, ("[pad]", "'edge'", "'replicate'"), np.ones((2, 3)), (1, 1),
                    "edge"),
                bad(ValueError, ("[pad]", "value=2", "reflect"), np.ones((2, 3)), (1, 1), "reflect",
                    2.0))),
    Row(name="one_hot", ref=one_hot_ref, samples=hot_samples, method=None, grad=False, out="given",
        fn=lambda *a, **k: sf.nn.functional.one_hot(*a, **k), strided=False,
        errors=(bad(ANY_ERROR, ("[one_hot]", "3"), np.array([0, 3]), 3),
                bad(ANY_ERROR, "[one_hot]", np.array([0, -1]), 3),
                bad((TypeError, RuntimeError), "[one_hot]", np.array([0.0, 1.0]), 3))),
]  # fmt: skip

ROWS = [*VIEWS, *MOVES]
