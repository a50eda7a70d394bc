"""What all transforms share, and chains of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.data._order import check_seed, draw_seed

__all__ = ["Compose", "Transform"]


class Key(NamedTuple):
    """What the randomness of the samples of a batch is made of."""

    seed: int
    epoch: int
    indices: Tensor


class Transform:
    """A random change of every sample of a batch.

    ``transform(inputs)`` returns the changed batch, ``transform(inputs, targets)`` both. Sample i
    of the batch gets the numbers of ``(seed, epoch, indices[i])``; ``DataLoader(transform=...)``
    and ``Trainer.fit(augment=...)`` pass these. Called by hand without a seed, a transform draws
    one from ``sf.manual_seed``; ``indices`` are then 0, 1, ... It always transforms: there is no
    eval mode. Inputs are uint8, float32 or float64 and carry no gradient.
    """

    def __call__(
        self,
        inputs: Tensor | NDArray[Any],
        targets: Tensor | NDArray[Any] | None = None,
        *,
        seed: int | None = None,
        epoch: int = 0,
        indices: ArrayLike | Tensor | None = None,
    ) -> Any:
        name = type(self).__name__
        x = _as_batch(name, inputs)
        y = None if targets is None else _as_batch(name, targets)
        if seed is None:
            seed = draw_seed(None)
        check_seed(name, seed)
        epoch = integer(name, "epoch", epoch, 0)
        rows = _as_indices(indices, len(x))
        x, y = run(self._flat(), x, y, Key(int(seed), epoch, rows))
        return x if targets is None else (x, y)

    def _flat(self) -> list[Transform]:
        """The transforms that this one consists of."""
        return [self]

    def _step(self) -> tuple[str, list[float]]:
        """Name and options for the core (csrc/kernels/augment.h)."""
        raise NotImplementedError(f"[{type(self).__name__}] is no transform of the core")

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class Mix(Transform):
    """A transform that mixes the samples of a batch, and their targets."""

    def _how(self) -> tuple[str, float, int]:
        """Name, alpha, number of classes."""
        raise NotImplementedError(f"[{type(self).__name__}] mixes nothing")


class Compose(Transform):
    """Applies transforms one after the other.

    Sample by sample, so that a sample stays in the cache; neighbouring geometric ones become a
    single read of the picture where that gives the same pixels: any number of flips and crops
    without padding around one transform that may read outside the picture (a crop with padding, a
    rotation, a shift). Two rotations stay two, because each rounds or interpolates.

    Raises:
        TypeError: something that is no transform.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.data import augment
        >>> program = augment.Compose([
        ...     augment.RandomHorizontalFlip(), augment.RandomCrop(32, padding=4),
        ... ])
        >>> x = sf.rand(8, 3, 32, 32)
        >>> y = program(x, seed=1, epoch=0)
        >>> bool((program(x[5:6], seed=1, epoch=0, indices=[5]) == y[5:6]).all())
        True
    """

    def __init__(self, transforms: Iterable[Transform]) -> None:
        self.transforms = list(transforms)
        for transform in self.transforms:
            if not isinstance(transform, Transform):
                raise TypeError(
                    f"[Compose] {type(transform).__name__} is no transform of surefoot.data.augment"
                )

    def _flat(self) -> list[Transform]:
        return [part for transform in self.transforms for part in transform._flat()]


def run(
    parts: list[Transform], x: Tensor, y: Tensor | None, key: Key
) -> tuple[Tensor, Tensor | None]:
    """Run the parts, those between two mixing ones in one call of the core."""
    steps: list[tuple[str, int, list[float]]] = []
    touched = False
    for place, part in enumerate(parts):
        if not isinstance(part, Mix):
            name, options = part._step()
            steps.append((name, place, options))
            continue
        if y is None:
            raise ValueError(f"[{type(part).__name__}] mixes targets, too: pass inputs and targets")
        if steps:
            x = _core._augment(x, *key, steps)
            steps = []
        how, alpha, classes = part._how()
        x, y = _core._mix_samples(x, y, *key, (how, place, alpha, classes))
        touched = True
    if steps or not touched:
        x = _core._augment(x, *key, steps)
    return x, y


def _as_batch(name: str, values: Tensor | NDArray[Any]) -> Tensor:
    if isinstance(values, np.ndarray):
        values = _core.from_numpy(values)
    if not isinstance(values, Tensor):
        raise TypeError(f"[{name}] expected a tensor or array, got {type(values).__name__}")
    if values.ndim == 0:
        raise ValueError(f"[{name}] a 0-d tensor is no batch")
    if values.requires_grad:
        raise ValueError(f"[{name}] carries no gradient back; pass x.detach()")
    return values


def _as_indices(indices: ArrayLike | Tensor | None, n: int) -> Tensor:
    if indices is None:
        return _core.arange(n)
    if isinstance(indices, Tensor):
        return indices
    return _core.from_numpy(np.array(indices, dtype=np.int64))
