"""Batches, in an order that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, cast

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from ._ahead import ahead
from ._order import Rows as Order
from ._order import check_seed, draw_seed, permutation
from .collate import default_collate
from .dataset import Rows, Subset, TensorDataset

__all__ = ["DataLoader"]


class DataLoader:
    """Iterates over a data set in batches.

    Args:
        dataset: a TensorDataset; a tensor or NumPy array (its rows); or anything with
            ``__getitem__`` and ``__len__``. Tensors are gathered in C++, one call per batch.
        batch_size: samples per batch, >= 1; the last batch holds the rest.
        shuffle: a new order in every epoch.
        sampler: an iterable of rows that gives the order, instead of ``shuffle``.
        drop_last: leave out a last batch that is not full.
        collate_fn: makes a batch of a list of samples (default: ``default_collate``).
        generator: where the order of an epoch is drawn from; by default the one that
            ``sf.manual_seed`` sets.
        seed: instead of a generator: the order of epoch e is a function of ``(seed, e)`` alone.
        transform: changes every batch, as those of ``sf.data.augment`` do. It is called with the
            inputs, the targets where there are any, and ``seed``, ``epoch`` and ``indices`` (the
            rows of the batch), and returns what takes the place of inputs (and targets).
        num_workers: threads that make batches ahead, for samples that are read from disk. Order
            and random numbers of ``transform`` stay the same. At most two batches a thread wait.

    ``epoch`` is the number of the epoch begun last, from 0. ``state_dict`` and ``load_state_dict``
    continue in the middle of an epoch.

    Raises:
        ValueError: ``batch_size < 1``, ``num_workers < 0``, ``shuffle`` with ``sampler``, ``seed``
            with ``generator``.
        IndexError: a sampler's row that the data set does not have.

    Example:
        >>> import surefoot as sf
        >>> data = sf.data.TensorDataset(sf.arange(5))
        >>> [x.tolist() for (x,) in sf.data.DataLoader(data, batch_size=2)]
        [[0, 1], [2, 3], [4]]

    Differences from PyTorch: ``seed`` and resuming are additions; a batch of a TensorDataset is a
    tuple; workers are threads, not processes, and tensors need none: gathering runs on all cores.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        sampler: Iterable[int] | None = None,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        generator: _core.Generator | None = None,
        seed: int | None = None,
        transform: Callable[..., Any] | None = None,
        num_workers: int = 0,
    ) -> None:
        if shuffle and sampler is not None:
            raise ValueError("[DataLoader] pass shuffle or sampler, not both")
        if seed is not None and generator is not None:
            raise ValueError("[DataLoader] pass seed or generator, not both")
        if seed is not None:
            check_seed("DataLoader", seed)
        if isinstance(dataset, (Tensor, np.ndarray)):
            dataset = Rows(dataset)
        if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            raise TypeError(
                f"[DataLoader] {type(dataset).__name__} is no data set: it needs __getitem__ and "
                "__len__; wrap tensors in TensorDataset"
            )
        self.dataset = dataset
        self.batch_size = integer("DataLoader", "batch_size", batch_size, 1)
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.drop_last = bool(drop_last)
        self.collate_fn = collate_fn
        self.generator = generator
        self.seed = seed
        if transform is not None and not callable(transform):
            raise TypeError(f"[DataLoader] transform must be callable, got {transform!r}")
        self.transform = transform
        self.num_workers = integer("DataLoader", "num_workers", num_workers, 0)
        self.epoch = -1
        self._epoch_seed = 0  # what order and transforms of the current epoch are made of
        self._batch = 0  # batches handed out in it
        self._resume: tuple[int, int] | None = None  # (epoch seed, batch) to go on with

    def __len__(self) -> int:
        n = len(self.dataset if self.sampler is None else self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self._resume is None:
            self.epoch += 1
            self._batch = 0
            self._epoch_seed = self._new_seed()
        else:
            self._epoch_seed, self._batch = self._resume
            self._resume = None
        return self._batches(self._order(), self._batch)

    def state_dict(self) -> dict[str, int]:
        """Where the iteration stands: epoch, batches handed out, seed of the epoch's order."""
        return {"epoch": self.epoch, "batch": self._batch, "epoch_seed": self._epoch_seed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """The next iteration goes on where ``state_dict`` was taken.

        Raises:
            ValueError: an entry is missing, or the batch is beyond this loader's epoch.
        """
        missing = {"epoch", "batch", "epoch_seed"} - set(state_dict)
        if missing:
            raise ValueError(f"[DataLoader] not a loader's state: {sorted(missing)} missing")
        batch, total = state_dict["batch"], len(self)
        if not 0 <= batch <= total:
            raise ValueError(
                f"[DataLoader] the state is at batch {batch}, but an epoch has {total} batches; "
                "data set and batch_size must be those of the saved run"
            )
        self.epoch = state_dict["epoch"]
        self._batch = batch
        self._epoch_seed = state_dict["epoch_seed"]
        self._resume = (self._epoch_seed, batch) if 0 < batch < total else None

    def _new_seed(self) -> int:
        if not self.shuffle and self.transform is None:
            return 0
        return draw_seed(self.generator) if self.seed is None else self.seed

    def _order(self) -> Order:
        n = len(self.dataset)
        if self.sampler is not None:
            return np.fromiter(self.sampler, dtype=np.int64)
        if not self.shuffle:
            return np.arange(n, dtype=np.int64)
        return permutation(n, self._epoch_seed, 0 if self.seed is None else self.epoch)

    def _batches(self, order: Order, first: int) -> Iterator[Any]:
        size = self.batch_size
        last = len(order) // size if self.drop_last else -(-len(order) // size)
        batches = self._gathered(order, first, last) or self._loaded(order, first, last)
        for self._batch, batch in enumerate(batches, first + 1):
            yield batch

    def _gathered(self, order: Order, first: int, last: int) -> Iterator[Any] | None:
        """Batches of tensors without Python between them; None where something stands there."""
        if self.collate_fn is not None or self.transform is not None or self.num_workers:
            return None
        data, rows = self.dataset, _core.from_numpy(order)
        while type(data) is Subset:
            data, rows = data.dataset, data.rows(rows)
        batches: Any = None
        if type(data) is TensorDataset:
            batches = _core._Batches(list(data.tensors), rows, self.batch_size, first, last)
        elif type(data) is Rows:
            batches = _core._Batches([data.array], rows, self.batch_size, first, last)
            batches = map(itemgetter(0), batches)
        return cast("Iterator[Any] | None", batches)

    def _loaded(self, order: Order, first: int, last: int) -> Iterator[Any]:
        size, seed, epoch = self.batch_size, self._epoch_seed, self.epoch
        take = getattr(self.dataset, "take", None) if self.collate_fn is None else None
        rows = _core.from_numpy(order)

        def load(number: int) -> Any:
            begin, end = number * size, (number + 1) * size
            if take is not None:
                batch = take(rows[begin:end])
            else:
                collate = self.collate_fn or default_collate
                batch = collate([self.dataset[row] for row in order[begin:end].tolist()])
            if self.transform is not None:
                batch = self._transformed(batch, seed, epoch, rows[begin:end])
            return batch

        numbers = range(first, last)
        return ahead(load, numbers, self.num_workers) if self.num_workers else map(load, numbers)

    def _transformed(self, batch: Any, seed: int, epoch: int, indices: Tensor) -> Any:
        assert self.transform is not None
        if not isinstance(batch, (tuple, list)):
            return self.transform(batch, seed=seed, epoch=epoch, indices=indices)
        changed = self.transform(*batch[:2], seed=seed, epoch=epoch, indices=indices)
        return (*(changed if len(batch) > 1 else (changed,)), *batch[2:])
