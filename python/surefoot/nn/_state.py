"""state_dict and load_state_dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from surefoot._core import Tensor
from surefoot.autograd import no_grad

from ._tree import BUFFER, MODULE, PARAMETER

if TYPE_CHECKING:
    from .module import Module

SHOWN = 20  # names listed in an error before it is cut


class LoadResult(NamedTuple):
    """Names that load_state_dict did not find, and names that it did not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def collect(module: Module, prefix: str = "") -> dict[str, Tensor]:
    """The live tensors of a module by dotted name: parameters, persistent buffers, children."""
    state: dict[str, Tensor] = {}
    _gather(module, prefix, state)
    return state


def _gather(module: Module, prefix: str, state: dict[str, Tensor]) -> None:
    values, registry = module.__dict__, module._registry.items()
    for wanted in (PARAMETER, BUFFER):
        for name, kind in registry:
            if kind == wanted and values[name] is not None:
                state[prefix + name] = values[name]
    for name, kind in registry:
        if kind == MODULE and values[name] is not None:
            _gather(values[name], f"{prefix}{name}.", state)


def load(module: Module, state_dict: Mapping[str, Tensor], strict: bool) -> LoadResult:
    """Check everything first, then copy: a failed load changes nothing."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"[load_state_dict] got a {type(state_dict).__name__}: must be a dict of name to Tensor"
        )
    expected = collect(module)
    missing = [name for name in expected if name not in state_dict]
    unexpected = [name for name in state_dict if name not in expected]
    problems = []
    if strict and missing:
        problems.append("missing keys: " + _listed(missing))
    if strict and unexpected:
        problems.append("unexpected keys: " + _listed(unexpected))
    shared = [name for name in expected if name in state_dict]
    problems += [text for name in shared if (text := _clash(name, expected, state_dict))]
    if problems:
        raise RuntimeError(
            f"[{type(module).__name__}.load_state_dict] nothing was loaded:\n  "
            + "\n  ".join(problems)
        )
    with no_grad():
        for name in shared:
            expected[name].copy_(state_dict[name])
    return LoadResult(missing, unexpected)


def _clash(name: str, expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    value = given[name]
    if not isinstance(value, Tensor):
        return f"{name} is a {type(value).__name__}: must be a Tensor, write sf.tensor(value)"
    if value.shape != expected[name].shape:
        wanted = tuple(expected[name].shape)
        return f"size mismatch for {name}: {tuple(value.shape)} given, the module has {wanted}"
    return ""


def _listed(names: list[str]) -> str:
    text = ", ".join(repr(name) for name in names[:SHOWN])
    return text + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
