"""From a list of samples to a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["default_collate"]


def default_collate(samples: list[Any]) -> Any:
    """Stacks samples into a batch: numbers and arrays along a new first dimension.

    Tuples, lists and dicts are kept and collated part by part; strings stay a list.

    Raises:
        ValueError: samples of different shapes, lengths or keys.
        TypeError: samples of a type it does not know.

    Example:
        >>> from surefoot.data import default_collate
        >>> x, y = default_collate([([1.0, 2.0], 0), ([3.0, 4.0], 1)])
        >>> y.tolist()
        [0, 1]

    Difference from PyTorch: Python floats become float32; a tuple stays a tuple.
    """
    first = samples[0]
    if isinstance(first, Tensor):
        _check_same("shapes", [tuple(sample.shape) for sample in samples])
        return _core.stack(samples)
    if isinstance(first, (np.ndarray, np.generic)):
        _check_same("shapes", [np.shape(sample) for sample in samples])
        return _core.tensor(np.stack(samples))
    if isinstance(first, (bool, int, float)):
        return _core.tensor(samples)
    if isinstance(first, (str, bytes)):
        return samples
    if isinstance(first, Mapping):
        _check_same("keys", [tuple(sample) for sample in samples])
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        _check_same("lengths", [len(sample) for sample in samples])
        parts = [default_collate(list(part)) for part in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    raise TypeError(f"[DataLoader] cannot make a batch of {type(first).__name__}; pass collate_fn")


def _check_same(what: str, values: list[Any]) -> None:
    for i, value in enumerate(values):
        if value != values[0]:
            raise ValueError(
                f"[DataLoader] the {what} of sample 0 and sample {i} of a batch differ: "
                f"{values[0]} and {value}; bring them to one size or pass collate_fn"
            )
