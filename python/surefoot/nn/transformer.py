"""Stacks of encoder and decoder layers, and the whole Transformer."""

from __future__ import annotations

import copy
from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from . import functional, init
from .container import ModuleList
from .module import Module
from .normalization import LayerNorm
from .transformer_layer import Activation, TransformerDecoderLayer, TransformerEncoderLayer

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder"]


def _copies(owner: str, layer: Module, num_layers: int) -> ModuleList:
    count = integer(owner, "num_layers", num_layers, 1)
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """num_layers copies of a layer, one after the other, and a norm if one is given.

    enable_nested_tensor and mask_check are torch's and have no effect. The copies start with the
    same numbers, as in torch: draw them anew with apply() where that matters.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.TransformerEncoderLayer(8, 2, 16)
        >>> sf.nn.TransformerEncoder(layer, num_layers=2)(sf.randn(5, 3, 8)).shape
        (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """num_layers copies of a decoder layer, one after the other, and a norm if one is given.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.TransformerDecoderLayer(8, 2, 16)
        >>> decoder = sf.nn.TransformerDecoder(layer, num_layers=2)
        >>> decoder(sf.randn(4, 3, 8), sf.randn(5, 3, 8)).shape
        (4, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder of src, and a decoder of tgt that attends to what the encoder made of src.

    Shapes: src (S, N, d_model), tgt (T, N, d_model), with batch_first (N, S, d_model) and so on;
    output as tgt. Matrices are drawn Glorot uniform, as in torch. Arguments as in
    TransformerEncoderLayer; custom_encoder and custom_decoder replace the stacks. Both stacks end
    with a LayerNorm.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> mask = sf.nn.Transformer.generate_square_subsequent_mask(4)
        >>> net(sf.randn(3, 5, 8), sf.randn(3, 4, 8), tgt_mask=mask).shape
        (3, 4, 8)

    Source: Vaswani et al. 2017, "Attention is all you need".
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        form = (batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*sizes, *form, init="torch", dtype=dtype)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm())
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*sizes, *form, init="torch", dtype=dtype)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        y: Tensor = self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)
        return y

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz): 0 up to the diagonal, -inf above it; to be added to scores. device: 'cpu'.

        Example:
            >>> import surefoot as sf
            >>> sf.nn.Transformer.generate_square_subsequent_mask(2).tolist()
            [[0.0, -inf], [0.0, 0.0]]
        """
        if str(device) not in ("None", "cpu"):
            raise ValueError(f"[generate_square_subsequent_mask] device={device!r}: must be 'cpu'")
        dtype = _core.float32 if dtype is None else dtype
        return _core.full((sz, sz), float("-inf"), dtype=dtype).triu(1)
