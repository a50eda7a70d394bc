"""CSV files of numbers."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from surefoot._core import Tensor, tensor

from ._source import PathLike, delimiter_of, find, open_maybe_gzip, refuse
from .dataset import TensorDataset

__all__ = ["read_csv"]

_LARGEST = float(np.finfo(np.float32).max)


def read_csv(
    path: PathLike,
    target: str | int | None = None,
    *,
    header: bool | None = True,
    delimiter: str | None = None,
    sha256: str | None = None,
) -> TensorDataset:
    """Read a table of finite numbers: inputs (N, columns) float32 and, with a target, (N,).

    Args:
        target: the column of the targets, by its name or number (from 0; -1 is the last). They
            become int64, labels, where all of them are written as integers, else float32. None:
            there are inputs alone.
        header: the first line holds the names of the columns; None: if none of its cells is a
            number.
        delimiter: what stands between cells; None: tab in .tsv, else the one of ',', ';' and tab
            that the first line has most of.
        sha256: the digest that the file must have.

    UTF-8, may be gzipped; cells may stand in double quotes; empty lines are left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a cell that is no finite number (naming line and column), a line with more or
            fewer cells than the first, an unknown target, no rows, another digest.

    Example:
        >>> import pathlib, tempfile
        >>> from surefoot.data import read_csv
        >>> path = pathlib.Path(tempfile.mkdtemp(), "table.csv")
        >>> _ = path.write_text("width,height,kind\\n1.5,2,0\\n3,4.5,1\\n")
        >>> x, y = read_csv(path, target="kind").tensors
        >>> x.tolist(), y.tolist()
        ([[1.5, 2.0], [3.0, 4.5]], [0, 1])
    """
    file = find("read_csv", path, sha256)
    if delimiter is not None and len(delimiter) != 1:
        raise ValueError(f"[read_csv] delimiter must be one character, got {delimiter!r}")
    table = _Table(file, target)
    line = 1
    try:
        delimiter = delimiter or delimiter_of(file)
        text = io.TextIOWrapper(open_maybe_gzip(file), encoding="utf-8-sig", newline="")
        with text as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            for row in reader:
                line = reader.line_num
                if row:
                    table.add(line, row, header)
    except csv.Error as error:
        refuse("read_csv", file, f"line {line + 1}: {error}", "a table")
    except UnicodeDecodeError as error:
        refuse("read_csv", file, f"text that is not UTF-8 ({error})", "UTF-8")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        refuse("read_csv", file, f"a damaged gzip file ({error})", "a whole one")
    return table.dataset()


class _Table:
    """The cells read so far."""

    def __init__(self, file: Path, target: str | int | None) -> None:
        self.file, self.target = file, target
        self.names: list[str] = []
        self.width = 0
        self.rows: list[list[float]] = []
        self.text: list[list[str]] = []

    def add(self, line: int, cells: list[str], header: bool | None) -> None:
        if not self.width:
            self.width = len(cells)
            if header or (header is None and not any(map(_is_number, cells))):
                self.names = [cell.strip() for cell in cells]
                self._check_names(line)
                if self.target is not None:
                    self._column(self.target)  # refused before a cell is read
                return
        if len(cells) != self.width:
            found = f"{len(cells)} cells in line {line}"
            refuse("read_csv", self.file, found, f"{self.width} as in the first line")
        self.rows.append(list(self._numbers(line, cells)))
        self.text.append(cells)

    def _check_names(self, line: int) -> None:
        for name, times in Counter(self.names).items():
            if times > 1:
                found = f"two columns called {name!r} in line {line}"
                refuse("read_csv", self.file, found, "a name for each column")

    def _numbers(self, line: int, cells: list[str]) -> Iterator[float]:
        for column, cell in enumerate(cells):
            try:
                number = math.nan if "_" in cell else float(cell)
            except ValueError:
                number = math.nan
            if not abs(number) <= _LARGEST:
                self._bad_cell(line, column, cell)
            yield number

    def _bad_cell(self, line: int, column: int, cell: str) -> NoReturn:
        name = f" ({self.names[column]})" if self.names else ""
        found = f"{cell!r} in line {line}, column {column + 1}{name}"
        expected = "a finite number (float32)"
        if self.names and line > 1 and not self.rows and not cell.strip():
            expected += "; fill the gap or leave the row out"
        elif not self.names and not self.rows:
            expected += "; a line of names needs header=True"
        refuse("read_csv", self.file, found, expected)

    def dataset(self) -> TensorDataset:
        if not self.rows:
            refuse("read_csv", self.file, "no rows", "one row of numbers at least")
        numbers = np.array(self.rows, dtype=np.float64)
        if self.target is None:
            return TensorDataset(numbers.astype(np.float32))
        column = self._column(self.target)
        if self.width < 2:
            refuse("read_csv", self.file, "one column", "inputs beside the target")
        inputs = np.delete(numbers, column, axis=1).astype(np.float32)
        return TensorDataset(inputs, self._targets(numbers[:, column], column))

    def _column(self, target: str | int) -> int:
        if isinstance(target, str):
            if target not in self.names:
                known = f"one of {', '.join(self.names)}" if self.names else "a number: no header"
                refuse("read_csv", self.file, f"no column {target!r}", known)
            return self.names.index(target)
        if not -self.width <= target < self.width:
            expected = f"{-self.width} to {self.width - 1}"
            refuse("read_csv", self.file, f"no column {target}", expected)
        return target % self.width

    def _targets(self, numbers: NDArray[np.float64], column: int) -> Tensor:
        digits = [row[column].strip().lstrip("+-").isdecimal() for row in self.text]
        whole = all(digits) and bool((np.abs(numbers) < 2**53).all())
        return tensor(numbers.astype(np.int64 if whole else np.float32))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
