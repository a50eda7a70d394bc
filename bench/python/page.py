"""Measure the tables of docs/benchmarks.md and write them into it.

python bench/python/page.py [steps threads ...] [--runner 'nice -n -5']

A table stands between `<!-- NAME -->` and `<!-- end -->`. It is taken in slices of about a minute,
each a run of one script with `--markdown`; `--runner` is put before the command of each.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "benchmarks.md"
LIBRARIES = ("surefoot", "torch", "numpy", "jax")
NETS = (
    *(("lenet", "resnet"), ("lstm", "mlp512"), ("mlp2048", "batchnorm"), ("selu", "tiny")),
    ("deep",),
)
SLICES: dict[str, list[list[str]]] = {
    "steps": [["steps.py", "--nets", *nets] for nets in NETS],
    "overhead": [["overhead.py", "--seconds", "30"]],
    "footprint": [["footprint.py"]],
    "threads": [["threads.py", "--seconds", "40"]],
}


def version(library: str) -> str | None:
    try:
        return f"{library} {importlib.metadata.version(library)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def machine() -> str:
    """Day, processor and versions, in a line."""
    import surefoot

    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    processor = models[0] if models else platform.processor()
    day = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    where = f"{os.cpu_count()} cores of {processor}, {surefoot._core._isa()}"
    others = [found for found in map(version, LIBRARIES[1:]) if found]
    mine = f"surefoot {surefoot.__version__}"
    return ", ".join([day, where, f"Python {platform.python_version()}", mine, *others])


def measure(slices: Sequence[Sequence[str]], runner: Sequence[str]) -> str:
    """The rows of all slices under one head, and the load averages they were taken at."""
    lines: list[str] = []
    loads = []
    for script, *options in slices:
        command = [*runner, sys.executable, str(FOLDER / script), "--markdown", *options]
        print(shlex.join(command), flush=True)
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(run.stdout, flush=True)
        table = [line for line in run.stdout.splitlines() if line.startswith("|")]
        lines += table[2:] if lines else table
        loads += map(float, re.findall(r"^load average ([\d.]+)", run.stdout, re.MULTILINE))
    span = f"{min(loads)}" if min(loads) == max(loads) else f"{min(loads)} to {max(loads)}"
    return "\n".join([*lines, "", f"{machine()}; load average {span} at the start."])


def write(name: str, table: str) -> None:
    """Put the table in its place on the page."""
    block = f"<!-- {name} -->\n\n{table}\n\n<!-- end -->"
    pattern = f"<!-- {name} -->.*?<!-- end -->"
    text, count = re.subn(pattern, lambda _: block, PAGE.read_text(), flags=re.DOTALL)
    assert count == 1, f"{PAGE} has no place for the table {name}"
    PAGE.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="*", default=list(SLICES), metavar="TABLE")
    parser.add_argument("--runner", type=shlex.split, default=[], help="put before each command")
    args = parser.parse_args()
    if "steps" in args.tables:  # compiling takes minutes and has no place in a slice
        subprocess.run([sys.executable, str(FOLDER / "steps.py"), "--warm"], check=True)
    for name in args.tables:
        write(name, measure(SLICES[name], args.runner))


if __name__ == "__main__":
    main()
