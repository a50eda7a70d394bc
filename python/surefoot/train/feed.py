"""Feeds: what the training loop draws its batches from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np

from surefoot import _core
from surefoot._core import Tensor
from surefoot.data import DataLoader, Dataset, TensorDataset

__all__ = ["Feed", "as_tensor", "make_feed"]

Batch = tuple[Tensor, Tensor]


class Feed:
    """Batches of (inputs, targets) by epoch.

    ``num_batches`` is None where only the end of the data tells. Real-valued NumPy arrays get
    ``dtype`` (that of the model), everything else is taken as it is.
    """

    def __init__(self, batches: Iterable[Any], dtype: Any = None) -> None:
        self.source = batches
        self.dtype = dtype

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; a loader whose batch size changes has fewer or more later."""
        return len(self.source) if isinstance(self.source, Sized) else None

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, counted from 1."""
        for batch in self.source:
            if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                raise TypeError("[Trainer] every batch must be a pair (inputs, targets)")
            yield as_tensor(batch[0], self.dtype), as_tensor(batch[1], self.dtype)


class _OwnLoader(Feed):
    """A loader made here: the order of an epoch depends on (seed, epoch) alone."""

    def __init__(self, dataset: Dataset, batch_size: int, seed: int | None, dtype: Any) -> None:
        if len(dataset) == 0:
            raise ValueError("[Trainer] the data has no rows")
        shuffle = seed is not None
        self._loader = DataLoader(dataset, batch_size, shuffle=shuffle, seed=seed)
        super().__init__(self._loader, dtype)

    def batches(self, epoch: int) -> Iterator[Batch]:
        self._loader.epoch = epoch - 2  # the one before, counted from 0
        return super().batches(epoch)


def as_tensor(values: Any, dtype: Any = None) -> Tensor:
    """Return a tensor; real-valued arrays that are not tensors yet get ``dtype``."""
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    tensor: Tensor = _core.tensor(array)
    return tensor.to(dtype) if dtype is not None and array.dtype.kind == "f" else tensor


def make_feed(data: Any, batch_size: int, seed: int | None = None, dtype: Any = None) -> Feed:
    """Turn the data argument of ``fit`` or ``evaluate`` into a Feed; with a seed, shuffled."""
    if _is_pair_of_arrays(data):
        inputs, targets = (as_tensor(part, dtype) for part in data)
        if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
            raise ValueError(
                f"[Trainer] inputs {tuple(inputs.shape)} and targets {tuple(targets.shape)}: "
                "expected one target per input row, shapes (N, ...) and (N, ...)"
            )
        data = TensorDataset(inputs, targets)
    if isinstance(data, Dataset):
        return _OwnLoader(data, batch_size, seed, dtype)
    if isinstance(data, Iterator):
        raise TypeError(
            "[Trainer] the data is an iterator, which ends after one epoch; "
            "pass a list or a DataLoader instead"
        )
    if isinstance(data, Iterable):
        return Feed(data, dtype)
    raise TypeError(
        f"[Trainer] data is a pair (inputs, targets) of arrays, a Dataset or a DataLoader, "
        f"not {type(data).__name__}"
    )


def _is_pair_of_arrays(data: Any) -> bool:
    return (
        isinstance(data, (tuple, list))
        and len(data) == 2
        and all(isinstance(part, (Tensor, np.ndarray)) for part in data)
    )
