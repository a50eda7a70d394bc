"""Checks for code that computes with tensors: compare values, compare gradients with differences.

`gradcheck` compares the gradients that backward computes with central differences in float64,
`gradgradcheck` does the same for second derivatives, `assert_close` compares values and says where
they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

import surefoot as sf

__all__ = ["GradcheckError", "assert_close", "gradcheck", "gradgradcheck"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Function: TypeAlias = Callable[..., Any]

# rtol, atol for each dtype: a few units in the last place of a sum; whole numbers must be equal.
_TOLERANCES = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


class GradcheckError(AssertionError):
    """A gradient is wrong; the text names function, output, input, index, expected and got."""


# ---------------------------------------------------------------------------------- assert_close


def assert_close(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    *,
    equal_nan: bool = False,
    check_dtype: bool = True,
    msg: str = "",
) -> None:
    """Raises AssertionError unless `|actual - expected| <= atol + rtol * |expected|` everywhere.

    Takes tensors, arrays, numbers and (nested) sequences of them. Shapes must be equal, dtypes too
    unless `check_dtype=False`; a number has no dtype of its own. Without `rtol` and `atol` the
    tolerances follow the dtype: (1.3e-6, 1e-5) for float32, (1e-7, 1e-7) for float64, 0 for whole
    numbers and bool. NaN equals nothing unless `equal_nan=True`.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("[assert_close] give both rtol and atol, or neither")
    if isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)):
        if len(actual) != len(expected):
            raise AssertionError(_prefix(msg) + f"{len(actual)} items, expected {len(expected)}")
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            label = f"{msg}[{i}]" if msg else f"item {i}"
            assert_close(a, e, rtol, atol, equal_nan=equal_nan, check_dtype=check_dtype, msg=label)
        return
    got, want = _to_array(actual), _to_array(expected)
    if got.shape != want.shape:
        raise AssertionError(_prefix(msg) + f"shape {got.shape}, expected {want.shape}")
    typed = _has_dtype(actual) and _has_dtype(expected)
    if check_dtype and typed and got.dtype != want.dtype:
        raise AssertionError(_prefix(msg) + f"dtype {got.dtype}, expected {want.dtype}")
    if rtol is None or atol is None:
        rtol, atol = _default_tolerance(actual, got, expected, want)
    _compare(got, want, rtol, atol, equal_nan, msg)


def _compare(got: Array, want: Array, rtol: float, atol: float, equal_nan: bool, msg: str) -> None:
    with np.errstate(all="ignore"):
        g, w = _widened(got), _widened(want)
        off = np.abs(g - w)
        good = (g == w) | (off <= atol + rtol * np.abs(w)) & np.isfinite(w)
        if equal_nan:
            good |= np.isnan(g) & np.isnan(w)
        if good.all():
            return
        size = np.where(good, -1.0, np.where(np.isnan(off), np.inf, off))
        worst = np.unravel_index(int(np.argmax(size)), size.shape)
        relative = float(off[worst] / np.abs(w[worst]))
    index = tuple(int(i) for i in worst)
    raise AssertionError(
        _prefix(msg)
        + f"{np.count_nonzero(~good)} of {good.size} values differ (shape {got.shape}, "
        + f"rtol {rtol:g}, atol {atol:g}); the worst at {index}: "
        + f"expected {want[worst]}, got {got[worst]}, "
        + f"off by {float(off[worst]):.3g} ({relative:.3g} relative)"
    )


def _widened(array: Array) -> Array:
    """As float64; whole numbers that float64 would round as long double."""
    whole = array.dtype.kind in "iu" and array.size > 0
    if whole and max(int(array.max()), -int(array.min())) >= 2**53:
        return array.astype(np.longdouble)
    return array.astype(np.float64)


def _prefix(msg: str) -> str:
    return f"{msg}: " if msg else ""


def _has_dtype(value: Any) -> bool:
    return isinstance(value, (sf.Tensor, np.ndarray, np.generic))


def _to_array(value: Any) -> Array:
    if isinstance(value, sf.Tensor):
        return np.asarray(value.detach().numpy())
    return np.asarray(value)


def _default_tolerance(actual: Any, got: Array, expected: Any, want: Array) -> tuple[float, float]:
    """The looser of both dtypes' tolerances; a bare number follows the other side."""
    names = [
        array.dtype.name for value, array in ((actual, got), (expected, want)) if _has_dtype(value)
    ] or [np.result_type(got, want).name]
    pairs = [_TOLERANCES.get(name, (0.0, 0.0)) for name in names]
    return max(rtol for rtol, _ in pairs), max(atol for _, atol in pairs)


# ------------------------------------------------------------------------------------- gradcheck


def gradcheck(
    fn: Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    directional: bool = False,
    seed: int = 0,
    name: str | None = None,
    raise_exception: bool = True,
) -> bool:
    """Compares the gradients of `fn(*inputs)` with central differences.

    Every float64 tensor among `inputs` that requires grad is checked, against every floating
    output; other inputs are passed on as they are. The whole Jacobian is compared, one difference
    of width `2 * eps` for each input element; with `directional=True` one random direction for
    each input, at the cost of two calls of `fn`, whatever the sizes.

    Returns True, or raises GradcheckError (with `raise_exception=False`: returns False). `fn` must
    be deterministic and smooth around `inputs`: a kink closer than `eps` looks like a wrong
    gradient.
    """
    check = _Check(fn, _as_tuple(inputs), eps, atol, rtol, seed, name or _name_of(fn))
    return check.run(directional, raise_exception)


def gradgradcheck(
    fn: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    directional: bool = False,
    seed: int = 0,
    name: str | None = None,
    raise_exception: bool = True,
) -> bool:
    """As `gradcheck`, for the gradients of the gradients.

    Checks the function that maps `inputs` and `grad_outputs` (random ones, if not given) to
    `autograd.grad(fn(*inputs), inputs, grad_outputs, create_graph=True)`, with respect to both.
    """
    arguments = _as_tuple(inputs)
    outputs = _floating_outputs(fn(*arguments))
    if grad_outputs is None:
        rng = np.random.default_rng(seed + 1)
        grads = tuple(
            sf.tensor(rng.standard_normal(tuple(out.shape))).requires_grad_() for _, out in outputs
        )
    else:
        grads = _as_tuple(grad_outputs)
    count = len(arguments)
    wanted = [i for i in range(count) if _is_checked(arguments[i])]

    def gradients(*values: Any) -> tuple[sf.Tensor, ...]:
        outs = [out for _, out in _floating_outputs(fn(*values[:count])) if out.requires_grad]
        weights = [
            w for (_, out), w in zip(outputs, values[count:], strict=True) if out.requires_grad
        ]
        at = [values[i] for i in wanted]
        found = sf.autograd.grad(outs, at, weights, create_graph=True, allow_unused=True)
        return tuple(
            sf.zeros_like(x) if grad is None else grad for grad, x in zip(found, at, strict=True)
        )

    label = f"gradient of {name or _name_of(fn)}"
    check = _Check(gradients, (*arguments, *grads), eps, atol, rtol, seed, label, constant_ok=True)
    return check.run(directional, raise_exception)


class _Check:
    """One run of gradcheck."""

    def __init__(
        self,
        fn: Function,
        inputs: tuple[Any, ...],
        eps: float,
        atol: float,
        rtol: float,
        seed: int,
        name: str,
        constant_ok: bool = False,
    ) -> None:
        self.fn, self.inputs, self.name = fn, inputs, name
        self.constant_ok = constant_ok  # an output without a graph must have difference zero
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.rng = np.random.default_rng(seed)
        self.checked = [i for i, x in enumerate(inputs) if _is_checked(x)]
        for i in self.checked:
            if _dtype_name(inputs[i]) != "float64":
                raise ValueError(
                    f"[gradcheck] argument {i} of {name} is {inputs[i].dtype}; differences need "
                    f"float64, write x.double().detach().requires_grad_()"
                )
        if not self.checked:
            raise ValueError(
                f"[gradcheck] no argument of {name} requires grad; call requires_grad_() on those "
                f"to check"
            )

    def run(self, directional: bool, raise_exception: bool) -> bool:
        try:
            self._check_outputs(directional)
        except GradcheckError:
            if raise_exception:
                raise
            return False
        return True

    def _check_outputs(self, directional: bool) -> None:
        outputs = _floating_outputs(self.fn(*self.inputs))
        if not self.constant_ok:
            outputs = [(place, out) for place, out in outputs if out.requires_grad]
        if not outputs:
            raise GradcheckError(f"[gradcheck] {self.name}: no output requires grad")
        for place, out in outputs:
            if directional:
                self._check_direction(place, out)
            else:
                self._check_jacobian(place, out)

    def _check_jacobian(self, place: int, out: sf.Tensor) -> None:
        shape, count = tuple(out.shape), int(np.prod(tuple(out.shape), dtype=np.int64))
        rows: list[list[Array]] = []
        for j in range(count):
            one = np.zeros(count)
            one[j] = 1.0
            rows.append(self._backward(place, out, one.reshape(shape)))
        for position, i in enumerate(self.checked):
            for k, index in enumerate(np.ndindex(tuple(self.inputs[i].shape))):
                step = np.zeros(tuple(self.inputs[i].shape))
                step[index] = 1.0
                want = self._difference(place, i, step).reshape(-1)
                for j in range(count):
                    got = float(rows[j][position].reshape(-1)[k])
                    if not self._agree(got, float(want[j])):
                        at = tuple(int(n) for n in np.unravel_index(j, shape))
                        self._fail(
                            place, i, f"d output{list(at)} / d input{list(index)}", want[j], got
                        )

    def _check_direction(self, place: int, out: sf.Tensor) -> None:
        weight = np.asarray(self.rng.standard_normal(tuple(out.shape)))
        grads = self._backward(place, out, weight)
        for position, i in enumerate(self.checked):
            step = self._direction(tuple(self.inputs[i].shape))
            want = float((self._difference(place, i, step) * weight).sum())
            got = float((grads[position] * step).sum())
            if not self._agree(got, want):
                self._fail(place, i, "along one random direction", want, got)

    def _backward(self, place: int, out: sf.Tensor, weight: Array) -> list[Array]:
        at = [self.inputs[i] for i in self.checked]
        if not out.requires_grad:
            return [np.zeros(tuple(x.shape)) for x in at]
        grads = sf.autograd.grad(
            [out], at, [sf.tensor(weight)], retain_graph=True, allow_unused=True
        )
        result = []
        for i, x, grad in zip(self.checked, at, grads, strict=True):
            if grad is None:
                result.append(np.zeros(tuple(x.shape)))
                continue
            if tuple(grad.shape) != tuple(x.shape) or grad.dtype != x.dtype:
                raise GradcheckError(
                    f"[gradcheck] {self.name}, output {place}: the gradient of argument {i} has "
                    f"shape {tuple(grad.shape)} and dtype {grad.dtype}, the argument has "
                    f"{tuple(x.shape)} and {x.dtype}"
                )
            result.append(_to_array(grad))
        return result

    def _difference(self, place: int, i: int, step: Array) -> Array:
        """(f(x + eps step) - f(x - eps step)) / (2 eps) for output `place` and argument i."""
        at = _to_array(self.inputs[i])
        plus, minus = (self._value(place, i, at + sign * self.eps * step) for sign in (1, -1))
        return np.asarray((plus - minus) / (2 * self.eps))

    def _value(self, place: int, i: int, at: Array) -> Array:
        moved = sf.tensor(at).requires_grad_()
        inputs = [moved if k == i else x for k, x in enumerate(self.inputs)]
        return _to_array(dict(_floating_outputs(self.fn(*inputs)))[place]).copy()

    def _direction(self, shape: tuple[int, ...]) -> Array:
        """Random, of length one, so that the step is eps wide whatever the size."""
        raw = np.asarray(self.rng.standard_normal(shape))
        return np.asarray(raw / max(float(np.sqrt((raw * raw).sum())), 1e-30))

    def _agree(self, got: float, want: float) -> bool:
        return abs(got - want) <= self.atol + self.rtol * abs(want)

    def _fail(self, place: int, i: int, where: str, want: float, got: float) -> None:
        raise GradcheckError(
            f"[gradcheck] {self.name}, output {place}, argument {i} with shape "
            f"{tuple(self.inputs[i].shape)}, {where}: expected {float(want):.10g} (central "
            f"difference, eps {self.eps:g}), got {got:.10g} from backward"
        )


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (list, tuple)) else (values,)


def _is_checked(value: Any) -> bool:
    return isinstance(value, sf.Tensor) and value.requires_grad


def _dtype_name(tensor: sf.Tensor) -> str:
    return _to_array(tensor).dtype.name


def _name_of(fn: Function) -> str:
    return str(getattr(fn, "__name__", None) or type(fn).__name__)


def _floating_outputs(result: Any) -> list[tuple[int, sf.Tensor]]:
    """(position, tensor) of the floating outputs; values and indices of `max` are two outputs."""

    def walk(value: Any) -> Iterator[Any]:
        if isinstance(value, sf.Tensor) or not isinstance(value, Sequence):
            yield value
        else:
            for item in value:
                yield from walk(item)

    return [
        (place, value)
        for place, value in enumerate(walk(result))
        if isinstance(value, sf.Tensor) and value.is_floating_point()
    ]
