"""Tables: columns of any kind, with a target."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot._check import choice

from ._columns import kind_of, level, near, numbers_of, plain_value
from ._source import delimiter_of, find, refuse
from .split import kfold, split

__all__ = ["Table", "read_table"]

TASKS = ("classification", "regression")
_DELIMITED = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_MOST_CLASSES = 20  # whole numbers with more values than this, or than sqrt(rows), are a quantity


class Table:
    """Rows of a table: ``inputs`` and, where there is one, the ``target``; see ``read_table``.

    ``task`` is 'classification' (``classes`` are its names) or 'regression', None without target.
    ``groups`` and ``times`` hold a label per row for ``split`` and ``kfold``, or None.

    Example:
        >>> import pandas as pd
        >>> from surefoot.data import read_table
        >>> frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "b", "a", "b"]})
        >>> table = read_table(frame, target="kind")
        >>> table.task, table.classes, [len(part) for part in table.split((0.5, 0.5))]
        ('classification', ['a', 'b'], [2, 2])
    """

    def __init__(
        self,
        inputs: Any,
        target: Any = None,
        task: str | None = None,
        classes: Sequence[Any] = (),
        categories: Sequence[str] = (),
        groups: NDArray[Any] | None = None,
        times: NDArray[Any] | None = None,
    ) -> None:
        self.inputs, self.target = inputs, target
        self.task, self.classes = task, list(classes)
        self.categories = list(categories)
        self.groups, self.times = groups, times

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        of = "" if self.task is None else f", {self.task} of {self.target.name!r}"
        return f"Table({len(self)} rows, {self.inputs.shape[1]} columns{of})"

    def rows(self, indices: Any) -> Table:
        """The table of some of its rows."""
        return Table(
            self.inputs.iloc[indices],
            None if self.target is None else self.target.iloc[indices],
            self.task,
            self.classes,
            self.categories,
            None if self.groups is None else self.groups[indices],
            None if self.times is None else self.times[indices],
        )

    def labels(self) -> NDArray[np.int64]:
        """The number of each row's class in ``classes``."""
        if self.task != "classification":
            raise ValueError(f"[Table] classes are for classification, this is {self.task}")
        place = {level(name): i for i, name in enumerate(self.classes)}
        return np.array([place[level(plain_value(x))] for x in self.target.tolist()], np.int64)

    def values(self) -> NDArray[np.float64]:
        """The target as numbers, float64 (N,)."""
        return numbers_of("Table", self.target, str(self.target.name), "number")

    def split(
        self,
        sizes: Sequence[float],
        *,
        shuffle: bool = True,
        stratify: bool | None = None,
        seed: int = 0,
    ) -> list[Table]:
        """Disjoint parts, as ``data.split`` cuts them.

        By time where the table has ``times``, else by whole groups where it has ``groups``;
        ``stratify``: each part gets its share of each class (by default, in classification).
        """
        options = self._policy(shuffle, stratify, seed)
        return [self.rows(part.indices) for part in split(range(len(self)), sizes, **options)]

    def kfold(
        self, k: int = 5, *, shuffle: bool = True, stratify: bool | None = None, seed: int = 0
    ) -> list[tuple[Table, Table]]:
        """The ``k`` pairs (training, validation) of cross-validation, by the rules of ``split``."""
        folds = kfold(range(len(self)), k, **self._policy(shuffle, stratify, seed))
        return [(self.rows(a.indices), self.rows(b.indices)) for a, b in folds]

    def _policy(self, shuffle: bool, stratify: bool | None, seed: int) -> dict[str, Any]:
        if self.times is not None:
            if stratify:
                raise ValueError("[Table] a split in time cannot stratify")
            return {"time": self.times, "seed": seed}
        if stratify is None:
            stratify = self.task == "classification"
        labels = self.labels() if stratify else None
        return {"shuffle": shuffle, "stratify": labels, "group": self.groups, "seed": seed}


def read_table(
    source: Any,
    target: str | None = None,
    *,
    task: str | None = None,
    group: str | None = None,
    time: str | None = None,
    drop: Iterable[str] = (),
    categories: Iterable[str] = (),
    missing_target: str = "refuse",
    delimiter: str | None = None,
) -> Table:
    """A table of a .csv, .tsv (also .gz) or .parquet file, or of a pandas DataFrame.

    Args:
        target: the column to predict; None for rows to predict.
        task: 'classification' or 'regression'. None: texts and booleans are classes, so are whole
            numbers with at most 20 values and at most sqrt(rows) of them (two are always classes);
            other numbers are quantities.
        group: rows with the same value of this column go into the same part of a split.
        time: a column of numbers or dates; a split puts early rows first.
        drop: columns to leave out. ``group`` and ``time`` are no inputs either.
        categories: columns of numbers that are names, such as postal codes.
        missing_target: 'refuse' rows without target, or 'drop' them.
        delimiter: what stands between cells; None: tab in .tsv, else the one of ',', ';' and tab
            that the first line has most of.

    Empty cells, NA, NaN, null, None and ? are missing. Needs pandas: pip install 'surefoot[table]';
    for parquet pyarrow, too: pip install 'surefoot[parquet]'.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unreadable or empty file, an unknown column, a target that is missing in some
            rows, has one value alone (unless ``task`` is given), or is no number in regression.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "houses.csv")
        >>> _ = path.write_text("rooms,town,price\\n3,Ulm,210.5\\n,Jena,180.25\\n5,,333.1\\n")
        >>> read_table(path, target="price")
        Table(3 rows, 2 columns, regression of 'price')
    """
    choice("read_table", "task", task, (*TASKS, None))
    choice("read_table", "missing_target", missing_target, ("refuse", "drop"))
    categories, drop = list(categories), list(drop)
    frame, name = _frame_of(source, categories, delimiter)
    wanted = [*filter(None, (target, group, time)), *drop, *categories]
    for column in wanted:
        if column not in frame.columns:
            hint = near(column, list(frame.columns))
            raise ValueError(f"[read_table] {name}: no column {column!r}; {hint}")
    if not len(frame):
        refuse("read_table", name, "no rows under the names of the columns", "one row at least")
    if target is not None:
        frame = _with_target(frame, name, target, missing_target)
    inputs = frame.drop(columns=[*filter(None, (target, group, time)), *drop])
    if inputs.shape[1] == 0:
        refuse("read_table", name, "no columns of inputs", "one at least beside the target")
    if not inputs.notna().any(axis=None):
        refuse("read_table", name, "no value in any column of inputs", "values")
    groups = None if group is None else frame[group].astype(str).to_numpy(dtype=str)
    times = None if time is None else _times(frame[time], time)
    table = Table(inputs, categories=categories, groups=groups, times=times)
    if target is not None:
        _set_target(table, frame[target], name, task)
    return table


def _frame_of(source: Any, categories: list[str], delimiter: str | None) -> tuple[Any, str]:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(
            "[read_table] tables need pandas: pip install 'surefoot[table]'"
        ) from None
    if isinstance(source, pd.DataFrame):
        frame, name = source.copy(deep=False), "the table"
        frame.columns = [str(column) for column in frame.columns]
    else:
        file = find("read_table", source)
        frame, name = _read(pd, file, categories, delimiter), str(file)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        refuse("read_table", name, f"two columns called {twice!r}", "a name for each column")
    return frame.reset_index(drop=True), name


def _read(pd: Any, file: Path, categories: list[str], delimiter: str | None) -> Any:
    if file.name.lower().endswith(".parquet"):
        try:
            return pd.read_parquet(file)
        except ImportError:
            raise ImportError(
                "[read_table] parquet files need pyarrow: pip install 'surefoot[parquet]'"
            ) from None
        except Exception as error:  # the engines' own classes
            refuse("read_table", file, f"a file that cannot be read ({error})", "parquet")
    if not file.name.lower().endswith(_DELIMITED):
        refuse("read_table", file, "a name that ends otherwise", ".csv, .tsv, .gz or .parquet")
    try:
        delimiter = delimiter or delimiter_of(file)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                file,
                sep=delimiter,
                index_col=False,
                skipinitialspace=True,
                na_values=["?"],
                dtype=dict.fromkeys(categories, str),
                encoding="utf-8-sig",
                low_memory=False,
            )
    except UnicodeDecodeError as error:
        refuse("read_table", file, f"text that is not UTF-8 ({error})", "UTF-8")
    except pd.errors.EmptyDataError:
        refuse("read_table", file, "an empty file", "a line of column names and rows")
    except pd.errors.ParserWarning:
        refuse("read_table", file, "rows with more cells than the first line", "a table")
    except pd.errors.ParserError as error:
        cells = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        found = f"{cells[3]} cells in line {cells[2]}" if cells else str(error)
        refuse("read_table", file, found, f"{cells[1]} in every line" if cells else "a table")
    except (ValueError, EOFError) as error:
        refuse("read_table", file, str(error), "a table")
    except OSError as error:
        if error.errno is not None:
            raise
        refuse("read_table", file, str(error), "a table")


def _with_target(frame: Any, name: str, target: str, missing_target: str) -> Any:
    gone = frame[target].isna().to_numpy()
    if gone.all():
        refuse("read_table", name, f"no value in any row of the target {target!r}", "values")
    if not gone.any():
        return frame
    if missing_target == "drop":
        return frame[~gone]  # the index still is the number of the row
    rows = ", ".join(str(row + 1) for row in np.flatnonzero(gone)[:5])
    rows += ", ..." if gone.sum() > 5 else ""
    raise ValueError(
        f"[read_table] {name}: the target {target!r} is missing in {int(gone.sum())} of "
        f"{len(gone)} rows (rows {rows}); fill it in, or leave them out with "
        "missing_target='drop'"
    )


def _times(series: Any, name: str) -> NDArray[np.float64]:
    kind = kind_of(series)
    times = numbers_of("read_table", series, name, "date" if kind == "date" else "number")
    if np.isnan(times).any():
        row = int(np.flatnonzero(np.isnan(times))[0]) + 1
        raise ValueError(f"[read_table] the time {name!r} is missing in row {row}")
    return times


def _set_target(table: Table, series: Any, name: str, task: str | None) -> None:
    table.target = series
    values = series.unique().tolist()
    table.task = task or _task_of(series, values)
    if table.task == "regression":
        numbers_of("read_table", series, str(series.name), "number")  # names a cell that is none
    else:
        table.classes = sorted(
            {plain_value(x) for x in values}, key=lambda x: (isinstance(x, str), x)
        )
    if len(values) < 2 and task is None:  # with a task given they may be rows to judge a model by
        only = f"{plain_value(values[0])!r} in all {len(series)} rows of the target {series.name!r}"
        refuse("read_table", name, only, "two different values at least")


def _task_of(series: Any, values: list[Any]) -> str:
    if kind_of(series) != "number" or series.dtype == bool:
        return "classification"
    whole = all(isinstance(x, (bool, int)) or float(x).is_integer() for x in values)
    few = len(values) <= max(2, min(_MOST_CLASSES, math.isqrt(len(series))))
    return "classification" if whole and few else "regression"
