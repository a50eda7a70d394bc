"""surefoot trains deep networks on CPUs.

Tensors, ops and their names are PyTorch's. Submodules are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surefoot import _core, _tensor  # noqa: F401 - completes the type Tensor
from surefoot._core import *  # noqa: F403
from surefoot._core import __version__
from surefoot.autograd import enable_grad, no_grad, set_grad_enabled
from surefoot.config import show_config

if TYPE_CHECKING:
    from surefoot import (
        autograd,
        data,
        ensemble,
        initializers,
        nn,
        optim,
        plot,
        prune,
        regularize,
        testing,
        train,
        tune,
    )
    from surefoot.files import load, save
    from surefoot.model_file import load_model, save_model
    from surefoot.techniques import catalogue

_SUBMODULES = (
    "autograd",
    "data",
    "ensemble",
    "estimators",
    "initializers",
    "nn",
    "optim",
    "plot",
    "prune",
    "regularize",
    "testing",
    "train",
    "tune",
)
_LAZY = {
    "catalogue": "techniques",
    "load": "files",
    "load_model": "model_file",
    "save": "files",
    "save_model": "model_file",
}

__all__ = [
    "__version__",
    "autograd",
    "catalogue",
    "data",
    "enable_grad",
    "ensemble",
    "initializers",
    "load",
    "load_model",
    "nn",
    "no_grad",
    "optim",
    "plot",
    "prune",
    "regularize",
    "save",
    "save_model",
    "set_grad_enabled",
    "show_config",
    "testing",
    "train",
    "tune",
]
__all__ += _core.__all__


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"surefoot.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(f"surefoot.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'surefoot' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
