"""Which problem options stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .digits_problem import digits_problem
from .options import DEFAULTS_BY_TASK
from .problem import Problem
from .table_problem import table_problem

__all__ = ["problem_of"]


def problem_of(table: Path | None, options: dict[str, Any]) -> Problem:
    """Return what is to be learned: of a table, or the digits where there is none.

    Options that are None get the defaults of its task.
    """
    problem = digits_problem(options) if table is None else table_problem(table, options)
    defaults = DEFAULTS_BY_TASK[problem.task]
    options.update({name: value for name, value in defaults.items() if options[name] is None})
    return problem
