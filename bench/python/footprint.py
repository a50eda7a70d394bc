"""What surefoot asks for before it computes anything, beside PyTorch: time, disk and memory.

python bench/python/footprint.py [--markdown]

The import of what a training needs (LIBRARY, LIBRARY.nn, LIBRARY.optim) is timed in fresh
interpreters, in turn, on top of NumPy's; the package's own files are counted without byte code and
without dependencies; the memory is the most that a process held
resident while it trained 784-512-512-10, with batches of 128.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
from pathlib import Path

import _side
import _table

LIBRARIES = ("surefoot", "torch")
IMPORTS = 9
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
TRAIN = """
import sys; sys.path.insert(0, {folder!r})
import importlib, _nets
lib = importlib.import_module({library!r})
lib.set_num_threads({threads})
step = _nets.training_step(lib, _nets.NETS["mlp512"])
for _ in range({steps}): step()
status = open("/proc/self/status").read().split("\\n")
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def ask(code: str) -> float:
    """The number that a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    # As installed: with byte code, which import_ms's first turn writes.
    env = {k: value for k, value in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return float(run.stdout)


def import_ms(libraries: list[str], turns: int) -> list[float]:
    """What the import of each adds to NumPy's, in milliseconds."""
    wanted = ["numpy", *(f"numpy, {name}, {name}.nn, {name}.optim" for name in libraries)]
    for what in wanted:  # warms the file cache and writes byte code
        ask(IMPORT.format(what))
    times = [[ask(IMPORT.format(what)) for what in wanted] for _ in range(turns)]
    columns = range(1, len(wanted))
    return [1e3 * statistics.median(row[i] - row[0] for row in times) for i in columns]


def package_mb(library: str) -> float:
    """Size of the package's files, in units of 10^6 bytes."""
    spec = importlib.util.find_spec(library)
    assert spec is not None and spec.origin is not None
    files = (
        path for path in Path(spec.origin).parent.rglob("*") if "__pycache__" not in path.parts
    )
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def peak_mb(library: str, steps: int) -> float:
    """Peak of the resident memory of a training run, in units of 10^6 bytes."""
    names = {"folder": str(Path(__file__).parent), "threads": os.cpu_count(), "steps": steps}
    return ask(TRAIN.format(library=library, **names)) * 1024 / 1e6


def main() -> None:
    parser = _table.parser(__doc__)
    args = parser.parse_args()
    libraries = ["surefoot"] if args.quick else _side.installed(LIBRARIES)
    turns, steps = (1, 3) if args.quick else (IMPORTS, 200)
    table = _table.Table(["", *libraries, *["share"] * (len(libraries) > 1), "aim"], args.markdown)
    subjects = (
        ("import, over NumPy's, ms", import_ms(libraries, turns), 15),
        ("installed package, MB", [package_mb(library) for library in libraries], 50),
        ("peak memory of a training, MB", [peak_mb(library, steps) for library in libraries], 3),
    )
    for what, figures, aim in subjects:
        cells = [_table.digits(figure) for figure in figures]
        if len(figures) > 1:
            cells.append(f"1/{_table.digits(figures[1] / figures[0], 2)}")
        table.row(what, *cells, f"1/{aim}")


if __name__ == "__main__":
    main()
