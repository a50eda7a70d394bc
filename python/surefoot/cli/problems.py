"""Which problem options stand for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .digits_problem import digits_problem
from .problem import Problem
from .table_problem import table_problem

__all__ = ["problem_of"]


def problem_of(table: Path | None, options: Mapping[str, Any]) -> Problem:
    """Return what is to be learned: of a table, or the digits where there is none."""
    return digits_problem(options) if table is None else table_problem(table, options)
