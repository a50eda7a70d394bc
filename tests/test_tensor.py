"""What a tensor is and says: dtypes, promotion, shape facts, values, copies, limits."""

from __future__ import annotations

import copy
import itertools
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.testing import assert_close

DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]


def dt(name: str) -> Any:
    return getattr(sf, name)


# -------------------------------------------------------------------------------------- making


def test_tensor_of_python_values():
    assert sf.tensor(1.5).dtype == sf.float32
    assert sf.tensor(2).dtype == sf.int64
    assert sf.tensor(True).dtype == sf.bool
    assert sf.tensor([1, 2.5]).dtype == sf.float32
    assert sf.tensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert sf.tensor([]).shape == (0,)
    assert sf.tensor([]).dtype == sf.float32
    assert sf.tensor([[], []]).shape == (2, 0)
    assert sf.tensor((1.0, 2.0)).tolist() == [1.0, 2.0]
    assert sf.tensor(np.float64(1.5)).dtype == sf.float64
    assert sf.tensor(np.int32(3)).dtype == sf.int32


@pytest.mark.parametrize("name", DTYPES)
def test_tensor_keeps_the_dtype_of_an_array_and_copies(name: str):
    a = np.array([[0, 1], [1, 0]], dtype=name)
    t = sf.tensor(a)
    assert t.dtype == dt(name)
    a[0, 0] = 1
    assert t.tolist() == [[0, 1], [1, 0]]
    assert sf.tensor(t, dtype=sf.float64).dtype == sf.float64
    assert sf.tensor(t).data_ptr() != t.data_ptr()


def test_tensor_with_dtype_and_grad():
    t = sf.tensor([1, 2], dtype=sf.float64, requires_grad=True)
    assert t.dtype == sf.float64
    assert t.requires_grad
    assert t.is_leaf
    assert sf.tensor([0.0, 2.7, -1.2], dtype=sf.int64).tolist() == [0, 2, -1]
    assert sf.tensor([0, 2, -1], dtype=sf.bool).tolist() == [False, True, True]


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\[tensor\].*rows differ in length"):
        sf.tensor([[1, 2], [3]])


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, TypeError),
        ("abc", TypeError),
        ([1, "a"], TypeError),
        ([[1, 2], [3]], (TypeError, ValueError)),
        (object(), TypeError),
        ({1: 2}, TypeError),
        (np.array([None, 1]), TypeError),
        (np.array(["a"]), TypeError),
        (np.array([1 + 2j]), TypeError),
        (np.array([1], "datetime64[s]"), TypeError),
        (1 + 2j, TypeError),
        (2**70, (TypeError, OverflowError, ValueError)),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_is_no_tensor_is_refused(value: Any, error: Any):
    with pytest.raises(error):
        sf.tensor(value)


def test_tensor_class_has_no_constructor_of_its_own():
    with pytest.raises(TypeError, match=r"surefoot\.tensor"):
        sf.Tensor([1.0])


# ---------------------------------------------------------------------------------- promotion


@pytest.mark.parametrize(("a", "b"), list(itertools.product(DTYPES, DTYPES)))
def test_promotion_of_two_tensors(a: str, b: str):
    """The wider of two dtypes of a kind, the dtype of the higher kind otherwise; 0-d counts."""
    expected = DTYPES[max(DTYPES.index(a), DTYPES.index(b))]
    x, y = sf.ones(2, dtype=dt(a)), sf.ones(2, dtype=dt(b))
    assert (x * y).dtype == dt(expected)
    assert (x * y[0]).dtype == dt(expected)
    assert (x[0] * y).dtype == dt(expected)
    assert (x < y).dtype == sf.bool
    assert sf.maximum(x, y).dtype == dt(expected) or expected == "bool"
    assert sf.where(x > 0, x, y).dtype == dt(expected)
    assert sf.cat([x, y]).dtype == dt(expected)


@pytest.mark.parametrize("name", DTYPES)
def test_python_numbers_are_weak(name: str):
    x = sf.ones(2, dtype=dt(name))
    assert (x * True).dtype == dt(name)
    assert (x + 1).dtype == (sf.int64 if name == "bool" else dt(name))
    floating = name.startswith("float")
    assert (x * 1.5).dtype == (dt(name) if floating else sf.float32)
    assert (1.5 * x).dtype == (dt(name) if floating else sf.float32)
    assert (x / 2).dtype == (dt(name) if floating else sf.float32)


@pytest.mark.parametrize("name", ["uint8", "int32", "int64", "float32", "float64"])
def test_true_division_floats_and_floor_division_does_not(name: str):
    x = sf.tensor(np.array([7, 8], dtype=name))
    floating = name.startswith("float")
    assert (x / x).dtype == (dt(name) if floating else sf.float32)
    assert (x // 2).dtype == dt(name)
    assert (x % 3).dtype == dt(name)
    assert (x // 2).tolist() == [3, 4]
    assert (x % 3).tolist() == [1, 2]


def test_large_numbers_keep_their_digits():
    big = 2**62 + 1
    assert (sf.tensor([big]) + 1).tolist() == [big + 1]
    assert sf.tensor([big]).item() == big
    assert (sf.tensor([1], dtype=sf.float64) * 1e300).item() == 1e300
    assert sf.full((1,), big, dtype=sf.int64).item() == big


def test_integer_division_by_zero_is_an_error():
    x = sf.tensor([1, 2])
    for op in (lambda: x // 0, lambda: x % 0, lambda: x // sf.tensor([1, 0])):
        with pytest.raises((RuntimeError, ZeroDivisionError), match=r"(?i)zero"):
            op()
    assert (sf.tensor([1.0, -1.0, 0.0]) / 0).tolist()[:2] == [math.inf, -math.inf]


def test_most_negative_integer_does_not_trap():
    for name in ("int32", "int64"):
        low = np.iinfo(name).min
        x = sf.tensor(np.array([low], dtype=name))
        assert (x // -1).numel() == 1
        assert (x % -1).tolist() == [0]
        assert x.abs().numel() == 1


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_conversion(source: str, target: str):
    a = np.array([0, 1, 3, 200]).astype(source)
    t = sf.tensor(a).to(dt(target))
    assert t.dtype == dt(target)
    assert_close(t, a.astype(target))


def test_conversion_methods():
    x = sf.tensor([0.0, 1.5, -2.5])
    assert x.to(sf.float32) is x or x.to(sf.float32).data_ptr() == x.data_ptr()
    assert x.double().dtype == sf.float64
    assert x.float().dtype == sf.float32
    assert x.long().tolist() == [0, 1, -2]
    assert x.int().dtype == sf.int32
    assert x.bool().tolist() == [False, True, True]
    assert x.to(sf.ones(1, dtype=sf.float64)).dtype == sf.float64


def test_inplace_keeps_the_dtype_or_refuses():
    x = sf.zeros(2, dtype=sf.int64)
    x.add_(1)
    with pytest.raises((RuntimeError, TypeError), match="float"):
        x.add_(1.5)
    with pytest.raises((RuntimeError, TypeError)):
        x.mul_(sf.ones(2))
    assert x.tolist() == [1, 1]
    y = sf.zeros(2)
    y.add_(sf.ones(2, dtype=sf.float64))
    assert y.dtype == sf.float32
    with pytest.raises((RuntimeError, ValueError), match=r"\(2,\).*\(3, 2\)|\(3, 2\).*\(2,\)"):
        y.add_(sf.ones(3, 2))


# ---------------------------------------------------------------------------------- operators

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@pytest.mark.parametrize("symbol", BINARY)
def test_operators_with_tensors_numbers_and_arrays(symbol: str):
    op = BINARY[symbol]
    a, b = np.array([[1.0, 2.5, 3.0]]), np.array([[2.0], [3.0]])
    x, y = sf.tensor(a), sf.tensor(b)
    assert_close(op(x, y), op(a, b))
    assert_close(op(x, 2), op(a, 2))
    assert_close(op(2, x), op(2, a))
    assert_close(op(x, 1.5), op(a, 1.5))
    assert_close(op(2.5, x), op(2.5, a))
    assert_close(op(x, b), op(a, b))
    mixed = op(a, y)
    assert isinstance(mixed, sf.Tensor), "array (op) tensor is a tensor's business"
    assert_close(mixed, op(a, b))


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "//", "%"])
def test_inplace_operators(symbol: str):
    inplace = {
        "+": operator.iadd,
        "-": operator.isub,
        "*": operator.imul,
        "/": operator.itruediv,
        "**": operator.ipow,
        "//": operator.ifloordiv,
        "%": operator.imod,
    }[symbol]
    a = np.array([1.0, 2.0, 3.5])
    t = sf.tensor(a)
    before = t
    t = inplace(t, 2)
    assert t is before
    assert_close(t, BINARY[symbol](a, 2))


def test_unary_and_matrix_operators():
    a = np.array([[1.0, -2.0], [0.5, 3.0]])
    x = sf.tensor(a)
    assert_close(-x, -a)
    assert_close(+x, +a)
    assert_close(abs(x), abs(a))
    assert_close(x @ x, a @ a)
    assert_close(x.T, a.T)
    assert_close(x.mT, a.T)
    assert (~sf.tensor([True, False])).tolist() == [False, True]
    m = sf.tensor([True, False, True])
    n = sf.tensor([True, True, False])
    assert (m & n).tolist() == [True, False, False]
    assert (m | n).tolist() == [True, True, True]
    assert (m ^ n).tolist() == [False, True, True]


def test_operators_with_strangers_are_type_errors():
    x = sf.ones(2)
    for other in ("a", object(), {}):
        for op in (operator.add, operator.mul, operator.sub, operator.truediv):
            with pytest.raises(TypeError):
                op(x, other)
            with pytest.raises(TypeError):
                op(other, x)
    with pytest.raises(TypeError):
        x + None
    with pytest.raises(TypeError):
        x @ 2
    with pytest.raises((TypeError, RuntimeError)):
        -sf.tensor([True])


def test_comparison_with_strangers():
    x = sf.ones(2)
    assert (x == None) is False or (x == None) is NotImplemented  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert x != "text"
    with pytest.raises(TypeError):
        operator.lt(x, "text")


def test_tensor_is_hashable_by_identity():
    x, y = sf.ones(2), sf.ones(2)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


def test_equal_and_allclose():
    x = sf.tensor([1.0, 2.0])
    assert sf.equal(x, x.clone())
    assert not sf.equal(x, sf.tensor([1.0, 2.1]))
    assert not sf.equal(x, sf.tensor([1.0]))
    assert sf.allclose(x, x + 1e-7)
    assert not sf.allclose(x, x + 1e-2)
    assert sf.allclose(x, x + 1e-2, atol=0.1)
    assert not sf.allclose(sf.tensor([math.nan]), sf.tensor([math.nan]))
    assert sf.allclose(sf.tensor([math.nan]), sf.tensor([math.nan]), equal_nan=True)
    assert sf.equal(sf.zeros(0), sf.zeros(0))


# ----------------------------------------------------------------------------- facts and values


def test_shape_facts():
    x = sf.zeros(2, 3, 5)
    assert x.shape == (2, 3, 5)
    assert isinstance(x.shape, tuple)
    assert x.size() == (2, 3, 5)
    assert x.size(-1) == 5
    assert x.ndim == 3
    assert x.dim() == 3
    assert x.numel() == 30
    assert x.stride() == (15, 5, 1)
    assert x.stride(1) == 5
    assert x.element_size() == 4
    assert x.itemsize == 4
    assert x.nbytes == 120
    assert x.is_contiguous()
    assert not x.transpose(0, 2).is_contiguous()
    assert x.transpose(0, 2).contiguous().is_contiguous()
    assert x[1].storage_offset() == 15
    assert x.is_floating_point()
    assert not x.long().is_floating_point()
    assert len(x) == 2
    with pytest.raises(IndexError):
        x.size(3)
    with pytest.raises(TypeError):
        len(sf.tensor(1.0))


def test_views_share_and_copies_do_not():
    x = sf.zeros(2, 3)
    for view in (x[0], x.view(6), x.T, x.reshape(3, 2), x.expand(4, 2, 3), x.detach(), x[:, 1:]):
        assert view.data_ptr() - x.data_ptr() in range(24)
    for copied in (x.clone(), x.T.contiguous(), x.T.reshape(6), x[[0]], x[x == 0]):
        copied.fill_(7.0)
    assert x.sum().item() == 0
    x.T[0, 1] = 5.0
    assert x[1, 0].item() == 5.0
    assert x.contiguous().data_ptr() == x.data_ptr()


def test_view_of_what_cannot_be_viewed_says_reshape():
    with pytest.raises(RuntimeError, match="reshape"):
        sf.zeros(2, 3).T.view(6)


def test_item_and_tolist():
    assert sf.tensor(2.5).item() == 2.5
    assert isinstance(sf.tensor(2).item(), int)
    assert sf.tensor([[True]]).item() is True
    assert sf.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert sf.tensor(1.5).tolist() == 1.5
    assert sf.zeros(0, 3).tolist() == []
    assert sf.tensor([[1, 2], [3, 4]]).T.tolist() == [[1, 3], [2, 4]]
    for t in (sf.zeros(2), sf.zeros(0)):
        with pytest.raises((RuntimeError, ValueError), match=r"item"):
            t.item()


def test_truth_and_number_conversion():
    assert bool(sf.tensor(0.5))
    assert not sf.tensor([0])
    assert float(sf.tensor([2.5])) == 2.5
    assert int(sf.tensor(3)) == 3
    assert int(sf.tensor(3.7)) == 3
    assert [10, 20, 30][sf.tensor(1)] == 20
    with pytest.raises((RuntimeError, ValueError), match=r"any\(\)|all\(\)|ambiguous"):
        bool(sf.ones(2))
    with pytest.raises((RuntimeError, ValueError)):
        bool(sf.zeros(0))
    with pytest.raises(TypeError):
        [1, 2][sf.tensor(1.0)]
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        float(sf.ones(2))


def test_iteration_and_membership():
    x = sf.tensor([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    a, b = sf.tensor([1.0, 2.0])
    assert (a.item(), b.item()) == (1.0, 2.0)
    assert 3 in x
    assert 9 not in x
    with pytest.raises(TypeError, match="0-d"):
        iter(sf.tensor(1.0))
    assert list(sf.zeros(0, 2)) == []


def test_repr_says_values_dtype_and_grad():
    assert repr(sf.tensor([1, 2])) == "tensor([1, 2])"
    assert "1.5" in repr(sf.tensor(1.5))
    assert "float64" in repr(sf.ones(2, dtype=sf.float64))
    assert "requires_grad=True" in repr(sf.ones(2, requires_grad=True))
    assert "grad_fn" in repr(sf.ones(2, requires_grad=True) * 2)
    assert len(repr(sf.zeros(1000, 1000))) < 2000
    assert "nan" in repr(sf.tensor(float("nan")))
    assert repr(sf.zeros(0)).startswith("tensor([]")
    assert f"{sf.tensor(1.23456):.2f}" == "1.23"
    assert str(sf.float32) == "surefoot.float32"
    assert repr(sf.float32) == "surefoot.float32"


def test_filling_and_copying_in_place():
    x = sf.zeros(2, 3)
    assert x.fill_(2.5) is x
    assert x.zero_() is x
    x.copy_(sf.tensor([1, 2, 3]))
    assert x.tolist() == [[1, 2, 3], [1, 2, 3]]
    x[:, 0].copy_(sf.tensor([9.0, 8.0], dtype=sf.float64))
    assert x[:, 0].tolist() == [9.0, 8.0]
    with pytest.raises((RuntimeError, ValueError), match=r"\[copy_\]"):
        x.copy_(sf.zeros(4))
    overlapping = sf.arange(5)
    overlapping[1:].copy_(overlapping[:-1])
    assert overlapping.tolist() == [0, 0, 1, 2, 3]


def test_copy_from_itself_reversed():
    x = sf.arange(100)
    x.copy_(x.flip(0))
    assert x.tolist() == list(range(99, -1, -1))
    y = sf.arange(9).reshape(3, 3)
    y.copy_(y.T)
    assert y.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    z = sf.arange(9.0).reshape(3, 3)
    z.add_(z.T)
    assert z.tolist() == [[0, 4, 8], [4, 8, 12], [8, 12, 16]]


# ------------------------------------------------------------------------------------- copying


def test_deepcopy_keeps_values_and_grad_state():
    x = sf.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert_close(y.grad, x.grad)
    assert y.data_ptr() != x.data_ptr()
    assert y.grad.data_ptr() != x.grad.data_ptr()
    shared = [x, x]
    copied = copy.deepcopy(shared)
    assert copied[0] is copied[1]
    with pytest.raises(RuntimeError, match="detach"):
        copy.deepcopy(x * 2)


@pytest.mark.parametrize("name", DTYPES)
def test_pickle_round_trip(name: str):
    x = sf.tensor(np.array([[0, 1], [1, 1]], dtype=name)).T
    y = pickle.loads(pickle.dumps(x))
    assert y.dtype == x.dtype
    assert y.tolist() == x.tolist()


def test_pickle_of_a_leaf_that_requires_grad():
    y = pickle.loads(pickle.dumps(sf.tensor([1.0], requires_grad=True)))
    assert y.requires_grad
    with pytest.raises(RuntimeError, match="detach"):
        pickle.dumps(sf.tensor([1.0], requires_grad=True) * 2)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_pickle_to_themselves(name: str):
    assert pickle.loads(pickle.dumps(dt(name))) is dt(name)
    assert copy.deepcopy(dt(name)) is dt(name)


def test_generator_state_round_trip():
    g = sf.Generator(3)
    sf.rand(5, generator=g)
    state = g.get_state()
    first = sf.rand(5, generator=g).tolist()
    g.set_state(state)
    assert sf.rand(5, generator=g).tolist() == first
    sf.manual_seed(1)
    state = sf.get_rng_state()
    first = sf.randn(3).tolist()
    sf.set_rng_state(state)
    assert sf.randn(3).tolist() == first
    for wrong in (sf.zeros(3), sf.zeros(1, dtype=sf.uint8)):
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            g.set_state(wrong)


def test_empty_has_shape_and_dtype():
    assert sf.empty(2, 3).shape == (2, 3)
    assert sf.empty((0, 3), dtype=sf.int64).dtype == sf.int64
    assert sf.empty_like(sf.zeros(2, dtype=sf.uint8)).dtype == sf.uint8
    assert sf.empty(2, requires_grad=True).requires_grad


# -------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "dims", [(2**31, 2**32), (2**62, 4), (2**63 - 1,), (2**40,), (2**62,), (33, 2**43)]
)
def test_sizes_that_cannot_be_are_errors(dims: tuple[int, ...]):
    for make in (sf.zeros, sf.ones, sf.rand, sf.randn, sf.empty):
        with pytest.raises((ValueError, MemoryError, RuntimeError)):
            make(*dims)
    assert sf.ones(2).sum().item() == 2  # the next op works


@pytest.mark.parametrize("dims", [(-1,), (2, -3), (-(2**63),)])
def test_negative_sizes_are_errors(dims: tuple[int, ...]):
    for make in (sf.zeros, sf.ones, sf.rand, sf.randn, sf.empty):
        with pytest.raises((ValueError, RuntimeError)):
            make(*dims)


def test_sizes_beyond_64_bits_are_errors():
    for size in (2**63, 2**64, -(2**63) - 1, 10**30):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            sf.zeros(size)


def test_huge_views_without_memory():
    """An expanded tensor may be huge; what would write it out may not."""
    x = sf.ones(1).expand(2**40)
    assert x.numel() == 2**40
    with pytest.raises((MemoryError, ValueError, RuntimeError)):
        x.clone()
    with pytest.raises((ValueError, RuntimeError)):
        sf.ones(1, 1).expand(2**40, 2**40)
    with pytest.raises((MemoryError, ValueError, RuntimeError)):
        sf.ones(4).repeat(2**40)
    with pytest.raises((MemoryError, ValueError, RuntimeError)):
        sf.nn.functional.pad(sf.ones(4), (2**62, 2**62))


def test_empty_dims_with_huge_ones():
    assert sf.zeros(0, 2**40).numel() == 0
    assert sf.zeros(2**31, 0).sum().item() == 0


def test_many_dimensions():
    x = sf.zeros((1,) * 8)
    assert (x + 1).sum().item() == 1
    for ndim in (9, 40, 1000):
        try:
            y = sf.zeros((1,) * ndim)
        except (ValueError, RuntimeError) as error:  # noqa: PERF203
            assert "dimension" in str(error)  # noqa: PT017
        else:
            assert (y + 1).ndim == ndim


def test_failed_allocation_is_memory_error_with_the_size():
    with pytest.raises(MemoryError, match=r"\d"):
        sf.zeros(2**45)
