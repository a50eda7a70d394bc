"""Activations."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

from ._check import one_of
from .module import Module

__all__ = [
    "ReLU",
    "LeakyReLU",
    "Tanh",
    "Sigmoid",
    "ELU",
    "SELU",
    "GELU",
    "SiLU",
    "Softplus",
    "Softmax",
    "LogSoftmax",
]


class ReLU(Module):
    """max(x, 0); its derivative at 0 is 0.

    inplace: write into the input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReLU()(sf.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "relu"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        return x.relu_() if self.inplace else _core.relu(x)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """x for x > 0, negative_slope * x otherwise, for any slope (also above 1). Default slope 0.01.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LeakyReLU(0.5)(sf.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    init_hint = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, x: Tensor) -> Tensor:
        if self.inplace:
            return x.leaky_relu_(self.negative_slope)
        return _core.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class Tanh(Module):
    """tanh(x), in (-1, 1); derivative 1 - tanh(x)^2.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Tanh()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "tanh"

    def forward(self, x: Tensor) -> Tensor:
        return _core.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), in (0, 1); its derivative is at most 1/4 and it saturates.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Sigmoid()(sf.zeros(2)).tolist()
        [0.5, 0.5]
    """

    init_hint = "sigmoid"

    def forward(self, x: Tensor) -> Tensor:
        return _core.sigmoid(x)


class ELU(Module):
    """x for x > 0, alpha * (exp(x) - 1) otherwise (Clevert et al. 2015). alpha: 1 by default.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ELU()(sf.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "elu"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, x: Tensor) -> Tensor:
        return x.elu_(self.alpha) if self.inplace else _core.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(Module):
    """1.0507 x for x > 0, 1.0507 * 1.6733 (exp(x) - 1) otherwise (Klambauer et al. 2017).

    Keeps mean 0 and variance 1 from layer to layer, in a plain chain of layers with LeCun normal
    weights (init='auto' draws them) and standardised input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.SELU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "selu"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        return x.selu_() if self.inplace else _core.selu(x)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class SiLU(Module):
    """x / (1 + exp(-x)), also called swish (Elfwing et al. 2017).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.SiLU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "silu"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        return x.silu_() if self.inplace else _core.silu(x)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, a smooth ReLU; x itself where beta x > threshold.

    beta: 1 by default. threshold: 20 by default.

    Example:
        >>> import surefoot as sf
        >>> round(sf.nn.Softplus()(sf.zeros(1)).item(), 4)
        0.6931
    """

    init_hint = "softplus"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        if not beta > 0.0:
            raise ValueError(f"[Softplus] beta={beta!r}: must be positive")
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        return _core.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GELU(Module):
    """x P(Z <= x) for a standard normal Z (Hendrycks & Gimpel 2016).

    approximate: 'none', or 'tanh' for 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GELU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "gelu"

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = one_of("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: Tensor) -> Tensor:
        return _core.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x_i) / sum_j exp(x_j) along `dim`.

    `dim` must be given: torch guesses one with a warning. CrossEntropyLoss takes logits: a net that
    is trained with it must not end in Softmax.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Softmax(dim=1)(sf.zeros(1, 4)).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """

    init_hint = "softmax"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return _core.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """x_i - log sum_j exp(x_j) along `dim`, which must be given; for NLLLoss.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LogSoftmax(dim=0)(sf.zeros(1)).tolist()
        [0.0]
    """

    init_hint = "softmax"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return _core.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
