"""The doors between the rooms: who may include or import whom."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repo.tree import CSRC, PACKAGE, cpp_files, name_of, python_files

# C++: room -> the rooms it may include, besides itself.
CPP_DOORS: dict[str, set[str]] = {
    "base": set(),
    "kernels": {"base"},
    "tensor": {"base", "kernels"},
    "autograd": {"base", "kernels", "tensor"},
    "capture": {"base", "kernels", "tensor", "autograd"},
    "ops": {"base", "kernels", "tensor", "autograd"},
    "optim": {"base", "kernels", "tensor"},
    "probe": {"base", "kernels", "tensor"},
    "bind": {"base", "kernels", "tensor", "autograd", "capture", "ops", "optim", "probe"},
}

# A header that belongs to one room alone.
CPP_PRIVATE_HEADERS = {
    r"omp\.h": "base",
    r"pybind11/.*|Python\.h|numpy/.*": "bind",
    r"immintrin\.h|x86intrin\.h|arm_neon\.h": "kernels",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path: Path) -> Iterator[tuple[bool, str]]:
    """(is it quoted, the header named) for every include of a file."""
    for mark, header in INCLUDE.findall(path.read_text()):
        yield mark == '"', header


def cpp_room(path: Path) -> str:
    return path.relative_to(CSRC).parts[0]


@pytest.mark.parametrize("path", cpp_files(), ids=name_of)
def test_cpp_includes_keep_to_the_doors(path: Path) -> None:
    room = cpp_room(path)
    assert room in CPP_DOORS, f"{name_of(path)}: csrc/{room} is no room of the design"
    for quoted, header in includes(path):
        if quoted:
            assert (CSRC / header).is_file(), f"write {header!r} as its path below csrc/"
            target = header.split("/")[0]
            assert target == room or target in CPP_DOORS[room], f"{room} may not include {header}"
        for pattern, owner in CPP_PRIVATE_HEADERS.items():
            if re.fullmatch(pattern, header):
                assert room == owner, f"only {owner} may include <{header}>"


@pytest.mark.parametrize("path", cpp_files(), ids=name_of)
def test_only_base_knows_openmp(path: Path) -> None:
    if cpp_room(path) != "base":
        assert not re.search(r"^\s*#\s*pragma\s+omp|\bomp_\w+\(", path.read_text(), re.MULTILINE)


ISA_FILES = [path for path in cpp_files() if "kernels/isa/" in name_of(path)]
ISA_MAY_INCLUDE = re.compile(r"kernels/table\.h|kernels/\w+\.def|kernels/isa/\w+\.(h|def)")


@pytest.mark.parametrize("path", ISA_FILES, ids=name_of)
def test_isa_files_include_the_table_and_their_own_headers_only(path: Path) -> None:
    for quoted, header in includes(path):
        if quoted:
            assert ISA_MAY_INCLUDE.fullmatch(header), f"{header} is not for ISA files"


# Python: room -> the rooms it may import, besides itself. A room is a folder or a module of the
# package; the package itself is "surefoot".
CORE = {"_core", "_check"}  # what every room may know
PY_DOORS: dict[str, set[str]] = {
    "_check": {"_core"},
    "_tensor": CORE,
    "autograd": CORE,
    "nn": CORE | {"autograd"},
    "initializers": {"nn"},
    "optim": CORE | {"autograd", "nn"},  # swa_utils averages modules
    "data": CORE,
    "regularize": CORE | {"autograd", "nn"},
    "prune": {"nn"},
    "plot": CORE | {"autograd", "nn", "optim"},
    "train": CORE | {"autograd", "nn", "optim", "data", "regularize", "files", "plot"},
    "_process": set(),
    "_disk": {"_process"},
    "files": CORE | {"_disk"},
    "model_file": CORE | {"nn", "files", "ensemble"},  # a file may hold an ensemble
    "tune": CORE | {"_process", "train", "plot"},
    "config": CORE,
    "techniques": set(),
    "doctor": CORE | {"nn"},
    "testing": CORE | {"surefoot"},  # checks functions written by users, as they see the package
    "ensemble": CORE | {"autograd", "nn", "optim", "data", "regularize", "train"},
    "estimators": CORE | {"autograd", "nn", "optim", "data", "regularize", "train"},
    "cli": CORE
    | {"_disk", "autograd", "config", "data", "files", "model_file", "nn", "optim", "plot"}
    | {"regularize", "train", "tune"},
}


def imported_modules(path: Path) -> Iterator[str]:
    """Dotted names of the package's modules that a file imports, anywhere in it."""
    package = ("surefoot", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *((node.module,) if node.module else ())))
            if base == "surefoot":  # `from surefoot import nn` names rooms
                yield from (f"surefoot.{alias.name}" for alias in node.names)
            else:
                yield base


def python_room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return "surefoot" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("path", python_files(), ids=name_of)
def test_python_imports_keep_to_the_doors(path: Path) -> None:
    room = python_room(path)
    if room == "surefoot":
        return
    assert room in PY_DOORS, f"{name_of(path)}: surefoot.{room} is no room of the design"
    for module in imported_modules(path):
        if module.split(".")[0] != "surefoot":
            continue
        parts = module.split(".")
        target = parts[1] if len(parts) > 1 else "surefoot"
        assert target == room or target in PY_DOORS[room], f"{room} may not import {module}"


def test_hard_dependencies_are_the_three_named() -> None:
    """What is imported at module level comes from the standard library, numpy or the package."""
    known = set(sys.stdlib_module_names) | {"numpy", "surefoot", "__future__"}
    for path in python_files():
        for node in ast.parse(path.read_text()).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            foreign = [name for name in names if name.split(".")[0] not in known]
            assert not foreign, f"{name_of(path)}: import {foreign} where they are used"
