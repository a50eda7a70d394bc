"""Normalisation of each sample by itself: layer, RMS and group normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import integer, number
from surefoot._core import Tensor

from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm"]


class _SampleNorm(Module):
    """A learned scale, and perhaps a shift, of the shape given."""

    init_hint = "pass"

    weight: Parameter | None
    bias: Parameter | None

    def _add_affine(self, shape: tuple[int, ...], dtype: Any, **learned: bool) -> None:
        for name, wanted in learned.items():
            made = Parameter(_core.empty(shape, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1 and bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        bias = getattr(self, "bias", None)  # RMSNorm has none
        if bias is not None:
            init.zeros_(bias)


def _sizes(owner: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    if not given:
        raise ValueError(f"[{owner}] normalized_shape={shape!r}: must name one dimension or more")
    return tuple(integer(owner, "normalized_shape", size, 1) for size in given)


class LayerNorm(_SampleNorm):
    """y = (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions of each sample.

    Mean and (biased) variance are those of the sample: the same in training and in eval mode, for
    any size of batch.

    Args:
        normalized_shape: the sizes of the last dimensions, an int for one. Input (*, sizes).
        eps: inside the root, 1e-5.
        elementwise_affine: learn weight (from 1) and bias (from 0), both of `normalized_shape`.
        bias: False learns the weight alone.
        dtype: floating dtype of the parameters, float32 by default.

    ValueError: an input that does not end with `normalized_shape`.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LayerNorm(2)(sf.tensor([[1.0, 3.0], [5.0, 5.0]])).round().tolist()
        [[-1.0, 1.0], [0.0, 0.0]]

    Keras's LayerNormalization has eps=1e-3. Source: Ba et al. 2016, "Layer normalization".
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes("LayerNorm", normalized_shape)
        self.eps = number("LayerNorm", "eps", eps, 0)
        self.elementwise_affine = elementwise_affine
        learned = {"weight": elementwise_affine, "bias": elementwise_affine and bias}
        self._add_affine(self.normalized_shape, dtype, **learned)

    def forward(self, x: Tensor) -> Tensor:
        return _core.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_SampleNorm):
    """y = x / sqrt(mean(x^2) + eps) * weight over the last dimensions: LayerNorm without a mean.

    Args:
        normalized_shape: the sizes of the last dimensions, an int for one. Input (*, sizes).
        eps: inside the root; None: the machine epsilon of the input's dtype.
        elementwise_affine: learn a weight (from 1) of `normalized_shape`.
        dtype: floating dtype of the weight, float32 by default.

    Example:
        >>> import surefoot as sf
        >>> y = sf.nn.RMSNorm(2)(sf.tensor([1.0, 7.0]))
        >>> [round(v, 3) for v in y.tolist()]
        [0.2, 1.4]

    Source: Zhang and Sennrich 2019, "Root mean square layer normalization".
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes("RMSNorm", normalized_shape)
        self.eps = None if eps is None else number("RMSNorm", "eps", eps, 0)
        self.elementwise_affine = elementwise_affine
        self._add_affine(self.normalized_shape, dtype, weight=elementwise_affine)

    def forward(self, x: Tensor) -> Tensor:
        return _core.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_SampleNorm):
    """y = (x - mean) / sqrt(var + eps) * weight + bias over each group of channels of a sample.

    One group normalises the whole sample, as many groups as channels each channel for itself.

    Args:
        num_groups: must divide num_channels; group i holds the i-th run of neighbouring channels.
        num_channels: C. Input (N, C, *), output of the same shape.
        eps: inside the root, 1e-5.
        affine: learn weight (from 1) and bias (from 0) per channel.
        bias: False learns the weight alone.
        dtype: floating dtype of the parameters, float32 by default.

    ValueError: groups that do not divide the channels, or an input with other channels.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GroupNorm(2, 4)(sf.randn(3, 4, 5)).shape
        (3, 4, 5)

    Keras's GroupNormalization has eps=1e-3. Source: Wu and He 2018, "Group normalization".
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_groups = integer("GroupNorm", "num_groups", num_groups, 1)
        self.num_channels = integer("GroupNorm", "num_channels", num_channels, 1)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"[GroupNorm] num_channels={num_channels} cannot be divided into "
                f"num_groups={num_groups}"
            )
        self.eps, self.affine = number("GroupNorm", "eps", eps, 0), affine
        self._add_affine((self.num_channels,), dtype, weight=affine, bias=affine and bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim > 1 and x.shape[1] != self.num_channels:
            raise ValueError(
                f"[GroupNorm] input {tuple(x.shape)} has {x.shape[1]} channels, "
                f"num_channels={self.num_channels}"
            )
        return _core.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
