"""Containers of parameters: ParameterList and ParameterDict."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping

from surefoot._core import Tensor

from ._tree import PARAMETER
from .module import Module
from .parameter import Parameter

__all__ = ["ParameterList", "ParameterDict"]


def _as_parameter(owner: str, key: object, value: Tensor) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, Tensor):
        raise TypeError(f"[{owner}] {key!r} is a {type(value).__name__}: must be a Tensor")
    return Parameter(value)


class ParameterList(Module):
    """A list of parameters that a Module can register; plain tensors become Parameters.

    Example:
        >>> import surefoot as sf
        >>> len(list(sf.nn.ParameterList([sf.ones(2), sf.zeros(3)]).parameters()))
        2
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def _name_at(self, index: int) -> str:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"[ParameterList] index {i} with {len(self)} elements")
        return str(i % len(self))

    def __len__(self) -> int:
        return len(self._own(PARAMETER))

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._own(PARAMETER).values())

    def __getitem__(self, index: int) -> Parameter:
        param: Parameter = getattr(self, self._name_at(index))
        return param

    def __setitem__(self, index: int, value: Tensor) -> None:
        name = self._name_at(index)
        self.register_parameter(name, _as_parameter("ParameterList", name, value))

    def append(self, value: Tensor) -> ParameterList:
        """Add a parameter at the end."""
        name = str(len(self))
        self.register_parameter(name, _as_parameter("ParameterList", name, value))
        return self

    def extend(self, values: Iterable[Tensor]) -> ParameterList:
        """Add parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return _describe(self._own(PARAMETER))


class ParameterDict(Module):
    """A dict of parameters that a Module can register; plain tensors become Parameters.

    Example:
        >>> import surefoot as sf
        >>> list(sf.nn.ParameterDict({"scale": sf.ones(1)}))
        ['scale']
    """

    def __init__(self, values: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.update(values or {})

    def __len__(self) -> int:
        return len(self._own(PARAMETER))

    def __iter__(self) -> Iterator[str]:
        return iter(self._own(PARAMETER))

    def __contains__(self, key: object) -> bool:
        return key in self._own(PARAMETER)

    def __getitem__(self, key: str) -> Parameter:
        param: Parameter = self._own(PARAMETER)[key]
        return param

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.register_parameter(key, _as_parameter("ParameterDict", key, value))

    def __delitem__(self, key: str) -> None:
        del self._own(PARAMETER)[key]  # KeyError for what is no parameter
        delattr(self, key)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._own(PARAMETER).keys()

    def values(self) -> Iterable[Parameter]:
        """The parameters."""
        return self._own(PARAMETER).values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """(name, parameter) pairs."""
        return self._own(PARAMETER).items()

    def update(self, values: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]) -> None:
        """Add or replace parameters."""
        for key, value in dict(values).items():
            self[key] = value

    def pop(self, key: str) -> Parameter:
        """Take a parameter out and return it."""
        param = self[key]
        del self[key]
        return param

    def extra_repr(self) -> str:
        return _describe(self._own(PARAMETER))


def _describe(params: Mapping[str, Parameter]) -> str:
    return "\n".join(
        f"({name}): Parameter of shape {tuple(param.shape)}, {param.dtype}"
        for name, param in params.items()
    )
