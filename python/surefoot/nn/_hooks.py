"""Hooks of modules: the slow path of Module.__call__."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from surefoot._core import Tensor
from surefoot.autograd import Function

if TYPE_CHECKING:
    from .module import Module

_ids = itertools.count()


class Hooks:
    """The hooks of one module, by kind, in calling order; a module without hooks has none of it."""

    KINDS = ("forward_pre", "forward", "backward_pre", "backward")

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[int, tuple[Callable[..., Any], bool]]] = {
            kind: {} for kind in self.KINDS
        }

    @classmethod
    def add(
        cls,
        module: Module,
        kind: str,
        hook: Callable[..., Any],
        prepend: bool,
        with_kwargs: bool = False,
    ) -> Handle:
        """Register `hook` on `module`; the handle takes it off again."""
        if not callable(hook):
            raise TypeError(f"[register hook] {hook!r}: must be callable")
        if module._hooks is None:
            module._hooks = cls()
        table = module._hooks.by_kind[kind]
        key = next(key for key in _ids if key not in table)  # an unpickled module brings its own
        entry = {key: (hook, with_kwargs)}
        later = dict(table) if prepend else {}
        if prepend:
            table.clear()
        table.update(entry | later)
        return Handle(module, kind, key)

    def of(self, kind: str) -> list[tuple[Callable[..., Any], bool]]:
        """A copy, so that a hook may remove itself while it runs."""
        return list(self.by_kind[kind].values())


class Handle:
    """Returned by register_*_hook: `remove()` takes the hook off; also a context manager."""

    def __init__(self, module: Module, kind: str, key: int) -> None:
        self._module = weakref.ref(module)
        self._kind, self._key = kind, key

    def remove(self) -> None:
        """Take the hook off; doing it twice is harmless."""
        module = self._module()
        if module is None or module._hooks is None:
            return
        module._hooks.by_kind[self._kind].pop(self._key, None)
        if not any(module._hooks.by_kind.values()):
            module._hooks = None  # back to the fast call

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def call_with_hooks(
    module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Module.__call__ when there are hooks."""
    for hook, with_kwargs in hooks.of("forward_pre"):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            args, kwargs = changed if changed is not None else (args, kwargs)
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    watch = None
    if hooks.by_kind["backward"] or hooks.by_kind["backward_pre"]:
        watch = _BackwardWatch(module, hooks.of("backward_pre"), hooks.of("backward"))
        args = watch.enter(args)
    output = module.forward(*args, **kwargs)
    for hook, with_kwargs in hooks.of("forward"):
        extra = (kwargs,) if with_kwargs else ()
        changed = hook(module, args, *extra, output)
        output = output if changed is None else changed
    return output if watch is None else watch.leave(output)


class _BackwardWatch:
    """Sees the gradients at both ends of one call of a module.

    An identity node before the module and one after it: the node after it runs first in backward
    and sees grad_output, the node before it sees what this call alone sends to its inputs.
    """

    def __init__(self, module: Module, pre_hooks: list[Any], hooks: list[Any]) -> None:
        self.module, self.pre_hooks, self.hooks = module, pre_hooks, hooks
        self.grad_output: tuple[Tensor | None, ...] = ()
        self.has_inputs = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        where = _differentiable(args)
        self.has_inputs = bool(where)
        return _through(args, where, lambda grads: self.on_input(grads, where, len(args)))

    def leave(self, output: Any) -> Any:
        if isinstance(output, Tensor):
            return self.leave((output,))[0]
        if not isinstance(output, (tuple, list)):
            return output
        where = _differentiable(output)
        outputs = _through(
            tuple(output), where, lambda grads: self.on_output(grads, where, len(output))
        )
        if hasattr(output, "_fields"):
            return type(output)(*outputs)
        return type(output)(outputs)

    def on_output(
        self, grads: tuple[Tensor | None, ...], where: list[int], size: int
    ) -> tuple[Tensor | None, ...]:
        full = _spread(grads, where, size)
        for hook, _ in self.pre_hooks:
            changed = hook(self.module, full)
            if changed is not None:
                full = changed if isinstance(changed, tuple) else (changed,)
        self.grad_output = full
        if not self.has_inputs:
            for hook, _ in self.hooks:
                hook(self.module, (None,), full)
        return tuple(full[i] for i in where)

    def on_input(
        self, grads: tuple[Tensor | None, ...], where: list[int], size: int
    ) -> tuple[Tensor | None, ...]:
        full = _spread(grads, where, size)
        for hook, _ in self.hooks:
            changed = hook(self.module, full, self.grad_output)
            if changed is not None:
                full = changed if isinstance(changed, tuple) else (changed,)
        self.grad_output = ()
        return tuple(full[i] for i in where)


def _differentiable(values: Any) -> list[int]:
    return [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]


def _spread(
    grads: tuple[Tensor | None, ...], where: list[int], size: int
) -> tuple[Tensor | None, ...]:
    full: list[Tensor | None] = [None] * size
    for i, grad in zip(where, grads, strict=True):
        full[i] = grad
    return tuple(full)


def _through(
    values: tuple[Any, ...], where: list[int], on_backward: Callable[..., Any]
) -> tuple[Any, ...]:
    """Send the tensors at `where` through one identity node that calls `on_backward`."""
    if not where:
        return values
    passed = _Identity.apply(on_backward, *(values[i] for i in where))
    changed = list(values)
    for i, tensor in zip(where, passed, strict=True):
        changed[i] = tensor
    return tuple(changed)


class _Identity(Function):
    @staticmethod
    def forward(ctx: Any, on_backward: Callable[..., Any], *tensors: Tensor) -> Any:
        ctx.on_backward = on_backward
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return None, *ctx.on_backward(grads)
