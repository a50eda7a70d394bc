"""What all pictures share: a figure without pyplot, and the checks of arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from surefoot import _core
from surefoot._check import pair
from surefoot.nn import Module
from surefoot.nn._mode import mode_kept
from surefoot.nn._random import random_state_kept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
T = TypeVar("T")

WIDTH, HEIGHT = 5.0, 3.6  # inches of one panel


def new_figure(
    owner: str,
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (WIDTH, HEIGHT),
    **options: Any,
) -> tuple[Figure, list[Any]]:
    """A figure of ``rows * columns`` panels of ``size``, and its axes row by row."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"[{owner}] needs matplotlib: pip install 'surefoot[plot]'") from None
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def labelled(owner: str, name: str, value: Any, is_one: Callable[[Any], bool]) -> dict[str, Any]:
    """``{"": value}`` for one thing, the dict itself for several with labels."""
    if is_one(value):
        return {"": value}
    if not isinstance(value, Mapping) or not all(is_one(item) for item in value.values()):
        raise TypeError(f"[{owner}] {name}={value!r}: must be one, or a dict of them by label")
    if not value:
        raise ValueError(f"[{owner}] {name} is an empty dict")
    return {str(label): item for label, item in value.items()}


def point(owner: str, name: str, value: Any) -> tuple[float, float]:
    """A pair of finite numbers, also one in an array."""
    x, y = pair(owner, name, value.tolist() if hasattr(value, "tolist") else value)
    return float(x), float(y)


def limits(owner: str, name: str, value: Any) -> tuple[float, float]:
    """A pair (low, high)."""
    low, high = point(owner, name, value)
    if low >= high:
        raise ValueError(f"[{owner}] {name} must be a pair low < high, got {value!r}")
    return low, high


def padded(values: Array, share: float) -> tuple[float, float]:
    """The range of ``values``, wider by ``share`` of it on both sides."""
    low, high = float(values.min()), float(values.max())
    margin = share * (high - low) or 1.0
    return low - margin, high + margin


def array(value: Any) -> Array:
    """The numbers of a tensor or of anything that NumPy takes."""
    return value.detach().numpy() if isinstance(value, _core.Tensor) else np.asarray(value)


@contextmanager
def undisturbed(model: Module) -> Iterator[None]:
    """Modes, buffers (running statistics) and random numbers are afterwards as before."""
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        with random_state_kept(), mode_kept(model):
            yield
    finally:
        for buffer, kept in buffers:
            buffer.detach().copy_(kept)


def model_input(model: Module, value: Any) -> Any:
    """``value`` as a tensor; floats in the dtype of the model's parameters."""
    tensor = value if isinstance(value, _core.Tensor) else _core.tensor(np.asarray(value))
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
