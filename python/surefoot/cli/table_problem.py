"""A table as a problem to train on: columns to numbers, rows to parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surefoot import nn
from surefoot._core import Tensor
from surefoot.data import Table, TableEncoder, read_table
from surefoot.data._columns import check_texts

from .errors import UserError, user_errors
from .problem import Problem, shares_of
from .scores import Scores, table_scores

__all__ = ["TableProblem", "table_problem"]


@dataclass
class TableProblem(Problem):
    """The parts of a table, and what turned them into numbers."""

    encoder: TableEncoder = field(default_factory=TableEncoder)
    tables: dict[str, Table] = field(default_factory=dict)

    def head(self) -> list[str]:
        """What the columns are, how many rows there are, and what was left out."""
        what = f"{self.task} of {self.target}"
        if self.task == "classification":
            what += f", {len(self.classes)} classes"
        encoder = self.encoder
        columns = f"{len(encoder.columns)} columns as {encoder.num_numbers} numbers"
        if encoder.cardinalities:
            columns += f" and {len(encoder.cardinalities)} embedded"
        rows = ", ".join(f"{len(part)} {name}" for name, part in self.tables.items())
        notes = [f"note: {note}" for note in encoder.notes]
        return [f"{self.name}: {what}; {columns}", f"rows: {rows}", *notes]

    def network(self, options: Mapping[str, Any]) -> nn.Module:
        """Return a perceptron, with embeddings where the encoder makes codes."""
        encoder, dropout = self.encoder, options["dropout"]
        sizes = options["hidden"], encoder.num_outputs
        if encoder.cardinalities:
            codes = encoder.num_numbers, encoder.cardinalities
            return nn.models.TabularMLP(*codes, *sizes, dropout=dropout)
        return nn.models.MLP(encoder.num_numbers, *sizes, dropout=dropout)

    def score(self, output: Tensor, part: str) -> Scores:
        """Compare outputs with the targets, in their own unit."""
        return table_scores(self.encoder, output, self.tables[part])

    def info(self) -> dict[str, Any]:
        """Also all that turns raw rows into numbers."""
        return {**super().info(), "table": self.encoder.to_json()}


def table_problem(path: Path, options: Mapping[str, Any]) -> TableProblem:
    """Read and cut the table, and fit the encoder on the training part."""
    wanted = shares_of(options)
    with user_errors():
        table = read_table(
            path,
            options["target"],
            task=options["task"],
            group=options["group"],
            time=options["time"],
            drop=options["drop"],
            categories=options["categories"],
            missing_target="drop" if options["drop_missing_target"] else "refuse",
        )
        check_texts("read_table", table.inputs, table.categories)  # whatever part they go to
        cut = table.split(list(wanted.values()), seed=options["seed"])
        tables = dict(zip(wanted, cut, strict=True))
        for name, part in tables.items():
            if len(part) == 0:
                raise ValueError(
                    f"{path}: {len(table)} rows are too few for a {name} part; give it none with "
                    f"--{name}-share 0, or find more rows"
                )
        _check_classes(path, tables["training"])
        encoder = TableEncoder(options["category_encoding"])._learn(tables["training"])
        parts = {name: encoder.encode(part) for name, part in tables.items()}
    task, target = str(encoder.task), str(encoder.target)
    if task == "regression":
        for name, of_numbers in (("class_weights", "none"), ("label_smoothing", 0)):
            if options[name] not in (None, of_numbers):
                option = f"--{name.replace('_', '-')} {options[name]}"
                raise UserError(f"{option} goes with classes; the target is a number")
    return TableProblem(str(path), task, target, encoder.classes, parts, encoder, tables)


def _check_classes(path: Path, training: Table) -> None:
    if training.task == "classification" and len(np.unique(training.labels())) < 2:
        only = training.classes[int(training.labels()[0])]
        raise ValueError(
            f"{path}: the training part holds the class {only!r} alone; there are too few rows, or "
            "groups or times separate the classes"
        )
