"""The handwritten digits that ship with surefoot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["digits"]

_FILE = Path(__file__).parent / "files" / "uci_digits.npz"


def digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the UCI handwritten digits: images and their labels.

    Shapes: images uint8 (1797, 8, 8) with grey levels 0..16, labels int64 (1797,).
    Source, citation and licence (CC BY 4.0) stand in ``data/files/uci_digits.txt``.

    Example:
        >>> from surefoot.data import digits
        >>> images, labels = digits()
        >>> images.shape, labels[:5].tolist()
        ((1797, 8, 8), [0, 1, 2, 3, 4])
    """
    with np.load(_FILE, allow_pickle=False) as archive:
        images: npt.NDArray[Any] = archive["images"]
        labels: npt.NDArray[Any] = archive["labels"]
    return images, labels.astype(np.int64)
