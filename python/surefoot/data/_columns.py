"""Columns of a table: what kind each is, and the numbers it becomes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 10  # rows of which nothing is said
LEVELS = 50  # the most frequent levels of a category that get a number of their own
EMBEDDED_LEVELS = 10_000  # that get a vector of their own
ENCODINGS = ("onehot", "embed", "auto")
_DATE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?"


@dataclass
class Column:
    """One column of the inputs and what the training rows said of it.

    ``kind``: 'number', 'date' (days since 1970) or 'category'. Numbers become (x - mean) / std,
    with ``fill``, the median, where x is missing, and a second number 1 for missing where training
    rows had gaps. Categories become a 0 or 1 per level, one more for missing likewise; ``embedded``
    ones a code: 1, 2, ... for the levels and then for missing, 0 for a level not seen.
    """

    name: str
    kind: str
    fill: float = 0.0
    mean: float = 0.0
    std: float = 1.0
    levels: list[str] = field(default_factory=list)
    has_missing: bool = False
    embedded: bool = False

    @property
    def cardinality(self) -> int:
        """Number of codes of an embedded category."""
        return 1 + len(self.levels) + self.has_missing

    def features(self) -> list[str]:
        """Names of the numbers the column becomes."""
        if self.embedded:
            return [f"{self.name} code"]
        names = (
            [f"{self.name}={x}" for x in self.levels] if self.kind == "category" else [self.name]
        )
        return names + [f"{self.name} missing"] * self.has_missing

    def encode(self, where: str, series: Any) -> Floats:
        """The column as numbers, (N, features)."""
        if self.kind == "category":
            codes = self._codes(levels_of(series))
            return codes[:, None].astype(np.float64) if self.embedded else self._one_hot(codes)
        numbers = numbers_of(where, series, self.name, self.kind)
        missing = np.isnan(numbers)
        scaled = (np.where(missing, self.fill, numbers) - self.mean) / self.std
        return np.stack([scaled, *([missing] * self.has_missing)], axis=1).astype(np.float64)

    def _codes(self, found: list[str | None]) -> NDArray[np.int64]:
        """The place of each level, from 1; 0 for one that was not seen."""
        known: dict[str | None, int] = {level: i for i, level in enumerate(self.levels, start=1)}
        if self.has_missing:
            known[None] = len(self.levels) + 1
        return np.array([known.get(level, 0) for level in found], dtype=np.int64)

    def _one_hot(self, codes: NDArray[np.int64]) -> Floats:
        rows = np.zeros((len(codes), self.cardinality))
        rows[np.arange(len(codes)), codes] = 1.0
        return rows[:, 1:]


def fit_column(
    where: str, series: Any, name: str, kind: str, encoding: str
) -> tuple[Column | None, str]:
    """The column as the training rows show it, or None and why it says nothing."""
    if kind == "category":
        return _fit_category(series, name, encoding)
    numbers = numbers_of(where, series, name, kind)
    missing = np.isnan(numbers)
    if missing.all():
        return None, "has no values in the training rows"
    fill = float(np.median(numbers[~missing]))
    filled = np.where(missing, fill, numbers)
    has_missing = bool(missing.any())
    mean, std = mean_and_std(filled)
    if not std > 1e-12 * max(abs(mean), 1.0):
        if not has_missing:
            return None, "is constant in the training rows"
        std = 1.0
    return Column(name, kind, fill, mean, std, has_missing=has_missing), ""


def mean_and_std(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation, also of numbers whose squares are beyond float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(values.mean()), float(values.std())
    if math.isfinite(mean) and math.isfinite(std):
        return mean, std
    unit = float(np.abs(values).max())
    return float((values / unit).mean()) * unit, float((values / unit).std()) * unit


def _fit_category(series: Any, name: str, encoding: str) -> tuple[Column | None, str]:
    found = levels_of(series)
    counts: dict[str, int] = {}
    for level in found:
        if level is not None:
            counts[level] = counts.get(level, 0) + 1
    present, has_missing = sum(counts.values()), None in found
    if not counts:
        return None, "has no values in the training rows"
    if len(counts) == 1 and not has_missing:
        return None, "is constant in the training rows"
    many = len(counts) > LEVELS and len(counts) > present / 2
    if many or len(counts) == present > FEW:
        return None, f"has {len(counts)} different texts in {present} rows, as names of rows have"
    embedded = encoding == "embed" or (encoding == "auto" and len(counts) > LEVELS)
    most = EMBEDDED_LEVELS if embedded else LEVELS
    kept = sorted(sorted(counts, key=lambda level: (-counts[level], level))[:most])
    return Column(name, "category", levels=kept, has_missing=has_missing, embedded=embedded), ""


def kind_of(series: Any) -> str:
    """The kind of a column by its values."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(series.dtype):
        return "date"
    if types.is_numeric_dtype(series.dtype) or types.is_bool_dtype(series.dtype):
        return "number"
    present = series.dropna()
    if len(present) and present.map(lambda value: isinstance(value, (bool, int, float))).all():
        return "number"
    texts = present.astype(str)
    return "date" if len(texts) and texts.str.fullmatch(_DATE).all() else "category"


def numbers_of(where: str, series: Any, name: str, kind: str) -> Floats:
    """The values as float64, NaN where missing; ValueError names a cell that is no number."""
    import pandas as pd

    numbers: Floats
    missing = series.isna().to_numpy()
    if kind == "date":
        stamps = pd.to_datetime(series, errors="coerce", format="ISO8601", utc=True)
        days = (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        numbers = np.array(days.to_numpy(np.float64))
    else:
        plain = series.astype("float64") if series.dtype == bool else series
        coerced = pd.to_numeric(plain, errors="coerce")
        numbers = np.array(coerced.to_numpy(dtype=np.float64, na_value=math.nan))
    bad = np.flatnonzero(~np.isfinite(numbers) & ~missing)
    if len(bad):
        expected = "a date such as 2024-01-31" if kind == "date" else "a finite number"
        found = series.tolist()[bad[0]]
        raise ValueError(
            f"[{where}] column {name!r}, row {row_number(series, int(bad[0]))}: found {found!r}, "
            f"expected {expected}"
        )
    return numbers


def row_number(series: Any, position: int) -> int:
    """Of a row in the table that it was read from, of which ``series`` may be a part."""
    return int(series.index[position]) + 1


def levels_of(series: Any) -> list[str | None]:
    """The values as texts, None where missing: 1, 1.0 and '1' are the same level."""
    return [
        None if gone else level(value)
        for value, gone in zip(series.tolist(), series.isna().tolist(), strict=True)
    ]


def level(value: Any) -> str:
    """The text of a value of a category."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def plain_value(value: Any) -> Any:
    """A value that JSON can hold: str, int, float or bool."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float)) else str(value)


def near(name: str, names: Iterable[str]) -> str:
    """What to say of a name that is not there: names like it, or all."""
    import difflib

    names = list(names)
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], 3, 0.6)
    alike = [n for n in names if n.lower() in close]
    if alike:
        return f"did you mean {' or '.join(map(repr, alike))}?"
    short = [name if len(name) <= 40 else name[:40] + "..." for name in names[:20]]
    return f"there is {', '.join(short)}" + (", ..." if len(names) > 20 else "")


def check_texts(where: str, frame: Any, categories: Iterable[str]) -> None:
    """ValueError for a column of numbers but for a few cells, which would be taken for texts."""
    import pandas as pd

    for name in frame.columns.difference(list(categories), sort=False):
        present = frame[name].dropna()
        if len(present) <= FEW or kind_of(present) != "category":
            continue
        texts = np.flatnonzero(pd.to_numeric(present, errors="coerce").isna())
        if 0 < len(texts) <= len(present) / 10:
            raise ValueError(
                f"[{where}] column {name!r} holds numbers but for {len(texts)} of {len(present)} "
                f"cells, as {present.iloc[texts[0]]!r} in row {row_number(present, texts[0])}: "
                "mend or empty them, or name the column among the categories"
            )
