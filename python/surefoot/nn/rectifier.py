"""ReLU and its relatives: about x above zero, about zero (or a small slope) below."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import choice, integer, positive
from surefoot._core import Tensor

from . import _activation as functions
from .activation import Activation, InplaceActivation
from .module import Module
from .parameter import Parameter

__all__ = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "RReLU",
    "PReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Softplus",
    "Threshold",
]


class ReLU(InplaceActivation):
    """max(x, 0); its derivative at 0 is 0.

    inplace: write into the input.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReLU()(sf.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "relu"
    _op = _core.relu


class ReLU6(InplaceActivation):
    """min(max(x, 0), 6).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ReLU6()(sf.tensor([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    init_hint = "relu6"
    _op = _core.relu6

    def forward(self, x: Tensor) -> Tensor:
        return functions.relu6(x, self.inplace)


class LeakyReLU(InplaceActivation):
    """x for x > 0, negative_slope * x otherwise, for any slope (also above 1). Default slope 0.01.

    Known misprint: max(slope * x, x), which is the same for slopes up to 1 only.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.LeakyReLU(0.5)(sf.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    init_hint = "leaky_relu"
    _op, _arguments = _core.leaky_relu, ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope


class RReLU(InplaceActivation):
    """x for x > 0, slope * x otherwise, with a slope for each element (Xu et al. 2015).

    In training slopes are drawn from [lower, upper), anew in every call; in eval mode all are the
    mean (lower + upper) / 2. lower: 1/8, upper: 1/3, as in torch.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.RReLU(0.25, 0.75).eval()(sf.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    init_hint = "rrelu"
    _op, _arguments = _core.rrelu, ("lower", "upper")

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__(inplace)
        if not lower <= upper:
            raise ValueError(f"[RReLU] lower={lower!r}: must not be above upper={upper!r}")
        self.lower, self.upper = lower, upper

    @property
    def negative_slope(self) -> float:
        """The mean slope below zero."""
        return (self.lower + self.upper) / 2

    def forward(self, x: Tensor) -> Tensor:
        return functions.rrelu(x, self.lower, self.upper, self.training, self.inplace)


class PReLU(Module):
    """x for x > 0, weight * x otherwise; the slope is learned (He et al. 2015).

    num_parameters: 1, one slope for all, or the number of channels (dim 1), one for each.
    init: slope at the start, 0.25. Decay on the slopes pulls towards ReLU; He et al. use none.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.PReLU()(sf.tensor([-1.0, 2.0])).tolist()
        [-0.25, 2.0]
    """

    init_hint = "prelu"
    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = integer("PReLU", "num_parameters", num_parameters, 1)
        self.init = init
        dtype = _core.float32 if dtype is None else dtype
        self.weight = Parameter(_core.full((self.num_parameters,), init, dtype=dtype))

    @property
    def negative_slope(self) -> float:
        """The slope below zero at the start."""
        return self.init

    def forward(self, x: Tensor) -> Tensor:
        return _core.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(InplaceActivation):
    """x for x > 0, alpha * (exp(x) - 1) otherwise (Clevert et al. 2015). alpha: 1 by default.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.ELU()(sf.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "elu"
    _op, _arguments = _core.elu, ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha


class SELU(InplaceActivation):
    """1.0507 x for x > 0, 1.0507 * 1.6733 (exp(x) - 1) otherwise (Klambauer et al. 2017).

    Keeps mean 0 and variance 1 from layer to layer under four conditions: standardised input,
    LeCun normal weights (init='auto' draws them), a plain chain of layers without skips or other
    normalisation, and AlphaDropout in place of Dropout.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.SELU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "selu"
    _op = _core.selu


class CELU(InplaceActivation):
    """x for x > 0, alpha * (exp(x / alpha) - 1) otherwise: an ELU with slope 1 at 0 for any alpha.

    alpha: 1 by default, not 0 (Barron 2017).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.CELU(2.0)(sf.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "celu"
    _op, _arguments = _core.celu, ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if alpha == 0.0:
            raise ValueError("[CELU] alpha=0: must not be zero")
        self.alpha = alpha


class GELU(Activation):
    """x P(Z <= x) for a standard normal Z (Hendrycks & Gimpel 2016).

    approximate: 'none', or 'tanh' for 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.GELU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "gelu"
    _op, _arguments = _core.gelu, ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = choice("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: Tensor) -> Tensor:
        return _core.gelu(x, approximate=self.approximate)


class SiLU(InplaceActivation):
    """x / (1 + exp(-x)), also called swish (Elfwing et al. 2017).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.SiLU()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "silu"
    _op = _core.silu


class Mish(InplaceActivation):
    """x tanh(log(1 + exp(x))) (Misra 2019).

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Mish()(sf.zeros(2)).tolist()
        [0.0, 0.0]
    """

    init_hint = "mish"
    _op = _core.mish


class Hardswish(InplaceActivation):
    """x min(max(x + 3, 0), 6) / 6: SiLU with Hardsigmoid in place of the sigmoid.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Hardswish()(sf.tensor([-4.0, 0.0, 4.0])).tolist()
        [-0.0, 0.0, 4.0]
    """

    init_hint = "hardswish"
    _op = _core.hardswish


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, a smooth ReLU; x itself where beta x > threshold.

    beta: 1 by default. threshold: 20 by default.

    Example:
        >>> import surefoot as sf
        >>> round(sf.nn.Softplus()(sf.zeros(1)).item(), 4)
        0.6931
    """

    init_hint = "softplus"
    _op, _arguments = _core.softplus, ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = positive("Softplus", "beta", beta), threshold


class Threshold(InplaceActivation):
    """x above the threshold, value at and below it.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Threshold(1.0, 0.0)(sf.tensor([0.5, 2.0])).tolist()
        [0.0, 2.0]
    """

    init_hint = "relu"
    _op, _arguments = _core.threshold, ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value
