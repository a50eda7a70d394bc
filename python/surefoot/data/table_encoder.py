"""From the columns of a table to the numbers a network takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot._check import choice
from surefoot._core import Tensor

from ._columns import (
    ENCODINGS,
    Column,
    check_texts,
    fit_column,
    kind_of,
    level,
    mean_and_std,
    near,
    plain_value,
)
from .dataset import TensorDataset
from .table import Table, read_table

__all__ = ["TableEncoder"]


class TableEncoder:
    """Turns tables into float32 inputs and targets, as the training rows it was fitted on say.

    Numbers and dates (days) are standardised; where training rows had gaps, a second number says
    that the value was missing, and the median stands in for it. Categories become a 0 or 1 for each
    of their 50 most frequent levels, missing being one of them where training rows had gaps; a
    level that was not seen is all zeros. ``category_encoding='embed'`` makes a code of each
    category instead, 0 for a level that was not seen, behind all numbers, for
    ``nn.models.TabularMLP``; 'auto' does so for categories of more than 50 levels. Columns that are
    constant, empty, or a different text in nearly every row are left out; ``notes`` says so.
    Targets become class numbers, int64 (N,), or standardised float32 (N, 1).

    ``to_json`` gives all of it for ``save_model``'s info; ``from_json`` makes the same encoder.

    Example:
        >>> import pandas as pd, surefoot as sf
        >>> from surefoot.data import TableEncoder, read_table
        >>> frame = pd.DataFrame({"size": [1, None, 3], "town": ["a", "b", "a"], "y": [0, 1, 0]})
        >>> table = read_table(frame, target="y")
        >>> encoder = TableEncoder().fit(table)
        >>> encoder.features
        ['size', 'size missing', 'town=a', 'town=b']
        >>> inputs, targets = encoder.encode(table).tensors
        >>> inputs.shape, targets.tolist()
        ((3, 4), [0, 1, 0])
        >>> encoder = TableEncoder("embed").fit(table)
        >>> encoder.features, encoder.cardinalities
        (['size', 'size missing', 'town code'], [3])
        >>> net = sf.nn.models.TabularMLP(encoder.num_numbers, encoder.cardinalities, [8], 2)
        >>> net(sf.tensor(encoder.inputs(table))).shape
        (3, 2)
    """

    def __init__(self, category_encoding: str = "onehot") -> None:
        choice("TableEncoder", "category_encoding", category_encoding, ENCODINGS)
        self.category_encoding = category_encoding
        self.columns: list[Column] = []
        self.notes: list[str] = []
        self.target: str | None = None
        self.task: str | None = None
        self.classes: list[Any] = []
        self.mean, self.std = 0.0, 1.0  # of the target in regression

    def fit(self, table: Table) -> TableEncoder:
        """Learn kinds, levels, medians, means from the rows of ``table``, the training rows.

        Raises:
            ValueError: no column says anything, a target that is the same in all rows, a column of
                numbers with a few texts in it.
        """
        check_texts("TableEncoder", table.inputs, table.categories)
        return self._learn(table)

    def _learn(self, table: Table) -> TableEncoder:
        self.columns, self.notes = [], []
        for name in table.inputs.columns:
            series = table.inputs[name]
            kind = "category" if name in table.categories else kind_of(series)
            column, reason = fit_column("TableEncoder", series, name, kind, self.category_encoding)
            if column is None:
                self.notes.append(f"column {name!r} {reason}: left out")
            else:
                self.columns.append(column)
        if not self.columns:
            raise ValueError(
                "[TableEncoder] every column of inputs is constant or empty: "
                + ", ".join(map(repr, table.inputs.columns[:10]))
            )
        self.columns.sort(key=lambda column: column.embedded)  # codes behind the numbers
        self.task, self.classes = table.task, list(table.classes)
        self.target = None if table.target is None else str(table.target.name)
        if self.task == "classification" and len(np.unique(table.labels())) < 2:
            raise ValueError(f"[TableEncoder] the target {self.target!r} has one class alone")
        if self.task == "regression":
            self.mean, self.std = mean_and_std(table.values())
            if not self.std > 0:
                raise ValueError(f"[TableEncoder] the target {self.target!r} is constant")
        return self

    @property
    def features(self) -> list[str]:
        """Names of the inputs, one per number."""
        return [name for column in self.columns for name in column.features()]

    @property
    def cardinalities(self) -> list[int]:
        """How many codes each embedded category has; theirs are the last of the inputs."""
        return [column.cardinality for column in self.columns if column.embedded]

    @property
    def num_numbers(self) -> int:
        """How many of the inputs are no codes."""
        return len(self.features) - len(self.cardinalities)

    @property
    def num_outputs(self) -> int:
        """Outputs of a network for the target: one per class, or 1."""
        return len(self.classes) if self.task == "classification" else 1

    def read(self, source: Any, *, with_target: bool = False, **options: Any) -> Table:
        """``read_table`` for more rows: columns keep the kinds that they had in training."""
        texts = [column.name for column in self.columns if column.kind == "category"]
        target = self.target if with_target else None
        options["task"] = self.task if with_target else None
        table = read_table(source, target, **options)
        present = [name for name in texts if name in table.inputs.columns]
        if all(kind_of(table.inputs[name]) == "category" for name in present):
            return table
        return read_table(source, target, categories=present, **options)  # "01" is not 1

    def inputs(self, table: Any) -> NDArray[np.float32]:
        """The inputs of a Table or DataFrame, float32 (N, features); other columns are ignored.

        Raises:
            ValueError: a missing column, a cell of the wrong kind, a number beyond float32.
        """
        frame = table.inputs if isinstance(table, Table) else table.reset_index(drop=True)
        gone = [column.name for column in self.columns if column.name not in frame.columns]
        if gone:
            hint = near(gone[0], [str(name) for name in frame.columns])
            named = ", ".join(map(repr, gone[:5])) + (", ..." if len(gone) > 5 else "")
            raise ValueError(
                f"[TableEncoder] the table lacks {len(gone)} of the {len(self.columns)} columns "
                f"that the model needs: {named}; {hint}"
            )
        parts = [column.encode("TableEncoder", frame[column.name]) for column in self.columns]
        with np.errstate(over="ignore"):  # refused below
            rows = np.concatenate(parts, axis=1).astype(np.float32)
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, at = bad[0]
            raise ValueError(
                f"[TableEncoder] column {self.features[at]!r}, row {frame.index[row] + 1}: too far "
                "from the training rows for float32"
            )
        return rows

    def targets(self, table: Table) -> NDArray[Any]:
        """Class numbers, int64 (N,), or standardised numbers, float32 (N, 1).

        Raises:
            ValueError: a class that training did not know.
        """
        if self.task == "regression":
            numbers = table.values()
            return ((numbers - self.mean) / self.std).astype(np.float32)[:, None]
        place = {level(name): i for i, name in enumerate(self.classes)}
        names = [level(plain_value(value)) for value in table.target.tolist()]
        unknown = sorted({name for name in names if name not in place})
        if unknown:
            raise ValueError(
                f"[TableEncoder] the target {self.target!r} has the value {unknown[0]!r}, which is "
                f"none of the model's classes: {', '.join(map(str, self.classes[:20]))}"
            )
        return np.array([place[name] for name in names], dtype=np.int64)

    def encode(self, table: Table) -> TensorDataset:
        """Inputs and, where the table has a target, targets."""
        if table.target is None:
            return TensorDataset(self.inputs(table))
        return TensorDataset(self.inputs(table), self.targets(table))

    def decode(self, output: Tensor) -> list[Any]:
        """The network's outputs as values of the target: class names, or numbers in its unit."""
        if self.task == "classification":
            return [self.classes[i] for i in output.argmax(dim=1).tolist()]
        numbers = output.detach().numpy().astype(np.float64).reshape(-1)
        values: list[float] = (numbers * self.std + self.mean).tolist()
        return values

    def to_json(self) -> dict[str, Any]:
        """All that was learned, as JSON can hold it."""
        kept = {name: value for name, value in vars(self).items() if name != "columns"}
        return {**kept, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> TableEncoder:
        """The encoder that ``to_json`` described.

        Raises:
            ValueError: something else.
        """
        encoder = cls()
        state = {"category_encoding": "onehot", **state}  # files before it was there
        try:
            for name in vars(encoder):
                setattr(encoder, name, state[name])
            encoder.columns = [Column(**column) for column in state["columns"]]
            known = {column.kind for column in encoder.columns} <= {"number", "date", "category"}
            if not known or encoder.task not in ("classification", "regression", None):
                raise ValueError("unknown kinds")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"[TableEncoder] this describes no table: {error!r}") from None
        return encoder
