"""Rows of the factories: no tensor goes in, values and dtype are known."""

from __future__ import annotations

from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Rng, Row, Sample, bad, call, normal

ANY_ERROR = (RuntimeError, ValueError, TypeError)
HUGE_ERROR = (ValueError, RuntimeError, MemoryError)


def np_dtype(dtype: Any, default: str = "float32") -> Any:
    return np.dtype(default if dtype is None else str(dtype).rsplit(".", 1)[-1])


def kind_of_number(*values: Any) -> str:
    return "float32" if any(isinstance(v, float) for v in values) else "int64"


def arange_ref(*bounds: Any, dtype: Any = None) -> Any:
    return np.arange(*bounds).astype(np_dtype(dtype, kind_of_number(*bounds)))


def linspace_ref(start: Any, end: Any, steps: int, *, dtype: Any = None) -> Any:
    return np.linspace(start, end, steps).astype(np_dtype(dtype))


def filled(value: float) -> Any:
    def ref(*size: Any, dtype: Any = None) -> Any:
        shape = size[0] if size and isinstance(size[0], (tuple, list)) else size
        return np.full(shape, value, np_dtype(dtype))

    return ref


def full_ref(size: Any, value: Any, *, dtype: Any = None) -> Any:
    if dtype is None and isinstance(value, bool):
        return np.full(size, value)
    return np.full(size, value, np_dtype(dtype, kind_of_number(value)))


def eye_ref(n: int, m: int | None = None, *, dtype: Any = None) -> Any:
    return np.eye(n, m, dtype=np_dtype(dtype))


def filled_like(value: float) -> Any:
    return lambda x, dtype=None: np.full(
        x.shape, value, x.dtype if dtype is None else np_dtype(dtype)
    )


def full_like_ref(x: Any, value: Any, dtype: Any = None) -> Any:
    return np.full(x.shape, value, x.dtype if dtype is None else np_dtype(dtype))


def factory(name: str, ref: Any, samples: list[Sample], **more: Any) -> Row:
    # Steps of float32 ranges are rounded once or twice, whole numbers not at all.
    return Row(name=name, ref=ref, samples=lambda rng: samples, method=None, grad=False,
               out="given", strided=False, **more)  # fmt: skip


def sizes(**dtypes: Any) -> list[Sample]:
    plain = [call(()), call(0), call(3), call(2, 3), call((2, 3)), call([2, 0, 3])]
    kinds = (sf.float64, sf.int64, sf.int32, sf.uint8, sf.bool)
    return plain + [call(2, 3, dtype=d) for d in kinds]


def like_samples(*args: Any) -> Any:
    def samples(rng: Rng) -> list[Sample]:
        result = [call(normal(rng, *s), *args) for s in ((), (0,), (3, 5))]
        return [*result, call(normal(rng, 2, 3), *args, dtype=sf.int64)]

    return samples


def like(name: str, ref: Any, *args: Any, **more: Any) -> Row:
    return Row(name=name, ref=ref, samples=like_samples(*args), method=None, grad=False,
               out="like", ints="like", **more)  # fmt: skip


NEGATIVE = bad(ANY_ERROR, "-1", (-1, 2))
HUGE = bad(HUGE_ERROR, (), (2**31, 2**31, 2**31))
HUGER = bad(HUGE_ERROR, (), (2**62, 2))

ROWS = [
    factory("arange", arange_ref, [
        call(5), call(0), call(2, 9), call(1, 8, 3), call(9, 1, -3), call(0.0, 1.0, 0.25),
        call(3.5), call(1, 4, dtype=sf.float64), call(5, dtype=sf.int32), call(0, 1, 0.1)],
        errors=(bad(ANY_ERROR, "[arange]", 0, 5, 0), bad(ANY_ERROR, "[arange]", 0, 5, -1),
                bad(ANY_ERROR, "[arange]", 0, float("nan")),
                bad(HUGE_ERROR, "[arange]", 0, 1e300))),
    factory("linspace", linspace_ref, [
        call(0, 1, 5), call(-3, 4.5, 33), call(1, 1, 4), call(2, 5, 1), call(2, 5, 0),
        call(0, 1, 7, dtype=sf.float64)],
        errors=(bad(ANY_ERROR, "[linspace]", 0, 1, -1),)),
    factory("zeros", filled(0), sizes(), errors=(NEGATIVE, HUGE, HUGER)),
    factory("ones", filled(1), sizes(), errors=(NEGATIVE, HUGE, HUGER)),
    factory("full", full_ref, [
        call((2, 3), 1.5), call((), 2), call((3,), True), call((0,), 1.0), call((4,), 7),
        call((2,), 3, dtype=sf.float64), call((2,), float("nan"))],
        errors=(bad(ANY_ERROR, "-1", (-1,), 1.0), bad(HUGE_ERROR, (), (2**62, 4), 1.0))),
    factory("eye", eye_ref, [call(3), call(3, 5), call(5, 3), call(0), call(4, dtype=sf.int64)],
        errors=(bad(ANY_ERROR, "[eye]", -1),)),
    like("zeros_like", filled_like(0)),
    like("ones_like", filled_like(1)),
    like("full_like", full_like_ref, 2),
]  # fmt: skip
