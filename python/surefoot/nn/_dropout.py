"""Dropout as functions: what nn.functional publishes and the layers call."""

from __future__ import annotations

from typing import Literal

from surefoot import _core
from surefoot._check import probability
from surefoot._core import Tensor

Scaling = Literal["train", "eval"]

# Number of dimensions of a batch (N, C, ...), and of a single sample (C, ...), as torch reads them.
_LAYOUTS = {
    "dropout1d": ((3,), 2, "(N, C, L) or (C, L)"),
    "dropout2d": ((4, 3), 0, "(N, C, H, W) or (N, C, L)"),
    "dropout3d": ((5,), 4, "(N, C, D, H, W) or (C, D, H, W)"),
}


def _stored(input: Tensor, result: Tensor, inplace: bool) -> Tensor:
    return input.copy_(result) if inplace and result is not input else result


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    scaling: Scaling = "train",
) -> Tensor:
    """Zero with probability p, else x / (1 - p); the identity unless `training`.

    scaling='eval': zero with probability p, else x; x * (1 - p) unless `training`.
    """
    probability("dropout", "p", p)
    return _stored(input, _core.dropout(input, p, training, scaling=scaling), inplace)


def _dropped_channels(
    name: str, input: Tensor, p: float, training: bool, inplace: bool, scaling: Scaling
) -> Tensor:
    probability(name, "p", p)
    batch, single, text = _LAYOUTS[name]
    if input.ndim not in (*batch, single):
        raise ValueError(f"[{name}] input {tuple(input.shape)}: must be {text}")
    if input.ndim == single:
        whole = _core.feature_dropout(input.unsqueeze(0), p, training, scaling=scaling)
        return _stored(input, whole.squeeze(0), inplace)
    return _stored(input, _core.feature_dropout(input, p, training, scaling=scaling), inplace)


def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    scaling: Scaling = "train",
) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L)."""
    return _dropped_channels("dropout1d", input, p, training, inplace, scaling)


def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    scaling: Scaling = "train",
) -> Tensor:
    """Dropout of whole channels of (N, C, H, W); three dimensions are (N, C, L), as in torch."""
    return _dropped_channels("dropout2d", input, p, training, inplace, scaling)


def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    scaling: Scaling = "train",
) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    return _dropped_channels("dropout3d", input, p, training, inplace, scaling)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for nets of SELUs; the identity unless training."""
    probability("alpha_dropout", "p", p)
    return _stored(input, _core.alpha_dropout(input, p, training), inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Alpha dropout of whole channels of (N, C, ...); the identity unless training."""
    probability("feature_alpha_dropout", "p", p)
    return _stored(input, _core.feature_alpha_dropout(input, p, training), inplace)
