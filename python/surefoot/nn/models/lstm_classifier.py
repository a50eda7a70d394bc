"""LSTMClassifier: a class for each sequence."""

from __future__ import annotations

from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import ShapeError, Tensor
from surefoot.nn.dropout import Dropout
from surefoot.nn.linear import Linear
from surefoot.nn.module import Module
from surefoot.nn.rnn import LSTM
from surefoot.nn.sparse import Embedding
from surefoot.nn.utils.rnn import pack_padded_sequence

__all__ = ["LSTMClassifier"]


class LSTMClassifier(Module):
    """An LSTM reads a sequence; its last hidden state goes through dropout and a Linear.

    Shapes: x (N, T, input_size), or (N, T) of token numbers where vocabulary is given;
    y (N, num_classes), scores without softmax.

    vocabulary: number of tokens; they are embedded in input_size numbers each. None for real
    inputs. bidirectional joins the last state of both directions. dropout acts between the layers
    and before the Linear. The forget gate's bias begins at 1 (Jozefowicz, Zaremba, Sutskever 2015).

    Call it with ``lengths`` (N) where the sequences are padded: what lies behind a sequence's end
    is then not read.

    Source: Hochreiter, Schmidhuber 1997, "Long short-term memory".

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.LSTMClassifier(8, 32, 10)
        >>> net(sf.zeros(4, 6, 8), lengths=[6, 2, 3, 6]).shape
        (4, 10)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_classes: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        vocabulary: int | None = None,
    ) -> None:
        super().__init__()
        integer("LSTMClassifier", "num_classes", num_classes, 1)
        self.embedding = None if vocabulary is None else Embedding(vocabulary, input_size)
        self.lstm = LSTM(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
            forget_bias=1.0,
        )
        self.dropout = Dropout(dropout)
        self.fc = Linear(hidden_size * (2 if bidirectional else 1), num_classes)
        self.config: dict[str, Any] = {
            "input_size": input_size,
            "hidden_size": hidden_size,
            "num_classes": num_classes,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "dropout": dropout,
            "vocabulary": vocabulary,
        }

    def forward(self, x: Tensor, lengths: Any = None) -> Tensor:
        layout = "(N, T, input_size)" if self.embedding is None else "(N, T)"
        if x.ndim != layout.count(",") + 1:
            raise ShapeError(f"[LSTMClassifier] input {tuple(x.shape)}: must be {layout}")
        if self.embedding is not None:
            x = self.embedding(x)
        if lengths is None:
            _, (hidden, _) = self.lstm(x)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            _, (hidden, _) = self.lstm(packed)
        directions = 2 if self.lstm.bidirectional else 1
        last = _core.cat([hidden[i - directions] for i in range(directions)], 1)  # (N, D H)
        return self.fc(self.dropout(last))  # type: ignore[no-any-return]
