"""Feeds: what the training loop draws its batches from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.data import DataLoader, Dataset, Subset, TensorDataset
from surefoot.data.augment import Transform
from surefoot.nn import Module
from surefoot.nn._mode import evaluating

__all__ = ["Feed", "as_tensor", "check_widths", "make_feed"]

Batch = tuple[Tensor, ...]  # inputs, targets and, where rows have weights, these
BatchTransform = Callable[..., Any]


class Feed:
    """Batches of (inputs, targets) or (inputs, targets, sample_weight) by epoch.

    ``num_batches`` is None where only the end of the data tells. Real-valued NumPy arrays get
    ``dtype`` (that of the model), everything else is taken as it is.
    """

    def __init__(self, batches: Iterable[Any], dtype: Any = None) -> None:
        self.source: Any = batches
        self.dtype = dtype
        self._facts: dict[str, Any] = {}
        if isinstance(batches, DataLoader):
            self._facts = {
                "rows": len(batches.dataset),
                "batch_size": batches.batch_size,
                "shuffle": batches.shuffle,
                "augment": _program(batches.transform),
            }

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; a loader whose batch size changes has fewer or more later."""
        return len(self.source) if isinstance(self.source, Sized) else None

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch, counted from 1, after the ``first`` ones of it.

        A source that has been told where it stands (``load_state_dict``) begins there by itself;
        of others the first batches are drawn once more and left out.
        """
        if first and first == self.num_batches:
            return iter(())
        source = self.source
        batches = iter(source) if _is_sure(source) else self._tensors(iter(source))
        for _ in range(0 if _remembers(self.source) else first):
            next(batches, None)
        return batches

    def _tensors(self, batches: Iterator[Any]) -> Iterator[Batch]:
        for batch in batches:
            if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
                raise TypeError(
                    "[Trainer] every batch must be a pair (inputs, targets), or three with "
                    "sample_weight"
                )
            yield tuple(as_tensor(part, self.dtype) for part in batch)

    def facts(self) -> dict[str, Any]:
        """What must be the same when a run is taken up again."""
        return self._facts

    def widths(self) -> list[tuple[int, ...]]:
        """Shapes of a row's input and target, where the data says so before it is drawn."""
        tensors = getattr(getattr(self.source, "dataset", None), "tensors", ())
        return [tuple(tensor.shape[1:]) for tensor in tensors]

    def state_dict(self) -> dict[str, Any]:
        """Where the source stands, as far as it says so."""
        generator = getattr(self.source, "generator", None)
        return {
            "facts": self.facts(),
            "source": self.source.state_dict() if _remembers(self.source) else None,
            "generator": generator.get_state() if generator is not None else None,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go back to where ``state_dict`` was taken."""
        if state_dict["source"] is not None and _remembers(self.source):
            self.source.load_state_dict(state_dict["source"])
        generator = getattr(self.source, "generator", None)
        if state_dict["generator"] is not None and generator is not None:
            generator.set_state(state_dict["generator"])


class _OwnLoader(Feed):
    """A loader made here: an epoch depends on (seed, epoch) alone."""

    def __init__(
        self, dataset: Dataset, batch_size: int | None, dtype: Any, **options: Any
    ) -> None:
        if len(dataset) == 0:
            raise ValueError("[Trainer] the data has no rows")
        size = len(dataset) if batch_size is None else batch_size
        self._loader = DataLoader(dataset, size, **options)
        super().__init__(self._loader, dtype)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        place = {"epoch": epoch - 1, "batch": first, "epoch_seed": self._loader.seed or 0}
        self._loader.load_state_dict(place)
        if not first:
            self._loader.epoch = epoch - 2  # the one before, counted from 0
        return super().batches(epoch, first)

    def state_dict(self) -> dict[str, Any]:
        return {"facts": self._facts, "source": None, "generator": None}  # the epoch says it all


def _program(augment: BatchTransform | None) -> str:
    """What a transform says of itself; of a function only that it is one."""
    known = augment is None or isinstance(augment, Transform)
    return repr(augment) if known else type(augment).__name__


def _is_sure(source: Any) -> bool:
    """Whether every batch is made of tensors, so that none need be looked at."""
    if type(source) is not DataLoader or source.collate_fn or source.transform:
        return False
    data = source.dataset
    while type(data) is Subset:
        data = data.dataset
    return type(data) is TensorDataset and len(data.tensors) in (2, 3)


def _remembers(source: Any) -> bool:
    return hasattr(source, "state_dict") and hasattr(source, "load_state_dict")


def as_tensor(values: Any, dtype: Any = None) -> Tensor:
    """Return a tensor; real-valued arrays that are not tensors yet get ``dtype``."""
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    if array.dtype.kind in "USO":
        raise TypeError(
            "[Trainer] inputs and targets are numbers, these are texts or objects; of classes with "
            "names: names, numbers = numpy.unique(targets, return_inverse=True)"
        )
    tensor: Tensor = _core.tensor(array)
    return tensor.to(dtype) if dtype is not None and array.dtype.kind == "f" else tensor


def by_batches(
    owner: str,
    model: Module,
    inputs: Any,
    batch_size: int,
    work: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """What ``work`` makes of ``batch_size`` rows at a time, the model in eval mode."""
    batch_size = integer(owner, "batch_size", batch_size, 1)
    rows = as_tensor(inputs, next((p.dtype for p in model.parameters()), None))
    with evaluating(model):
        starts = range(0, max(len(rows), 1), batch_size)
        return [work(rows[i : i + batch_size]) for i in starts]


def check_widths(train: Feed, held_out: Feed) -> None:
    """Raises ValueError where validation rows have another shape than those of training."""
    pairs = zip(("inputs", "targets"), train.widths(), held_out.widths(), strict=False)
    for what, mine, theirs in pairs:
        if mine != theirs:
            raise ValueError(
                f"[Trainer] rows of the validation {what} have shape {theirs}, those of training "
                f"{mine}: prepare both in the same way"
            )


def make_feed(
    data: Any,
    batch_size: int | None,
    dtype: Any = None,
    *,
    seed: int | None = None,
    shuffle: bool = False,
    augment: BatchTransform | None = None,
) -> Feed:
    """Turn the data argument of ``fit`` or ``evaluate`` into a Feed.

    ``batch_size=None`` makes one batch of all rows.
    """
    if _is_arrays(data):
        parts = [as_tensor(part, dtype) for part in data]
        if any(part.ndim == 0 or len(part) != len(parts[0]) for part in parts):
            names = zip(("inputs", "targets", "sample_weight"), parts, strict=False)
            found = " and ".join(f"{name} {tuple(part.shape)}" for name, part in names)
            raise ValueError(
                f"[Trainer] {found}: expected one target per input row, shapes (N, ...) and "
                "(N, ...), and weights (N,)"
            )
        data = TensorDataset(*parts)
    if isinstance(data, Dataset):
        return _OwnLoader(data, batch_size, dtype, seed=seed, shuffle=shuffle, transform=augment)
    if augment is not None:
        raise TypeError(
            "[Trainer] augment needs data whose rows are numbered: a pair (inputs, targets) of "
            "arrays or a Dataset; a DataLoader takes transform= itself"
        )
    if isinstance(data, Iterator):
        raise TypeError(
            "[Trainer] the data is an iterator, which ends after one epoch; "
            "pass a list or a DataLoader instead"
        )
    if isinstance(data, Iterable):
        return Feed(data, dtype)
    raise TypeError(
        f"[Trainer] data is a pair (inputs, targets) of arrays, or three with sample_weight, a "
        f"Dataset or a DataLoader, not {type(data).__name__}"
    )


def _is_arrays(data: Any) -> bool:
    return (
        isinstance(data, (tuple, list))
        and len(data) in (2, 3)
        and all(isinstance(part, (Tensor, np.ndarray)) for part in data)
    )
