"""Embeddings: rows of a learned table, by their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from surefoot import _core
from surefoot._check import choice, integer, number, tensor
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]

E = TypeVar("E", bound="_Table")


def _padding(owner: str, padding_idx: int | None, rows: int) -> int | None:
    if padding_idx is None:
        return None
    return integer(owner, "padding_idx", padding_idx, -rows, rows - 1) % rows


class _Table(Module):
    """A table of vectors and how it is read."""

    weight: Parameter

    def _set_up(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        dtype: Any,
        table: Tensor | None,
    ) -> None:
        owner = type(self).__name__
        self.num_embeddings = integer(owner, "num_embeddings", num_embeddings, 1)
        self.embedding_dim = integer(owner, "embedding_dim", embedding_dim, 1)
        self.padding_idx = _padding(owner, padding_idx, self.num_embeddings)
        self.max_norm = (
            None if max_norm is None else number(owner, "max_norm", max_norm, 0, infinite=True)
        )
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if sparse:
            raise NotImplementedError(
                f"[{owner}] sparse=True: there are no sparse gradients; leave it out, and use "
                "optim.Adagrad.step_rows where only the rows in use shall move"
            )
        self.sparse = sparse
        dtype = _core.float32 if dtype is None else dtype
        if table is not None:
            self.weight = Parameter(table.detach())
            return
        self.weight = Parameter(_core.empty(self.num_embeddings, self.embedding_dim, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table from N(0, 1), as torch does; row padding_idx is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def _of(cls: type[E], embeddings: Tensor, freeze: bool, options: dict[str, Any]) -> E:
        if tensor(f"{cls.__name__}.from_pretrained", "embeddings", embeddings).ndim != 2:
            raise ValueError(
                f"[{cls.__name__}.from_pretrained] embeddings {tuple(embeddings.shape)}: "
                "must be (num_embeddings, embedding_dim)"
            )
        make: Callable[..., E] = cls
        layer = make(*embeddings.shape, **options, _weight=embeddings)
        layer.weight.requires_grad_(not freeze)
        return layer

    def _text(self, *more: str) -> str:
        options: dict[str, Any] = {
            "padding_idx": None,
            "max_norm": None,
            "norm_type": 2.0,
            "scale_grad_by_freq": False,
        }
        shown = [f"{k}={getattr(self, k)}" for k, v in options.items() if getattr(self, k) != v]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *shown, *more])


class Embedding(_Table):
    """y = weight[x]: a learned vector for each of num_embeddings numbers.

    Shapes: x (*) of integers in [0, num_embeddings), weight (num_embeddings, embedding_dim),
    y (*, embedding_dim).

    Args:
        num_embeddings: size of the vocabulary.
        embedding_dim: size of a vector.
        padding_idx: a number whose vector starts at 0 and gets no gradient.
        max_norm: vectors that are looked up and longer than this are first scaled down to it, in
            place. The length is the norm_type-norm, 2.
        scale_grad_by_freq: divide the gradient of a vector by how often the batch looks it up.
        sparse: NotImplementedError, gradients are dense.
        dtype: floating dtype of the table, float32 by default. It starts as N(0, 1).

    IndexError names the first number outside the vocabulary and its place. The rows of the gradient
    are summed in the order of x, with the same bits for any number of threads.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.Embedding(10, 3, padding_idx=0)
        >>> layer(sf.tensor([[1, 2, 0], [4, 0, 0]])).shape
        (2, 3, 3)

    Keras's mask_zero=True is another thing: it hides positions from the layers that follow; here
    those take masks. Source: Bengio et al. 2003, "A neural probabilistic language model".
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        dtype: Any = None,
        _weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        options = (max_norm, norm_type, scale_grad_by_freq, sparse, dtype, _weight)
        self._set_up(num_embeddings, embedding_dim, padding_idx, *options)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer on a table that exists, sharing its memory; `freeze`: it does not learn.

        Example:
            >>> import surefoot as sf
            >>> layer = sf.nn.Embedding.from_pretrained(sf.eye(3))
            >>> layer(sf.tensor([2])).tolist(), layer.weight.requires_grad
            ([[0.0, 0.0, 1.0]], False)
        """
        options = {
            "padding_idx": padding_idx,
            "max_norm": max_norm,
            "norm_type": norm_type,
            "scale_grad_by_freq": scale_grad_by_freq,
            "sparse": sparse,
        }
        return cls._of(embeddings, freeze, options)

    def forward(self, x: Tensor) -> Tensor:
        norms = (self.max_norm, self.norm_type)
        return _core.embedding(x, self.weight, self.padding_idx, *norms, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        return self._text()


class EmbeddingBag(_Table):
    """The mean, sum or largest of the vectors of each bag of numbers.

    Shapes: x (B, L), a bag a row, or (N) with offsets (B), where each bag begins; y
    (B, embedding_dim). An empty bag gives 0.

    Args:
        num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq: as in Embedding.
        mode: 'mean', 'sum' or 'max'.
        sparse: NotImplementedError, gradients are dense.
        include_last_offset: offsets has one more entry, the end of the last bag.
        padding_idx: a number that takes no part in any bag.
        dtype: floating dtype of the table, float32 by default.

    per_sample_weights, of the call, as x: the sum is weighted; mode='sum' only.
    ValueError: offsets that do not ascend from 0 or exceed N. torch 2.13 differs with
    scale_grad_by_freq: it divides by the counts of other rows.

    Example:
        >>> import surefoot as sf
        >>> layer = sf.nn.EmbeddingBag(10, 3, mode="sum")
        >>> layer(sf.tensor([1, 2, 4, 5, 4]), sf.tensor([0, 3])).shape
        (2, 3)

    Source: Joulin et al. 2016, "Bag of tricks for efficient text classification".
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        *,
        dtype: Any = None,
        _weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.mode = choice("EmbeddingBag", "mode", mode, ("sum", "mean", "max"))
        self.include_last_offset = include_last_offset
        options = (max_norm, norm_type, scale_grad_by_freq, sparse, dtype, _weight)
        self._set_up(num_embeddings, embedding_dim, padding_idx, *options)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A layer on a table that exists, sharing its memory; `freeze`: it does not learn."""
        options = {
            "max_norm": max_norm,
            "norm_type": norm_type,
            "scale_grad_by_freq": scale_grad_by_freq,
            "mode": mode,
            "sparse": sparse,
            "include_last_offset": include_last_offset,
            "padding_idx": padding_idx,
        }
        return cls._of(embeddings, freeze, options)

    def forward(
        self, x: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        return _core.embedding_bag(
            x,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        return self._text(f"mode={self.mode!r}")
