"""The way in and out: NumPy, DLPack, memory that is shared and how long it lives."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.testing import assert_close

DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]


# ---------------------------------------------------------------------------------- from NumPy


@pytest.mark.parametrize("name", DTYPES)
def test_from_numpy_shares_memory_both_ways(name: str):
    a = np.zeros((2, 3), dtype=name)
    t = sf.from_numpy(a)
    assert t.shape == (2, 3)
    assert str(t.dtype) == f"surefoot.{name}"
    a[0, 1] = 1
    assert t[0, 1].item() == 1
    t[1, 2] = 1
    assert a[1, 2] == 1


LAYOUTS = {
    "transposed": lambda a: a.T,
    "every second": lambda a: a[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1],
    "reversed columns": lambda a: a[:, ::-2],
    "column": lambda a: a[:, 3],
    "broadcast": lambda a: np.broadcast_to(a[0], (5, a.shape[1])),
    "0-d": lambda a: a[2, 3, ...],
    "empty": lambda a: a[3:3],
    "empty reversed": lambda a: a[3:3, ::-1],
    "new axes": lambda a: a[None, :, None],
    "fortran": np.asfortranarray,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_from_numpy_takes_any_layout(layout: str):
    base = np.arange(48.0).reshape(6, 8)
    a = LAYOUTS[layout](base)
    t = sf.from_numpy(np.asarray(a))
    assert_close(t, a)
    assert_close(t + 1, a + 1)
    assert_close(t.sum(), a.sum())
    assert_close(t.clone(), a)
    assert_close(t.numpy(), a)
    if a.size and layout not in ("broadcast", "0-d"):
        assert np.shares_memory(t.numpy(), base) or layout == "fortran"


def test_from_numpy_keeps_the_array_alive():
    a = np.arange(1000.0)
    t = sf.from_numpy(a)
    ref = weakref.ref(a)
    del a
    gc.collect()
    assert ref() is not None
    assert t.sum().item() == 499500.0
    view = t[10:20]
    del t
    assert view.tolist() == list(np.arange(10.0, 20.0))
    del view
    gc.collect()
    assert ref() is None


def test_read_only_array_can_be_read_but_not_written():
    a = np.arange(3.0)
    a.flags.writeable = False
    t = sf.from_numpy(a)
    assert (t * 2).tolist() == [0.0, 2.0, 4.0]
    for write in (lambda: t.add_(1), lambda: t.__setitem__(0, 5.0), lambda: t[1:].zero_(),
                  lambda: t.copy_(sf.zeros(3)), lambda: t.fill_(1.0)):  # fmt: skip
        with pytest.raises((RuntimeError, ValueError), match=r"(?i)read.only|writ"):
            write()
    assert a.tolist() == [0.0, 1.0, 2.0]
    assert not t.numpy().flags.writeable
    assert sf.tensor(a).add_(1).tolist() == [1.0, 2.0, 3.0]


def test_broadcast_array_is_read_only():
    t = sf.from_numpy(np.broadcast_to(np.ones(1), (3,)))
    with pytest.raises((RuntimeError, ValueError)):
        t.add_(1)


@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "i4"])
def test_foreign_byte_order(kind: str):
    a = np.array([1, 2, 300]).astype(">" + kind)
    with pytest.raises(TypeError, match="byte order"):
        sf.from_numpy(a)
    assert_close(sf.tensor(a), a.astype("=" + kind))
    assert_close(sf.tensor(a) + 1, a.astype("=" + kind) + 1)


@pytest.mark.parametrize(
    "a",
    [
        np.array([None, 1]), np.array([1, "a"], dtype=object), np.array(["a"]),
        np.array([1 + 2j]), np.array([1], "datetime64[s]"), np.zeros(2, "f2"),
        np.zeros(2, "u4"), np.zeros(2, "i1"), np.zeros(2, [("x", "f4")]), np.zeros(2, "V3"),
    ],
    ids=lambda a: str(a.dtype),
)  # fmt: skip
def test_other_dtypes_are_refused_by_name(a: np.ndarray):
    for make in (sf.from_numpy, sf.tensor):
        with pytest.raises(TypeError) as caught:
            make(a)
        assert "float32" in str(caught.value) or "numbers" in str(caught.value)


def test_unaligned_strides_are_refused():
    record = np.zeros(4, dtype=[("a", "f4"), ("b", "u1")])
    with pytest.raises((ValueError, TypeError)):
        sf.from_numpy(record["a"])
    assert_close(sf.tensor(record["a"].copy()), np.zeros(4, np.float32))


def test_unaligned_address_works_or_is_refused():
    raw = np.zeros(33, np.uint8)
    a = raw[1:33].view(np.float32)
    a[:] = np.arange(8)
    try:
        t = sf.from_numpy(a)
    except ValueError:
        return
    assert (t * 2).tolist() == [2.0 * i for i in range(8)]


def test_from_numpy_wants_an_array():
    for other in ([1.0], 1.0, None, "a", sf.ones(2)):
        with pytest.raises(TypeError):
            sf.from_numpy(other)


def test_masked_and_subclassed_arrays():
    class Own(np.ndarray):
        pass

    own = np.arange(3.0).view(Own)
    assert_close(sf.tensor(own), np.arange(3.0))


# ------------------------------------------------------------------------------------ to NumPy


@pytest.mark.parametrize("name", DTYPES)
def test_numpy_shares_memory_and_keeps_it_alive(name: str):
    t = sf.ones(2, 3, dtype=getattr(sf, name))
    a = t.numpy()
    assert a.dtype == name
    assert a.flags.writeable
    a[0, 0] = 0
    assert t[0, 0].item() == 0
    t.zero_()
    assert not a.any()
    t.fill_(1)
    del t
    gc.collect()
    junk = [sf.zeros(2, 3) for _ in range(100)]
    assert a.all()
    del junk


def test_numpy_of_views():
    t = sf.arange(24).reshape(2, 3, 4)
    a = np.arange(24).reshape(2, 3, 4)
    assert_close(t.permute(2, 0, 1).numpy(), a.transpose(2, 0, 1))
    assert_close(t[:, 1, ::2].numpy(), a[:, 1, ::2])
    assert_close(t[0, 0].expand(5, 4).numpy(), np.broadcast_to(a[0, 0], (5, 4)))
    assert t.T.numpy().base is not None


def test_numpy_refuses_what_requires_grad_and_names_detach():
    x = sf.ones(2, requires_grad=True)
    for attempt in (lambda: x.numpy(), lambda: (x * 2).numpy(), lambda: np.asarray(x)):
        with pytest.raises(RuntimeError, match=r"detach\(\)"):
            attempt()
    assert_close(x.detach().numpy(), np.ones(2, np.float32))


def test_array_protocol():
    t = sf.tensor([[1.0, 2.0]])
    a = np.asarray(t)
    assert np.shares_memory(a, t.numpy())
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(t), t.numpy())
    assert np.sum(t.numpy()) == 3.0
    assert_close(np.stack([t, t]), np.array([[[1.0, 2.0]], [[1.0, 2.0]]], np.float32))
    with pytest.raises(ValueError):
        np.array(t, dtype=np.float64, copy=False)


def test_write_through_numpy_is_seen_by_ops():
    t = sf.zeros(4)
    a = t.numpy()
    a[:] = [4, 3, 2, 1]
    assert t.sort().values.tolist() == [1, 2, 3, 4]


# ---------------------------------------------------------------------------------------- DLPack


@pytest.mark.parametrize("name", DTYPES)
def test_dlpack_to_numpy_and_back(name: str):
    t = sf.tensor(np.array([[0, 1, 1], [1, 0, 1]], dtype=name))
    a = np.from_dlpack(t)
    assert a.dtype == name
    assert_close(a, t.numpy())
    assert np.shares_memory(a, t.numpy())
    b = np.array([1, 0, 1], dtype=name)
    u = sf.from_dlpack(b)
    assert str(u.dtype) == f"surefoot.{name}"
    b[1] = 1
    assert u.tolist() == [1, 1, 1]


def test_dlpack_of_views_and_lifetimes():
    t = sf.arange(12.0).reshape(3, 4)
    a = np.from_dlpack(t.T[1:, ::2])
    assert_close(a, np.arange(12.0, dtype=np.float32).reshape(3, 4).T[1:, ::2])
    del t
    gc.collect()
    junk = [sf.zeros(12) for _ in range(50)]
    assert a[0, 0] == 1.0
    del junk
    b = np.arange(5.0)
    ref = weakref.ref(b)
    u = sf.from_dlpack(b)
    del b
    gc.collect()
    assert u.sum().item() == 10.0
    del u
    gc.collect()
    assert ref() is None


def test_dlpack_refuses():
    with pytest.raises((RuntimeError, BufferError), match="detach"):
        np.from_dlpack(sf.ones(2, requires_grad=True))
    with pytest.raises((TypeError, AttributeError, ValueError)):
        sf.from_dlpack([1.0])
    with pytest.raises((TypeError, AttributeError, ValueError)):
        sf.from_dlpack(None)
    with pytest.raises((TypeError, ValueError)):
        sf.from_dlpack(np.zeros(2, np.complex64))
    capsule = sf.ones(2).__dlpack__()
    sf.from_dlpack(capsule)
    with pytest.raises((ValueError, RuntimeError)):
        sf.from_dlpack(capsule)
    assert sf.ones(2).__dlpack_device__() == (1, 0)


def test_unused_dlpack_capsule_releases_its_memory():
    gc.collect()
    before = sf.memory_stats()["allocated_bytes"]
    capsule: Any = sf.ones(1000).__dlpack__()
    assert sf.memory_stats()["allocated_bytes"] > before
    del capsule
    gc.collect()
    assert sf.memory_stats()["allocated_bytes"] == before


def test_dlpack_read_only_array():
    a = np.arange(3.0)
    a.flags.writeable = False
    try:
        t = sf.from_dlpack(a)
    except (BufferError, ValueError, RuntimeError):
        return
    with pytest.raises((RuntimeError, ValueError)):
        t.add_(1)
