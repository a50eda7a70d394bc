"""Masks of attention layers: True hides here, as in torch's layers."""

from __future__ import annotations

from typing import NamedTuple

from surefoot import _core
from surefoot._check import tensor
from surefoot._core import Tensor


class Scores(NamedTuple):
    """The sizes of the scores that a mask is for."""

    batch: int
    heads: int
    queries: int
    keys: int


def _checked(owner: str, name: str, mask: Tensor, shapes: tuple[tuple[int, ...], ...]) -> Tensor:
    if tensor(owner, name, mask).dtype != _core.bool and not mask.is_floating_point():
        raise TypeError(
            f"[{owner}] {name} is {mask.dtype}: must be bool, True where a key is hidden, "
            "or of a floating dtype, to be added to the scores"
        )
    if tuple(mask.shape) not in shapes:
        wanted = " or ".join(str(shape) for shape in shapes)
        raise ValueError(f"[{owner}] {name} {tuple(mask.shape)}: must be {wanted}")
    return mask


def _added(mask: Tensor, dtype: _core.dtype) -> Tensor:
    """The mask as numbers to add to the scores."""
    if mask.dtype != _core.bool:
        return mask.to(dtype)
    return _core.zeros(*mask.shape, dtype=dtype).masked_fill(mask, float("-inf"))


def causal(queries: int, keys: int) -> Tensor:
    """(queries, keys): True where a key comes after its query."""
    return _core.ones(queries, keys, dtype=_core.bool).triu(1)


def merged(
    owner: str,
    sizes: Scores,
    attn_mask: Tensor | None,
    key_padding_mask: Tensor | None,
    dtype: _core.dtype,
) -> Tensor | None:
    """One mask for attention_weights, (N, heads, L, S) or less: bool, True takes part, or added."""
    batch, heads, queries, keys = sizes
    masks = []
    if attn_mask is not None:
        shapes = ((queries, keys), (batch * heads, queries, keys))
        attn_mask = _checked(owner, "attn_mask", attn_mask, shapes)
        masks.append(attn_mask if attn_mask.ndim == 2 else attn_mask.reshape(sizes))
    if key_padding_mask is not None:
        mask = _checked(owner, "key_padding_mask", key_padding_mask, ((batch, keys),))
        masks.append(mask.reshape(batch, 1, 1, keys))
    if not masks:
        return None
    if all(mask.dtype == _core.bool for mask in masks):
        hidden = masks[0] if len(masks) == 1 else masks[0] | masks[1]
        return hidden.logical_not()
    added = [_added(mask, dtype) for mask in masks]
    return added[0] if len(added) == 1 else added[0] + added[1]


def widened(mask: Tensor | None, keys: int) -> Tensor | None:
    """The mask that `merged` gave, with columns for keys behind the others that all may see."""
    if mask is None or keys == 0:
        return mask
    make = _core.ones if mask.dtype == _core.bool else _core.zeros
    return _core.cat([mask, make(*mask.shape[:-1], keys, dtype=mask.dtype)], -1)
