"""Programs of random ops, run by surefoot and by NumPy in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surefoot as sf
from surefoot.testing import assert_close

PROGRAMS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

Array = np.ndarray


@dataclass(frozen=True)
class Step:
    """One op of a program: picks its operands among the values so far."""

    name: str
    run: Callable[[list[Any], Any], Any]  # tensors or arrays, and the module sf or np


def bounded(x: Any, lib: Any) -> Any:
    """Values stay small, so that no program overflows and differences keep their digits."""
    return lib.tanh(x)


# Written for both libraries: `lib` is surefoot or NumPy.
UNARY: dict[str, Callable[[Any, Any], Any]] = {
    "neg": lambda x, lib: -x,
    "tanh": lambda x, lib: lib.tanh(x),
    "sin": lambda x, lib: lib.sin(x),
    "exp": lambda x, lib: lib.exp(bounded(x, lib)),
    "square": lambda x, lib: lib.square(bounded(x, lib)),
    "log1p": lambda x, lib: lib.log1p(lib.square(x)),
    "sqrt": lambda x, lib: lib.sqrt(lib.square(x) + 0.5),
    "scale": lambda x, lib: x * 0.5 + 1,
    "inverse": lambda x, lib: 1 / (2 + lib.square(x)),
    "power": lambda x, lib: (lib.square(x) + 0.5) ** 1.5 * 0.1,
    "transpose": lambda x, lib: x.T,
    "row": lambda x, lib: x[0] if x.ndim and x.shape[0] else x,
    "every_second": lambda x, lib: x[..., ::2] if x.ndim else x,
    "backwards": lambda x, lib: x[::-1] if x.ndim else x,
    "new_axis": lambda x, lib: x[None] if x.ndim < 3 else x,
    "flat": lambda x, lib: x.reshape(-1),
    "picked": lambda x, lib: x[[0, -1, 0]] if x.ndim and x.shape[0] else x,
    "sum": lambda x, lib: x.sum(0) * 0.3 if x.ndim else x,
    "sum_keep": lambda x, lib: keep(x, lib, "sum") * 0.3 if x.ndim else x,
    "mean": lambda x, lib: x.mean(-1) if x.ndim and x.shape[-1] else x,
    "sum_all": lambda x, lib: x.sum() * 0.1,
    "cumsum": lambda x, lib: x.cumsum(0) * 0.3 if x.ndim else x,
    "flip": lambda x, lib: lib.flip(x, (0,)) if x.ndim else x,
    "roll": lambda x, lib: lib.roll(x, 1, 0) if x.ndim else x,
    "lower": lambda x, lib: lib.tril(x) if x.ndim >= 2 else x,
    "clip": lambda x, lib: x.clamp(-0.9, 0.8) if lib is sf else np.clip(x, -0.9, 0.8),
    "where": lambda x, lib: lib.where(x > 0.1, x * 2, lib.sin(x)),
    "written": lambda x, lib: written(x, lib),
    "added_in_place": lambda x, lib: added_in_place(x, lib),
}
BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda x, y, lib: x + y,
    "sub": lambda x, y, lib: x - y,
    "mul": lambda x, y, lib: bounded(x, lib) * bounded(y, lib),
    "div": lambda x, y, lib: x / (1.5 + lib.square(y)),
    "maximum": lambda x, y, lib: lib.maximum(x, y),
    "minimum": lambda x, y, lib: lib.minimum(x, y),
    "matmul": lambda x, y, lib: lib.matmul(bounded(x, lib), bounded(y, lib)) * 0.3,
    "stack": lambda x, y, lib: lib.stack([x, y]),
    "cat": lambda x, y, lib: (sf.cat if lib is sf else np.concatenate)([x, y]),
}


def keep(x: Any, lib: Any, name: str) -> Any:
    return x.sum(-1, keepdim=True) if lib is sf else x.sum(-1, keepdims=True)


def written(x: Any, lib: Any) -> Any:
    if not x.ndim or not x.shape[0]:
        return x
    out = x * 1.0
    out[0] = out[-1] * 0.5
    return out


def added_in_place(x: Any, lib: Any) -> Any:
    out = x * 1.0
    out *= 0.7
    out += x
    return out


@st.composite
def programs(draw: Any) -> tuple[list[tuple[int, ...]], list[tuple[str, int, int]]]:
    shapes = draw(
        st.lists(st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=1, max_size=3)
    )
    names = st.sampled_from([*UNARY, *BINARY])
    step = st.tuples(names, st.integers(0, 99), st.integers(0, 99))
    return shapes, draw(st.lists(step, min_size=2, max_size=25))


def run(inputs: list[Any], steps: list[tuple[str, int, int]], lib: Any) -> list[Any]:
    """All values that the program computed. A step that does not fit its operands is left out."""
    values = list(inputs)
    for name, i, j in steps:
        x, y = values[-1 - i % len(values)], values[j % len(values)]
        if name in UNARY:
            values.append(UNARY[name](x, lib))
        elif fits(name, tuple(x.shape), tuple(y.shape)):
            values.append(BINARY[name](x, y, lib))
        if math.prod(values[-1].shape) > 4096:
            values.pop()
    return values


def fits(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    if name == "stack":
        return a == b
    if name == "cat":
        return len(a) == len(b) > 0 and a[1:] == b[1:]
    if name == "matmul":
        if not a or not b or a[-1] != b[-2 if len(b) > 1 else 0]:
            return False
        a, b = a[:-2], b[:-2]
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def starting_values(shapes: list[tuple[int, ...]]) -> list[Array]:
    rng = np.random.default_rng(sum(map(sum, shapes)) + 17 * len(shapes))
    return [np.asarray(rng.standard_normal(shape)) for shape in shapes]


@PROGRAMS
@given(programs())
def test_programs_give_numpys_values(program: Any):
    shapes, steps = program
    arrays = starting_values(shapes)
    want = run(arrays, steps, np)
    for dtype, limit in (("float64", 1e-10), ("float32", 3e-4)):
        got = run([sf.tensor(a.astype(dtype)) for a in arrays], steps, sf)
        assert len(got) == len(want)
        # A comparison or a maximum may turn the other way in float32 only where both sides agree.
        for g, w in zip(got, want, strict=True):
            if dtype == "float32" and any(name == "where" for name, _, _ in steps):
                continue
            assert_close(g, np.asarray(w), limit, limit, check_dtype=False, msg=repr(steps))


@PROGRAMS
@given(programs())
def test_programs_have_the_gradient_of_their_differences(program: Any):
    """Along one direction; where a kink lies within the step, either slope is accepted."""
    shapes, steps = program
    arrays = starting_values(shapes)
    leaves = [sf.tensor(a, requires_grad=True) for a in arrays]
    out = run(leaves, steps, sf)[-1]
    if not out.requires_grad:
        pytest.skip("the last value is an input")  # pragma: no cover - leaves require grad
    rng = np.random.default_rng(len(steps))
    weight = np.asarray(rng.standard_normal(tuple(out.shape)))
    grads = sf.autograd.grad([out], leaves, [sf.tensor(weight)], allow_unused=True)
    steps_taken = [np.asarray(rng.standard_normal(a.shape)) for a in arrays]
    got = sum(
        float((g.numpy() * s).sum())
        for g, s in zip(grads, steps_taken, strict=True)
        if g is not None
    )

    def value(eps: float) -> float:
        moved = [a + eps * s for a, s in zip(arrays, steps_taken, strict=True)]
        return float((run(moved, steps, np)[-1] * weight).sum())

    eps = 1e-6
    left, right = (value(0) - value(-eps)) / eps, (value(eps) - value(0)) / eps
    slack = 1e-4 * (1 + abs(left) + abs(right))
    assert min(left, right) - slack <= got <= max(left, right) + slack, repr(steps)


@PROGRAMS
@given(programs())
def test_programs_do_not_depend_on_how_backward_runs(program: Any):
    """Fused backward, differentiable backward, and backward into .grad give the same."""
    shapes, steps = program
    arrays = starting_values(shapes)
    results = []
    for mode in ("grad", "create_graph", "backward"):
        leaves = [sf.tensor(a, requires_grad=True) for a in arrays]
        out = run(leaves, steps, sf)[-1].sum()
        if mode == "backward":
            out.backward()
            grads = [x.grad for x in leaves]
        else:
            grads = list(
                sf.autograd.grad(out, leaves, create_graph=mode != "grad", allow_unused=True)
            )
        results.append(
            [sf.zeros_like(x) if g is None else g for x, g in zip(leaves, grads, strict=True)]
        )
    assert_close(results[1], results[0], 1e-9, 1e-9, msg=repr(steps))
    assert_close(results[2], results[0], 0.0, 0.0, msg=repr(steps))


# --------------------------------------------------------------------------------------- shapes

sizes = st.integers(1, 70)


@PROGRAMS
@given(st.integers(0, 3), sizes, sizes, sizes)
def test_matmul_of_any_size(batch: int, m: int, n: int, k: int):
    """Every tail of the blocked kernels."""
    rng = np.random.default_rng(m * 5041 + n * 71 + k)
    lead = (batch,) if batch else ()
    a, b = rng.standard_normal((*lead, m, k)), rng.standard_normal((k, n))
    for dtype, limit in (("float64", 1e-12), ("float32", 2e-5)):
        x, y = (sf.tensor(v.astype(dtype), requires_grad=True) for v in (a, b))
        out = x @ y
        assert_close(out, a @ b, limit, limit * 10, check_dtype=False)
        g = rng.standard_normal(out.shape)
        out.backward(sf.tensor(g.astype(dtype)))
        assert_close(x.grad, g @ b.T, limit, limit * 20, check_dtype=False)
        rows = (a.reshape(-1, k).T) @ g.reshape(-1, n)
        assert_close(y.grad, rows, limit, limit * 40, check_dtype=False)


@PROGRAMS
@given(st.lists(st.integers(1, 35), min_size=1, max_size=3), st.data())
def test_reductions_of_any_shape(shape: list[int], data: Any):
    rng = np.random.default_rng(sum(shape))
    a = rng.standard_normal(shape)
    x = sf.tensor(a)
    dims = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1).map(tuple))
    assert_close(x.sum(dims), a.sum(dims), 1e-11, 1e-11)
    assert_close(x.mean(dims, keepdim=True), a.mean(dims, keepdims=True), 1e-11, 1e-11)
    assert_close(x.amax(dims), a.max(dims))
    assert_close(x.logsumexp(dims), np.log(np.exp(a).sum(dims)), 1e-11, 1e-11)
    assert_close(x.max(dims[0]).values, a.max(dims[0]))
    assert_close(x.argmin(dims[0]), a.argmin(dims[0]))
    order = rng.permutation(len(shape))
    moved, b = x.permute(*map(int, order)), a.transpose(order)
    assert_close(moved.sum(dims), b.sum(dims), 1e-11, 1e-11)
    assert_close(moved.softmax(dims[0]).sum(dims[0]), np.ones_like(b.sum(dims[0])), 1e-11, 1e-11)


@PROGRAMS
@given(st.data())
def test_elementwise_of_any_broadcast_and_layout(data: Any):
    shape = data.draw(st.lists(st.integers(1, 20), max_size=4))
    rng = np.random.default_rng(len(shape) + sum(shape))

    def operand() -> tuple[Any, Array]:
        lead = data.draw(st.integers(0, len(shape)))
        mine = [data.draw(st.sampled_from([1, n])) for n in shape[lead:]]
        order = data.draw(st.permutations(range(len(mine))))
        stored = np.asarray(rng.standard_normal([mine[i] for i in order] or ()))
        back = tuple(int(i) for i in np.argsort(order)) if mine else ()
        step = data.draw(st.sampled_from([1, -1]))
        a = stored.transpose(back)[::step] if mine else stored
        t = sf.tensor(stored).permute(back)[::step] if mine else sf.tensor(stored)
        return t, a

    (x, a), (y, b), (z, c) = operand(), operand(), operand()
    assert_close(x + y * z, a + b * c)
    assert_close(sf.where(x > y, z, x), np.where(a > b, c, a))
    assert_close(sf.maximum(x.exp(), y), np.maximum(np.exp(a), b), 1e-12, 1e-12)
