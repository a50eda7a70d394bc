"""Gradient clipping: by norm, by the norm of each parameter, by value."""

from __future__ import annotations

import math
from collections.abc import Iterable

from surefoot import _core
from surefoot._check import number, positive
from surefoot._core import Tensor
from surefoot.autograd import no_grad

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all tensors together, as if they were one vector.

    norm_type: any p > 0, or inf. error_if_nonfinite: RuntimeError when the norm is inf or NaN.

    Example:
        >>> import surefoot as sf
        >>> get_total_norm([sf.tensor([3.0]), sf.tensor([4.0])]).item()
        5.0
    """
    return _total_norm("get_total_norm", _listed(tensors), norm_type, error_if_nonfinite)


def clip_grads_with_norm_(parameters: Tensors, max_norm: float, total_norm: Tensor) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6)), with a norm known before.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> clip_grads_with_norm_(w, 1.0, sf.tensor(20.0))
        >>> round(w.grad.norm().item(), 4)
        0.5
    """
    max_norm = number("clip_grads_with_norm_", "max_norm", float(max_norm), 0, infinite=True)
    _scale(_grads(_listed(parameters)), max_norm, total_norm)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    *,
    per_parameter: bool = False,
    skip_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)); returns the norm before.

    The norm is that of all gradients together as one vector, whose direction stays.

    norm_type: any p > 0, or inf.
    error_if_nonfinite: RuntimeError when the norm is inf or NaN, gradients untouched; otherwise a
    NaN norm makes all gradients NaN, as in torch.
    per_parameter: every gradient by its own norm, as Keras's ``clipnorm``; the direction changes.
    skip_if_nonfinite: when the norm is inf or NaN, all gradients become None, so that the next
    ``optimizer.step()`` changes neither weights nor state; the norm returned says so.

    torch has neither of the last two. ``optimizer.step(max_norm=...)`` does the same in the pass
    over memory that it makes anyhow, for gradients that nobody else has a use for.
    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> round(clip_grad_norm_(w, 1.0).item(), 4)
        10.0
    """
    rule = "clip_grad_norm_"
    max_norm = number(rule, "max_norm", float(max_norm), 0, infinite=True)
    _one_remedy(rule, error_if_nonfinite, skip_if_nonfinite)
    listed = _listed(parameters)
    grads = _grads(listed)
    total = _total_norm(rule, grads, norm_type, error_if_nonfinite)
    if skip_if_nonfinite and not math.isfinite(total.item()):
        _drop(listed)
    elif per_parameter:
        for grad in grads:
            _scale([grad], max_norm, _core.norm(grad.detach(), norm_type))
    else:
        _scale(grads, max_norm, total)
    return total


def clip_grad_value_(
    parameters: Tensors,
    clip_value: float,
    *,
    error_if_nonfinite: bool = False,
    skip_if_nonfinite: bool = False,
) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value].

    An infinite element becomes finite, NaN stays. error_if_nonfinite, skip_if_nonfinite: as in
    ``clip_grad_norm_``, when an element is inf or NaN; torch has neither.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([3.0, -4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> clip_grad_value_(w, 1.0)
        >>> w.grad.tolist()
        [1.0, -1.0]
    """
    rule = "clip_grad_value_"
    clip_value = number(rule, "clip_value", float(clip_value), 0, infinite=True)
    _one_remedy(rule, error_if_nonfinite, skip_if_nonfinite)
    listed = _listed(parameters)
    grads = _grads(listed)
    with no_grad():
        checked = error_if_nonfinite or skip_if_nonfinite
        if checked and not all(bool(_core.isfinite(grad).all()) for grad in grads):
            if error_if_nonfinite:
                raise RuntimeError(f"[{rule}] a gradient holds inf or NaN: {_REMEDY}")
            _drop(listed)
            return
        for grad in grads:
            grad.clamp_(-clip_value, clip_value)


_REMEDY = (
    "nothing was clipped; look for a gradient with inf or NaN, set error_if_nonfinite=False, or "
    "leave such steps out with skip_if_nonfinite=True"
)


def _listed(tensors: Tensors) -> list[Tensor]:
    if not isinstance(tensors, (Tensor, Iterable)):
        raise TypeError(
            f"[clip_grad] needs tensors, got a {type(tensors).__name__}; pass model.parameters()"
        )
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _grads(parameters: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def _drop(parameters: list[Tensor]) -> None:
    for parameter in parameters:
        parameter.grad = None


def _one_remedy(rule: str, error: bool, skip: bool) -> None:
    if error and skip:
        raise ValueError(f"[{rule}] set error_if_nonfinite or skip_if_nonfinite, not both")


def _total_norm(rule: str, tensors: list[Tensor], norm_type: float, error: bool) -> Tensor:
    norm_type = positive(rule, "norm_type", float(norm_type), infinite=True)
    total = _core._total_norm(tensors, norm_type)
    if error and not math.isfinite(total.item()):
        raise RuntimeError(f"[{rule}] the norm of the gradients is {total.item()}: {_REMEDY}")
    return total


def _scale(grads: list[Tensor], max_norm: float, norm: Tensor) -> None:
    with no_grad():
        factor = _core._clip_factor(norm, max_norm)
        for grad in grads:
            grad.mul_(factor.to(grad.dtype))
