"""Size is watched: a file stays readable in one sitting, a function on one screen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from repo.tree import ROOT, cpp_files, name_of, python_files

FILE_LINES = 400
FUNCTION_LINES = 60  # the aim is 40; above this a function is certainly two

# Row tables grow with the library, one line a thing.
TABLES = {".def"}


def chores() -> list[Path]:
    scripts = [*ROOT.glob("cmake/*"), *ROOT.glob("tools/*.py")]
    return [ROOT / "CMakeLists.txt", ROOT / "noxfile.py", *scripts]


SOURCES = [path for path in [*cpp_files(), *python_files(), *chores()] if path.suffix not in TABLES]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= FILE_LINES, f"{name_of(path)} has {lines} lines; split it by subject"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".py"], ids=name_of)
def test_python_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= FUNCTION_LINES, f"{name_of(path)}: {node.name} has {lines} lines"


NOT_A_FUNCTION = re.compile(r"(inline )?namespace|extern|(template.*)?(struct|class|enum|union)\b")


def cpp_functions(text: str) -> Iterator[tuple[str, int]]:
    """(first line, number of lines) of every function that opens and closes at column 0."""
    opened, begin = "", 0
    for number, line in enumerate(text.splitlines()):
        if line.endswith("{") and not line.endswith("= {") and re.match(r"[A-Za-z]", line):
            opened, begin = line, number
        elif opened and line.startswith("}"):
            if not NOT_A_FUNCTION.match(opened) and not opened.endswith("] = {"):  # a table
                yield opened, number - begin + 1
            opened = ""


@pytest.mark.parametrize("path", [p for p in SOURCES if p.suffix in {".cpp", ".h"}], ids=name_of)
def test_cpp_functions_are_short(path: Path) -> None:
    for first_line, lines in cpp_functions(path.read_text()):
        assert lines <= FUNCTION_LINES, f"{name_of(path)}: {first_line} has {lines} lines"
