"""Containers of modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from . import auto_init
from ._chain import run_chain
from ._tree import MODULE
from .module import Module

__all__ = ["Sequential", "ModuleList", "ModuleDict"]


L = TypeVar("L", bound="_Numbered")


class _Numbered(Module):
    """Children in order. Names are numbers unless a Sequential was given a dict."""

    def _children(self) -> list[Module]:
        return list(self._own(MODULE).values())

    def _replace_children(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        for i, module in enumerate(modules):
            self._check_child(str(i), module)
        for name in list(self._own(MODULE)):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def _check_child(self, name: str, module: object) -> None:
        if not isinstance(module, Module):
            raise TypeError(
                f"[{type(self).__name__}] element {name} is a {type(module).__name__}: "
                "must be a Module"
            )

    def _name_at(self, index: int) -> str:
        names = list(self._own(MODULE))
        i = operator.index(index)
        if not -len(names) <= i < len(names):
            raise IndexError(f"[{type(self).__name__}] index {i} with {len(names)} elements")
        return names[i]

    def __len__(self) -> int:
        return len(self._own(MODULE))

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children())

    def __contains__(self, module: object) -> bool:
        return any(child is module for child in self._children())

    def __setitem__(self, index: int, module: Module) -> None:
        name = self._name_at(index)
        self._check_child(name, module)
        setattr(self, name, module)
        self._changed()

    def __delitem__(self, index: int | slice) -> None:
        kept = self._children()
        if not isinstance(index, slice):
            self._name_at(index)
        del kept[index]
        self._replace_children(kept)

    def append(self: L, module: Module) -> L:
        """Add a module at the end."""
        self._check_child(str(len(self)), module)
        self.add_module(str(len(self)), module)
        self._changed()
        return self

    def extend(self: L, modules: Iterable[Module]) -> L:
        """Add modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self: L, index: int, module: Module) -> L:
        """Put a module before position `index`; the children are numbered anew."""
        children = self._children()
        if not -len(children) <= index <= len(children):
            raise IndexError(f"[{type(self).__name__}] index {index} with {len(children)} elements")
        children.insert(index, module)
        self._replace_children(children)
        self._changed()
        return self

    def pop(self, index: int = -1) -> Module:
        """Take the module at `index` out and return it."""
        module: Module = getattr(self, self._name_at(index))
        del self[index]
        return module

    def __iadd__(self: L, modules: Iterable[Module]) -> L:
        return self.extend(modules)

    def _changed(self) -> None:
        """Called when children came or moved."""


class Sequential(_Numbered):
    """Calls its modules one after the other: Sequential(a, b, c)(x) = c(b(a(x))).

    Takes modules, or one dict of name to module. Indexing with a slice gives a Sequential of the
    same modules. Layers with init='auto' learn here which activation follows them: their weights,
    if untouched since they were drawn, are drawn again from the same random numbers (Linear's
    docstring has the laws). torch keeps the layer's own default.

    A Linear and the activation behind it run as one op, with the bits of the two. With a hook on
    either they are called one by one.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.Linear(4, 8), sf.nn.ReLU(), sf.nn.Linear(8, 2))
        >>> net(sf.ones(3, 4)).shape
        (3, 2)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}  # type: ignore[misc]
        for name, module in named.items():
            self._check_child(name, module)
            self.add_module(name, module)
        self._changed()

    def forward(self, x: Any) -> Any:
        values = self.__dict__  # `==`, not `is`: an unpickled registry has strings of its own
        modules = [values[name] for name, kind in self._registry.items() if kind == MODULE]
        return run_chain(modules, x)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return Sequential(dict(list(self._own(MODULE).items())[index]))
        module: Module = getattr(self, self._name_at(index))
        return module

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self._children(), *other._children())

    def _changed(self) -> None:
        auto_init.settle(_leaves(self))


def _leaves(module: Module) -> Iterator[Module]:
    if isinstance(module, Sequential):
        for child in module:
            yield from _leaves(child)
    else:
        yield module


class ModuleList(_Numbered):
    """A list of modules that a Module can register; it has no forward.

    Example:
        >>> import surefoot as sf
        >>> len(sf.nn.ModuleList([sf.nn.Linear(2, 2) for _ in range(3)]))
        3
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self._replace_children(modules or ())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return ModuleList(self._children()[index])
        module: Module = getattr(self, self._name_at(index))
        return module

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])


class ModuleDict(Module):
    """A dict of modules that a Module can register; it has no forward.

    Example:
        >>> import surefoot as sf
        >>> list(sf.nn.ModuleDict({"up": sf.nn.Linear(2, 4), "act": sf.nn.ReLU()}))
        ['up', 'act']
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Module:
        if self._registry.get(key) != MODULE:
            raise KeyError(key)
        module: Module = self.__dict__[key]
        return module

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._own(MODULE)[key]  # KeyError for what is no module
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own(MODULE))

    def __iter__(self) -> Iterator[str]:
        return iter(self._own(MODULE))

    def __contains__(self, key: object) -> bool:
        return key in self._own(MODULE)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._own(MODULE).keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._own(MODULE).values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """(name, module) pairs."""
        return self._own(MODULE).items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add or replace modules."""
        for key, module in dict(modules).items():
            self[key] = module

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for key in list(self):
            del self[key]
