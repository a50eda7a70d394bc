"""Angles and distances of vectors."""

from __future__ import annotations

from surefoot import _core
from surefoot._check import positive
from surefoot._core import Tensor

from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """x1 x2 / (max(|x1|, eps) max(|x2|, eps)) along dim; the two inputs broadcast.

    dim: 1, the dimension that is gone in the result. eps: 1e-8, so that the similarity with a
    vector of zeros is 0.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.CosineSimilarity()(sf.tensor([[1.0, 0.0]]), sf.tensor([[3.0, 4.0]])).tolist()
        [0.6000000238418579]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, positive("CosineSimilarity", "eps", eps)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return _core.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """|x1 - x2 + eps|_p over the last dimension; the two inputs broadcast.

    p: 2, the norm. eps: 1e-6, added to every difference, so that the gradient at distance 0 is
    finite. keepdim: the last dimension stays, with size 1.

    Example:
        >>> import surefoot as sf
        >>> sf.nn.PairwiseDistance(eps=0.0)(sf.tensor([[3.0, 4.0]]), sf.zeros(1, 2)).tolist()
        [5.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return _core.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
