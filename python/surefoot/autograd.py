"""Gradients on demand, grad mode, and ops whose backward is written in Python.

The names and their meaning are torch.autograd's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from surefoot import _core
from surefoot._core import Tensor, is_grad_enabled

__all__ = [
    "Function",
    "backward",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]

P = ParamSpec("P")
R = TypeVar("R")


class set_grad_enabled:
    """Switches recording on or off: at once, for a `with` block, or for a decorated function.

    Example:
        >>> import surefoot as sf
        >>> x = sf.ones(2, requires_grad=True)
        >>> with sf.set_grad_enabled(False):
        ...     (x * 2).requires_grad
        False
    """

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before = [is_grad_enabled()]
        _core._set_grad_enabled(self._mode)

    def __enter__(self) -> None:
        _core._set_grad_enabled(self._mode)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _core._set_grad_enabled(self._before[-1])


class _GradMode:
    """A recording mode for a `with` block or a decorated function; may be nested and reused."""

    _mode: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(is_grad_enabled())
        _core._set_grad_enabled(self._mode)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _core._set_grad_enabled(self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_GradMode):
    """Nothing inside is recorded: no gradients, no memory kept for them.

    Example:
        >>> import surefoot as sf
        >>> w = sf.ones(2, requires_grad=True)
        >>> with sf.no_grad():
        ...     w -= 0.1
    """

    _mode = False


class enable_grad(_GradMode):
    """Recording inside a `no_grad` block."""

    _mode = True


Tensors = Tensor | Sequence[Tensor]
Gradients = Tensor | None | Sequence[Tensor | None]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Adds the gradients of the tensors' sum to the ``.grad`` of the leaves.

    Args:
        tensors: where to start; those with more than one element need a gradient.
        grad_tensors: the gradient of each, None for 1.
        retain_graph: keep the graph for another backward (default: False).
        create_graph: refused; use :func:`grad`.
    """
    if create_graph:
        raise NotImplementedError(
            "[backward] create_graph=True would tie each leaf to its own gradient in a cycle that "
            "is never freed; use surefoot.autograd.grad(..., create_graph=True)"
        )
    grads = [] if grad_tensors is None else _as_list(grad_tensors)
    _core._backward(_as_list(tensors), grads, bool(retain_graph))


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs' sum with respect to the inputs; no ``.grad`` is touched.

    Args:
        outputs: where to start; those with more than one element need a gradient.
        inputs: tensors that require grad, leaves or not.
        grad_outputs: the gradient of each output, None for 1.
        retain_graph: keep the graph for another backward (default: create_graph).
        create_graph: make the result differentiable, for second derivatives.
        allow_unused: give None for inputs that the outputs do not depend on, instead of an error.

    Example:
        >>> import surefoot as sf
        >>> x = sf.tensor(3.0, requires_grad=True)
        >>> (slope,) = sf.autograd.grad(x**3, x, create_graph=True)
        >>> sf.autograd.grad(slope, x)[0].item()
        18.0
    """
    retain = create_graph if retain_graph is None else retain_graph
    grads = [] if grad_outputs is None else _as_list(grad_outputs)
    return tuple(
        _core._grad(_as_list(outputs), _as_list(inputs), grads, retain, create_graph, allow_unused)
    )


class FunctionCtx:
    """What forward hands to backward."""

    def __init__(self) -> None:
        self._saved: tuple[tuple[Tensor | None, int], ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for backward; a later in-place change of one is an error there."""
        self._saved = tuple((t, -1 if t is None else t._version) for t in tensors)

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What save_for_backward kept."""
        for tensor, version in self._saved:
            if tensor is not None and tensor._version != version:
                raise RuntimeError(
                    f"[autograd.Function] a saved tensor of shape {tensor.shape} was changed in "
                    f"place: it was at version {version} and is now at {tensor._version}; "
                    "clone() it before the change"
                )
        return tuple(tensor for tensor, _ in self._saved)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Names the inputs that forward changed in place and returns."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Names the outputs that have no gradient."""
        self._non_differentiable = tensors


class Function:
    """An op with a backward of its own: subclass it, write both, call ``apply``.

    ``backward`` gets one gradient per output and returns one per argument of ``forward`` (None for
    what is no tensor or needs none). Written in differentiable ops, it can be differentiated again.

    Example:
        >>> import surefoot as sf
        >>> class Square(sf.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> x = sf.tensor(3.0, requires_grad=True)
        >>> Square.apply(x).backward()
        >>> x.grad.item()
        6.0
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("this Function has no backward(ctx, ...)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward and records the op."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            result = cls.forward(ctx, *args, **kwargs)
        outputs = result if isinstance(result, tuple) else (result,)
        dirty = {id(t) for t in ctx._dirty}
        given = {id(a) for a in args if isinstance(a, Tensor)}
        # An input that is handed on untouched is a result of its own.
        outputs = tuple(
            out.detach() if id(out) in given and id(out) not in dirty else out for out in outputs
        )
        is_tensor = [isinstance(a, Tensor) for a in args]
        skipped = {id(t) for t in ctx._non_differentiable}
        has_grad = [isinstance(o, Tensor) and id(o) not in skipped for o in outputs]

        def run_backward(ctx: FunctionCtx, grads: list[Tensor]) -> list[Tensor | None]:
            arrived = iter(grads)
            returned = cls.backward(ctx, *(next(arrived) if has else None for has in has_grad))
            values = returned if isinstance(returned, tuple) else (returned,)
            if len(values) != len(is_tensor):
                raise RuntimeError(
                    f"[{cls.__name__}] backward returned {len(values)} gradients for "
                    f"{len(is_tensor)} arguments of forward; return None for those without one"
                )
            return [value for value, tensor in zip(values, is_tensor, strict=True) if tensor]

        _core._record_function(
            cls.__name__,
            [o for o, has in zip(outputs, has_grad, strict=True) if has],
            [a for a in args if isinstance(a, Tensor)],
            ctx,
            run_backward,
            list(ctx._dirty),
        )
        return outputs if isinstance(result, tuple) else outputs[0]
