"""Parameters to one vector and back."""

from __future__ import annotations

from collections.abc import Iterable

from surefoot import _core
from surefoot._check import tensor
from surefoot._core import Tensor
from surefoot.autograd import no_grad

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and joined in order; differentiable.

    Example:
        >>> import surefoot as sf
        >>> parameters_to_vector(sf.nn.Linear(3, 2).parameters()).shape
        (8,)
    """
    listed = list(parameters)
    if not listed:
        raise ValueError("[parameters_to_vector] got no parameters")
    return _core.cat([param.reshape(-1) for param in listed])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write consecutive pieces of `vec` into the parameters, which keep their identity.

    ValueError, and nothing written, when the sizes do not add up: torch leaves a rest unnoticed.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Linear(3, 2)
        >>> vector_to_parameters(sf.zeros(8), net.parameters())
        >>> net.bias.tolist()
        [0.0, 0.0]
    """
    tensor("vector_to_parameters", "vec", vec)
    listed = list(parameters)
    needed = sum(param.numel() for param in listed)
    if vec.dim() != 1 or vec.numel() != needed:
        raise ValueError(
            f"[vector_to_parameters] vec has shape {tuple(vec.shape)}: must be ({needed},), the "
            "number of elements of the parameters"
        )
    start = 0
    with no_grad():
        for param in listed:
            stop = start + param.numel()
            param.copy_(vec[start:stop].reshape(*param.shape))
            start = stop
