"""Sequences of different lengths: padded into one tensor, or packed without the padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from surefoot import _core
from surefoot._check import choice, integer, tensor
from surefoot._core import ShapeError, Tensor

__all__ = [
    "PackedSequence",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

Indices = npt.NDArray[np.int64]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences without padding, as the recurrent layers take and return them.

    Args:
        data: the first step of all sequences, the longest first, then the second step of those that
            have one, and so on: (sum of the lengths, ...).
        batch_sizes: how many sequences have each step, (longest length,), int64.
        sorted_indices: where the packed sequences stood before they were sorted by length, or None.
        unsorted_indices: its inverse; found from it if None.

    Made by pack_padded_sequence or pack_sequence. ValueError, ShapeError: what does not fit.

    Example:
        >>> import surefoot as sf
        >>> a, b = sf.tensor([1.0, 2.0, 3.0]), sf.tensor([4.0])
        >>> packed = sf.nn.utils.rnn.pack_sequence([a, b])
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([1.0, 4.0, 2.0, 3.0], [2, 1, 1])
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        _check_packed(data, batch_sizes, (sorted_indices, unsorted_indices))
        if sorted_indices is not None and unsorted_indices is None:
            unsorted_indices = _core.argsort(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, target: Any) -> PackedSequence:
        """The same with its data cast to a floating dtype."""
        return self._replace(data=self.data.to(target))

    def float(self) -> PackedSequence:
        """The same with float32 data."""
        return self.to(_core.float32)

    def double(self) -> PackedSequence:
        """The same with float64 data."""
        return self.to(_core.float64)


def _check_packed(data: Tensor, batch_sizes: Tensor, orders: Sequence[Tensor | None]) -> None:
    name, shape = "PackedSequence", tuple(tensor("PackedSequence", "data", data).shape)
    sizes = tensor(name, "batch_sizes", batch_sizes).numpy()
    if sizes.ndim != 1 or sizes.dtype != np.int64 or not (sizes.size and shape):
        raise ShapeError(
            f"[{name}] data {shape} with batch_sizes {sizes.shape} of {sizes.dtype}: must be "
            "(rows, ...) with (steps,) of int64"
        )
    wrong = (sizes < 1) | (np.diff(sizes, prepend=sizes[0]) > 0)
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(
            f"[{name}] batch_sizes[{at}]={sizes[at]}: must be positive and never grow, "
            f"batch_sizes[0]={sizes[0]}"
        )
    if sizes.sum() != shape[0]:
        raise ShapeError(f"[{name}] data {shape}: batch_sizes add up to {sizes.sum()} rows")
    for title, order in zip(("sorted_indices", "unsorted_indices"), orders, strict=True):
        if order is None:
            continue
        numbers = tensor(name, title, order).numpy()
        if not np.array_equal(np.sort(numbers), np.arange(sizes[0])):
            raise ValueError(
                f"[{name}] {title} {numbers.shape}: must hold each number from 0 to "
                f"{sizes[0] - 1} once"
            )


def _lengths(name: str, lengths: Tensor | Sequence[int], batch: int, steps: int) -> Indices:
    listed: Any = lengths.tolist() if isinstance(lengths, Tensor) else lengths
    if not hasattr(listed, "__iter__"):
        raise TypeError(f"[{name}] lengths={listed!r}: must hold one integer for each sequence")
    given = [x.item() if isinstance(x, Tensor) else x for x in listed]
    if len(given) != batch:
        raise ShapeError(f"[{name}] {len(given)} lengths for a batch of {batch} sequences")
    for i, length in enumerate(given):
        number = isinstance(length, (int, float, np.number))
        if not number or not 1 <= length <= steps or length % 1:
            raise ValueError(
                f"[{name}] lengths[{i}]={length!r}: must be an integer from 1 to {steps}, "
                "the steps of the padded input"
            )
    return np.asarray(given, np.int64)


def _batch_sizes(lengths: Indices) -> Indices:
    sizes: Indices = (lengths[None, :] > np.arange(lengths.max())[:, None]).sum(1)
    return sizes


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack padded sequences: what lies beyond their lengths is left out.

    Args:
        input: (T, B, *), or (B, T, *) with batch_first.
        lengths: of the B sequences, from 1 to T.
        enforce_sorted: True wants them in decreasing order; False sorts and remembers the order.

    ValueError: a length out of range, or out of order. ShapeError: not one length per sequence.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import pack_padded_sequence
        >>> padded = sf.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]])
        >>> pack_padded_sequence(padded, [3, 2]).data.tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    if tensor("pack_padded_sequence", "input", input).ndim < 2:
        raise ShapeError(
            f"[pack_padded_sequence] input {tuple(input.shape)}: must be (steps, batch, ...)"
        )
    steps, batch = input.shape[:2] if not batch_first else (input.shape[1], input.shape[0])
    if batch == 0:
        raise ShapeError(
            f"[pack_padded_sequence] input {tuple(input.shape)}: must hold a sequence or more"
        )
    sizes = _lengths("pack_padded_sequence", lengths, batch, steps)
    order, sorted_indices = np.arange(batch), None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sorted_indices = _core.tensor(order)
    elif (np.diff(sizes) > 0).any():
        at = int(np.argmax(np.diff(sizes) > 0))
        raise ValueError(
            f"[pack_padded_sequence] lengths[{at}]={sizes[at]} < lengths[{at + 1}]={sizes[at + 1]}:"
            " must never grow; sort the sequences, or write enforce_sorted=False"
        )
    batch_sizes = _batch_sizes(sizes)
    rows = [
        order[:n] * steps + t if batch_first else t * batch + order[:n]
        for t, n in enumerate(batch_sizes)
    ]
    flat = input.reshape(steps * batch, *input.shape[2:])
    data = flat.index_select(0, _core.tensor(np.concatenate(rows)))
    return PackedSequence(data, _core.tensor(batch_sizes), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The way back of pack_padded_sequence: the padded tensor and the lengths, in the old order.

    total_length: steps of the result, at least the longest length, which is the default.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import pack_sequence, pad_packed_sequence
        >>> packed = pack_sequence([sf.tensor([1.0, 2.0]), sf.tensor([3.0])])
        >>> padded, lengths = pad_packed_sequence(packed, batch_first=True, padding_value=-1.0)
        >>> padded.tolist(), lengths.tolist()
        ([[1.0, 2.0], [3.0, -1.0]], [2, 1])
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            f"[pad_packed_sequence] must be a PackedSequence, got {type(sequence).__name__}"
        )
    data, sizes = sequence.data, np.asarray(sequence.batch_sizes.numpy())
    steps, batch = len(sizes), int(sizes[0])
    total = total_length
    total = steps if total is None else integer("pad_packed_sequence", "total_length", total, 1)
    if total < steps:
        raise ValueError(
            f"[pad_packed_sequence] total_length={total}: the longest sequence has {steps} steps"
        )
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    taken = np.arange(batch)[None, :] < sizes[:, None]  # (steps, batch), the longest first
    rows = np.full((total, batch), len(data), np.int64)  # one behind the data: padding
    rows[:steps] = np.where(taken, starts[:, None] + np.arange(batch), len(data))
    lengths = taken.sum(0)
    if sequence.unsorted_indices is not None:
        back = sequence.unsorted_indices.numpy()
        rows, lengths = rows[:, back], lengths[back]
    if batch_first:
        rows = rows.T
    filled = _core.full((1, *data.shape[1:]), padding_value, dtype=data.dtype)
    index = _core.tensor(np.ascontiguousarray(rows).reshape(-1))
    padded = _core.cat([data, filled]).index_select(0, index)
    return padded.reshape(*rows.shape, *data.shape[1:]), _core.tensor(lengths)


def pad_sequence(
    sequences: Tensor | Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack tensors (L_i, *) of different lengths into (T, B, *), T the longest.

    batch_first: (B, T, *) instead. padding_side: 'right' fills up behind, 'left' before.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import pad_sequence
        >>> a, b = sf.tensor([1.0, 2.0, 3.0]), sf.tensor([4.0])
        >>> pad_sequence([a, b], batch_first=True).tolist()
        [[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]
    """
    choice("pad_sequence", "padding_side", padding_side, ("left", "right"))
    parts = list(sequences.unbind(0)) if isinstance(sequences, Tensor) else list(sequences)
    if not parts:
        raise ValueError("[pad_sequence] needs one sequence or more, got none")
    trailing = tuple(tensor("pad_sequence", "sequences[0]", parts[0]).shape[1:])
    for i, part in enumerate(parts):
        if tensor("pad_sequence", f"sequences[{i}]", part).ndim < 1:
            raise ShapeError(f"[pad_sequence] sequences[{i}] (): must be (length, ...)")
        if tuple(part.shape[1:]) != trailing:
            raise ShapeError(
                f"[pad_sequence] sequences[{i}] {tuple(part.shape)} beside "
                f"{tuple(parts[0].shape)}: all sizes but the first must be equal"
            )
    longest = max(len(part) for part in parts)
    padded = []
    for part in parts:
        missing = longest - len(part)
        side = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(_core.pad(part, (0, 0) * len(trailing) + side, value=padding_value))
    return _core.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences of pad_sequence (padded behind), each with its own length.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import unpad_sequence
        >>> padded = sf.tensor([[1.0, 2.0], [3.0, 0.0]])
        >>> [x.tolist() for x in unpad_sequence(padded, [2, 1], batch_first=True)]
        [[1.0, 2.0], [3.0]]
    """
    if tensor("unpad_sequence", "padded_sequences", padded_sequences).ndim < 2:
        raise ShapeError(
            f"[unpad_sequence] input {tuple(padded_sequences.shape)}: must be (steps, batch, ...)"
        )
    by_batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = _lengths("unpad_sequence", lengths, by_batch.shape[0], by_batch.shape[1])
    return [by_batch[i, :n] for i, n in enumerate(sizes.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors (L_i, *) of different lengths.

    enforce_sorted: True wants them in decreasing length; False sorts and remembers the order.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import pack_sequence
        >>> a, b = sf.tensor([1.0]), sf.tensor([2.0, 3.0])
        >>> pack_sequence([a, b], enforce_sorted=False).data.tolist()
        [2.0, 1.0, 3.0]
    """
    parts = list(sequences)
    padded = pad_sequence(parts)
    lengths = [len(part) for part in parts]
    if 0 in lengths:
        raise ValueError(
            f"[pack_sequence] sequences[{lengths.index(0)}] is empty: each must have a step or more"
        )
    return pack_padded_sequence(padded, lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The way back of pack_sequence.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils.rnn import pack_sequence, unpack_sequence
        >>> packed = pack_sequence([sf.tensor([1.0, 2.0]), sf.tensor([3.0])])
        >>> [x.tolist() for x in unpack_sequence(packed)]
        [[1.0, 2.0], [3.0]]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), True)
