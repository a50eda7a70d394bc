"""What the loaders of labelled pictures share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot import _core

from ._source import PathLike, refuse
from .dataset import TensorDataset

_CLASSES = 10


def folder_of(where: str, root: PathLike) -> Path:
    """``root``, which must be a folder."""
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"[{where}] {folder}: there is no such folder")
    return folder


def labelled_pictures(
    where: str,
    files: Sequence[Path],
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    raw: bool,
) -> TensorDataset:
    """Pictures (N, C, H, W) and labels as a data set; ``files`` are named in errors."""
    if images.size == 0:
        refuse(where, files[0], f"pictures of shape {images.shape}", "one picture at least")
    if labels.max() >= _CLASSES:
        row = int(np.argmax(labels >= _CLASSES))
        refuse(where, files[-1], f"label {labels[row]} in row {row}", f"0 to {_CLASSES - 1}")
    x = _core.from_numpy(images)
    return TensorDataset(x if raw else x.float().div_(255), labels.astype(np.int64))
