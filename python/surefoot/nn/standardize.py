"""Standardisation of the input data, as a layer that is saved with the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from .module import Module

__all__ = ["Standardize"]

S = TypeVar("S", bound="Standardize")


class Standardize(Module):
    """y = (x - mean) / std of each feature, with the statistics of the training data.

    `fit` takes them from data; they are buffers, saved and loaded with the model, so that every
    user of the model feeds it raw data. `inverse` goes back. A feature that is constant in the data
    becomes 0: its std counts as 1.

    Args:
        num_features: size of the dimension `dim`.
        dim: which dimension holds the features: -1, the last; 1 for the channels of (N, C, H, W).
        mean, std: known statistics, (num_features,) or a number, in place of `fit`.
        dtype: floating dtype of the statistics, float32 by default.

    ValueError: another number of features, a std that is not positive. RuntimeError: used before
    `fit`.

    Example:
        >>> import surefoot as sf
        >>> x = sf.tensor([[1.0, 100.0], [3.0, 300.0]])
        >>> layer = sf.nn.Standardize(2).fit(x)
        >>> layer(x).tolist(), layer.inverse(layer(x)).tolist()
        ([[-1.0, -1.0], [1.0, 1.0]], [[1.0, 100.0], [3.0, 300.0]])

    Keras has it as Normalization, with `adapt` for `fit` and the variance in place of std.
    """

    init_hint = "pass"

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        num_features: int,
        dim: int = -1,
        *,
        mean: Any = None,
        std: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_features = integer("Standardize", "num_features", num_features, 1)
        self.dim = dim
        dtype = _core.float32 if dtype is None else dtype
        # A std of 0 stands for "not yet fitted": fit and the arguments never give it.
        self.register_buffer("mean", _core.zeros(self.num_features, dtype=dtype))
        self.register_buffer("std", _core.zeros(self.num_features, dtype=dtype))
        self._ready = False
        if (mean is None) != (std is None):
            raise ValueError("[Standardize] mean and std must be given both or not at all")
        if mean is not None:
            self._set(mean, std)

    def _set(self, mean: Any, std: Any) -> None:
        with no_grad():
            self.mean.copy_(_core.tensor(mean))
            self.std.copy_(_core.tensor(std))
        if not bool((self.std > 0).all().item()):
            raise ValueError("[Standardize] std must be positive in every feature")

    def fit(self: S, data: Any) -> S:
        """Take mean and (biased) standard deviation from `data`, in place of earlier ones.

        data: a tensor or array, or an iterable of batches as a DataLoader gives them; of a batch
        (x, y, ...) x is used. Sums run in float64, batch by batch; a large mean does no harm.
        """
        count, mean, squares = 0, np.zeros(self.num_features), np.zeros(self.num_features)
        with no_grad():
            for batch in _batches(data):
                n, own_mean, own_squares = self._moments(batch)
                if n == 0:
                    continue
                count, old = count + n, count
                step = own_mean - mean
                mean = mean + step * (n / count)
                squares = squares + own_squares + step**2 * (old * n / count)
        if count == 0:
            raise ValueError("[Standardize.fit] no data: at least one sample is needed")
        std = np.sqrt(squares / count)
        self._set(mean, np.where(std <= 1e-12 * np.abs(mean), 1.0, std))
        return self

    def _moments(self, batch: Any) -> tuple[int, Any, Any]:
        """Number of values, mean and sum of squared deviations of each feature of one batch."""
        x = batch if isinstance(batch, Tensor) else _core.tensor(batch)
        at = self._feature_dim(x)
        rows = x.detach().double().movedim(at, -1).reshape(-1, self.num_features)
        n = rows.shape[0]
        return n, rows.mean(0).numpy(), (rows.var(0, correction=0) * n).numpy()

    def _feature_dim(self, x: Tensor) -> int:
        if not -x.ndim <= self.dim < x.ndim or x.shape[self.dim] != self.num_features:
            raise ValueError(
                f"[Standardize] input {tuple(x.shape)} must have {self.num_features} features "
                f"in dimension {self.dim}"
            )
        return self.dim % x.ndim

    def _vectors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        at = self._feature_dim(x)
        if not self._ready:
            if not bool((self.std > 0).all().item()):
                raise RuntimeError(
                    "[Standardize] has no statistics yet: call fit(training_data) first"
                )
            self._ready = True
        shape = [1] * x.ndim
        shape[at] = self.num_features
        return self.mean.reshape(shape), self.std.reshape(shape)

    def forward(self, x: Tensor) -> Tensor:
        mean, std = self._vectors(x)
        return (x - mean) / std

    def inverse(self, y: Tensor) -> Tensor:
        """y * std + mean: back to the units of the data."""
        mean, std = self._vectors(y)
        return y * std + mean

    def extra_repr(self) -> str:
        return f"{self.num_features}, dim={self.dim}"


def _batches(data: Any) -> Iterable[Any]:
    if isinstance(data, Tensor) or hasattr(data, "__array__"):
        return [data]
    return (batch[0] if isinstance(batch, (tuple, list)) else batch for batch in data)
