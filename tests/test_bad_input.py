"""Every op with every kind of wrong argument: a Python exception or a result, never a crash."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from op_table import ROWS, Row
from op_table.run import function_of, rng_of, tensors

ALLOWED = (
    TypeError,
    ValueError,
    RuntimeError,  # NotImplementedError is one
    IndexError,
    OverflowError,
    MemoryError,
    BufferError,  # what NumPy says of arrays that DLPack cannot carry
    ZeroDivisionError,
)


@pytest.fixture(autouse=True, scope="module")
def _limited_memory() -> Iterator[None]:
    """What asks for terabytes must not get them by overcommitment, and harm the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class Liar:
    """Claims a length it does not have."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> Any:
        raise KeyError(i)


class NoIndex:
    def __index__(self) -> int:
        raise ValueError("no number after all")


class NoFloat:
    def __float__(self) -> float:
        raise ValueError("no number after all")


class NoArray:
    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("no array after all")


def read_only() -> np.ndarray:
    a = np.arange(3.0)
    a.flags.writeable = False
    return a


NASTY: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "1.5": lambda: 1.5,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "7": lambda: 7,
    "2**40": lambda: 2**40,
    "2**62": lambda: 2**62,
    "2**63-1": lambda: 2**63 - 1,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "-2**63": lambda: -(2**63),
    "10**30": lambda: 10**30,
    "complex": lambda: 1 + 2j,
    "text": lambda: "text",
    "bytes": lambda: b"\x00",
    "object": object,
    "type": lambda: sf.Tensor,
    "dtype": lambda: sf.float32,
    "function": lambda: len,
    "empty list": list,
    "empty tuple": lambda: (),
    "dict": dict,
    "set": lambda: {1},
    "generator": lambda: (i for i in range(3)),
    "negative tuple": lambda: (-1, -1),
    "huge tuple": lambda: (2**40, 2**40),
    "huger tuple": lambda: (2**62, 4, 2**62),
    "long tuple": lambda: (1,) * 100,
    "mixed tuple": lambda: (1, "a", None),
    "floats": lambda: [0.5, 1.5],
    "nested": lambda: [[1, 2], [3]],
    "deep": lambda: [[[[[[[[[[[[1]]]]]]]]]]]],
    "liar": Liar,
    "no index": NoIndex,
    "no float": NoFloat,
    "no array": NoArray,
    "object array": lambda: np.array([None, 1]),
    "text array": lambda: np.array(["a"]),
    "complex array": lambda: np.array([1j]),
    "half array": lambda: np.zeros(2, np.float16),
    "foreign array": lambda: np.arange(3.0).astype(">f8"),
    "read-only array": read_only,
    "reversed array": lambda: np.arange(6.0)[::-2],
    "numpy scalar": lambda: np.float64(1.5),
    "numpy int": lambda: np.int8(-3),
    "0-d array": lambda: np.array(2.0),
    "empty tensor": lambda: sf.zeros(0),
    "empty 2-d tensor": lambda: sf.zeros(0, 3),
    "0-d tensor": lambda: sf.tensor(1.0),
    "0-d int tensor": lambda: sf.tensor(-5),
    "nan tensor": lambda: sf.tensor([math.nan, math.inf]),
    "int tensor": lambda: sf.tensor([-1, 5, 2**62]),
    "low int tensor": lambda: sf.tensor([-(2**63)]),
    "bool tensor": lambda: sf.tensor([True, False]),
    "uint8 tensor": lambda: sf.tensor([255], dtype=sf.uint8),
    "7-d tensor": lambda: sf.ones(1, 2, 1, 2, 1, 2, 1),
    "expanded tensor": lambda: sf.ones(1).expand(3, 5),
    "huge empty tensor": lambda: sf.ones(0, 1).expand(0, 2**40),
    "reversed tensor": lambda: sf.arange(5.0)[::-1],
    "grad tensor": lambda: sf.ones(3, requires_grad=True),
    "result tensor": lambda: sf.ones(3, requires_grad=True) * 2,
    "tensors": lambda: [sf.ones(2), sf.ones(3)],
    "tensors and more": lambda: [sf.ones(2), None, 3],
}


def attempt(label: str, fn: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        result = fn(*args, **kwargs)
    except ALLOWED as error:
        # The texts of the stubborn objects above come through unchanged.
        assert str(error), f"{label}: an error without a text"  # noqa: PT017
    except KeyError as error:
        assert any(isinstance(a, Liar) for a in (*args, *kwargs.values())), f"{label}: {error!r}"  # noqa: PT017
    else:
        for out in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(out, sf.Tensor):
                assert math.prod(out.shape) == out.numel(), label


def substitutions(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The call with each argument in turn replaced by each nasty value."""
    for what, make in NASTY.items():
        for i in range(len(args)):
            yield f"argument {i} = {what}", [*args[:i], make(), *args[i + 1 :]], kwargs
        for key in kwargs:
            yield f"{key} = {what}", list(args), {**kwargs, key: make()}
        yield f"{what} appended", [*args, make()], kwargs
        yield f"all {what}", [make() for _ in args], kwargs


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_op_survives(row: Row):
    # The first sample that is neither 0-d nor empty, and one with keywords.
    samples = row.samples(rng_of(row))
    plain = next((s for s in samples if getattr(s.args[0], "size", 1) > 1), samples[0])
    chosen = [plain, *[s for s in samples if s.kwargs and len(s.kwargs) > len(plain.kwargs)][:1]]
    for sample in chosen:
        call, _ = tensors(sample, "float32")
        for label, args, kwargs in substitutions(call.args, call.kwargs):
            attempt(f"{row.name}: {label}", function_of(row), args, kwargs)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS if row.inplace])
def test_inplace_op_survives(row: Row):
    samples = row.samples(rng_of(row))
    sample = next((s for s in samples if getattr(s.args[0], "size", 1) > 1), samples[0])
    call, _ = tensors(sample, "float32")
    for label, args, kwargs in substitutions(call.args[1:], call.kwargs):
        target = sf.ones(call.args[0].shape)
        attempt(f"{row.name}_: {label}", getattr(target, f"{row.name}_"), args, kwargs)


RANDOM_CALLS: dict[str, tuple[Any, ...]] = {
    "rand": (2, 3),
    "randn": (2, 3),
    "rand_like": (),
    "randn_like": (),
    "randint": (0, 5, (2, 3)),
    "randperm": (5,),
    "bernoulli": (),
    "multinomial": (2, True),
    "normal": (0.0, 1.0, (3,)),
    "dropout": (0.5,),
}


@pytest.mark.parametrize("name", RANDOM_CALLS)
def test_random_op_survives(name: str):
    args, function = RANDOM_CALLS[name], getattr(sf, name, None) or sf.nn.functional.dropout
    if name in ("rand_like", "randn_like", "bernoulli", "multinomial", "dropout"):
        args = (sf.full((3,), 0.3), *args)
    for label, changed, kwargs in substitutions(args, {"generator": None}):
        attempt(f"{name}: {label}", function, changed, kwargs)


METHODS = [
    "to", "copy_", "fill_", "requires_grad_", "register_hook", "backward", "size", "stride",
    "view", "expand", "repeat", "__getitem__", "__contains__", "__array__", "__add__", "__rsub__",
    "__matmul__", "__pow__", "__eq__", "__lt__", "__iadd__", "__format__",
]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_method_survives(name: str):
    for what, make in NASTY.items():
        for target in (sf.ones(3), sf.ones(2, 3, requires_grad=True), sf.tensor(1)):
            attempt(f"{name}({what})", getattr(target, name), [make()], {})


@pytest.mark.parametrize("name", ["requires_grad", "grad", "data"])
def test_property_survives(name: str):
    for what, make in NASTY.items():
        x = sf.ones(3)
        attempt(f"{name} = {what}", setattr, [x, name, make()], {})
        assert x.sum().item() == x.sum().item() or what == "nan tensor"


@pytest.mark.parametrize("name", ["shape", "dtype", "ndim", "is_leaf", "grad_fn", "_version"])
def test_fact_cannot_be_set(name: str):
    with pytest.raises(AttributeError):
        setattr(sf.ones(3), name, getattr(sf.ones(2), name))


def test_writing_survives():
    for what, make in NASTY.items():
        x = sf.zeros(3, 4)
        attempt(f"x[{what}] = 0", x.__setitem__, [make(), 0], {})
        attempt(f"x[0] = {what}", x.__setitem__, [0, make()], {})
        attempt(f"x[:] = {what}", x.__setitem__, [slice(None), make()], {})
        for part in ("start", "stop", "step"):
            cut = {"start": (make(), None, None), "stop": (None, make(), None)}
            index = slice(*cut.get(part, (None, None, make())))
            attempt(f"x[slice with {part} = {what}]", x.__getitem__, [index], {})


@pytest.mark.parametrize(
    "name",
    [
        "tensor",
        "from_numpy",
        "from_dlpack",
        "manual_seed",
        "set_num_threads",
        "Generator",
        "set_rng_state",
    ],
)
def test_function_survives(name: str):
    threads = sf.get_num_threads()
    for what, make in NASTY.items():
        if name == "set_num_threads" and what in ("7", "2**40", "2**62", "2**63-1"):
            continue  # valid numbers: a thread pool of that size is the caller's wish
        attempt(f"{name}({what})", getattr(sf, name), [make()], {})
    sf.set_num_threads(threads)


def test_autograd_functions_survive():
    for what, make in NASTY.items():
        x = sf.ones(3, requires_grad=True)
        y = x * 2
        attempt(f"grad({what})", sf.autograd.grad, [make(), x], {})
        attempt(f"grad(y, {what})", sf.autograd.grad, [y.sum(), make()], {})
        attempt(f"grad(y, x, {what})", sf.autograd.grad, [y, x, make()], {})
        attempt(f"backward({what})", sf.autograd.backward, [make()], {})
        attempt(f"backward(y, {what})", sf.autograd.backward, [y, make()], {})
        attempt(f"enable({what})", sf.set_grad_enabled, [make()], {})
        sf.set_grad_enabled(True)


def test_function_with_wrong_results_survives():
    for what, make in NASTY.items():

        class Odd(sf.autograd.Function):
            value: Any = make()

            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x * 2

            @classmethod
            def backward(cls, ctx: Any, grad: Any) -> Any:  # type: ignore[override]
                return cls.value

        def train(kind: Any = Odd) -> None:
            kind.apply(sf.ones(3, requires_grad=True)).sum().backward()

        attempt(f"backward returns {what}", train, [], {})

        class Forward(sf.autograd.Function):
            value: Any = make()

            @classmethod
            def forward(cls, ctx: Any, x: Any) -> Any:  # type: ignore[override]
                return cls.value

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return grad

        attempt(f"forward returns {what}", Forward.apply, [sf.ones(3, requires_grad=True)], {})


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_wrong_type_names_op_and_argument(row: Row):
    samples = row.samples(rng_of(row))
    call, _ = tensors(samples[0], "float32")
    if not call.args:
        return
    with pytest.raises(TypeError) as caught:
        function_of(row)(object(), *call.args[1:], **call.kwargs)
    assert row.name in str(caught.value)
    assert "object" in str(caught.value)


# ----------------------------------------------------------------------------- named promises


def test_losses_refuse_columns_against_rows():
    """(N,) against (N, 1) would broadcast to (N, N)."""
    for a, b in (((5,), (5, 1)), ((5, 1), (5,)), ((5, 1), (1, 5))):
        with pytest.raises(ValueError) as caught:
            sf.nn.functional.mse_loss(sf.ones(a), sf.ones(b))
        text = str(caught.value)
        assert str(a) in text
        assert str(b) in text
        assert any(word in text for word in ("squeeze", "reshape", "view", "unsqueeze"))


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
def test_label_out_of_range_names_its_row(loss: str):
    fn = getattr(sf.nn.functional, loss)
    for labels, row, value in (([0, 1, 7], 2, 7), ([0, -1, 2], 1, -1), ([3, 0, 0], 0, 3)):
        with pytest.raises(IndexError) as caught:
            fn(sf.zeros(3, 3), sf.tensor(labels))
        assert str(row) in str(caught.value)
        assert str(value) in str(caught.value)


def test_non_integer_labels_say_what_to_do():
    with pytest.raises((TypeError, RuntimeError)) as caught:
        sf.nn.functional.nll_loss(sf.zeros(3, 3), sf.tensor([0.0, 1.0, 2.0]))
    assert "long()" in str(caught.value) or "int64" in str(caught.value)
    with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
        sf.nn.functional.cross_entropy(sf.zeros(3, 3), sf.tensor([0.0, 1.0, 2.0]))
    assert "long()" in str(caught.value) or "int64" in str(caught.value)


def test_all_labels_ignored():
    logits = sf.zeros(2, 3, requires_grad=True)
    labels = sf.tensor([-100, -100])
    loss = sf.nn.functional.cross_entropy(logits, labels, reduction="sum")
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad.tolist() == [[0.0] * 3] * 2


def test_nan_goes_through_what_selects():
    x = sf.tensor([math.nan, 1.0, -1.0])
    assert math.isnan(x.relu()[0].item())
    assert math.isnan(x.clamp(0, 1)[0].item())
    assert math.isnan(x.max().item())
    assert math.isnan(x.min(0).values.item())
    assert x.argmax().item() == 0
    assert math.isnan(sf.maximum(x, sf.zeros(3))[0].item())
    assert math.isnan(x.softmax(0)[1].item())


def test_dead_branch_of_where_sends_no_nan_back():
    x = sf.tensor([0.0, 4.0], requires_grad=True)
    sf.where(x > 0, x, sf.zeros(2)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]
    y = sf.tensor([math.inf, math.nan, 1.0], requires_grad=True)
    (g,) = sf.autograd.grad(sf.where(sf.tensor([False, False, True]), y, sf.zeros(3)).sum(), y)
    assert g.tolist() == [0.0, 0.0, 1.0]
    (g,) = sf.autograd.grad(y.masked_fill(sf.tensor([True, True, False]), 0.0).sum(), y)
    assert g.tolist() == [0.0, 0.0, 1.0]
