"""Penalties on weights."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Literal

from surefoot import _core
from surefoot._check import choice, number
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from ._base import Regularizer

__all__ = ["L1", "L2", "ElasticNet", "LpNorm", "Orthogonality"]

Convention = Literal["norm", "decay", "per_sample"]

# convention -> share of lambda * |w|^2 that is the penalty; "per_sample" divides by m as well
_SHARES = {"norm": 1.0, "decay": 0.5, "per_sample": 0.5}


def _convention(rule: str, convention: str, m: Any, known_ones: Collection[str] = _SHARES) -> None:
    choice(rule, "convention", convention, known_ones)
    if (convention == "per_sample") != (m is not None):
        raise ValueError(
            f"[{rule}] m, the number of training samples, goes with convention='per_sample' and "
            f"with it alone; got convention={convention!r}, m={m!r}"
        )
    if m is not None:
        number(rule, "m", m, 1)


def _factor(convention: str, m: float | None) -> float:
    return _SHARES[convention] / (m or 1.0)


class L2(Regularizer):
    """A penalty on the squares of the weights. Three conventions are in use:

    ================  =========================  ==============  ===========================
    convention        penalty                    gradient        where
    ================  =========================  ==============  ===========================
    ``'norm'``        ``l2 * sum(w^2)``          ``2 * l2 * w``  Keras
    ``'decay'``       ``l2 / 2 * sum(w^2)``      ``l2 * w``      ``weight_decay`` of SGD
    ``'per_sample'``  ``l2 / (2 m) * sum(w^2)``  ``l2 / m * w``  textbooks; m training samples
    ================  =========================  ==============  ===========================

    ``to(convention)`` is the same penalty said in another one; ``weight_decay`` is the number that
    gives it to ``optim.SGD(weight_decay=...)``.

    Known misprint: "L2 = weight decay". For SGD it is; for Adam and its like the penalty is scaled
    as gradients are, which ``AdamW`` avoids.

    Example:
        >>> import surefoot as sf
        >>> l2 = L2(0.02, convention="per_sample", m=4)
        >>> l2(sf.tensor([3.0, 4.0])).item()
        0.0625
        >>> l2.to("norm"), l2.weight_decay
        (L2(l2=0.0025, convention='norm', m=None), 0.005)
    """

    def __init__(
        self, l2: float = 0.01, *, convention: Convention = "norm", m: float | None = None
    ) -> None:
        self.l2 = float(number("L2", "l2", l2, 0))
        _convention("L2", convention, m)
        self.convention: Convention = convention
        self.m = m

    def __call__(self, weight: Tensor) -> Tensor:
        return (weight * weight).sum() * (self.l2 * _factor(self.convention, self.m))

    @property
    def weight_decay(self) -> float:
        """The coefficient of w in the gradient."""
        return 2 * self.l2 * _factor(self.convention, self.m)

    def to(self, convention: Convention, m: float | None = None) -> L2:
        """The same penalty in another convention."""
        _convention("L2", convention, m)
        value = self.l2 * _factor(self.convention, self.m) / _factor(convention, m)
        return L2(value, convention=convention, m=m)


class L1(Regularizer):
    """A penalty on the absolute values: ``l1 * sum(|w|)``, which drives weights to zero.

    Args:
        l1: strength.
        proximal: False adds the penalty to the loss: its gradient is ``l1 * sign(w)``, 0 at 0.
            Such steps jump over zero and never land on it: L1 in the loss alone gives no exact
            zeros. True leaves the loss alone and moves every weight towards zero by ``lr * l1``
            after the step, to exactly 0 where it would pass (soft threshold).
        convention, m: ``'norm'`` as above; ``'per_sample'`` with m samples is
            ``l1 / (2 m) * sum(|w|)``.

    Example:
        >>> import surefoot as sf
        >>> L1(0.5)(sf.tensor([3.0, -4.0])).item()
        3.5
        >>> w = sf.tensor([0.5, 0.05, -0.5])
        >>> L1(1.0, proximal=True).apply_(w, lr=0.25)
        >>> w.tolist()
        [0.25, 0.0, -0.25]

    Source: Tibshirani 1996, "Regression shrinkage and selection via the lasso"; Parikh and Boyd
    2014, "Proximal algorithms".
    """

    def __init__(
        self,
        l1: float = 0.01,
        *,
        proximal: bool = False,
        convention: Literal["norm", "per_sample"] = "norm",
        m: float | None = None,
    ) -> None:
        self.l1 = float(number("L1", "l1", l1, 0))
        _convention("L1", convention, m, ("norm", "per_sample"))
        self.proximal = proximal
        self.convention, self.m = convention, m
        self.in_loss = not proximal

    def _lambda(self) -> float:
        return self.l1 * _factor(self.convention, self.m)

    def __call__(self, weight: Tensor) -> Tensor:
        return weight.abs().sum() * self._lambda()

    def apply_(self, weight: Tensor, lr: float) -> None:
        if self.proximal:
            with no_grad():
                weight.copy_(_core.softshrink(weight, lr * self._lambda()))


class ElasticNet(Regularizer):
    """``l1 * sum(|w|) + l2 * sum(w^2)``; Keras calls it L1L2.

    With ``proximal`` both act after the step, by ``soft(w, lr * l1) / (1 + 2 * lr * l2)``, and
    weights become exactly 0.

    Example:
        >>> import surefoot as sf
        >>> round(ElasticNet(0.1, 0.01)(sf.tensor([3.0, -4.0])).item(), 4)
        0.95

    scikit-learn's ``alpha`` and ``l1_ratio`` are ``l1 = alpha * l1_ratio`` and
    ``l2 = alpha * (1 - l1_ratio) / 2``. Source: Zou and Hastie 2005, "Regularization and variable
    selection via the elastic net".
    """

    def __init__(self, l1: float = 0.01, l2: float = 0.01, *, proximal: bool = False) -> None:
        self.l1 = float(number("ElasticNet", "l1", l1, 0))
        self.l2 = float(number("ElasticNet", "l2", l2, 0))
        self.proximal = proximal
        self.in_loss = not proximal

    def __call__(self, weight: Tensor) -> Tensor:
        return weight.abs().sum() * self.l1 + (weight * weight).sum() * self.l2

    def apply_(self, weight: Tensor, lr: float) -> None:
        if self.proximal:
            with no_grad():
                shrunk = _core.softshrink(weight, lr * self.l1)
                weight.copy_(shrunk / (1 + 2 * lr * self.l2))


class LpNorm(Regularizer):
    """``strength * (sum |w|^p)^(1/p)``, the p-norm itself, for p from 1 to infinity.

    With ``p = 2`` this is the norm, not its square as in L2: its pull does not fade near zero, so
    that a whole tensor can reach it.

    Example:
        >>> import surefoot as sf
        >>> LpNorm(0.5, p=2)(sf.tensor([3.0, 4.0])).item()
        2.5
    """

    def __init__(self, strength: float = 0.01, p: float = 2.0) -> None:
        self.strength = float(number("LpNorm", "strength", strength, 0))
        if p != math.inf:
            number("LpNorm", "p", p, 1)  # below 1 there is no derivative at 0
        self.p = float(p)

    def __call__(self, weight: Tensor) -> Tensor:
        return _core.norm(weight, self.p) * self.strength


class Orthogonality(Regularizer):
    """``strength * |W W^T - I|^2`` (squared Frobenius norm), W with a row per unit.

    A convolution's weight (out, in, h, w) is taken as (out, in * h * w). Where there are more rows
    than columns the columns are made orthonormal, since that many rows cannot be.

    Example:
        >>> import surefoot as sf
        >>> Orthogonality(0.1)(sf.eye(3)).item()
        0.0

    Keras's OrthogonalRegularizer penalises the cosines between rows and leaves their lengths.
    Source: Bansal et al. 2018, "Can we gain more from orthogonality regularizations in training
    deep CNNs?".
    """

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = float(number("Orthogonality", "strength", strength, 0))

    def __call__(self, weight: Tensor) -> Tensor:
        if weight.ndim < 2:
            raise ValueError(
                f"[Orthogonality] weight {tuple(weight.shape)}: needs 2 dimensions or more"
            )
        rows = weight.reshape(weight.shape[0], -1)
        if rows.shape[0] > rows.shape[1]:
            rows = rows.transpose(0, 1)
        excess = rows @ rows.transpose(0, 1) - _core.eye(rows.shape[0], dtype=rows.dtype)
        return (excess * excess).sum() * self.strength
