"""What a layer costs: the operations of its matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import nn
from surefoot._core import Tensor

__all__ = ["flops"]


def flops(layer: nn.Module, inputs: Sequence[Any], output: Tensor) -> int:
    """Floating-point operations of a call, a multiplication and an addition as two.

    Products with the layer's own weights, and those of attention; work per number is not counted.
    """
    x = inputs[0] if inputs else None
    if not isinstance(x, Tensor):
        return 0
    if isinstance(layer, nn.MultiheadAttention):
        return 2 * _attention(layer, inputs)
    weights = sum(p.numel() for p in layer.parameters(recurse=False) if p.ndim >= 2)
    return 2 * _times(layer, x, output) * weights


def _times(layer: nn.Module, x: Tensor, output: Tensor) -> int:
    """How many vectors, or places of an image, meet each weight."""
    if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
        return _places(x)
    if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        return _places(output)
    width = getattr(layer, "in_features", getattr(layer, "input_size", None))
    return x.numel() // width if isinstance(width, int) and width > 0 else 0


def _places(x: Tensor) -> int:
    """Of a batch (N, C, ...): N times the size of the rest."""
    return x.numel() // max(x.shape[1], 1)


def _attention(layer: nn.MultiheadAttention, inputs: Sequence[Any]) -> int:
    """Multiplications of projections, scores and mean of values; out_proj is a layer of its own."""
    query, key, value = (inputs[i] if len(inputs) > i else inputs[0] for i in range(3))
    batched = query.ndim == 3
    batch = query.shape[0 if layer.batch_first else 1] if batched else 1
    size, asked, kept = layer.embed_dim, _vectors(query), _vectors(key)
    projections = size * (asked * size + kept * (key.shape[-1] + value.shape[-1]))
    return int(projections + 2 * asked * (kept // batch) * size)


def _vectors(x: Tensor) -> int:
    """Vectors in (..., E)."""
    return x.numel() // x.shape[-1]
