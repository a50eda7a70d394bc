"""Scattering beyond its rows: ties, zeros, changes in place, order, 0-d, forms of where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.testing import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)


def leaf(array: Any) -> sf.Tensor:
    return sf.tensor(np.asarray(array, np.float64), requires_grad=True)


def gradients(out: sf.Tensor, *leaves: sf.Tensor) -> list[Any]:
    return [g.tolist() for g in sf.autograd.grad(out.sum(), leaves)]


@pytest.mark.parametrize("include_self", [True, False])
def test_equal_extremes_share_the_gradient(include_self: bool) -> None:
    x, source, index = leaf([5.0, 1.0]), leaf([5.0, 5.0, 0.0]), sf.tensor([0, 0, 1])
    out = x.scatter_reduce(0, index, source, "amax", include_self=include_self)
    of_x, of_source = gradients(out, x, source)
    if include_self:
        assert out.tolist() == [5.0, 1.0]
        np.testing.assert_allclose(of_x, [1 / 3, 1])
        np.testing.assert_allclose(of_source, [1 / 3, 1 / 3, 0])
    else:
        assert out.tolist() == [5.0, 0.0]
        assert (of_x, of_source) == ([0.0, 0.0], [0.5, 0.5, 1.0])


def test_product_with_zeros_has_the_gradient_of_the_others() -> None:
    x, index = leaf([2.0, 0.0, 3.0]), sf.tensor([0, 0, 1, 2, 2])
    source = leaf([0.0, 5.0, 7.0, 0.0, 0.0])
    out = x.scatter_reduce(0, index, source, "prod")
    assert out.tolist() == [0.0, 0.0, 0.0]
    of_x, of_source = gradients(out, x, source)
    assert of_x == [0.0, 7.0, 0.0]
    assert of_source == [10.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("how", ["amax", "amin", "prod"])
def test_nan_is_kept(how: str) -> None:
    x, index = sf.tensor([1.0, np.nan, 3.0]), sf.tensor([0, 1, 2])
    out = x.scatter_reduce(0, index, sf.tensor([np.nan, 1.0, 3.0]), how).numpy()
    assert np.isnan(out).tolist() == [True, True, False]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [5, 4001])
def test_slices_add_up_in_index_order(rows: int, threads: int) -> None:
    """To the bit those of one loop over the index."""
    rng = np.random.default_rng(rows)
    index, added = rng.integers(0, rows, 9001), rng.normal(size=(9001, 24)).astype(np.float32)
    x = rng.normal(size=(rows, 24)).astype(np.float32)
    expected = x.copy()
    np.add.at(expected, index, added)
    sf.set_num_threads(threads)
    got = sf.tensor(x).index_add_(0, sf.tensor(index), sf.tensor(added))
    assert got.numpy().tobytes() == expected.tobytes()
    flipped = sf.tensor(x.T.copy()).T.index_add(0, sf.tensor(index), sf.tensor(added))
    assert flipped.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_last_slice_put_in_a_place_stays(threads: int) -> None:
    rng = np.random.default_rng(1)
    index, put = rng.integers(0, 300, 9001), rng.normal(size=(9001, 24))
    expected = np.zeros((300, 24))
    for i, row in zip(index, put, strict=True):
        expected[i] = row
    sf.set_num_threads(threads)
    got = sf.zeros(300, 24, dtype=sf.float64).index_copy(0, sf.tensor(index), sf.tensor(put))
    assert got.numpy().tobytes() == expected.tobytes()


INPLACE = {
    "scatter_": (0, sf.tensor([2, 0]), sf.tensor([7.0, 8.0])),
    "scatter_add_": (0, sf.tensor([2, 0]), sf.tensor([7.0, 8.0])),
    "scatter_reduce_": (0, sf.tensor([2, 0]), sf.tensor([7.0, 8.0]), "amax"),
    "index_add_": (0, sf.tensor([2, 0]), sf.tensor([7.0, 8.0])),
    "index_copy_": (0, sf.tensor([2, 0]), sf.tensor([7.0, 8.0])),
    "index_fill_": (0, sf.tensor([2, 0]), 7.0),
    "masked_scatter_": (sf.tensor([True, False, True]), sf.tensor([7.0, 8.0])),
}


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_rules(name: str) -> None:
    """Leaves are refused, saved tensors are missed, and no_grad allows both."""
    x = sf.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=rf"\[{name}\] a leaf that requires grad"):
        getattr(x, name)(*INPLACE[name])
    y = x * 2
    squared = y.square()
    getattr(y, name)(*INPLACE[name])
    with pytest.raises(RuntimeError, match=r"saved.*changed it in place"):
        squared.sum().backward()
    with sf.no_grad():
        getattr(x, name)(*INPLACE[name])


@pytest.mark.parametrize("name", ["scatter_", "scatter_add_", "index_add_", "index_copy_"])
def test_in_place_on_a_number_keeps_its_history(name: str) -> None:
    x, source = leaf(3.0), leaf(5.0)
    y = x * 2
    assert getattr(y, name)(0, sf.tensor(0), source) is y
    (y * y).backward()
    adds = "add" in name
    assert y.item() == (11.0 if adds else 5.0)
    assert x.grad is not None
    assert source.grad is not None
    assert x.grad.item() == (44.0 if adds else 0.0)
    assert source.grad.item() == (22.0 if adds else 10.0)


def test_source_may_be_the_tensor_itself() -> None:
    x = sf.tensor([1.0, 2.0, 4.0])
    x.scatter_add_(0, sf.tensor([1, 2, 0]), x)
    assert x.tolist() == [5.0, 3.0, 6.0]


def test_scatter_takes_a_number_by_name() -> None:
    index = sf.tensor([[0], [2]])
    assert sf.zeros(2, 3).scatter(1, index, value=1.0).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert sf.zeros(2, 3).scatter_(1, index, 1).tolist() == [[1, 0, 0], [0, 0, 1]]
    for arguments in ({}, {"src": 1.0, "value": 1.0}):
        with pytest.raises(TypeError, match="src or value"):
            sf.zeros(2, 3).scatter(1, index, **arguments)


def test_mean_of_integers_is_rounded_down() -> None:
    x, index = sf.tensor([7, -7]), sf.tensor([0, 1])
    assert x.scatter_reduce(0, index, sf.tensor([2, -2]), "mean").tolist() == [4, -5]


def test_derivatives_of_weighted_counts() -> None:
    numbers = sf.tensor(RNG.integers(0, 4, 9))
    assert gradcheck(lambda w: sf.bincount(numbers, w), (leaf(RNG.normal(size=9)),))
    assert gradgradcheck(lambda w: sf.bincount(numbers, w) ** 2, (leaf(RNG.normal(size=9)),))
    assert sf.bincount(numbers, sf.ones(9, dtype=sf.int64)).dtype == sf.float64


@pytest.mark.parametrize("shape", [(), (7,), (3, 4)])
def test_where_of_a_condition_alone(shape: tuple[int, ...]) -> None:
    x = RNG.random(shape) < 0.5
    want = np.atleast_1d(x).nonzero()
    for got in (sf.where(sf.tensor(x)), sf.nonzero(sf.tensor(x), as_tuple=True)):
        assert isinstance(got, tuple)
        assert [g.tolist() for g in got] == [w.tolist() for w in want]
    with pytest.raises(TypeError, match="both input and other"):
        sf.where(sf.tensor(x), sf.ones(3))
