"""Pooling as functions: what nn.functional publishes and the layers call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._core import Tensor

from ._sizes import Sizes

Pooled = Tensor | tuple[Tensor, ...]


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, L); with return_indices also its place in L."""
    op = _core.max_pool1d_with_indices if return_indices else _core.max_pool1d
    return op(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, H, W); with return_indices also h W + w."""
    op = _core.max_pool2d_with_indices if return_indices else _core.max_pool2d
    return op(input, kernel_size, stride, padding, dilation, ceil_mode)


def _whole(input: Tensor, output_size: Any, dims: int) -> list[Any]:
    """output_size with the input's own sizes in place of None."""
    given = output_size if isinstance(output_size, Sequence) else (output_size,) * dims
    sizes = tuple(input.shape)[-dims:]
    if None not in given or len(given) != len(sizes):
        return list(given)
    return [own if size is None else size for size, own in zip(given, sizes, strict=True)]


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest element of each of output_size windows, floor(i L / n) to ceil((i + 1) L / n)."""
    if return_indices:
        return _core.adaptive_max_pool1d_with_indices(input, output_size)
    return _core.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """adaptive_max_pool1d over H and W; a size may be None: that of the input."""
    if return_indices:
        return _core.adaptive_max_pool2d_with_indices(input, _whole(input, output_size, 2))
    return _core.adaptive_max_pool2d(input, _whole(input, output_size, 2))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """adaptive_avg_pool1d over H and W; a size may be None: that of the input."""
    return _core.adaptive_avg_pool2d(input, _whole(input, output_size, 2))
