"""Runs rows: makes tensors of a sample's arrays, calls the op and its reference."""

from __future__ import annotations

import hashlib
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Array, Row, Sample

FLOATS = ("float32", "float64")


def rng_of(row: Any) -> np.random.Generator:
    """The same numbers in every run, other ones for every row."""
    return np.random.default_rng(zlib.crc32(row.name.encode()))


def map_arrays(value: Any, change: Callable[[Array], Any]) -> Any:
    if isinstance(value, np.ndarray):
        changed = change(value)
        return np.asarray(changed) if isinstance(changed, np.generic) else changed
    if isinstance(value, (list, tuple)):
        return type(value)(map_arrays(item, change) for item in value)
    return value


def each_array(values: Iterable[Any]) -> Iterator[Array]:
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from each_array(value)


def floats_of(sample: Sample) -> list[Array]:
    return [a for a in each_array((*sample.args, *sample.kwargs.values())) if a.dtype == np.float64]


def as_dtype(sample: Sample, dtype: str) -> Sample:
    """The sample with its float64 arrays rounded to `dtype`, still held as float64 if floating;
    as whole numbers of that dtype otherwise."""

    def change(a: Array) -> Array:
        if a.dtype != np.float64:
            return a
        if dtype in FLOATS:
            return a.astype(dtype).astype(np.float64)
        if dtype == "bool":
            return a > 0
        whole = np.rint(a * 4)
        return (np.abs(whole) if dtype == "uint8" else whole).astype(dtype)

    return map_sample(sample, change)


def map_sample(sample: Sample, change: Callable[[Array], Any]) -> Sample:
    return Sample(
        map_arrays(tuple(sample.args), change),
        {key: map_arrays(value, change) for key, value in sample.kwargs.items()},
    )


def tensors(
    sample: Sample,
    dtype: str = "float64",
    grad: bool = False,
    make: Callable[[Array], Any] = sf.tensor,
    row: Row | None = None,
) -> tuple[Sample, list[Any]]:
    """The sample with tensors in place of arrays, and those of them that were float64 arrays."""
    leaves: list[Any] = []

    def change(a: Array) -> Any:
        if a.dtype != np.float64:
            return sf.tensor(a)
        tensor = make(a.astype(dtype))
        if grad and (row is None or len(leaves) not in row.no_grad_args):
            tensor = tensor.detach().requires_grad_()
        leaves.append(tensor)
        return tensor

    return map_sample(sample, change), leaves


def function_of(row: Row) -> Callable[..., Any]:
    """surefoot.<name>, or the method of what is a method only."""
    return row.fn or getattr(sf, row.name, None) or getattr(sf.Tensor, row.name)


def apply(row: Row, sample: Sample) -> list[Any]:
    """The outputs of the op as a flat list of tensors."""
    return flat(function_of(row)(*sample.args, **sample.kwargs))


def flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def reference(row: Row, sample: Sample) -> list[Array]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        return [np.asarray(out) for out in flat(row.ref(*sample.args, **sample.kwargs))]


def to_array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().numpy())


def is_float(tensor: Any) -> bool:
    return bool(tensor.is_floating_point())


def gradients(
    row: Row, sample: Sample, dtype: str = "float64", create_graph: bool = False, **how: Any
) -> list[Any]:
    """The gradients of all floating arguments, for fixed random gradients of the outputs."""
    call, leaves = tensors(sample, dtype, grad=True, row=row, **how)
    outs = [out for out in apply(row, call) if is_float(out) and out.requires_grad]
    leaves = [leaf for leaf in leaves if leaf.requires_grad]
    if not outs or not leaves:
        return []
    rng = np.random.default_rng(7)
    weights = [sf.tensor(rng.standard_normal(tuple(o.shape)).astype(dtype)) for o in outs]
    grads = sf.autograd.grad(outs, leaves, weights, create_graph=create_graph, allow_unused=True)
    return [sf.zeros_like(x) if g is None else g for g, x in zip(grads, leaves, strict=True)]


def digest(arrays: Iterable[Array]) -> str:
    h = hashlib.sha256()
    for a in arrays:
        h.update(repr((a.dtype.str, a.shape)).encode())
        # Which NaN it is says nothing about the value.
        if a.dtype.kind == "f":
            a = np.where(np.isnan(a), np.array(np.nan, a.dtype), a)
        h.update(np.ascontiguousarray(a).tobytes())
    return h.hexdigest()
