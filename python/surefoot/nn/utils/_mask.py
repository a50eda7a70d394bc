"""A mask on a parameter: how it is put on, and found again."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import tensor
from surefoot._core import Tensor
from surefoot.nn._tree import PARAMETER
from surefoot.nn.module import Module


class Masked:
    """Forward pre-hook: ``name`` is computed as ``name_orig * name_mask`` before every forward."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Module, args: Any = None) -> None:
        values = vars(module)
        setattr(module, self.name, values[f"{self.name}_orig"] * values[f"{self.name}_mask"])


def hook_key(module: Module, name: str) -> int | None:
    table = {} if module._hooks is None else module._hooks.by_kind["forward_pre"]
    found = (k for k, (h, _) in table.items() if isinstance(h, Masked) and h.name == name)
    return next(found, None)


def current(module: Module, name: str) -> tuple[Tensor, Tensor]:
    """The parameter and its mask, of ones where it is not pruned yet."""
    if hook_key(module, name) is not None:
        return vars(module)[f"{name}_orig"], vars(module)[f"{name}_mask"]
    parameter = module._own(PARAMETER).get(name)
    if parameter is None:
        known = ", ".join(module._own(PARAMETER)) or "none"
        raise AttributeError(
            f"[prune] {type(module).__name__} has no parameter {name!r}; it has {known}"
        )
    return parameter, _core.ones_like(parameter.detach())


def install(module: Module, name: str, mask: Tensor) -> None:
    """Put ``mask`` on ``name``, in place of the mask it has."""
    if hook_key(module, name) is None:
        parameter = vars(module)[name]
        delattr(module, name)
        module.register_parameter(f"{name}_orig", parameter)
        module.register_buffer(f"{name}_mask", mask)
        module.register_forward_pre_hook(Masked(name))
    else:
        vars(module)[f"{name}_mask"].copy_(mask)
    Masked(name)(module)


def like(values: Tensor, parameter: Tensor, what: str) -> Tensor:
    if tensor("prune", what, values).shape != parameter.shape:
        raise ValueError(
            f"[prune] {what} {tuple(values.shape)} for a parameter {tuple(parameter.shape)}: "
            "the shapes must agree"
        )
    return values
