"""NPZ files: arrays by name, without pickle."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ._source import DAMAGED, PathLike, check_empty, find, read_exactly, refuse
from .dataset import TensorDataset

__all__ = ["read_npz"]

# The nearest dtypes that tensors have.
_WIDER = {
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "float16": "float32",
}
_LONGEST_HEADER = 10_000  # bytes; a few compressed ones may stand for as many as they like
_KNOWN = {"bool", "uint8", "int32", "int64", "float32", "float64"}


def read_npz(path: PathLike, *names: str, sha256: str | None = None) -> TensorDataset:
    """Read arrays of one length from an NPZ file, as ``numpy.savez`` writes it.

    Args:
        names: the arrays that make up a sample, in this order, such as ``"x", "y"``; by default
            all, in the order of the file.
        sha256: the digest that the file must have.

    Arrays of int8, int16, uint16, uint32 and float16 are widened to the next type of tensors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a zip file, a damaged or cut-off array, a name that is not there, arrays of
            objects (which could run code), text or complex numbers, lengths that differ.

    Example:
        >>> import pathlib, tempfile, numpy as np
        >>> from surefoot.data import read_npz
        >>> path = pathlib.Path(tempfile.mkdtemp(), "set.npz")
        >>> np.savez(path, x=np.zeros((5, 3)), y=np.arange(5))
        >>> data = read_npz(path, "x", "y")
        >>> len(data), data[4][1].item()
        (5, 4)
    """
    file = find("read_npz", path, sha256)
    try:
        with zipfile.ZipFile(file) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            for name in names:
                if name not in members:
                    refuse("read_npz", file, f"no array {name!r}", _listed(members))
            wanted = list(names or members)
            if not wanted:
                refuse("read_npz", file, "no arrays", "one at least")
            arrays = [_array(file, archive, name, members[name]) for name in wanted]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *DAMAGED) as error:
        refuse("read_npz", file, f"a damaged file ({error})", "a whole NPZ (zip) file")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        found = ", ".join(f"{name}: {n}" for name, n in zip(wanted, lengths, strict=True))
        refuse("read_npz", file, f"arrays of different lengths ({found})", "one row a sample")
    return TensorDataset(*arrays)


def _listed(members: dict[str, str]) -> str:
    return f"one of {', '.join(members)}" if members else "an array"


def _array(file: Path, archive: zipfile.ZipFile, name: str, member: str) -> NDArray[Any]:
    with archive.open(member) as stream:
        shape, fortran, dtype = _header(file, name, stream)
        if dtype.hasobject:
            refuse("read_npz", file, f"{name} of Python objects", "numbers: pickles may run code")
        widened = _WIDER.get(dtype.name, dtype.name)
        if widened not in _KNOWN:
            refuse("read_npz", file, f"{name} of dtype {dtype}", f"one of {', '.join(_KNOWN)}")
        if not 1 <= len(shape) <= 8:
            refuse("read_npz", file, f"{name} of {len(shape)} dimensions", "1 to 8")
        check_empty("read_npz", file, name, shape)
        size = math.prod(shape) * dtype.itemsize
        data = read_exactly(stream, size)
        if len(data) < size or stream.read(1):
            found = f"{name} with {'more' if len(data) == size else len(data)} bytes of numbers"
            refuse("read_npz", file, found, f"{size} for the shape {shape} in its header")
    numbers = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(numbers, dtype=widened)


def _header(file: Path, name: str, stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = npy.read_magic(stream)
        size = stream.read(2 if version == (1, 0) else 4)
        length = int.from_bytes(size, "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"it is to be {length} bytes long, at most {_LONGEST_HEADER} are read")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(io.BytesIO(size + stream.read(length)))
    except Exception as error:  # the header is Python text, which breaks in many ways
        refuse("read_npz", file, f"{name} with a damaged header ({error})", "an NPY array")
    if min(shape, default=0) < 0:
        refuse("read_npz", file, f"{name} of shape {shape}", "sizes that are not negative")
    return shape, fortran, dtype
