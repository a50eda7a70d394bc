"""Data sets: things with a length and numbered samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["Dataset", "Subset", "TensorDataset"]


class Dataset:
    """A data set of your own: define ``__getitem__(row)`` and ``__len__()``.

    If it can give many samples at once, define ``take(rows)``, too: it gets an int64 tensor and
    returns the whole batch, and the loader calls it in place of one ``__getitem__`` per sample.

    Example:
        >>> from surefoot.data import DataLoader, Dataset
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 4
        ...     def __getitem__(self, row):
        ...         return row, row * row
        >>> [y.tolist() for _, y in DataLoader(Squares(), batch_size=2)]
        [[0, 1], [4, 9]]
    """

    def __getitem__(self, row: int) -> Any:
        raise NotImplementedError(f"[data] {type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"[data] {type(self).__name__} does not define __len__")


def rows_of(array: Tensor | NDArray[Any], where: str) -> Tensor:
    """``array`` as a tensor with at least one dimension; arrays share their memory."""
    if isinstance(array, np.ndarray):
        array = _core.from_numpy(array)
    if not isinstance(array, Tensor):
        raise TypeError(
            f"[{where}] expected tensors or NumPy arrays, got {type(array).__name__}; "
            "wrap it: sf.tensor(...)"
        )
    if array.ndim == 0:
        raise ValueError(f"[{where}] a 0-d tensor has no rows")
    if array.requires_grad:
        raise ValueError(
            f"[{where}] a tensor of shape {tuple(array.shape)} requires grad, but batches carry "
            "no gradient back; pass x.detach()"
        )
    return array


class TensorDataset(Dataset):
    """Tensors or NumPy arrays of equal length; sample i is the tuple of their rows i.

    Args:
        tensors: each of shape (N, ...). NumPy arrays are not copied: later changes show.

    Raises:
        ValueError: lengths differ, a 0-d tensor, a tensor that requires grad.
        IndexError: (on access) a row that is not there.

    Example:
        >>> import surefoot as sf
        >>> pairs = sf.data.TensorDataset(sf.arange(6).reshape(3, 2), sf.tensor([0, 1, 0]))
        >>> len(pairs), pairs[1][0].tolist()
        (3, [2, 3])

    Difference from PyTorch: NumPy arrays are accepted, tensors that require grad are not.
    """

    def __init__(self, *tensors: Tensor | NDArray[Any]) -> None:
        if not tensors:
            raise ValueError("[TensorDataset] needs at least one tensor")
        self.tensors = tuple(rows_of(tensor, "TensorDataset") for tensor in tensors)
        lengths = [tensor.shape[0] for tensor in self.tensors]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"[TensorDataset] the lengths differ: {', '.join(map(str, lengths))}; "
                "row i of every tensor must belong to sample i"
            )

    def __getitem__(self, row: Any) -> tuple[Tensor, ...]:
        if isinstance(row, (int, np.integer)) and not -len(self) <= row < len(self):
            raise IndexError(f"[TensorDataset] row {row} is out of range for {len(self)} samples")
        return tuple(tensor[row] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def take(self, rows: Tensor) -> tuple[Tensor, ...]:
        """The rows of every tensor, copied in one parallel pass."""
        return tuple(_core._gather_rows(list(self.tensors), rows))


class Rows(Dataset):
    """One tensor or array; a sample is a row of it."""

    def __init__(self, array: Tensor | NDArray[Any]) -> None:
        self.array = rows_of(array, "DataLoader")

    def __getitem__(self, row: int) -> Tensor:
        return self.array[row]

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def take(self, rows: Tensor) -> Tensor:
        return _core._gather_rows([self.array], rows)[0]


class Subset(Dataset):
    """The samples ``indices`` of another data set, in that order.

    Raises:
        IndexError: an index that ``dataset`` does not have.

    Example:
        >>> import surefoot as sf
        >>> data = sf.data.TensorDataset(sf.tensor([10, 11, 12]))
        >>> sf.data.Subset(data, [2, 0])[0][0].item()
        12
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | ArrayLike | Tensor) -> None:
        self.dataset = dataset
        self.indices = np.array(indices, dtype=np.int64).reshape(-1)
        bad = np.flatnonzero((self.indices < 0) | (self.indices >= len(dataset)))
        if bad.size:
            raise IndexError(
                f"[Subset] index {self.indices[bad[0]]} at place {bad[0]} is out of range for "
                f"{len(dataset)} samples"
            )
        if hasattr(dataset, "take"):
            self.take = self._take

    def __getitem__(self, row: int) -> Any:
        if not -len(self) <= row < len(self):
            raise IndexError(f"[Subset] row {row} is out of range for {len(self)} samples")
        return self.dataset[int(self.indices[row])]

    def __len__(self) -> int:
        return len(self.indices)

    def rows(self, rows: Tensor) -> Tensor:
        """Which rows of ``dataset`` the rows ``rows`` of this one are, both int64 (B,)."""
        return _core._gather_rows([_core.from_numpy(self.indices)], rows)[0]

    def _take(self, rows: Tensor) -> Any:
        return self.dataset.take(self.rows(rows))
