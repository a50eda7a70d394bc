"""Module: the base class of every layer and network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from surefoot import _core
from surefoot._core import Tensor

from . import _state
from ._hooks import Handle, Hooks, call_with_hooks
from ._tree import BUFFER, MODULE, SCRATCH, Tree

__all__ = ["Module"]


M = TypeVar("M", bound="Module")


class _Signature:
    """What `inspect.signature` says of a module, as it cannot read a call in C: its forward's."""

    def __get__(self, module: Module | None, owner: type[Module]) -> inspect.Signature:
        if module is None or owner.__call__ is not Module.__call__:
            raise AttributeError("__signature__")
        return inspect.signature(module.forward)


class Module(Tree, _core._Callable):
    """Base class: holds parameters, buffers and child modules, and calls `forward`.

    A Parameter or Module that is assigned as an attribute is registered under that name. Names in
    `state_dict` and the order of everything follow torch.

    Registered things are ordinary attributes; the registry keeps their names and kinds only. So
    reading one costs what reading any attribute costs. `_parameters`, `_buffers` and `_modules`
    are read-only views: assign attributes to change them.

    Example:
        >>> import surefoot as sf
        >>> class Net(sf.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = sf.nn.Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x).relu()
        >>> Net()(sf.ones(3, 4)).shape
        (3, 2)
    """

    # What a layer before this one should know to draw its weights: the name of the nonlinearity
    # computed here, "pass" if signals go through unbent (dropout, flatten), "" if not known.
    init_hint: ClassVar[str] = ""

    training: bool
    _hooks: Hooks | None = None

    def __init__(self) -> None:
        super().__init__()
        self.training = True

    def _forward_missing(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"[{type(self).__name__}] has no forward: define forward(self, ...) in the class"
        )

    forward: Callable[..., Any] = _forward_missing

    __signature__ = _Signature()

    def _call_with_hooks(
        self, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> Any:
        return call_with_hooks(self, hooks, args, kwargs or {})

    # ---- modes and types --------------------------------------------------------------------

    def apply(self: M, fn: Callable[[Module], object]) -> M:
        """Call `fn` on every module below, children first, then on this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Set training mode here and below; it matters to Dropout and normalisation."""
        if not isinstance(mode, bool):
            raise ValueError(f"[{type(self).__name__}.train] mode={mode!r}: must be True or False")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: M) -> M:
        """Same as train(False)."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Switch gradients of all parameters on or off."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad = _core.zeros_like(param.grad)

    def to(self: M, target: Any = None, *, dtype: Any = None) -> M:
        """Cast floating parameters and buffers to `dtype`; parameters keep their identity.

        `target` is a dtype, a tensor whose dtype is taken, or "cpu" (the only device; no effect).
        """
        if isinstance(target, Tensor):
            target = target.dtype
        if str(target) not in ("None", "cpu"):
            dtype = target
        if dtype is None:
            return self
        if not getattr(dtype, "is_floating_point", False):
            raise TypeError(
                f"[{type(self).__name__}.to] {dtype!r}: must be a floating dtype "
                "(sf.float32 or sf.float64) or 'cpu'"
            )
        return self._cast(dtype)

    def _cast(self: M, dtype: Any) -> M:
        for param in self.parameters():
            if param.is_floating_point() and param.dtype != dtype:
                grad = param.grad
                param.grad = None
                param.data = param.detach().to(dtype)
                param.grad = None if grad is None else grad.detach().to(dtype)
        for module in self.modules():
            for name, value in module._own(BUFFER, SCRATCH).items():
                if value is not None and value.is_floating_point():
                    setattr(module, name, value.to(dtype))
        return self

    def float(self: M) -> M:
        """Cast to float32."""
        return self.to(_core.float32)

    def double(self: M) -> M:
        """Cast to float64."""
        return self.to(_core.float64)

    def cpu(self: M) -> M:
        """Nothing to do: surefoot runs on CPUs."""
        return self

    # ---- state ------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, sharing memory with the module.

        keep_vars: give the Parameters themselves instead of detached tensors.
        """
        state = _state.collect(self, prefix)
        return state if keep_vars else {name: value.detach() for name, value in state.items()}

    def load_state_dict(
        self, state_dict: Mapping[str, Tensor], strict: bool = True
    ) -> _state.LoadResult:
        """Copy values by name; returns (missing_keys, unexpected_keys).

        RuntimeError lists missing and unexpected names (when strict) and differing shapes, and then
        nothing at all has been loaded.
        """
        return _state.load(self, state_dict, strict)

    # ---- hooks ------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """hook(module, args) before forward; a returned value replaces the arguments."""
        return Hooks.add(self, "forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """hook(module, args, output) after forward; a returned value replaces the output."""
        return Hooks.add(self, "forward", hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """hook(module, grad_output) before the module's backward; may replace grad_output."""
        return Hooks.add(self, "backward_pre", hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """hook(module, grad_input, grad_output) after the module's backward; may replace
        grad_input."""
        return Hooks.add(self, "backward", hook, prepend)

    # ---- text -------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in the brackets of repr; layers give their arguments."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        for name, module in self._own(MODULE).items():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        if not lines or (len(lines) == 1 and lines[0] == extra):
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
