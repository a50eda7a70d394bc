"""Train and eval mode of a whole model, to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surefoot.autograd import no_grad

from .module import Module


@contextmanager
def mode_kept(model: Module) -> Iterator[None]:
    """Give every module its train/eval mode back at the end of the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Eval mode and no gradients within the block."""
    with mode_kept(model), no_grad():
        model.eval()
        yield
