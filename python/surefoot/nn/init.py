"""In-place initialisation of tensors, with torch's names and meanings.

Every function writes into `tensor` without recording gradients and returns it. `generator` is the
source of random numbers, by default the one that `sf.manual_seed` sets.

fan_in and fan_out of a weight: shape (out, in, *kernel) gives in * prod(kernel) and
out * prod(kernel). Keras stores dense weights as (in, out): there the two change places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from surefoot import _core
from surefoot._check import choice, number, positive, probability
from surefoot._core import Generator, Tensor
from surefoot.autograd import no_grad

from ._normal import normal_cdf, normal_quantile

__all__ = [
    "calculate_gain",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "constant_",
    "ones_",
    "zeros_",
    "eye_",
    "dirac_",
    "sparse_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "lecun_uniform_",
    "lecun_normal_",
    "orthogonal_",
]


_DRAWS = ContextVar("_DRAWS", default=True)


@contextmanager
def _undrawn() -> Iterator[None]:
    """Parameters of layers built inside hold anything: every one of them is read from a file."""
    before = _DRAWS.set(False)
    try:
        yield
    finally:
        _DRAWS.reset(before)


_BLOCK = 16384  # elements that go through the inverse distribution function at once: fits a cache

_UNIT_GAIN = (
    *("linear", "identity", "sigmoid", "softmax"),
    *("conv1d", "conv2d", "conv3d"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the size of signals through a nonlinearity.

    1 for linear, convolution, sigmoid and softmax; 5/3 tanh; sqrt(2) relu; sqrt(2 / (1 + param^2))
    leaky_relu (param = negative slope, default 0.01); 3/4 selu.

    Example:
        >>> round(calculate_gain("relu"), 4)
        1.4142
    """
    if nonlinearity in _UNIT_GAIN:
        return 1.0
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        number("calculate_gain", "param", slope)
        return math.sqrt(2.0 / (1.0 + slope * slope))
    table = {"tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}
    choice("calculate_gain", "nonlinearity", nonlinearity, (*table, "leaky_relu", *_UNIT_GAIN))
    return table[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ValueError(
            f"[init] shape {shape}: fan_in and fan_out need 2 dimensions or more, (out, in, ...)"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _fan(tensor: Tensor, mode: str) -> int:
    choice("init", "mode", mode, ("fan_in", "fan_out"))
    return _calculate_fan_in_and_fan_out(tensor)[0 if mode == "fan_in" else 1]


def _fan_sum(tensor: Tensor) -> int:
    return max(sum(_calculate_fan_in_and_fan_out(tensor)), 1)


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """U(a, b)."""
    if not _DRAWS.get():
        return tensor
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """N(mean, std^2)."""
    if not _DRAWS.get():
        return tensor
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """N(mean, std^2) restricted to [a, b]; a and b are values, not multiples of std.

    One uniform number per element goes through the inverse distribution function.
    """
    if not a < b:
        raise ValueError(f"[trunc_normal_] a={a}, b={b}: a must be less than b")
    positive("trunc_normal_", "std", std)
    low, high = normal_cdf((a - mean) / std), normal_cdf((b - mean) / std)
    if not _DRAWS.get():
        return tensor
    with no_grad():
        values = _core.empty(tensor.numel(), dtype=_core.float64)
        values.uniform_(low, high, generator=generator)
        for p in values.split(_BLOCK):
            p.copy_((normal_quantile(p) * std + mean).clamp(a, b))
        return tensor.copy_(values.reshape(*tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element `val`. In a weight this keeps all units of the layer equal for ever."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0. Right for biases; hidden weights of zero get no gradient."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, for 2-dimensional tensors."""
    if tensor.dim() != 2:
        raise ValueError(f"[eye_] shape {tuple(tensor.shape)}: must have 2 dimensions")
    with no_grad():
        return tensor.copy_(_core.eye(*tensor.shape))


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """U(-r, r) with r = gain * sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / _fan_sum(tensor))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std^2) with std = gain * sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    std = gain * math.sqrt(2.0 / _fan_sum(tensor))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _fan(tensor, mode)
    gain = calculate_gain(nonlinearity, a)
    return gain / math.sqrt(max(fan, 1))  # an empty tensor has fan 0 and nothing to draw


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """U(-r, r) with r = gain * sqrt(3 / fan) (He et al. 2015); `a`: negative slope of leaky_relu.

    Example:
        >>> import surefoot as sf
        >>> w = sf.empty(3, 5)
        >>> bool((kaiming_uniform_(w, mode="fan_in", nonlinearity="relu").abs() < 1.1).all())
        True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, std^2) with std = gain / sqrt(fan) (He et al. 2015); `a`: slope of leaky_relu."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """U(-r, r) with r = sqrt(3 / fan_in) (LeCun et al. 1998)."""
    return kaiming_uniform_(tensor, nonlinearity="linear", generator=generator)


def lecun_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """N(0, 1 / fan_in) (LeCun et al. 1998): the law that SELU is made for."""
    return kaiming_normal_(tensor, nonlinearity="linear", generator=generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Rows (or columns, whichever are fewer) orthogonal and of length `gain` (Saxe et al. 2014).

    A tensor of shape (out, in, ...) is taken as the matrix (out, in * ...). Q of the QR
    decomposition of a normal matrix whose R has a positive diagonal: the law is the uniform one.
    """
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ValueError(f"[orthogonal_] shape {shape}: must have 2 dimensions or more")
    if math.prod(shape) == 0 or not _DRAWS.get():
        return tensor
    rows, columns = shape[0], math.prod(shape[1:])
    draw = _core.empty(max(rows, columns), min(rows, columns), dtype=_core.float64)
    q = _core._orthonormal_rows(normal_(draw, generator=generator).t())
    with no_grad():
        return tensor.copy_((q if rows < columns else q.t()).reshape(shape) * gain)


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """N(0, std^2) with ceil(sparsity * rows) random zeros in every column (Martens 2010)."""
    if tensor.dim() != 2:
        raise ValueError(f"[sparse_] shape {tuple(tensor.shape)}: must have 2 dimensions")
    probability("sparse_", "sparsity", sparsity)
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0.0, std, generator)
    with no_grad():
        for column in range(columns):
            order = _core.randperm(rows, generator=generator)
            tensor[order[:zeros], column] = 0.0
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution weight (out, in, *kernel) that copies input channels, for 3 to 5 dimensions."""
    shape = tuple(tensor.shape)
    if not 3 <= len(shape) <= 5:
        raise ValueError(f"[dirac_] shape {shape}: must have 3, 4 or 5 dimensions")
    if groups <= 0 or shape[0] % groups:
        raise ValueError(f"[dirac_] groups={groups}: must divide the {shape[0]} output channels")
    per_group = shape[0] // groups
    values = np.zeros(shape)
    center = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        for channel in range(min(per_group, shape[1])):
            values[(group * per_group + channel, channel, *center)] = 1.0
    with no_grad():
        return tensor.copy_(_core.tensor(values))
