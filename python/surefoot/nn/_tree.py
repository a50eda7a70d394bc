"""What a Module holds: registration of parameters, buffers and child modules, and the walks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from surefoot._core import Tensor

from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

PARAMETER, BUFFER, SCRATCH, MODULE = "parameter", "buffer", "non-persistent buffer", "module"
KIND_CLASS = {PARAMETER: "Parameter", BUFFER: "Tensor", SCRATCH: "Tensor", MODULE: "Module"}


class Tree:
    """Base of Module. Registered things are ordinary attributes; `_registry` has name -> kind."""

    _registry: dict[str, str]

    def __init__(self) -> None:
        object.__setattr__(self, "_registry", {})

    def __copy__(self) -> Any:
        """Another module with the same parameters; registering in one leaves the other alone."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__, _registry=dict(self._registry))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """For deep copies and pickles: what was computed, as a pruned weight is, goes by value."""
        return {
            name: value.detach() if isinstance(value, Tensor) and not value.is_leaf else value
            for name, value in self.__dict__.items()
        }

    # ---- registration -----------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._register(name, value, PARAMETER)
        elif isinstance(value, Tree):
            self._register(name, value, MODULE)
        else:
            kind = self.__dict__.get("_registry", {}).get(name)
            if kind is not None and value is not None:
                self._check_replacement(name, value, kind)
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._registry.pop(name, None)

    def _register(self, name: str, value: object, kind: str) -> None:
        registry = self.__dict__.get("_registry")
        owner = type(self).__name__
        if registry is None:
            raise AttributeError(
                f"[{owner}] {kind} {name!r} assigned before super().__init__(): "
                "call super().__init__() first in __init__"
            )
        if not name or "." in name:
            raise KeyError(f"[{owner}] {kind} name {name!r}: must not be empty or contain a dot")
        if registry.get(name) != kind:
            registry.pop(name, None)
            registry[name] = kind
        object.__setattr__(self, name, value)

    def _check_replacement(self, name: str, value: object, kind: str) -> None:
        if kind in (BUFFER, SCRATCH) and isinstance(value, Tensor):
            return
        wanted = KIND_CLASS[kind]
        raise TypeError(
            f"[{type(self).__name__}] cannot assign a {type(value).__name__} to {kind} {name!r}: "
            f"must be a {wanted} or None (delete the attribute first to change its kind)"
        )

    def _register_new(self, name: object, value: object, kind: str, wanted: type) -> None:
        owner = type(self).__name__
        if value is not None and not isinstance(value, wanted):
            raise TypeError(
                f"[{owner}] {kind} {name!r} is a {type(value).__name__}: "
                f"must be a {KIND_CLASS[kind]} or None"
            )
        if not isinstance(name, str):
            raise TypeError(f"[{owner}] {kind} name {name!r}: must be a string")
        if hasattr(self, name) and self.__dict__.get("_registry", {}).get(name) != kind:
            raise KeyError(f"[{owner}] {kind} {name!r}: the attribute exists already")
        self._register(name, value, kind)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a Parameter, or None to reserve the name (e.g. a bias that is switched off)."""
        self._register_new(name, param, PARAMETER, Parameter)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state but is not learned; `persistent`: goes to state_dict."""
        self._register_new(name, tensor, BUFFER if persistent else SCRATCH, Tensor)

    def add_module(self, name: str, module: Module | None) -> None:
        """Register a child module under `name`."""
        self._register_new(name, module, MODULE, Tree)

    register_module = add_module

    def _own(self, *kinds: str) -> dict[str, Any]:
        values = self.__dict__
        return {name: values[name] for name, kind in self._registry.items() if kind in kinds}

    @property
    def _parameters(self) -> Mapping[str, Parameter | None]:
        return MappingProxyType(self._own(PARAMETER))

    @property
    def _buffers(self) -> Mapping[str, Tensor | None]:
        return MappingProxyType(self._own(BUFFER, SCRATCH))

    @property
    def _modules(self) -> Mapping[str, Module | None]:
        return MappingProxyType(self._own(MODULE))

    # ---- walks ------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the direct children; a shared child counts once."""
        seen: set[int] = set()
        for name, module in self._own(MODULE).items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct children; a shared child counts once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """(dotted name, module) of this module and all below it, depth first."""
        memo = set() if memo is None else memo
        if remove_duplicate and id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, cast("Module", self)
        for name, module in self._own(MODULE).items():
            if module is not None:
                yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, depth first; a shared module counts once."""
        return (module for _, module in self.named_modules())

    def _named_members(
        self, kinds: tuple[str, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        walk = (
            self.named_modules(None, prefix, remove_duplicate)
            if recurse
            else [(prefix, cast("Module", self))]
        )
        for path, module in walk:
            for name, value in module._own(*kinds).items():
                if value is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield _join(path, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter); a shared parameter counts once, under its first name."""
        return self._named_members((PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters; a shared one counts once."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, buffer); a shared buffer counts once, under its first name."""
        return self._named_members((BUFFER, SCRATCH), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers; a shared one counts once."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; "" is this module."""
        module = cast("Module", self)
        for step in target.split(".") if target else ():
            if module._registry.get(step) != MODULE:
                raise AttributeError(
                    f"[{type(self).__name__}] {target!r}: {type(module).__name__} has no module "
                    f"{step!r}"
                )
            module = module.__dict__[step]
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        value = self._get_member(target, (PARAMETER,))
        assert isinstance(value, Parameter)
        return value

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        return self._get_member(target, (BUFFER, SCRATCH))

    def _get_member(self, target: str, kinds: tuple[str, ...]) -> Tensor:
        path, _, name = target.rpartition(".")
        value = self.get_submodule(path)._own(*kinds).get(name)
        if value is None:
            raise AttributeError(f"[{type(self).__name__}] has no {kinds[0]} {target!r}")
        assert isinstance(value, Tensor)
        return value


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
