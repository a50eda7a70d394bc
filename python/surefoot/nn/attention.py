"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import integer, probability, tensor
from surefoot._core import Tensor

from . import _dropout, _mask, init
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """concat(head_1 ... head_h) W_o, head_i = softmax(q_i k_i^T / sqrt(E / h) + mask) v_i.

    q_i, k_i and v_i are the i-th parts of query W_q, key W_k and value W_v.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim); with batch_first (N, L, E) and so
    on; without a batch (L, E) and so on. Returns (output, weights): output as query, weights
    (N, L, S), the mean over heads.

    Args:
        embed_dim: E.
        num_heads: h, must divide E.
        dropout: probability that a weight is dropped in training, 0.
        bias: learn biases, from 0.
        add_bias_kv: one key and value more that are learned, seen by every query.
        add_zero_attn: one key and value more that are 0; weights then have columns more.
        kdim, vdim: features of key and value, E by default.
        batch_first: False, as in torch.
        dtype: floating dtype of the parameters, float32 by default.

    Of the call:
        key_padding_mask: (N, S) or (S), keys that are padding.
        attn_mask: (L, S) or (N h, L, S).
        is_causal: query i sees keys 0 to i; with attn_mask it is taken for a description of that.
        need_weights: False returns None in the place of weights.
        average_attn_weights: False returns those of every head, (N, h, L, S).

    A bool mask is True where a key is HIDDEN, the opposite of F.scaled_dot_product_attention's;
    both as in torch. A floating mask is added. Queries that see nothing give 0 before W_o, where
    torch's slow path gives NaN. Keras counts the features of one head (key_dim), torch all of them.

    ValueError: heads that do not divide E, features, lengths or masks that do not fit.

    Example:
        >>> import surefoot as sf
        >>> attention = sf.nn.MultiheadAttention(8, 2, batch_first=True)
        >>> x = sf.randn(3, 5, 8)
        >>> output, weights = attention(x, x, x, is_causal=True)
        >>> output.shape, weights.shape
        ((3, 5, 8), (3, 5, 5))

    Source: Vaswani et al. 2017, "Attention is all you need".
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        owner = "MultiheadAttention"
        self.embed_dim = integer(owner, "embed_dim", embed_dim, 1)
        self.num_heads = integer(owner, "num_heads", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(
                f"[{owner}] embed_dim={embed_dim} cannot be divided into num_heads={num_heads}"
            )
        self.head_dim = embed_dim // num_heads
        self.dropout = probability(owner, "dropout", dropout)
        self.kdim = embed_dim if kdim is None else integer(owner, "kdim", kdim, 1)
        self.vdim = embed_dim if vdim is None else integer(owner, "vdim", vdim, 1)
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self._add_projections(bias, add_bias_kv, _core.float32 if dtype is None else dtype)
        self.out_proj = Linear(embed_dim, embed_dim, bias, init="torch", dtype=dtype)
        self.reset_parameters()

    def _add_projections(self, bias: bool, bias_kv: bool, dtype: Any) -> None:
        size = self.embed_dim
        joint = self.kdim == self.vdim == size
        shapes = {
            "q_proj_weight": None if joint else (size, size),
            "k_proj_weight": None if joint else (size, self.kdim),
            "v_proj_weight": None if joint else (size, self.vdim),
            "in_proj_weight": (3 * size, size) if joint else None,
            "in_proj_bias": (3 * size,) if bias else None,
            "bias_k": (1, 1, size) if bias_kv else None,
            "bias_v": (1, 1, size) if bias_kv else None,
        }
        for name, shape in shapes.items():
            made = None if shape is None else Parameter(_core.empty(shape, dtype=dtype))
            self.register_parameter(name, made)

    def reset_parameters(self) -> None:
        """Glorot uniform for the projections (joint ones as one matrix), 0 for biases, as torch."""
        for weight in (
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            self.in_proj_weight,
        ):
            if weight is not None:
                init.xavier_uniform_(weight)
        self.out_proj.reset_parameters()
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for row in (self.bias_k, self.bias_v):
            if row is not None:
                init.xavier_normal_(row)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        self._check(query, key, value)
        single = query.ndim == 2
        if single and key_padding_mask is not None and key_padding_mask.ndim == 1:
            key_padding_mask = key_padding_mask.unsqueeze(0)
        q, k, v = self._heads(query, key, value)
        sizes = _mask.Scores(q.shape[0], self.num_heads, q.shape[2], k.shape[2])
        if is_causal and attn_mask is None:
            attn_mask = _mask.causal(sizes.queries, sizes.keys)
        mask = _mask.merged("MultiheadAttention", sizes, attn_mask, key_padding_mask, q.dtype)
        k, v = self._extended(k, self.bias_k), self._extended(v, self.bias_v)
        weights = _core.attention_weights(q, k, _mask.widened(mask, k.shape[2] - sizes.keys))
        weights = _dropout.dropout(weights, self.dropout, self.training)
        joined = (weights @ v).transpose(1, 2).reshape(sizes.batch, sizes.queries, self.embed_dim)
        output = self._as_given(self.out_proj(joined), single)
        if not need_weights:
            return output, None
        weights = weights.mean(1) if average_attn_weights else weights
        return output, weights.squeeze(0) if single else weights

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        owner, names = "MultiheadAttention", ("query", "key", "value")
        given = zip(names, (query, key, value), strict=True)
        shapes = [tuple(tensor(owner, name, x).shape) for name, x in given]
        if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
            raise ValueError(
                f"[MultiheadAttention] query {shapes[0]}, key {shapes[1]}, value {shapes[2]}: all "
                "must have 3 dimensions, or 2 without a batch"
            )
        sizes = {"embed_dim": self.embed_dim, "kdim": self.kdim, "vdim": self.vdim}
        for name, shape, (rule, size) in zip(names, shapes, sizes.items(), strict=True):
            if shape[-1] != size:
                raise ValueError(
                    f"[MultiheadAttention] {name} {shape} has {shape[-1]} features, {rule}={size}"
                )
        batch = 0 if self.batch_first else 1
        if shapes[1][:-1] != shapes[2][:-1] or (
            query.ndim == 3 and shapes[0][batch] != shapes[1][batch]
        ):
            raise ValueError(
                f"[MultiheadAttention] query {shapes[0]}, key {shapes[1]}, value {shapes[2]}: key "
                "and value must have the same length, and all the same batch"
            )

    def _heads(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """The projections, each (N, heads, length, head_dim)."""
        if query is key and key is value and self.in_proj_weight is not None:
            joint = _core.linear(self._batched(query), self.in_proj_weight, self.in_proj_bias)
            parts = joint.reshape(*joint.shape[:2], 3, self.num_heads, self.head_dim)
            return list(parts.permute(2, 0, 3, 1, 4).unbind(0))
        if self.in_proj_weight is not None:
            weights = list(self.in_proj_weight.chunk(3))
        else:
            own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            weights = [weight for weight in own if weight is not None]
        biases = [None] * 3 if self.in_proj_bias is None else list(self.in_proj_bias.chunk(3))
        heads = []
        for x, weight, bias in zip((query, key, value), weights, biases, strict=True):
            y = _core.linear(self._batched(x), weight, bias)
            heads.append(y.reshape(*y.shape[:2], self.num_heads, self.head_dim).transpose(1, 2))
        return heads

    def _extended(self, heads: Tensor, row: Parameter | None) -> Tensor:
        """Keys or values, and those that every query sees."""
        shape = (heads.shape[0], self.num_heads, 1, self.head_dim)
        rows = [heads]
        if row is not None:
            rows.append(row.reshape(1, self.num_heads, 1, self.head_dim).expand(*shape))
        if self.add_zero_attn:
            rows.append(_core.zeros(*shape, dtype=heads.dtype))
        return _core.cat(rows, 2) if len(rows) > 1 else heads

    def _batched(self, x: Tensor) -> Tensor:
        """(N, length, features)."""
        if x.ndim == 2:
            return x.unsqueeze(0)
        return x if self.batch_first else x.transpose(0, 1)

    def _as_given(self, y: Tensor, single: bool) -> Tensor:
        if single:
            return y.squeeze(0)
        return y if self.batch_first else y.transpose(0, 1)
