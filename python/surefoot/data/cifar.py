"""CIFAR-10 in its binary version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._pictures import folder_of, labelled_pictures
from ._source import PathLike, find, refuse
from .dataset import TensorDataset

__all__ = ["cifar10"]

_TRAINING = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
_TEST = ("test_batch.bin",)
_RECORD = 1 + 3 * 32 * 32  # the label, then the planes red, green and blue


def cifar10(
    root: PathLike, *, raw: bool = False, sha256: Mapping[str, str] | None = None
) -> tuple[TensorDataset, TensorDataset]:
    """Read CIFAR-10 from its binary files: (training, test).

    ``root``, or the folder ``cifar-10-batches-bin`` in it, holds ``data_batch_1.bin`` to
    ``data_batch_5.bin`` and ``test_batch.bin``: records of 3073 bytes, a label and a picture.
    Nothing is downloaded.

    Args:
        raw: pictures as uint8 instead of float32 in [0, 1].
        sha256: digests by file name.

    Shapes: pictures (N, 3, 32, 32), labels int64 (N,) in 0..9.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a size that is no multiple of 3073, a label above 9, another digest.

    Example:
        >>> import pathlib, tempfile
        >>> from surefoot.data import cifar10
        >>> root = pathlib.Path(tempfile.mkdtemp())
        >>> for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        ...     _ = (root / f"{name}.bin").write_bytes(bytes(3073))
        >>> [part.tensors[0].shape for part in cifar10(root)]
        [(5, 3, 32, 32), (1, 3, 32, 32)]

    Difference from torchvision: the binary version, not the pickled one, which could run code.
    """
    folder = folder_of("cifar10", root)
    inner = folder / "cifar-10-batches-bin"
    folder = inner if inner.is_dir() else folder
    digests = sha256 or {}
    parts = []
    for names in (_TRAINING, _TEST):
        files = [folder / name for name in names]
        records = np.concatenate([_records(file, digests.get(file.name)) for file in files])
        images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
        parts.append(labelled_pictures("cifar10", [folder], images, records[:, 0], raw))
    return parts[0], parts[1]


def _records(file: Path, sha256: str | None) -> NDArray[np.uint8]:
    find("cifar10", file, sha256)
    size = file.stat().st_size
    if size % _RECORD:
        expected = f"a multiple of {_RECORD}, the size of a record"
        refuse("cifar10", file, f"{size} bytes", expected)
    records = np.fromfile(file, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0]
    if labels.max() > 9:
        row = int(np.argmax(labels > 9))
        refuse("cifar10", file, f"label {labels[row]} in record {row}", "0 to 9")
    return records
