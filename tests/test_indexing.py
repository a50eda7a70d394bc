"""Reading and writing by index, against NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surefoot as sf
from surefoot.testing import assert_close, gradcheck, gradgradcheck

EXAMPLES = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def counting(*shape: int) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


def as_tensors(index: Any) -> Any:
    """The same index with tensors in place of arrays."""
    if isinstance(index, tuple):
        return tuple(as_tensors(item) for item in index)
    return sf.tensor(index) if isinstance(index, np.ndarray) else index


CASES = [
    0, -1, slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(3, 0, -2), slice(5, 2),
    slice(-100, 100), Ellipsis, None, (), (0, 1), (0, 1, 2), (slice(None), -1), (Ellipsis, 0),
    (0, Ellipsis, 1), (None, 0), (slice(1, 2), None, Ellipsis), (Ellipsis, None),
    (slice(None), slice(None, None, 3), slice(4, None, -1)),
    [0, 2, 1], [[0, 1], [2, 0]], [-1, -4], (slice(None), [0, 2]), ([0, 1], [2, 0]),
    ([0, 1], slice(None), [1, 3]), (slice(None), [0, 2], [1, 3]), ([0], Ellipsis),
    (0, slice(None), [1, 3]), ([0, 1], 2), (Ellipsis, [0, 3]), (None, [1, 2]),
    ([[0], [1]], [0, 2]), np.array([0, 3]), (np.array([1]), np.array([[0], [2]])),
    np.array([True, False, True, False]), (slice(None), np.array([True, False, True])),
    (np.array([True, False, True, True]), 1), np.array(2), np.array(True), np.array(False), True,
    False, (np.zeros((4, 3), bool)), np.zeros(0, np.int64), [],
]  # fmt: skip


@pytest.mark.parametrize("index", CASES, ids=lambda i: repr(i).replace("\n", ""))
def test_read(index: Any):
    a = counting(4, 3, 5)
    assert_close(sf.tensor(a)[as_tensors(index)], a[index])


@pytest.mark.parametrize("index", CASES, ids=lambda i: repr(i).replace("\n", ""))
def test_write(index: Any):
    a = counting(4, 3, 5)
    t = sf.tensor(a)
    value = -1.0 - counting(*a[index].shape)
    a[index] = value
    t[as_tensors(index)] = sf.tensor(value)
    assert_close(t, a)
    a[index] = 7.5
    t[as_tensors(index)] = 7.5
    assert_close(t, a)


@pytest.mark.parametrize("index", CASES, ids=lambda i: repr(i).replace("\n", ""))
def test_gradient_of_read_and_write(index: Any):
    x = sf.tensor(counting(4, 3, 5) * 0.1, requires_grad=True)
    index = as_tensors(index)
    read = x.detach()[index]
    value = sf.tensor(np.asarray(np.sin(read.numpy())), requires_grad=True)

    def write(base: Any, new: Any) -> Any:
        out = base * 1.0
        out[index] = new
        return out * out

    if read.numel():
        assert gradcheck(lambda v: v[index].sin(), x, directional=True)
        assert gradgradcheck(lambda v: v[index].sin(), x, directional=True)
    indices = np.arange(60).reshape(4, 3, 5)[np_index(index)].reshape(-1)
    if len(np.unique(indices)) == len(indices):
        assert gradcheck(write, [x, value], directional=True)
        assert gradgradcheck(write, [x, value], directional=True)


def np_index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(np_index(item) for item in index)
    return index.numpy() if isinstance(index, sf.Tensor) else index


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32"])
def test_other_dtypes(dtype: str):
    a = (counting(3, 4) % 2).astype(dtype)
    t = sf.tensor(a)
    assert_close(t[1:, [0, 3]], a[1:, [0, 3]])
    t[0] = 1
    a[0] = 1
    t[[1, 2], 2] = sf.tensor(np.ones(2, dtype))
    a[[1, 2], 2] = 1
    assert_close(t, a)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_index_dtypes(dtype: str):
    """uint8 is a number here, never a mask."""
    a = counting(4, 3)
    picks = np.array([0, 3, 1], dtype=dtype)
    assert_close(sf.tensor(a)[sf.tensor(picks)], a[picks])
    assert_close(sf.tensor(a)[picks], a[picks])


def test_basic_index_is_a_view_and_advanced_is_a_copy():
    t = sf.zeros(3, 4)
    t[1].fill_(1.0)
    t[:, ::2].add_(1.0)
    t[..., 3].sub_(1.0)
    t[::-1][0, 0] = 9.0
    assert t.tolist() == [[1, 0, 1, -1], [2, 1, 2, 0], [9, 0, 1, -1]]
    t[[0, 1]].fill_(5.0)
    t[t > 1].fill_(5.0)
    assert t.tolist() == [[1, 0, 1, -1], [2, 1, 2, 0], [9, 0, 1, -1]]


def test_write_broadcasts_and_converts():
    t = sf.zeros(3, 4)
    t[1:] = sf.tensor([1, 2, 3, 4])
    assert t.tolist() == [[0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 4]]
    t[:, 0] = np.array([7.0, 8.0, 9.0])
    assert t[:, 0].tolist() == [7, 8, 9]
    t[t < 5] = 0
    assert t.sum().item() == 24
    t[[0, 2]] += 1
    assert t[0].tolist() == [8, 1, 1, 1]


def test_write_from_an_overlapping_view():
    a = np.arange(10.0)
    t = sf.tensor(a)
    t[2:] = t[:-2]
    a[2:] = a[:-2].copy()
    assert_close(t, a)
    t[::-1] = t
    assert_close(t, a[::-1].copy())


def test_augmented_writes_reach_the_tensor():
    t = sf.arange(6.0).reshape(2, 3)
    t[0] += 10
    t[:, 1] *= 2
    t[1, 2] -= 0.5
    assert t.tolist() == [[10, 22, 12], [3, 8, 4.5]]


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (4, "4"), (-5, "-5"), ((0, 3), "3"), ((0, 0, 0, 0), "4 ind|too many"),
        ((Ellipsis, Ellipsis), "ellipsis"), ([0, 4], "4"), ([0, -5], "-5"), (1.5, "integer|index"),
        ("a", "integer|index"), (sf.tensor([0.5]), "integer|float"), ([0.5], "integer|float"),
        (np.array([True, False]), r"\(2,\)"), (np.zeros((4, 4), bool), r"\(4, 4\)"),
        (([0, 1], [0, 1, 2]), r"\(2,\).*\(3,\)"), ({}, "integer|index"), (2**70, r"."),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_index_is_an_error_for_read_and_write(index: Any, match: str):
    t = sf.tensor(counting(4, 3, 5))
    errors = (IndexError, TypeError, ValueError)
    with pytest.raises(errors, match=match):
        t[index]
    with pytest.raises(errors, match=match):
        t[index] = 0.0
    assert_close(t, counting(4, 3, 5))


def test_slice_with_step_zero_and_bad_slices():
    t = sf.zeros(3)
    with pytest.raises(ValueError):
        t[::0]
    with pytest.raises(TypeError):
        t["a":]
    assert t[10:].shape == (0,)
    assert t[2**62 :].shape == (0,)
    assert t[: -(2**62)].shape == (0,)


def test_index_of_a_0d_tensor():
    t = sf.tensor(2.0)
    assert t[()].item() == 2.0
    assert t[...].item() == 2.0
    assert t[None].shape == (1,)
    with pytest.raises(IndexError):
        t[0]
    t[()] = 3.0
    assert t.item() == 3.0


@pytest.mark.parametrize("value_shape", [(2,), (3, 5), (4, 3, 6), (2, 4, 3, 5)])
def test_value_that_does_not_fit_is_an_error_naming_both_shapes(value_shape: tuple[int, ...]):
    t = sf.zeros(4, 3, 5)
    with pytest.raises((RuntimeError, ValueError)) as caught:
        t[:, :, :4] = sf.zeros(value_shape)
    assert "(4, 3, 4)" in str(caught.value)
    with pytest.raises((RuntimeError, ValueError)):
        t[[0, 1]] = sf.zeros(5, 5)


def test_repeated_index_gradient_adds_up():
    x = sf.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2, 0]].sum().backward()
    assert x.grad.tolist() == [3.0, 0.0, 1.0]


def test_large_gather_gradient_with_many_repeats():
    rng = np.random.default_rng(0)
    picks = rng.integers(0, 50, 20_000)
    x = sf.tensor(rng.standard_normal((50, 7)), requires_grad=True)
    weight = rng.standard_normal((20_000, 7))
    (x[sf.tensor(picks)] * sf.tensor(weight)).sum().backward()
    want = np.zeros((50, 7))
    np.add.at(want, picks, weight)
    assert_close(x.grad, want, 1e-10, 1e-10)


# ---------------------------------------------------------------------------------- hypothesis

sizes = st.integers(0, 4)
shapes = st.lists(sizes, min_size=0, max_size=4).map(tuple)


@st.composite
def shapes_and_indices(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape and an index for it: integers, slices, None, ..., index arrays and masks mixed."""
    shape = draw(shapes)
    items: list[Any] = []
    dims = list(shape)
    fancy_shape = draw(st.sampled_from([(), (1,), (2,), (3,), (2, 1), (2, 3)]))
    used_ellipsis = False
    while dims:
        kind = draw(
            st.sampled_from(["int", "slice", "slice", "array", "mask", "none", "ellipsis", "stop"])
        )
        size = dims[0]
        if kind == "stop":
            break
        if kind == "none":
            items.append(None)
        elif kind == "ellipsis":
            if not used_ellipsis:
                skip = draw(st.integers(0, len(dims)))
                # Those after the ellipsis are the last ones.
                dims = dims[skip:]
                items.append(Ellipsis)
                used_ellipsis = True
                continue
        elif kind == "slice":
            step = draw(st.sampled_from([None, 1, 2, 3, -1, -2]))
            bound = st.one_of(st.none(), st.integers(-6, 6))
            items.append(slice(draw(bound), draw(bound), step))
            dims.pop(0)
        elif size == 0:
            items.append(slice(None))
            dims.pop(0)
        elif kind == "int":
            items.append(draw(st.integers(-size, size - 1)))
            dims.pop(0)
        elif kind == "array":
            shape_here = draw(st.sampled_from([fancy_shape, (1,), ()]))
            count = math.prod(shape_here)
            values = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
            items.append(np.array(values, dtype=np.int64).reshape(shape_here))
            dims.pop(0)
        else:
            items.append(np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size))))
            dims.pop(0)
    # With an ellipsis all remaining dims must be consumed, else it would stand for fewer.
    if used_ellipsis:
        items += [slice(None)] * len(dims)
    return shape, tuple(items)


@EXAMPLES
@given(shapes_and_indices())
def test_any_index_reads_and_writes_as_numpy(case: tuple[tuple[int, ...], Any]):
    shape, index = case
    a = counting(*shape)
    t = sf.tensor(a)
    try:
        want = a[index]
    except IndexError:
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            t[as_tensors(index)]
        return
    assert_close(t[as_tensors(index)], np.asarray(want))
    indices = np.arange(a.size).reshape(a.shape)[index]
    if np.unique(indices).size == np.asarray(indices).size:
        value = -1.0 - counting(*np.asarray(want).shape)
        a[index] = value
        t[as_tensors(index)] = sf.tensor(value)
        assert_close(t, a)


@EXAMPLES
@given(shapes_and_indices())
def test_any_index_has_the_gradient_of_its_read(case: tuple[tuple[int, ...], Any]):
    shape, index = case
    a = counting(*shape)
    try:
        want = np.asarray(a[index])
    except IndexError:
        return
    x = sf.tensor(a, requires_grad=True)
    weight = 1.0 + counting(*want.shape)
    (x[as_tensors(index)] * sf.tensor(weight)).sum().backward()
    grad = np.zeros_like(a)
    np.add.at(grad, index, weight)
    assert_close(x.grad, grad)
