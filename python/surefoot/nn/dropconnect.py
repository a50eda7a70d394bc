"""A linear layer that drops weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from surefoot import _core
from surefoot._check import choice, integer, number
from surefoot._core import Tensor

from . import _dropout as functions
from .linear import Linear

__all__ = ["DropConnect"]


class DropConnect(Linear):
    """y = a(x (W * M)^T + b): in training each weight is dropped with probability p.

    The mask M is new in every call, 0 or 1 / (1 - p). In eval mode:

    - inference='mean' uses the mean of the masked weights, W itself;
    - inference='sampled' draws the sums u = x (W * M)^T from a normal law with their mean x W^T and
      variance p / (1 - p) x^2 (W^2)^T, `samples` times, and averages a(u + b). That is the paper's
      form: for an activation that bends, the mean of a is not a of the mean.

    Args:
        in_features, out_features, bias, init, dtype: as in Linear; the bias is never dropped.
        p: the share of weights that is dropped, in [0, 1), 0.5.
        per_sample: a mask for each sample of x (N, in_features), as in the paper, in place of one
            for the whole batch. Takes N times the memory of W.
        inference: 'mean' or 'sampled'.
        samples: draws of 'sampled', 1; the paper takes 1000.
        activation: a, a function or module of a tensor; None is the identity.
        scaling: 'train' as above; 'eval': the paper's M is 0 or 1, and eval mode multiplies the
            mean by 1 - p and the variance of the sums by (1 - p)^2.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.DropConnect(20, 5, p=0.5, inference="sampled", activation=sf.nn.ReLU())
        >>> layer(sf.randn(8, 20)).shape, layer.eval()(sf.randn(8, 20)).shape
        ((8, 5), (8, 5))

    The paper also drops biases, and its p is the kept share.
    Source: Wan et al. 2013, "Regularization of neural networks using DropConnect".
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        bias: bool = True,
        *,
        per_sample: bool = False,
        inference: Literal["mean", "sampled"] = "mean",
        samples: int = 1,
        activation: Callable[[Tensor], Tensor] | None = None,
        scaling: functions.Scaling = "train",
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, init=init, dtype=dtype)
        self.p = number("DropConnect", "p", p, 0, 1)  # some weights must be left
        self.per_sample = per_sample
        self.inference = choice("DropConnect", "inference", inference, ("mean", "sampled"))
        self.samples = integer("DropConnect", "samples", samples, 1)
        self.activation = activation
        self.scaling: functions.Scaling = scaling
        choice("DropConnect", "scaling", scaling, ("train", "eval"))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and self.inference == "sampled":
            return self._sampled(x)
        if self.training and self.per_sample:
            return self._activated(self._each_with_its_mask(x))
        weight = functions.dropout(self.weight, self.p, self.training, scaling=self.scaling)
        return self._activated(_core.linear(x, weight, self.bias))

    def _activated(self, y: Tensor) -> Tensor:
        return y if self.activation is None else self.activation(y)

    def _each_with_its_mask(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise ValueError(
                f"[DropConnect] input {tuple(x.shape)}: per_sample=True needs (N, in_features)"
            )
        weights = self.weight.expand(x.shape[0], self.out_features, self.in_features)
        masked = functions.dropout(weights, self.p, True, scaling=self.scaling)
        y = (masked @ x.unsqueeze(-1)).squeeze(-1)
        return y if self.bias is None else y + self.bias

    def _sampled(self, x: Tensor) -> Tensor:
        kept = 1.0 - self.p
        scale = 1.0 / kept if self.scaling == "train" else 1.0
        mean = _core.linear(x, self.weight * (kept * scale), self.bias)
        spread = _core.linear(x.square(), self.weight.square()).sqrt()
        spread = spread * (scale * (self.p * kept) ** 0.5)
        noise = _core.randn(self.samples, *mean.shape, dtype=mean.dtype)
        return self._activated(mean + spread * noise).mean(0)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}, inference={self.inference!r}"
