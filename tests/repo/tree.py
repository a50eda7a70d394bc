"""The repository's own files, for the tests of the house rules."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "surefoot"


def cpp_files() -> list[Path]:
    """Every C++ source, header and row table of the core."""
    return sorted(path for suffix in ("cpp", "h", "def") for path in CSRC.rglob(f"*.{suffix}"))


def python_files() -> list[Path]:
    """Every module of the package; generated stubs are not among them."""
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
