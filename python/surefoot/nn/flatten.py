"""Flatten and Unflatten."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

from .module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Joins the dimensions start_dim ... end_dim into one; by default all but the first.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Flatten()(sf.ones(32, 1, 5, 5)).shape
        (32, 25)
    """

    init_hint = "pass"

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return _core.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension `dim` into `unflattened_size`; one of the sizes may be -1.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Unflatten(1, (2, 5))(sf.ones(32, 10)).shape
        (32, 2, 5)
    """

    init_hint = "pass"

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        shape = tuple(x.shape)
        if not -len(shape) <= self.dim < len(shape):
            raise IndexError(f"[Unflatten] dim={self.dim} of an input of shape {shape}")
        dim = self.dim % len(shape)
        return x.reshape(*shape[:dim], *self._sizes(shape[dim], shape), *shape[dim + 1 :])

    def _sizes(self, size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        known = 1
        for n in self.unflattened_size:
            known *= n if n != -1 else 1
        free = self.unflattened_size.count(-1)
        fits = known > 0 and size % known == 0 if free == 1 else known == size and free == 0
        if not fits:
            raise ValueError(
                f"[Unflatten] dimension {self.dim} of {shape} has size {size}: "
                f"cannot be split into {self.unflattened_size}"
            )
        return tuple(size // known if n == -1 else n for n in self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
