"""Encoder and decoder layers: attention and a feed-forward net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefoot._check import choice, integer, number, probability
from surefoot._core import Tensor

from . import functional
from .attention import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = str | Callable[[Tensor], Tensor]


def _function(owner: str, activation: Activation) -> Callable[[Tensor], Tensor]:
    if callable(activation):
        return activation
    choice(owner, "activation", activation, ("relu", "gelu"))
    return functional.relu if activation == "relu" else functional.gelu


def _settle(layer: Linear, activation: Callable[[Tensor], Tensor]) -> None:
    """Draw the weight of a layer with init='auto' for the activation that follows it."""
    name = getattr(activation, "init_hint", getattr(activation, "__name__", ""))
    if layer._auto_init is not None:
        layer._auto_init.settle(layer.weight, name, getattr(activation, "negative_slope", 0.0))
        layer._auto_init = None


class _Layer(Module):
    """Attentions and a feed-forward net, each added to its input, with a norm after or before."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout

    def __init__(
        self,
        attentions: tuple[str, ...],
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        activation: Activation,
        layer_norm_eps: float,
        batch_first: bool,
        norm_first: bool,
        bias: bool,
        init: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        integer(owner, "dim_feedforward", dim_feedforward, 1)
        probability(owner, "dropout", dropout)
        number(owner, "layer_norm_eps", layer_norm_eps, 0)
        self.norm_first = norm_first
        for name in attentions:
            made = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype
            )
            setattr(self, name, made)
        self.linear1 = Linear(d_model, dim_feedforward, bias, init=init, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, init=init, dtype=dtype)
        parts = range(1, len(attentions) + 2)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _function(owner, activation)
        _settle(self.linear1, self.activation)

    def _feed_forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return y

    def _add(self, i: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Part number i: norm(x + part(x)), or x + part(norm(x))."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        if self.norm_first:
            y: Tensor = x + dropout(part(norm(x)))
        else:
            y = norm(x + dropout(part(x)))
        return y


class TransformerEncoderLayer(_Layer):
    """y = norm(x + attention(x)), z = norm(y + W_2 f(W_1 y)), with dropout of each summand.

    With norm_first: y = x + attention(norm(x)), z = y + W_2 f(W_1 norm(y)), which trains without a
    warm-up of the learning rate; a norm then belongs behind the last layer.

    Shapes: src (S, N, d_model), with batch_first (N, S, d_model), or (S, d_model); output as src.

    Args:
        d_model, nhead: features and heads of the attention; nhead must divide d_model.
        dim_feedforward: rows of W_1, 2048.
        dropout: 0.1, of the attention weights and between all parts.
        activation: f, 'relu', 'gelu' or a callable.
        layer_norm_eps: 1e-5.
        batch_first, norm_first: False, as in torch.
        bias: False leaves out all biases.
        init: of linear1 and linear2 as in Linear; 'auto' draws W_1 for f, 'torch' as torch does.
            The attention is drawn as in torch either way.
        dtype: floating dtype of the parameters, float32 by default.

    Of the call: src_mask (S, S), src_key_padding_mask (N, S), is_causal: MultiheadAttention's
    attn_mask, key_padding_mask and is_causal; a bool mask is True where a key is hidden. torch
    wants src_mask with is_causal=True, here it may be left out.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> layer(sf.randn(3, 5, 8), is_causal=True).shape
        (3, 5, 8)

    Source: Vaswani et al. 2017, "Attention is all you need"; norm_first: Xiong et al. 2020.
    """

    self_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        form = (batch_first, norm_first, bias, init, dtype)
        super().__init__(("self_attn",), *sizes, *form)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        def attention(x: Tensor) -> Tensor:
            return self.self_attn.forward(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )[0]

        return self._add(2, self._add(1, src, attention), self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """As the encoder layer, with attention to a memory between the two parts.

    Shapes: tgt (T, N, d_model), memory (S, N, d_model), with batch_first (N, T, d_model) and so
    on; output as tgt. Arguments as in TransformerEncoderLayer.

    Of the call: tgt_mask, tgt_key_padding_mask and tgt_is_causal are for the attention of tgt to
    itself, memory_mask, memory_key_padding_mask and memory_is_causal for that to the memory.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> layer(sf.randn(3, 4, 8), sf.randn(3, 5, 8), tgt_is_causal=True).shape
        (3, 4, 8)
    """

    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        form = (batch_first, norm_first, bias, init, dtype)
        super().__init__(("self_attn", "multihead_attn"), *sizes, *form)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def to_itself(x: Tensor) -> Tensor:
            return self.self_attn.forward(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )[0]

        def to_memory(x: Tensor) -> Tensor:
            masks = (memory_key_padding_mask, False, memory_mask)
            return self.multihead_attn.forward(
                x, memory, memory, *masks, is_causal=memory_is_causal
            )[0]

        x = self._add(2, self._add(1, tgt, to_itself), to_memory)
        return self._add(3, x, self._feed_forward)
