"""TabularMLP: a perceptron over numbers and embedded categories."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import ShapeError, Tensor
from surefoot.nn.container import ModuleList
from surefoot.nn.module import Module
from surefoot.nn.sparse import Embedding

from ._parts import positive_ints
from .mlp import MLP

__all__ = ["TabularMLP"]


class TabularMLP(Module):
    """An MLP over numbers and learned vectors of categories: y = MLP([numbers, E_1[c_1], ...]).

    Shapes: x (N, num_numbers + K), first the numbers, then a code for each of the K categories, a
    whole number in [0, cardinalities[k]), in the dtype of the numbers; y (N, out_features).

    cardinalities: number of codes of each category. Code 0 stands for a level that training did not
    know: its vector is 0 and stays so.
    embedding_dim: size of every vector; None: min(600, round(1.6 n^0.56)) for n codes.
    hidden, activation, norm, dropout: as in MLP.

    ``surefoot.data.TableEncoder(category_encoding="embed")`` makes such inputs of a table. Unlike
    Keras and fastai there is one input, so that it goes through any data set and loader.

    Source: Guo, Berkhahn 2016, "Entity embeddings of categorical variables"; the sizes are a rule
    of thumb of fastai.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.TabularMLP(2, [8, 100], [32], 1)
        >>> net(sf.tensor([[0.5, -1.0, 3, 99], [0.1, 2.0, 0, 7]])).shape
        (2, 1)
        >>> [layer.embedding_dim for layer in net.embeddings]
        [5, 21]
    """

    def __init__(
        self,
        num_numbers: int,
        cardinalities: Sequence[int],
        hidden: Sequence[int],
        out_features: int,
        *,
        embedding_dim: int | None = None,
        activation: str = "relu",
        norm: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_numbers = operator.index(num_numbers)
        sizes = positive_ints("TabularMLP", "cardinalities", cardinalities)
        if self.num_numbers < 0 or self.num_numbers + len(sizes) == 0:
            raise ValueError(
                f"[TabularMLP] num_numbers={num_numbers} and {len(sizes)} cardinalities: must be 0 "
                "or more, and one input at least"
            )
        if embedding_dim is not None:
            integer("TabularMLP", "embedding_dim", embedding_dim, 1)
        self.embeddings = ModuleList(
            [Embedding(n, embedding_dim or _size_for(n), padding_idx=0) for n in sizes]
        )
        width = self.num_numbers + sum(layer.embedding_dim for layer in self._tables())
        options: dict[str, Any] = {"activation": activation, "norm": norm, "dropout": dropout}
        self.mlp = MLP(width, hidden, out_features, **options)
        self.config: dict[str, Any] = {
            "num_numbers": self.num_numbers,
            "cardinalities": sizes,
            "hidden": list(hidden),
            "out_features": out_features,
            "embedding_dim": embedding_dim,
            **options,
        }

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        tables, first = self._tables(), self.num_numbers
        if x.ndim != 2 or x.shape[1] != first + len(tables):
            raise ShapeError(
                f"[TabularMLP] input {tuple(x.shape)}: must be (N, {first + len(tables)}), "
                f"{first} numbers and {len(tables)} codes"
            )
        codes = x[:, first:].to(_core.int64)
        vectors = [table(codes[:, k]) for k, table in enumerate(tables)]
        output: Tensor = self.mlp(_core.cat([x[:, :first], *vectors], dim=1))
        return output

    def _tables(self) -> list[Any]:
        return list(self.embeddings)


def _size_for(cardinality: int) -> int:
    return min(600, round(1.6 * math.pow(cardinality, 0.56)))
