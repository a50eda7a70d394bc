"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

from surefoot import _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in listed if p.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)); returns the norm before.

    The norm is that of all gradients together as one vector (Pascanu et al. 2013). norm_type: any
    p > 0, or inf. error_if_nonfinite: RuntimeError when the norm is inf or NaN, gradients
    untouched; otherwise a NaN norm makes all gradients NaN, as in torch.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> round(clip_grad_norm_(w, 1.0).item(), 4)
        10.0
    """
    max_norm, norm_type = float(max_norm), float(norm_type)
    if not max_norm >= 0.0:
        raise ValueError(f"[clip_grad_norm_] max_norm={max_norm}: must not be negative")
    if not norm_type > 0.0:
        raise ValueError(f"[clip_grad_norm_] norm_type={norm_type}: must be positive")
    grads = _grads(parameters)
    if not grads:
        return _core.zeros(())
    with no_grad():
        wide = max(grads, key=lambda grad: grad.element_size()).dtype
        norms = [_core.norm(grad, norm_type).to(wide) for grad in grads]
        total = _core.norm(_core.stack(norms), norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"[clip_grad_norm_] the norm of the gradients is {total.item()}: nothing was "
                "clipped; look for a gradient with inf or NaN, or set error_if_nonfinite=False"
            )
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.dtype))
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value].

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([3.0, -4.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> clip_grad_value_(w, 1.0)
        >>> w.grad.tolist()
        [1.0, -1.0]
    """
    clip_value = float(clip_value)
    if not clip_value >= 0.0:
        raise ValueError(f"[clip_grad_value_] clip_value={clip_value}: must not be negative")
    with no_grad():
        for grad in _grads(parameters):
            grad.clamp_(-clip_value, clip_value)
