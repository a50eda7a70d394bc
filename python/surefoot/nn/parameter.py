"""The tensor that a module learns."""

from __future__ import annotations

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that a Module registers when it is assigned as an attribute.

    Parameter(data, requires_grad=True) shares the memory of `data` and is a leaf: history of `data`
    is not kept. Everything that works on a Tensor works on a Parameter.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.Parameter(sf.zeros(3)).requires_grad
        True
    """

    def __new__(cls, data: Tensor, requires_grad: bool = True) -> Parameter:
        if not isinstance(data, Tensor):
            raise TypeError(
                f"[Parameter] data is a {type(data).__name__}: must be a Tensor, "
                "write Parameter(sf.tensor(data))"
            )
        parameter: Parameter = _core._make_subclass(cls, data, requires_grad)
        return parameter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
