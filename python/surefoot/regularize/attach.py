"""Which regularizer works on which weight, and how they take effect in a training step."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from numbers import Real
from typing import Any

from surefoot import _core
from surefoot._core import Tensor
from surefoot.nn import Module

from ._base import Regularizer

__all__ = ["Terms", "apply_", "attach", "collect", "detach", "penalty"]

WEIGHTS = "*weight*"  # of two or more dimensions: neither biases nor the scales of normalisation
_STORE = "_regularizers"  # attribute of a module: parameter name -> regularizers


def attach(module: Module, regularizer: Regularizer, name: str = WEIGHTS) -> None:
    """Let ``regularizer`` work on a layer or, given a model, on all its layers.

    Args:
        module: a layer or a model.
        regularizer: what to attach; several on one weight add up.
        name: which parameters, ``*`` standing for anything. Names found below ``module`` by a
            pattern count where the parameter has two dimensions or more; a plain name, such as
            ``'bias'``, always counts.

    Raises:
        ValueError: no parameter is called so.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.Linear(4, 3), sf.nn.ReLU(), sf.nn.Linear(3, 2))
        >>> sf.regularize.attach(net, sf.regularize.L2(1e-3))
        >>> sf.regularize.attach(net[2], sf.regularize.MaxNorm(3.0), "weight")
        >>> len(sf.regularize.collect(net))
        3

    Keras's ``Dense(kernel_regularizer=L2(1e-3))`` is ``attach(layer, L2(1e-3), 'weight')``.
    """
    if not isinstance(regularizer, Regularizer):
        raise TypeError(
            f"[attach] {type(regularizer).__name__} is not a Regularizer; write L2(0.01), or "
            "derive a class from Regularizer"
        )
    found = list(_matching(module, name))
    if not found:
        raise ValueError(f"[attach] {type(module).__name__} has no parameter called {name!r}")
    for owner, own_name in found:
        store = owner.__dict__.setdefault(_STORE, {})
        store.setdefault(own_name, []).append(regularizer)


def detach(module: Module) -> None:
    """Take all regularizers off ``module`` and everything below it.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Linear(4, 3)
        >>> sf.regularize.attach(net, sf.regularize.L1(0.1))
        >>> sf.regularize.detach(net)
        >>> sf.regularize.penalty(net).item()
        0.0
    """
    for part in module.modules():
        part.__dict__.pop(_STORE, None)


class Terms:
    """The regularizers of a model, each with its weight; a shared weight counts once.

    Example:
        >>> import surefoot as sf
        >>> terms = sf.regularize.collect(sf.nn.Linear(4, 3), sf.regularize.L2(0.1))
        >>> len(terms)
        1
    """

    def __init__(self, items: list[tuple[Regularizer, Module, str]]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def penalty(self) -> Tensor:
        """The sum of the penalties that belong into the loss; 0 if there are none."""
        values = self._values()
        return _sum(values) if values else _core.zeros(())

    def add_to(self, loss: Tensor) -> Tensor:
        """``loss`` plus all penalties that belong into it; without any the very same tensor."""
        return _sum([loss, *self._values()])

    def _values(self) -> list[Tensor]:
        return [rule(_weight(m, name)) for rule, m, name in self._items if rule.in_loss]

    def apply_(self, lr: Any) -> None:
        """What follows an optimizer step: proximal steps and constraints."""
        if not self._items:
            return
        rates = None if isinstance(lr, Real) else _rates(lr)
        for rule, module, name in self._items:
            weight = _leaf(module, name)
            if rates is None:
                rule.apply_(weight, float(lr))
            elif id(weight) in rates:  # others were not stepped
                rule.apply_(weight, rates[id(weight)])


def collect(model: Module, regularizer: Regularizer | None = None) -> Terms:
    """The attached regularizers of ``model``, and ``regularizer`` on all its weights.

    For a loop that wants to look for them once; ``penalty`` and ``apply_`` look every time.

    Example:
        >>> import surefoot as sf
        >>> len(sf.regularize.collect(sf.nn.Linear(4, 3)))
        0
    """
    if regularizer is not None and not isinstance(regularizer, Regularizer):
        raise TypeError(f"[regularize] {type(regularizer).__name__} is not a Regularizer")
    items: list[tuple[Regularizer, Module, str]] = []
    for module in model.modules():
        for name, rules in module.__dict__.get(_STORE, {}).items():
            items += [(rule, module, name) for rule in rules]
    if regularizer is not None:
        items += [(regularizer, module, name) for module, name in _matching(model, WEIGHTS)]
    seen: set[tuple[int, int]] = set()
    once = []
    for rule, module, name in items:
        key = (id(rule), id(_leaf(module, name)))
        if key not in seen:
            seen.add(key)
            once.append((rule, module, name))
    return Terms(once)


def penalty(model: Module, regularizer: Regularizer | None = None) -> Tensor:
    """The sum of all penalties, to be added to the loss; differentiable.

    Args:
        model: its attached regularizers count.
        regularizer: one more, for all weights of the model.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Linear(2, 1, bias=False)
        >>> _ = sf.nn.init.ones_(net.weight)
        >>> loss = net(sf.ones(1, 2)).sum() + sf.regularize.penalty(net, sf.regularize.L2(0.5))
        >>> loss.item()
        3.0
    """
    return collect(model, regularizer).penalty()


def apply_(model: Module, lr: Any, regularizer: Regularizer | None = None) -> None:
    """Proximal steps and constraints: call it after ``optimizer.step()``.

    Args:
        model: its attached regularizers act.
        lr: the rate of the step, or the optimizer: then each weight has the rate of its group, and
            weights that it does not hold are left alone.
        regularizer: one more, for all weights of the model.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Linear(2, 1, bias=False)
        >>> _ = sf.nn.init.ones_(net.weight)
        >>> sf.regularize.apply_(net, 0.5, sf.regularize.L1(1.0, proximal=True))
        >>> net.weight.tolist()
        [[0.5, 0.5]]
    """
    collect(model, regularizer).apply_(lr)


def _sum(values: list[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _matching(module: Module, name: str) -> Iterator[tuple[Module, str]]:
    """(owner, name) of the parameters called so, in ``module`` and below."""
    plain = "*" not in name
    for owner in module.modules():
        for own_name, parameter in owner._parameters.items():
            shown = own_name.removesuffix("_orig")  # a pruned weight goes by its own name
            if parameter is None or not fnmatchcase(shown, name):
                continue
            if plain or parameter.ndim >= 2:
                yield owner, shown


def _leaf(module: Module, name: str) -> Tensor:
    """The parameter itself, also where ``name`` is computed of it (pruning)."""
    original: Tensor | None = module._parameters.get(f"{name}_orig")
    weight: Tensor = getattr(module, name) if original is None else original
    return weight


def _weight(module: Module, name: str) -> Tensor:
    """The weight as the layer uses it: with its mask, if it is pruned."""
    mask = module._buffers.get(f"{name}_mask")
    weight = _leaf(module, name)
    return weight if mask is None else weight * mask


def _rates(optimizer: Any) -> dict[int, float]:
    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        raise TypeError(f"[regularize] lr is a number or an optimizer, not {optimizer!r:.60}")
    return {id(p): float(group["lr"]) for group in groups for p in group["params"]}
