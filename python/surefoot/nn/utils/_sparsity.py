"""How many weights of a model are zero."""

from __future__ import annotations

from typing import NamedTuple

from surefoot._core import Tensor
from surefoot.nn.module import Module

__all__ = ["Sparsity", "sparsity"]


class LayerSparsity(NamedTuple):
    """Zeros among the elements of one weight."""

    name: str
    zeros: int
    elements: int

    @property
    def share(self) -> float:
        """Zeros over elements."""
        return self.zeros / self.elements if self.elements else 0.0


class Sparsity:
    """The zeros of a model, a row per weight; ``total`` is their share in all weights.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.Linear(4, 4), sf.nn.ReLU(), sf.nn.Linear(4, 1))
        >>> _ = sf.nn.utils.prune.l1_unstructured(net[0], "weight", amount=0.5)
        >>> print(sf.nn.utils.prune.sparsity(net))
        weight       zeros  elements   share
        0.weight         8        16   50.0%
        2.weight         0         4    0.0%
        total            8        20   40.0%
    """

    def __init__(self, rows: list[LayerSparsity]) -> None:
        self.rows = rows

    @property
    def total(self) -> float:
        """The share of zeros in all weights together."""
        return self._sum().share

    def __getitem__(self, name: str) -> float:
        """The share of zeros in the weight called ``name``."""
        for row in self.rows:
            if row.name == name:
                return row.share
        raise KeyError(f"[sparsity] no weight {name!r}; there is {[r.name for r in self.rows]}")

    def _sum(self) -> LayerSparsity:
        zeros, elements = (sum(row[i] for row in self.rows) for i in (1, 2))  # type: ignore[misc]
        return LayerSparsity("total", zeros, elements)

    def __str__(self) -> str:
        rows = [*self.rows, self._sum()]
        width = max(len(row.name) for row in [*rows, LayerSparsity("weight", 0, 0)])
        size = max(len("elements"), *(len(str(row.elements)) for row in rows))
        lines = [f"{'weight':{width}}  {'zeros':>{size}}  {'elements':>{size}}   share"]
        for row in rows:
            counts = f"{row.zeros:{size}}  {row.elements:{size}}  {row.share:6.1%}"
            lines.append(f"{row.name:{width}}  {counts}")
        return "\n".join(lines)

    __repr__ = __str__


def sparsity(model: Module) -> Sparsity:
    """Count the exact zeros of all weights, of parameters with two dimensions or more.

    Biases and the scales of normalisation, which often begin at zero, are left out; pruned weights
    count with their mask, a shared weight once.
    """
    rows = []
    seen: set[int] = set()
    for path, module in model.named_modules():
        for own_name, parameter in module._parameters.items():
            if parameter is None or parameter.ndim < 2 or id(parameter) in seen:
                continue
            seen.add(id(parameter))
            name, weight = own_name, parameter.detach()
            mask = module._buffers.get(own_name.removesuffix("_orig") + "_mask")
            if own_name.endswith("_orig") and mask is not None:
                name, weight = own_name.removesuffix("_orig"), weight * mask
            rows.append(_row(f"{path}.{name}" if path else name, weight))
    return Sparsity(rows)


def _row(name: str, weight: Tensor) -> LayerSparsity:
    return LayerSparsity(name, int((weight == 0).sum().item()), weight.numel())
