"""Linear and Identity."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor

from . import initializer
from .auto_init import AutoInit, draw_parameters
from .module import Module
from .parameter import Parameter

__all__ = ["Linear", "Identity"]


class Linear(Module):
    """y = x W^T + b.

    Shapes: x (*, in_features), W (out_features, in_features), b (out_features),
    y (*, out_features).

    init: 'auto' draws W for the activation that follows in a Sequential (He normal for the ReLU
    family, LeCun normal for SELU, Glorot normal otherwise and outside a Sequential), and b = 0;
    'torch' draws both from U(-1/sqrt(in_features), 1/sqrt(in_features)); or a name of
    surefoot.initializers, or any callable on a tensor, for W, with b = 0.
    dtype: floating dtype of the parameters, float32 by default.

    torch differs in the default initialisation only: write init='torch' for its numbers' law.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Linear(20, 30, init="he_normal")(sf.ones(128, 20)).shape
        (128, 30)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Any = "auto",
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = integer("Linear", "in_features", in_features, 1)
        self.out_features = integer("Linear", "out_features", out_features, 1)
        self._law = init if init in ("auto", "torch") else initializer.get(init, "Linear")
        self._auto_init: AutoInit | None = None
        dtype = _core.float32 if dtype is None else dtype
        self.weight = Parameter(_core.empty(self.out_features, self.in_features, dtype=dtype))
        if bias:
            self.bias = Parameter(_core.empty(self.out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, by the law chosen with `init`."""
        draw_parameters(self)

    def forward(self, x: Tensor) -> Tensor:
        return _core.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"


class Identity(Module):
    """Returns its input; takes and ignores any arguments, to stand in for another layer.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Identity(54, unused=True)(sf.ones(2)).shape
        (2,)
    """

    init_hint = "pass"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
