"""Every benchmark in Python starts, runs a moment and prints a table, without other libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "bench" / "python"
QUICK = ("overhead",)


@pytest.mark.parametrize("name", QUICK)
def test_prints_a_table(name: str) -> None:
    """`--quick` measures surefoot alone on its smallest case."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--quick", "--markdown"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    head, rule, *rows = run.stdout.splitlines()
    assert set(rule) <= set("|-: ") and rows
    for row in rows:
        assert row.count("|") == head.count("|") == rule.count("|")
        first_figure = row.split("|")[2].strip()
        assert float(first_figure.split()[0]) > 0
