"""Files of rows for models that take numbers: .npy, .npz, .csv."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surefoot._core import Tensor
from surefoot.data import read_csv, read_npz
from surefoot.data._columns import level

from .errors import UserError, one_line, user_errors
from .saved_model import Floats

__all__ = ["class_numbers", "read_labelled_rows", "read_rows"]

_CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def read_rows(path: Path, width: int | None) -> Floats:
    """Return the rows of a file as float32, (N, width) where the model says how wide they are."""
    name = path.name.lower()
    read: Callable[[Path], npt.NDArray[Any]]
    if name.endswith(".npy"):
        read = _read_npy
    elif name.endswith(".npz"):
        read = _read_npz
    elif name.endswith(_CSV):
        read = _read_csv
    else:
        raise UserError(f"{path}: expected a file that ends in .npy, .npz or .csv")
    with user_errors():
        return _as_rows(path, read(path), width)


def read_labelled_rows(path: Path, width: int | None, target: str) -> tuple[Floats, Tensor]:
    """Return rows and targets: a column of a .csv, or the arrays x and y of a .npz."""
    name = path.name.lower()
    with user_errors():
        if name.endswith(".npz"):
            inputs, targets = read_npz(path, "x", "y").tensors
            if targets.ndim != 1:
                raise ValueError(f"{path}: y has shape {tuple(targets.shape)}, expected (N,)")
        elif name.endswith(_CSV):
            inputs, targets = read_csv(path, target).tensors
        else:
            raise UserError(f"{path}: expected a file that ends in .npz or .csv")
        return _as_rows(path, inputs.numpy(), width), targets


def class_numbers(path: Path, targets: Tensor, classes: Sequence[Any]) -> npt.NDArray[np.int64]:
    """The place of each target among the classes; of named classes the targets are the numbers."""
    named = any(isinstance(name, str) for name in classes)
    known = [str(i) for i in range(len(classes))] if named else list(map(level, classes))
    place = {name: i for i, name in enumerate(known)}
    found = [level(value) for value in targets.tolist()]
    strange = next((i for i, name in enumerate(found) if name not in place), None)
    if strange is not None:
        raise UserError(
            f"{path}, row {strange + 1}: the target {found[strange]} is none of the model's "
            f"classes: {', '.join(known[:20])}"
        )
    return np.array([place[name] for name in found], dtype=np.int64)


def _as_rows(path: Path, array: npt.NDArray[Any], width: int | None) -> Floats:
    shape = array.shape
    if width is not None:
        if array.size == width:  # one item alone
            array = array.reshape(1, width)
        found = int(np.prod(array.shape[1:]))
        if found != width:
            raise UserError(
                f"{path}: rows have {found} values (shape {shape}), the model needs {width}"
            )
        array = array.reshape(len(array), width)
    if len(array) == 0:
        raise UserError(f"{path} has no rows of numbers")
    with np.errstate(over="ignore"):  # what is too large for float32 is reported below
        rows: Floats = array.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
    if len(bad):
        raise UserError(f"{path}: row {bad[0] + 1} holds a value that is not a finite number")
    return rows


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path} is not a usable .npy file: {one_line(error)}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim == 0:
        raise UserError(f"{path}: expected an array of numbers with one row per item")
    return array


def _read_npz(path: Path) -> npt.NDArray[Any]:
    return read_npz(path, "x").tensors[0].numpy()


def _read_csv(path: Path) -> npt.NDArray[Any]:
    return read_csv(path, header=None).tensors[0].numpy()
