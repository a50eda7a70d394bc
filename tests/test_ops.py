"""Every row of the op table, through everything that an op must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from op_table import RANDOM_ROWS, ROWS, TESTED_ELSEWHERE, RandomRow, Row, Sample
from op_table.run import (
    FLOATS,
    apply,
    as_dtype,
    digest,
    each_array,
    flat,
    floats_of,
    function_of,
    gradients,
    is_float,
    map_sample,
    reference,
    rng_of,
    tensors,
    to_array,
)
from surefoot.testing import assert_close, gradcheck, gradgradcheck


def rows(condition: Callable[[Row], Any] = lambda row: True) -> Any:
    return pytest.mark.parametrize(
        "row", [pytest.param(row, id=row.name) for row in ROWS if condition(row)]
    )


def tolerance(row: Row, dtype: str) -> dict[str, float]:
    if dtype == "float32":
        return {"rtol": row.rtol32, "atol": row.atol32}
    return {"rtol": row.rtol64, "atol": row.atol64}


def exported() -> set[str]:
    return {str(entry[0]).split("(")[0] for entry in sf._core._op_signatures()}


# ------------------------------------------------------------------------------- completeness


def covered() -> set[str]:
    names = {row.name for row in ROWS} | {row.name for row in RANDOM_ROWS}
    return names | {f"{row.name}_" for row in ROWS if row.inplace} | set(TESTED_ELSEWHERE)


def test_every_exported_op_has_a_row():
    assert sorted(exported() - covered()) == []


def test_every_row_is_of_an_exported_op():
    assert sorted(covered() - exported()) == []


def test_no_op_has_two_rows():
    names = [row.name for row in ROWS] + [row.name for row in RANDOM_ROWS]
    assert sorted({name for name in names if names.count(name) > 1}) == []


# -------------------------------------------------------------------------------------- values


def result_dtype(rule: str, dtype: str, expected: np.ndarray) -> str:
    if rule == "given" or (rule == "like" and expected.dtype != np.float64):
        return str(expected.dtype)
    if rule == "like":
        return dtype
    if rule == "same":
        # Beside values an op may return indices: those are int64 whatever goes in.
        return "int64" if expected.dtype == np.int64 and dtype in FLOATS else dtype
    return "float32" if rule == "float" else rule


def check_values(row: Row, sample: Sample, dtype: str, rule: str, **limits: Any) -> None:
    rounded = as_dtype(sample, dtype)
    call, _ = tensors(rounded, dtype)
    got = [to_array(out) for out in apply(row, call)]
    want = reference(row, rounded)
    label = f"{row.name}({sample}) as {dtype}"
    assert len(got) == len(want), label
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        w = w.astype(result_dtype(rule, dtype, w))
        assert_close(g, w, msg=f"{label}, output {i}", equal_nan=True, **limits)


@pytest.mark.parametrize("dtype", FLOATS)
@rows()
def test_value(row: Row, dtype: str):
    for sample in row.samples(rng_of(row)):
        check_values(row, sample, dtype, row.out, **tolerance(row, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@rows(lambda row: row.special)
def test_nan_and_infinity(row: Row, dtype: str):
    for sample in row.special():
        check_values(row, sample, dtype, row.out, **tolerance(row, dtype))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@rows(lambda row: row.ints)
def test_integers(row: Row, dtype: str):
    if dtype not in row.int_dtypes:
        pytest.skip(f"{row.name} refuses {dtype}")
    limits = {"rtol": 1e-6, "atol": 1e-6} if row.ints == "float" else {"rtol": 0.0, "atol": 0.0}
    for sample in (row.int_samples or row.samples)(rng_of(row)):
        rounded = map_sample(as_dtype(sample, dtype), lambda a: a)
        call = map_sample(rounded, sf.tensor)
        got = [to_array(out) for out in apply(row, call)]
        if row.ints == "float":
            rounded = map_sample(rounded, lambda a: a.astype(np.float64))
        want = reference(row, rounded)
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            kind = (
                dtype
                if row.ints == "same"
                else str(w.dtype)
                if row.ints == "like"
                else "float32"
                if row.ints == "float"
                else row.ints
            )
            if row.ints == "same" and i == 1 and w.dtype == np.int64:
                kind = "int64"  # indices
            label = f"{row.name}({sample}) as {dtype}, output {i}"
            assert_close(g, w.astype(kind), msg=label, equal_nan=True, **limits)


@rows(lambda row: row.bools)
def test_bools(row: Row):
    for sample in (row.int_samples or row.samples)(rng_of(row)):
        rounded = as_dtype(sample, "bool")
        call = map_sample(rounded, sf.tensor)
        got = [to_array(out) for out in apply(row, call)]
        want = reference(row, rounded)
        kind = "bool" if row.bools == "same" else row.bools
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            assert_close(
                g, w.astype(kind), 0.0, 0.0, msg=f"{row.name}({sample}) as bool, output {i}"
            )


# --------------------------------------------------------------------------------------- forms


@rows(lambda row: row.method is not None)
def test_method_equals_function(row: Row):
    for sample in row.samples(rng_of(row)):
        call, _ = tensors(sample, "float32")
        if not isinstance(call.args[0], sf.Tensor):
            continue
        method = getattr(call.args[0], row.method or row.name)
        got = flat(method(*call.args[1:], **call.kwargs))
        want = apply(row, call)
        assert digest(map(to_array, got)) == digest(map(to_array, want)), f"{row.name}({sample})"


@rows(lambda row: row.inplace)
def test_inplace_equals_function(row: Row):
    ran = 0
    for sample in row.samples(rng_of(row)):
        call, _ = tensors(sample, "float32")
        if not isinstance(call.args[0], sf.Tensor):
            continue
        want = apply(row, call)[0]
        target = call.args[0].clone()
        if tuple(want.shape) != tuple(target.shape):
            with pytest.raises((RuntimeError, ValueError), match=rf"\[{row.name}_?\]"):
                getattr(target, f"{row.name}_")(*call.args[1:], **call.kwargs)
            continue
        version = target._version
        result = getattr(target, f"{row.name}_")(*call.args[1:], **call.kwargs)
        assert result is target
        assert target._version > version or target.numel() == 0
        assert digest([to_array(target)]) == digest([to_array(want)]), f"{row.name}_({sample})"
        ran += 1
    assert ran


@rows(lambda row: row.inplace and row.grad)
def test_inplace_gradient_equals_function(row: Row):
    def inplace(x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x.clone(), f"{row.name}_")(*args, **kwargs)

    ran = 0
    for sample in row.samples(rng_of(row)):
        first = sample.args[0]
        if not isinstance(first, np.ndarray) or first.dtype != np.float64:
            continue
        shapes = [a.shape for a in each_array(sample.args)]
        if reference(row, sample)[0].shape != shapes[0]:
            continue
        want = gradients(row, sample)
        changed = Row(name=row.name, ref=row.ref, samples=row.samples, fn=inplace)
        got = gradients(changed, sample)
        assert_close(got, want, 1e-12, 1e-12, msg=f"{row.name}_({sample})")
        ran += 1
    assert ran


# --------------------------------------------------------------------------------- derivatives


def size_of(row: Row, sample: Sample) -> int:
    return sum(a.size for a in floats_of(sample))


def differentiable(condition: Callable[[Row], Any] = lambda row: True) -> Any:
    return rows(lambda row: row.grad and condition(row))


def function_and_leaves(row: Row, sample: Sample) -> tuple[Callable[..., Any], list[Any]]:
    """The op as a function of its floating tensors alone, for gradcheck."""
    _, leaves = tensors(sample, grad=True, row=row)

    def fn(*values: Any) -> Any:
        remaining = iter(values)
        call = map_sample(
            sample, lambda a: next(remaining) if a.dtype == np.float64 else sf.tensor(a)
        )
        return [out for out in flat(function_of(row)(*call.args, **call.kwargs)) if is_float(out)]

    return fn, leaves


@differentiable()
def test_gradcheck(row: Row):
    ran = 0
    for sample in row.samples(rng_of(row)):
        if not floats_of(sample):
            continue
        fn, leaves = function_and_leaves(row, sample)
        outs = fn(*leaves)
        small = size_of(row, sample) * sum(out.numel() for out in outs) <= 150
        label = f"{row.name}({sample})"
        gradcheck(fn, leaves, directional=not small, name=label)
        ran += 1
    assert ran


@differentiable(lambda row: row.gradgrad)
def test_gradgradcheck(row: Row):
    ran = 0
    for sample in row.samples(rng_of(row)):
        if not floats_of(sample):
            continue
        fn, leaves = function_and_leaves(row, sample)
        small = size_of(row, sample) <= 4
        gradgradcheck(fn, leaves, directional=not small, name=f"{row.name}({sample})")
        ran += 1
    assert ran


@differentiable()
def test_fused_backward_equals_differentiable_one(row: Row):
    for sample in row.samples(rng_of(row)):
        label = f"gradient of {row.name}({sample})"
        want = gradients(row, sample, create_graph=True)
        assert_close(gradients(row, sample), want, 1e-11, 1e-11, msg=label)
        # float32 rounds the sample: compare at the rounded values, in sums of up to 65 terms.
        rounded = as_dtype(sample, "float32")
        want = gradients(row, rounded)
        got = gradients(row, rounded, "float32")
        assert_close(got, want, 2e-5, 2e-5, check_dtype=False, msg=f"{label} as float32")


@differentiable()
def test_gradient_only_where_asked(row: Row):
    """Each floating argument alone: the gradient is the one of the full run."""
    for sample in row.samples(rng_of(row))[:4]:
        everything = gradients(row, sample)
        count = len(floats_of(sample))
        asked = [i for i in range(count) if i not in row.no_grad_args]
        for i, want in zip(asked, everything, strict=True):
            others = tuple(k for k in range(count) if k != i)
            alone = Row(
                name=row.name, ref=row.ref, samples=row.samples, fn=row.fn, no_grad_args=others
            )
            (got,) = gradients(alone, sample)
            # Not to the bit: where fewer gradients are asked an op may take a faster way.
            assert_close(got, want, 1e-13, 1e-13, msg=f"{row.name}({sample}), argument {i} alone")


# -------------------------------------------------------------------------------------- layout


def transposed(a: np.ndarray) -> Any:
    order = tuple(reversed(range(a.ndim)))
    return sf.tensor(a.transpose(order).copy()).permute(order)


def sliced(a: np.ndarray) -> Any:
    """Every second element of a larger tensor, from the second on, among NaN."""
    if a.dtype.kind != "f":
        return sf.tensor(a)
    big = np.full([2 * n + 3 for n in a.shape], np.nan, a.dtype)
    cut = tuple(slice(1, 2 * n + 1, 2) for n in a.shape)
    big[cut] = a
    return sf.tensor(big)[cut] if a.ndim else sf.tensor(big)


def offset(a: np.ndarray) -> Any:
    """Contiguous, one element behind the start of its storage: no vector is aligned."""
    return sf.tensor(np.concatenate([np.zeros(1, a.dtype), a.reshape(-1)]))[1:].view(a.shape)


def reversed_(a: np.ndarray) -> Any:
    """Negative strides along every dim."""
    back = (slice(None, None, -1),) * a.ndim
    return sf.from_numpy(a[back].copy()[back]) if a.ndim else sf.tensor(a)


LAYOUTS = {"transposed": transposed, "sliced": sliced, "offset": offset, "reversed": reversed_}


@pytest.mark.parametrize("layout", LAYOUTS)
@rows(lambda row: row.strided)
def test_layout_does_not_matter(row: Row, layout: str):
    """Other strides may mean another order of summation: equal within the row's tolerance."""
    for sample in row.samples(rng_of(row)):
        plain, _ = tensors(sample, "float32")
        other, _ = tensors(sample, "float32", make=LAYOUTS[layout])
        label = f"{layout} {row.name}({sample})"
        want, got = apply(row, plain), apply(row, other)
        assert_close(list(map(to_array, got)), list(map(to_array, want)), row.rtol32, row.atol32,
                     equal_nan=True, msg=label)  # fmt: skip


@pytest.mark.parametrize("layout", ["transposed", "sliced"])
@rows(lambda row: row.strided and row.grad)
def test_layout_does_not_matter_to_gradients(row: Row, layout: str):
    for sample in row.samples(rng_of(row)):
        arrays = floats_of(sample)
        plain, leaves = tensors(sample, grad=True, row=row)
        other_leaves = [x.detach().clone().requires_grad_(x.requires_grad) for x in leaves]
        strided = map_sample(sample, relayouts(other_leaves, layout))
        assert len(arrays) == len(leaves)
        want, got = backward_of(row, plain, leaves), backward_of(row, strided, other_leaves)
        assert_close(got, want, 1e-11, 1e-11, msg=f"{layout} {row.name}({sample})")


def relayouts(leaves: list[Any], layout: str) -> Callable[[np.ndarray], Any]:
    remaining = iter(leaves)
    return lambda a: relayout(next(remaining), layout) if a.dtype == np.float64 else sf.tensor(a)


def relayout(x: Any, layout: str) -> Any:
    """x through a differentiable detour that ends in another layout."""
    if layout == "transposed":
        order = tuple(reversed(range(x.ndim)))
        return x.permute(order).clone().contiguous().permute(order)
    return sf.stack([x, x * 3.0], -1)[..., 0]


def backward_of(row: Row, call: Sample, leaves: list[Any]) -> list[Any]:
    outs = [out for out in apply(row, call) if is_float(out) and out.requires_grad]
    leaves = [x for x in leaves if x.requires_grad]
    if not outs or not leaves:
        return []
    rng = np.random.default_rng(3)
    weights = [transposed(rng.standard_normal(tuple(out.shape)).T.copy().T) for out in outs]
    grads = sf.autograd.grad(outs, leaves, weights, allow_unused=True)
    return [sf.zeros_like(x) if g is None else g for g, x in zip(grads, leaves, strict=True)]


@rows(lambda row: row.strided)
def test_expanded_input_equals_its_copy(row: Row):
    """Stride 0 along each dim: every element of the dim is one place in memory."""
    ran = False
    for sample in row.samples(rng_of(row)):
        for dim in range(-1, 1):

            def spread(a: np.ndarray, dim: int = dim) -> Any:
                if a.ndim <= max(dim, 0) or a.dtype.kind != "f" or a.shape[dim] == 0:
                    return sf.tensor(a)
                one = sf.tensor(np.ascontiguousarray(a.take([0], axis=dim)))
                return one.expand(a.shape)

            expanded, _ = tensors(sample, "float32", make=spread)
            copied = Sample(*[contiguous_copy(part) for part in (expanded.args, expanded.kwargs)])
            want, got = apply(row, copied), apply(row, expanded)
            assert_close(list(map(to_array, got)), list(map(to_array, want)), row.rtol32,
                         row.atol32, equal_nan=True, msg=f"{row.name}({sample})")  # fmt: skip
            ran = True
    assert ran


def contiguous_copy(value: Any) -> Any:
    if isinstance(value, sf.Tensor):
        return sf.tensor(to_array(value).copy())
    if isinstance(value, (list, tuple)):
        return type(value)(contiguous_copy(v) for v in value)
    if isinstance(value, dict):
        return {key: contiguous_copy(v) for key, v in value.items()}
    return value


def test_inputs_are_never_written():
    for row in ROWS:
        for sample in row.samples(rng_of(row))[:6]:
            call, leaves = tensors(sample, "float32", grad=row.grad, row=row)
            before = [to_array(x).copy() for x in leaves]
            outs = [out for out in apply(row, call) if is_float(out) and out.requires_grad]
            if outs:
                seeds = [sf.ones_like(out) for out in outs]
                wanted = [x for x in leaves if x.requires_grad]
                sf.autograd.grad(outs, wanted, seeds, allow_unused=True)
            assert digest(map(to_array, leaves)) == digest(before), f"{row.name}({sample})"


# -------------------------------------------------------------------------------------- errors


@rows(lambda row: row.errors)
def test_error_names_op_and_rule(row: Row):
    for case in row.errors:
        call = map_sample(Sample(case.args, case.kwargs), sf.tensor)
        with pytest.raises(case.error) as caught:
            function_of(row)(*call.args, **call.kwargs)
        for text in case.match:
            assert text in str(caught.value), f"{row.name}: no {text!r} in {caught.value}"


@rows()
def test_unknown_keyword_is_named(row: Row):
    sample = row.samples(rng_of(row))[0]
    call, _ = tensors(sample)
    with pytest.raises(TypeError, match="no_such_argument"):
        function_of(row)(*call.args, **call.kwargs, no_such_argument=1)


# ------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("dtype", FLOATS)
@rows(lambda row: row.large)
def test_thread_count_does_not_change_a_bit(row: Row, dtype: str):
    for sample in row.large(rng_of(row)):
        seen = {}
        for threads in (1, 2, 3):
            sf.set_num_threads(threads)
            call, _ = tensors(sample, dtype)
            arrays = [to_array(out) for out in apply(row, call)]
            if row.grad:
                arrays += map(to_array, gradients(row, sample, dtype))
            seen[threads] = digest(arrays)
        assert len(set(seen.values())) == 1, f"{row.name}({sample}) as {dtype}"


@rows(lambda row: row.large)
def test_large_value(row: Row):
    """What several threads compute is right, not only equal."""
    for sample in row.large(rng_of(row)):
        rounded = as_dtype(sample, "float32")
        call, _ = tensors(rounded, "float32")
        got, want = [to_array(o) for o in apply(row, call)], reference(row, rounded)
        for g, w in zip(got, want, strict=True):
            # Long sums: the error grows with the square root of the length at worst.
            scale = max(1.0, float(np.abs(w).max(initial=0.0))) if w.dtype.kind == "f" else 0.0
            assert_close(g, w, 1e-4, 1e-5 * scale, check_dtype=False, msg=f"{row.name}({sample})")


# -------------------------------------------------------------------------------------- random

random_rows = pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.name) for row in RANDOM_ROWS]
)


@random_rows
def test_random_numbers_have_their_law(row: RandomRow):
    for seed in (1, 2):
        out = row.draw(generator=sf.Generator(seed))
        assert to_array(out).dtype == row.dtype
        row.check(to_array(out))


@random_rows
def test_same_seed_gives_same_numbers(row: RandomRow):
    sf.manual_seed(5)
    first, second = to_array(row.draw()).copy(), to_array(row.draw()).copy()
    assert not np.array_equal(first, second)
    sf.manual_seed(5)
    assert np.array_equal(to_array(row.draw()), first)
    own = to_array(row.draw(generator=sf.Generator(9)))
    assert np.array_equal(to_array(row.draw()), second), "an own generator leaves the default alone"
    assert np.array_equal(to_array(row.draw(generator=sf.Generator(9))), own)
    assert not np.array_equal(to_array(row.draw(generator=sf.Generator(10))), own)


@random_rows
def test_random_numbers_do_not_depend_on_threads(row: RandomRow):
    draws = []
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        draws.append(to_array(row.draw(generator=sf.Generator(3))).copy())
    assert all(np.array_equal(d, draws[0]) for d in draws)


@random_rows
def test_random_op_refuses(row: RandomRow):
    for case in row.errors:
        call = map_sample(Sample(case.args, case.kwargs), sf.tensor)
        with pytest.raises(case.error) as caught:
            getattr(sf, row.name)(*call.args, **call.kwargs)
        for text in case.match:
            assert text in str(caught.value)
