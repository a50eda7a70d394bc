"""Normalisation per channel, with running statistics: batch and instance normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

from surefoot import _core
from surefoot._check import integer, number, probability
from surefoot._core import Tensor

from . import init
from .module import Module
from .parameter import Parameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class _ChannelNorm(Module):
    """The learned scale and shift of each channel, and its running mean and variance."""

    init_hint = "pass"  # what follows the norm decides how the layer before it draws its weights
    layouts: ClassVar[tuple[str, ...]]  # how an input may be laid out

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.num_features = size = integer(name, "num_features", num_features, 1)
        self.eps = number(name, "eps", eps, 0)
        self.momentum = None if momentum is None else probability(name, "momentum", momentum)
        self.affine, self.track_running_stats = affine, track_running_stats
        for parameter, learned in (("weight", affine), ("bias", affine and bias)):
            made = Parameter(_core.empty(size, dtype=dtype)) if learned else None
            self.register_parameter(parameter, made)
        for buffer in ("running_mean", "running_var"):
            kept = _core.empty(size, dtype=dtype) if track_running_stats else None
            self.register_buffer(buffer, kept)
        count = _core.tensor(0) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was seen: running mean 0, variance 1, no batch counted."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and no statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input(self, x: Tensor) -> bool:
        """Whether x is a batch, not a single sample (C, ...)."""
        name = type(self).__name__
        layout = next((text for text in self.layouts if text.count(",") + 1 == x.ndim), "")
        if not layout:
            wanted = " or ".join(f"{text.count(',') + 1}D {text}" for text in self.layouts)
            raise ValueError(f"[{name}] expected {wanted}, got {x.ndim}D {tuple(x.shape)}")
        batch = layout.startswith("(N")
        channels = x.shape[1 if batch else 0]
        if channels != self.num_features:
            raise ValueError(
                f"[{name}] input {tuple(x.shape)} has {channels} channels, "
                f"num_features={self.num_features}"
            )
        return batch

    def _momentum(self) -> tuple[float, Tensor | None]:
        """Momentum, or the counter it follows; the batch is counted if it moves the statistics."""
        if self.num_batches_tracked is None or not self.training:
            return 0.0, None
        self.num_batches_tracked.add_(1)
        if self.momentum is None:
            return 0.0, self.num_batches_tracked
        return self.momentum, None

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        mean, var = self.running_mean, self.running_var
        momentum, count = self._momentum()
        return _core.batch_norm(
            *(x, mean, var, self.weight, self.bias),
            *(self.training or mean is None, momentum, self.eps),
            num_batches_tracked=count,
        )


class BatchNorm1d(_BatchNorm):
    """y = (x - mean) / sqrt(var + eps) * weight + bias for each channel of (N, C) or (N, C, L).

    In training, mean and (biased) variance are those of the batch, and the running ones move:
    running = (1 - momentum) * running + momentum * now, with the unbiased variance of the batch.
    In eval mode the running ones are used.

    Args:
        num_features: C. Input (N, C) or (N, C, L), output of the same shape.
        eps: inside the root, 1e-5.
        momentum: share of the new batch, 0.1; None averages all batches evenly.
        affine: learn weight (from 1) and bias (from 0).
        track_running_stats: False keeps none; eval mode then uses the batch too.
        bias: False learns the weight alone.
        dtype: floating dtype of parameters and statistics, float32 by default.

    ValueError: another number of dimensions or channels, or a single value per channel in training.

    init='auto' of the layer before it looks through to the activation that follows.

    Example:
        >>> import surefoot as sf
        >>> y = sf.nn.BatchNorm1d(2)(sf.tensor([[1.0, 10.0], [3.0, 30.0]]))
        >>> [[round(v, 2) for v in row] for row in y.tolist()]
        [[-1.0, -1.0], [1.0, 1.0]]

    Known misprint: "X - mu / sigma", without brackets and eps. Keras's momentum is the share kept
    (0.99 there is 0.01 here) and its eps is 1e-3.
    Source: Ioffe and Szegedy 2015, "Batch normalization".
    """

    layouts = ("(N, C)", "(N, C, L)")


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for images: one mean and variance per channel of (N, C, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.BatchNorm2d(100, affine=False)(sf.randn(20, 100, 35, 45)).shape
        (20, 100, 35, 45)
    """

    layouts = ("(N, C, H, W)",)


class BatchNorm3d(_BatchNorm):
    """BatchNorm1d for volumes: one mean and variance per channel of (N, C, D, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.BatchNorm3d(3)(sf.randn(2, 3, 4, 5, 6)).shape
        (2, 3, 4, 5, 6)
    """

    layouts = ("(N, C, D, H, W)",)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        if self._check_input(x):
            return self._normalized(x)
        return self._normalized(x.unsqueeze(0)).squeeze(0)

    def _normalized(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        momentum, count = self._momentum()
        return _core.instance_norm(
            *(x, mean, var, self.weight, self.bias),
            *(self.training or mean is None, momentum, self.eps),
            num_batches_tracked=count,
        )


class InstanceNorm1d(_InstanceNorm):
    """y = (x - mean) / sqrt(var + eps) for each channel of each sample of (N, C, L) or (C, L).

    Mean and (biased) variance are taken over L alone, in training and in eval mode.

    Args:
        num_features: C.
        eps: inside the root, 1e-5.
        momentum: of the running statistics, 0.1; None averages all batches evenly.
        affine: multiply by a learned weight and add a bias per channel; False by default.
        track_running_stats: keep running statistics and use them in eval mode; False by default.
        bias: False learns the weight alone.
        dtype: floating dtype of parameters and statistics, float32 by default.

    ValueError: another number of dimensions or channels, or a single value per channel.

    Example:
        >>> import surefoot as sf
        >>> y = sf.nn.InstanceNorm1d(1)(sf.tensor([[[1.0, 3.0]], [[10.0, 30.0]]]))
        >>> [round(v, 2) for v in y.flatten().tolist()]
        [-1.0, 1.0, -1.0, 1.0]

    torch differs: its momentum=None freezes the running statistics, and it counts no batches.
    Source: Ulyanov et al. 2016, "Instance normalization".
    """

    layouts = ("(C, L)", "(N, C, L)")


class InstanceNorm2d(_InstanceNorm):
    """InstanceNorm1d for images: (N, C, H, W) or (C, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.InstanceNorm2d(3)(sf.randn(2, 3, 4, 5)).shape
        (2, 3, 4, 5)
    """

    layouts = ("(C, H, W)", "(N, C, H, W)")


class InstanceNorm3d(_InstanceNorm):
    """InstanceNorm1d for volumes: (N, C, D, H, W) or (C, D, H, W).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.InstanceNorm3d(3)(sf.randn(2, 3, 4, 5, 6)).shape
        (2, 3, 4, 5, 6)
    """

    layouts = ("(C, D, H, W)", "(N, C, D, H, W)")
