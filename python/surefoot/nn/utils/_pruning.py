"""Methods of pruning: which elements or slices of a parameter go."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

from surefoot import _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.nn.module import Module

from ._mask import current, install, like

Amount = int | float


class BasePruningMethod:
    """Base of the methods: ``compute_mask`` says which elements stay.

    ``PRUNING_TYPE`` is what the method sees where something is pruned already: ``'unstructured'``
    the elements left, as a vector; ``'structured'`` the slices left along ``dim``; ``'global'``
    everything. An amount is therefore always a share of what is left.

    Example:
        >>> import surefoot as sf
        >>> class Negative(sf.nn.utils.prune.BasePruningMethod):
        ...     PRUNING_TYPE = "global"
        ...     def compute_mask(self, t, default_mask):
        ...         return default_mask * (t >= 0)
        >>> layer = sf.nn.Linear(2, 1)
        >>> _ = layer.weight.detach().copy_(sf.tensor([[0.5, -0.5]]))
        >>> Negative.apply(layer, "weight").weight.tolist()
        [[0.5, -0.0]]
    """

    PRUNING_TYPE: ClassVar[str] = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask, of ones and zeros, for the scores ``t``; ``default_mask`` is the one so far."""
        raise NotImplementedError(f"[{type(self).__name__}] define compute_mask(t, default_mask)")

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> Module:
        """Prune parameter ``name`` of ``module`` by ``cls(*args, **kwargs)``."""
        method = cls(*args, **kwargs)
        parameter, mask = current(module, name)
        with no_grad():
            scores = parameter.detach() * mask
            if importance_scores is not None:
                scores = like(importance_scores, parameter, "importance_scores").detach()
            install(module, name, method._narrowed(scores, mask))
        return module

    def _narrowed(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The old mask with what this method takes out of what is left."""
        if self.PRUNING_TYPE == "unstructured":
            left = mask == 1
            out = mask.clone()
            out[left] = self.compute_mask(scores[left], mask[left]).to(mask.dtype)
            return out
        if self.PRUNING_TYPE == "structured":
            dim = _dimension(self, scores)
            rows = mask.transpose(0, dim).reshape(mask.shape[dim], -1)
            left = _core.nonzero(rows.sum(1)).reshape(-1)
            part = self.compute_mask(
                _core.index_select(scores, dim, left), _core.index_select(mask, dim, left)
            )
            out = mask.transpose(0, dim).clone()
            out[left] = part.transpose(0, dim).to(mask.dtype)
            return out.transpose(0, dim).contiguous()
        return self.compute_mask(scores, mask).to(mask.dtype)


class Identity(BasePruningMethod):
    """Prunes nothing, but puts the mask in place.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.utils.prune.identity(sf.nn.Linear(2, 1), "weight")
        >>> layer.weight_mask.tolist()
        [[1.0, 1.0]]
    """

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _ByAmount(BasePruningMethod):
    """Takes out a number (int) or a share (float from 0 to 1) of the elements left."""

    def __init__(self, amount: Amount) -> None:
        self.amount = _amount(type(self).__name__, amount)

    def _ranks(self, t: Tensor) -> Tensor:
        """The order in which elements go, lowest first."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(type(self).__name__, self.amount, t.numel(), "elements")
        mask = default_mask.clone().reshape(-1)
        if count:
            mask[_lowest(self._ranks(t).reshape(-1), count)] = 0.0
        return mask.reshape(*default_mask.shape)


class RandomUnstructured(_ByAmount):
    """Takes out elements at random, by the generator that ``sf.manual_seed`` sets.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.utils.prune.random_unstructured(sf.nn.Linear(4, 2), "weight", amount=3)
        >>> layer.weight_mask.sum().item()
        5.0
    """

    def _ranks(self, t: Tensor) -> Tensor:
        return _core.rand_like(t)


class L1Unstructured(_ByAmount):
    """Takes out the elements with the smallest absolute values.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.Linear(2, 2, bias=False)
        >>> _ = layer.weight.detach().copy_(sf.tensor([[1.0, -4.0], [-2.0, 3.0]]))
        >>> sf.nn.utils.prune.l1_unstructured(layer, "weight", amount=0.5).weight.tolist()
        [[0.0, -4.0], [-0.0, 3.0]]

    Source: Han et al. 2015, "Learning both weights and connections for efficient neural networks".
    """

    def _ranks(self, t: Tensor) -> Tensor:
        return t.abs()


class _Structured(BasePruningMethod):
    """Takes out whole slices along ``dim``: units, filters, channels."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        self.amount = _amount(type(self).__name__, amount)
        self.dim = dim

    def _ranks(self, t: Tensor, dim: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        dim = _dimension(self, t)
        count = _count(type(self).__name__, self.amount, t.shape[dim], "slices")
        mask = default_mask.transpose(0, dim).clone()
        if count:
            mask[_lowest(self._ranks(t, dim), count)] = 0.0
        return mask.transpose(0, dim)


class RandomStructured(_Structured):
    """Takes out slices at random.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.utils.prune.random_structured(sf.nn.Linear(4, 4), "weight", 1, dim=0)
        >>> sorted(layer.weight_mask.sum(1).tolist())
        [0.0, 4.0, 4.0, 4.0]
    """

    def _ranks(self, t: Tensor, dim: int) -> Tensor:
        return _core.rand(t.shape[dim])


class LnStructured(_Structured):
    """Takes out the slices with the smallest n-norm.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.Linear(2, 2, bias=False)
        >>> _ = layer.weight.detach().copy_(sf.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> sf.nn.utils.prune.ln_structured(layer, "weight", 0.5, n=2, dim=0).weight.tolist()
        [[0.0, 0.0], [3.0, 4.0]]

    Source: Li et al. 2017, "Pruning filters for efficient ConvNets".
    """

    def __init__(self, amount: Amount, n: float, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _ranks(self, t: Tensor, dim: int) -> Tensor:
        return _core.norm(t.transpose(0, dim).reshape(t.shape[dim], -1), self.n, 1)


class CustomFromMask(BasePruningMethod):
    """Takes out what a mask of ones and zeros says, besides what is out already.

    Example:
        >>> import surefoot as sf
        >>> layer, mask = sf.nn.Linear(2, 1), sf.tensor([[1, 0]])
        >>> sf.nn.utils.prune.custom_from_mask(layer, "weight", mask).weight_mask.tolist()
        [[1.0, 0.0]]
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        mask = like(self.mask, default_mask, "mask").to(default_mask.dtype)
        if not bool(((mask == 0) + (mask == 1)).all()):
            raise ValueError("[custom_from_mask] mask must hold ones and zeros only")
        return default_mask * mask


def _lowest(ranks: Tensor, count: int) -> Tensor:
    return _core.topk(ranks, count, largest=False).indices


def _dimension(method: Any, t: Tensor) -> int:
    dim: int = method.dim
    if t.ndim < 2 or not -t.ndim <= dim < t.ndim:
        raise ValueError(
            f"[{type(method).__name__}] dim={dim} of a parameter {tuple(t.shape)}: structured "
            "pruning needs 2 dimensions or more, and dim one of them"
        )
    return dim % t.ndim


def _amount(rule: str, amount: Any) -> Amount:
    if isinstance(amount, bool) or not isinstance(amount, Real):
        raise TypeError(f"[{rule}] amount must be an int (how many) or a float (which share)")
    plain = int(amount) if isinstance(amount, Integral) else float(amount)
    if not math.isfinite(plain) or plain < 0 or (isinstance(plain, float) and plain > 1):
        raise ValueError(
            f"[{rule}] amount must be a share from 0.0 to 1.0 or a number of elements, got {amount}"
        )
    return plain


def _count(rule: str, amount: Amount, size: int, what: str) -> int:
    if isinstance(amount, float):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"[{rule}] amount={amount} of {size} {what} that are left")
    return amount
