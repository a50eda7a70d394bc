"""What a training run leaves behind: one row of numbers per epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surefoot._check import choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]

Value = float | int | None


class History(dict[str, list[Value]]):
    """A dict of equally long columns, one entry per finished epoch.

    ``stop_reason`` says why the run ended: ``"finished"``, ``"interrupted"``, or the words of the
    callback that stopped it. ``seconds`` holds the duration of each epoch; it is kept out of the
    columns so that equal runs have equal histories.

    Example:
        >>> history = History()
        >>> history.append({"epoch": 1, "loss": 0.5}, seconds=0.1)
        >>> history["loss"], history.last()
        ([0.5], {'epoch': 1, 'loss': 0.5})
    """

    def __init__(self, columns: Mapping[str, list[Value]] | None = None) -> None:
        super().__init__(columns or {})
        self.stop_reason = ""
        self.seconds: list[float] = []

    @property
    def num_epochs(self) -> int:
        """Number of finished epochs."""
        return max((len(column) for column in self.values()), default=0)

    def append(self, row: Mapping[str, Value], seconds: float = 0.0) -> None:
        """Add one epoch; a column that starts late or has a gap holds None there."""
        count = self.num_epochs
        for name in row:
            self.setdefault(name, [None] * count)
        for name, column in self.items():
            column.append(row.get(name))
        self.seconds.append(seconds)

    def rows(self) -> list[dict[str, Value]]:
        """Return the epochs as a list of dicts."""
        return [{name: self[name][i] for name in self} for i in range(self.num_epochs)]

    def last(self) -> dict[str, Value]:
        """Return the newest epoch, or an empty dict."""
        return {name: column[-1] for name, column in self.items() if column}

    def best_epoch(self, column: str = "val_loss", mode: str = "min") -> int:
        """Return the index (from 0) of the epoch whose ``column`` is lowest (or highest)."""
        choice("History", "mode", mode, ("min", "max"))
        if column not in self:
            raise KeyError(f"[History] no column {column!r}; there is {', '.join(self) or 'none'}")
        known = [(value, i) for i, value in enumerate(self[column]) if value is not None]
        if not known:
            raise ValueError(f"[History] column {column!r} has no numbers yet")
        sign = 1 if mode == "min" else -1
        return min(known, key=lambda pair: (sign * pair[0], pair[1]))[1]

    def plot(self, *columns: str) -> Figure:
        """Draw the columns over the epochs: ``sf.plot.learning_curves`` of this history.

        Without names: all of them, each with its ``val_`` counterpart in one panel. A single panel
        is drawn for names that are given. Needs the extra: pip install 'surefoot[plot]'.
        """
        from surefoot.plot import learning_curves

        return learning_curves(self, columns or None)

    def to_jsonl(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the history as JSON lines, one epoch a line, and write it to ``path`` if given."""
        text = "".join(json.dumps(row) + "\n" for row in self.rows())
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_jsonl(cls, path: str | os.PathLike[str]) -> History:
        """Read back what ``to_jsonl`` wrote."""
        history = cls()
        for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"[History] {path}, line {number} is not JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"[History] {path}, line {number} is not a JSON object")
            history.append(row)
        return history
