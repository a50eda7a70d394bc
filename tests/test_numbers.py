"""A Python number that is put into a tensor: one rule for every op."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf

FIRST = sf.tensor([0, 1])
MASK = sf.tensor([True, False, True])


def set_item(x: sf.Tensor, value: Any) -> sf.Tensor:
    out = x.clone()
    out[0] = value
    return out


PUTS: dict[str, Callable[[sf.Tensor, Any], sf.Tensor]] = {
    "full": lambda x, v: sf.full((3,), v, dtype=x.dtype),
    "full_like": lambda x, v: sf.full_like(x, v),
    "fill_": lambda x, v: x.clone().fill_(v),
    "scatter": lambda x, v: x.scatter(0, FIRST, value=v),
    "scatter_": lambda x, v: x.clone().scatter_(0, FIRST, value=v),
    "index_fill": lambda x, v: x.index_fill(0, FIRST, v),
    "index_fill_": lambda x, v: x.clone().index_fill_(0, FIRST, v),
    "masked_fill": lambda x, v: x.masked_fill(MASK, v),
    "masked_fill_": lambda x, v: x.clone().masked_fill_(MASK, v),
    "x[0] =": set_item,
    "tensor": lambda x, v: sf.tensor([v], dtype=x.dtype),
}
puts = pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)


def zeros(dtype: Any) -> sf.Tensor:
    return sf.zeros(3, dtype=dtype)


@puts
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (sf.uint8, 300),
        (sf.uint8, -1),
        (sf.uint8, 256.0),
        (sf.uint8, math.nan),
        (sf.int32, 2**31),
        (sf.int32, -(2**31) - 1),
        (sf.int32, math.inf),
        (sf.int64, 2.0**63),
        (sf.int64, math.nan),
    ],
)
def test_a_number_out_of_range_is_refused(put: Any, dtype: Any, value: float) -> None:
    name = str(dtype).removeprefix("surefoot.")
    with pytest.raises(ValueError, match=rf"out of range for {name}.* to \d+"):
        put(zeros(dtype), value)


@puts
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (sf.uint8, 255),
        (sf.uint8, 255.9),
        (sf.uint8, -0.5),
        (sf.int32, 2**31 - 1),
        (sf.int32, -(2**31)),
        (sf.int64, 2**63 - 1),
        (sf.int64, -(2**63)),
        (sf.int64, -(2.0**63)),
        (sf.int64, -2.5),
        (sf.float32, 3),
        (sf.float64, True),
    ],
)
def test_a_number_in_range_is_kept(put: Any, dtype: Any, value: float) -> None:
    whole = value if dtype in (sf.float32, sf.float64) else math.trunc(value)
    got = put(zeros(dtype), value)
    assert got.dtype == dtype
    assert got[0].item() == whole


@puts
@pytest.mark.parametrize("value", [0, 1, 2, -1, True, 0.0, 0.5, math.nan])
def test_bool_holds_whether_a_number_is_not_zero(put: Any, value: float) -> None:
    got = put(zeros(sf.bool), value)
    assert got.dtype == sf.bool
    assert got[0].item() is bool(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e300])
def test_floats_may_become_infinite(value: float) -> None:
    assert math.isinf(sf.full((1,), value).item())


def test_a_list_is_checked_like_a_number() -> None:
    x = zeros(sf.uint8)
    with pytest.raises(ValueError, match="256 is out of range for uint8"):
        x[:2] = [1, 256]
    x[:2] = [1, 255]
    assert x.tolist() == [1, 255, 0]
    array = np.array([1, 300])  # an array is cast as NumPy casts it
    assert sf.tensor(array, dtype=sf.uint8).tolist() == [1, 44]


def test_arithmetic_does_not_wrap_a_number_around() -> None:
    x = sf.tensor([1, 200], dtype=sf.uint8)
    for change in (lambda: x + 300, lambda: x * -1, lambda: x.add_(256), lambda: 300 - x):
        with pytest.raises(ValueError, match="out of range for uint8"):
            change()
    with pytest.raises(ValueError, match=r"\[where\].*out of range for uint8"):
        sf.where(x > 1, x, 256)
    assert (x + 50).tolist() == [51, 250]
    assert (x * 0.5).tolist() == [0.5, 100.0]
    assert (sf.ones(1) * 1e300).item() == math.inf


def test_padding_is_a_number_that_is_put() -> None:
    with pytest.raises(ValueError, match=r"300.* is out of range for uint8"):
        sf.nn.functional.pad(zeros(sf.uint8), (1, 1), value=300)


@pytest.mark.parametrize("dtype", [sf.uint8, sf.int32])
@pytest.mark.parametrize("value", [300, -1, -300, 2**40, -(2**40)])
def test_comparisons_with_a_number_are_exact(dtype: Any, value: int) -> None:
    x = sf.tensor([0, 44, 255], dtype=dtype)
    values = x.numpy().astype(np.int64)
    for got, expected in [
        (x < value, values < value),
        (x >= value, values >= value),
        (x == value, values == value),
        (x != value, values != value),
        (value < x, value < values),
    ]:
        np.testing.assert_array_equal(got.numpy(), expected)
