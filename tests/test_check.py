"""The checks of arguments: what passes, and the words for what does not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import _check

INF, NAN = float("inf"), float("nan")
BIG = 10**400  # an integer that no float can hold


def refused(check: Callable[[], Any], error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        check()
    assert caught.type is error
    return str(caught.value).removeprefix("[f] x must be ")


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.int64(0), -0.0])
def test_what_was_checked_comes_back_as_it_was(value: Any) -> None:
    assert _check.number("f", "x", value, 0, 1) is value
    assert _check.probability("f", "x", value) is value
    assert _check.number("f", "x", INF, 0, infinite=True) == INF
    assert _check.positive("f", "x", INF, infinite=True) == INF
    assert type(_check.integer("f", "x", np.int8(3), 1, 3)) is int


@pytest.mark.parametrize(
    ("value", "bounds", "rule"),
    [
        (-1, (0,), "at least 0 and finite, got -1"),
        (NAN, (0,), "at least 0 and finite, got nan"),
        (INF, (), "finite, got inf"),
        (-INF, (), "finite, got -inf"),
        (1.0, (0, 1), "at least 0 and below 1, got 1.0"),
        (BIG, (), "finite, got 1000"),
        (-BIG, (), "finite, got -1000"),
    ],
)
def test_numbers_out_of_range(value: float, bounds: tuple[float, ...], rule: str) -> None:
    assert refused(lambda: _check.number("f", "x", value, *bounds), ValueError).startswith(rule)


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j, [1.0], sf.tensor(1.0)])
def test_no_numbers(value: Any) -> None:
    for check in (_check.number, _check.positive, _check.probability):
        text = refused(lambda check=check: check("f", "x", value), TypeError)
        assert text.startswith("a number, got ")


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_no_integers(value: Any) -> None:
    assert refused(lambda: _check.integer("f", "x", value, 0), TypeError) == (
        f"an integer, got {value!r}"
    )


@pytest.mark.parametrize(
    ("check", "error", "rule"),
    [
        (lambda: _check.number("f", "x", NAN, infinite=True), ValueError, "a number, got nan"),
        (lambda: _check.number("f", "x", -INF, infinite=True), ValueError, "a number, got -inf"),
        (lambda: _check.positive("f", "x", 0), ValueError, "positive, got 0"),
        (lambda: _check.positive("f", "x", INF), ValueError, "finite, got inf"),
        (lambda: _check.probability("f", "x", -0.1), ValueError, "in [0, 1], got -0.1"),
        (lambda: _check.probability("f", "x", NAN), ValueError, "in [0, 1], got nan"),
        (lambda: _check.probability("f", "x", INF), ValueError, "in [0, 1], got inf"),
        (lambda: _check.integer("f", "x", 0, 1), ValueError, "at least 1, got 0"),
        (lambda: _check.integer("f", "x", 4, 1, 3), ValueError, "at most 3, got 4"),
        (lambda: _check.pair("f", "x", 1), TypeError, "a tuple of 2 numbers, got 1"),
        (lambda: _check.pair("f", "x", (1, 2, 3)), TypeError, "a tuple of 2 numbers, got (1, 2, "),
        (lambda: _check.choice("f", "x", "c", ("a", None)), ValueError, "one of 'a', None, got"),
        (lambda: _check.flag("f", "x", 1), TypeError, "True or False, got 1"),
        (lambda: _check.tensor("f", "x", [1]), TypeError, "a Tensor, got list"),
    ],
)
def test_one_wording(check: Callable[[], Any], error: type[Exception], rule: str) -> None:
    assert refused(check, error).startswith(rule)


def test_pairs_name_their_part() -> None:
    assert _check.pair("f", "x", [0, 0.5], 0, 1) == (0, 0.5)
    with pytest.raises(ValueError, match=r"^\[f\] x\[1\] must be at least 0 and below 1, got 1$"):
        _check.pair("f", "x", (0, 1), 0, 1)
    with pytest.raises(TypeError, match=r"^\[f\] x\[0\] must be a number, got 'a'$"):
        _check.pair("f", "x", ("a", 1))


def test_long_values_are_cut() -> None:
    assert len(refused(lambda: _check.flag("f", "x", "a" * 1000), TypeError)) < 110
