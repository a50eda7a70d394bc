"""Pruning: weights set to zero and kept there, with torch's names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from surefoot import _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.nn._hooks import Handle
from surefoot.nn.module import Module
from surefoot.nn.parameter import Parameter

from ._mask import Masked, current, hook_key, install, like
from ._pruning import (
    Amount,
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from ._sparsity import Sparsity, sparsity

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "RandomStructured",
    "RandomUnstructured",
    "Sparsity",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
    "sparsity",
]


def identity(module: Module, name: str) -> Module:
    """Put a mask of ones on parameter ``name``."""
    return Identity.apply(module, name)


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune ``amount`` (a number, or a share of what is left) elements at random.

    ``name`` becomes ``name_orig * name_mask``, the first a Parameter, which training goes on with,
    the second a buffer; both are in ``state_dict``. ``remove`` makes it permanent.
    """
    return RandomUnstructured.apply(module, name, amount)


def l1_unstructured(
    module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None
) -> Module:
    """Prune the ``amount`` elements with the smallest absolute values (or scores)."""
    return L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune ``amount`` slices along ``dim`` at random."""
    return RandomStructured.apply(module, name, amount, dim)


def ln_structured(
    module: Module,
    name: str,
    amount: Amount,
    n: float,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the ``amount`` slices along ``dim`` with the smallest ``n``-norm (of the scores)."""
    return LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where ``mask`` is 0."""
    return CustomFromMask.apply(module, name, mask)


class _Shared(NamedTuple):
    """A parameter, of one module or of several."""

    scores: Tensor
    masks: list[Tensor]
    owners: list[tuple[Module, str]]


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one vector: each keeps what matters most overall.

    Args:
        parameters: ``(module, name)`` pairs. A parameter of several modules counts once, by the
            scores of the first pair, and all get its mask.
        pruning_method: an unstructured one, ``L1Unstructured`` or ``RandomUnstructured``.
        importance_scores: ``(module, name)`` -> scores, instead of the values.
        kwargs: of the method, ``amount``.

    Example:
        >>> import surefoot as sf
        >>> from surefoot.nn.utils import prune
        >>> net = sf.nn.Sequential(sf.nn.Linear(8, 8), sf.nn.ReLU(), sf.nn.Linear(8, 2))
        >>> weights = [(net[0], "weight"), (net[2], "weight")]
        >>> prune.global_unstructured(weights, prune.L1Unstructured, amount=0.8)
        >>> prune.sparsity(net).total
        0.8
    """
    pairs = list(parameters)
    if not pairs:
        raise ValueError("[global_unstructured] got no parameters")
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"[global_unstructured] {pruning_method.__name__} is {method.PRUNING_TYPE}; use an "
            "unstructured method, such as L1Unstructured"
        )
    shared: dict[int, _Shared] = {}
    known = importance_scores or {}
    for module, name in pairs:
        values, mask = current(module, name)
        given = known.get((module, name))
        scores = values if given is None else like(given, values, "importance_scores")
        entry = shared.setdefault(id(values), _Shared(scores.detach(), [], []))
        entry.masks.append(mask)
        entry.owners.append((module, name))
    with no_grad():
        masks = [math.prod(entry.masks[1:], start=entry.masks[0]) for entry in shared.values()]
        flat = _core.cat([entry.scores.reshape(-1) for entry in shared.values()])
        joined = method._narrowed(flat, _core.cat([mask.reshape(-1) for mask in masks]))
        start = 0
        for entry, mask in zip(shared.values(), masks, strict=True):
            stop = start + mask.numel()
            new = joined[start:stop].reshape(*mask.shape).to(mask.dtype)
            for module, name in entry.owners:
                install(module, name, new.clone())
            start = stop


def remove(module: Module, name: str) -> Module:
    """Make the pruning of ``name`` permanent: an ordinary Parameter, with its zeros, again.

    It is the same Parameter object as ``name_orig``, so that an optimizer goes on with it; nothing
    keeps the zeros in further training.
    """
    key = hook_key(module, name)
    if key is None:
        raise ValueError(f"[prune.remove] {name!r} of {type(module).__name__} is not pruned")
    weight: Parameter = vars(module)[f"{name}_orig"]
    with no_grad():
        weight.mul_(vars(module)[f"{name}_mask"])
    Handle(module, "forward_pre", key).remove()
    for attribute in (name, f"{name}_orig", f"{name}_mask"):
        delattr(module, attribute)
    module.register_parameter(name, weight)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of ``module``, or of a module below it, is pruned.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.Linear(2, 2)
        >>> is_pruned(layer), is_pruned(l1_unstructured(layer, "weight", 1))
        (False, True)
    """
    return any(
        isinstance(hook, Masked)
        for part in module.modules()
        if part._hooks is not None
        for hook, _ in part._hooks.of("forward_pre")
    )
