"""Weights against unequal classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["class_weights"]


def class_weights(labels: ArrayLike | Tensor, num_classes: int | None = None) -> Tensor:
    """Weights that give every class the same say: w_c = N / (C n_c), float32 (C,).

    ``labels`` (N,) are class numbers, n_c rows of class c; C is the number of classes that have
    rows. The mean weight of a row is 1. A class without rows, possible with ``num_classes``, gets
    0. As scikit-learn's ``class_weight="balanced"``.

    Raises:
        ValueError: no labels, labels that are no class numbers or not below ``num_classes``.

    Example:
        >>> import surefoot as sf
        >>> weights = sf.data.class_weights([0, 0, 0, 1])
        >>> loss = sf.nn.CrossEntropyLoss(weight=weights)
        >>> [round(w, 3) for w in weights.tolist()]
        [0.667, 2.0]
    """
    array = np.asarray(labels)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(
            f"[class_weights] expected class numbers from 0, (N,) with N > 0, not {array.dtype} "
            f"{array.shape}"
        )
    counts = np.bincount(array, minlength=num_classes or 0)
    if num_classes is not None and len(counts) > num_classes:
        raise ValueError(f"[class_weights] label {array.max()}, but {num_classes} classes")
    weights = np.zeros(len(counts))
    seen = counts > 0
    weights[seen] = len(array) / (seen.sum() * counts[seen])
    return _core.tensor(weights.astype(np.float32))
