"""A library at work in a process of its own, which sleeps while the others work.

Threads that spin after their work, allocators that keep pages and caches that stay warm would
otherwise cost or help the neighbour. A script that uses this has a function
`timer(library, case)`, which returns a `timeit.Timer`, or None where the library has no such
thing; the process answers each line `case count` with the seconds that one of `count` turns took.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

# Freed pages stay with the process: PyTorch and NumPy spend up to a fifth of a step on faults
# without it.
_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
SLICE_S = 0.05


class Side:
    """One library with a number of threads, and the times of its cases."""

    def __init__(self, script: str, library: str, threads: int = 1) -> None:
        command = [sys.executable, __file__, script, library, str(threads)]
        counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ENVIRONMENT, **counts},
        )
        self.library, self.threads, self.reason = library, threads, ""
        self.slice_s = 0.0  # what a slice of the last case found out takes
        self.times: dict[str, list[float]] = {}
        self._counts: dict[str, int] = {}

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the worker ended; its message stands above")
        return answer.strip()

    def knows(self, case: str) -> bool:
        """Make the case ready and say whether this library has it; `reason` may say why not."""
        word, _, self.reason = self.ask(f"{case}\t0").partition(" ")
        return word == "ready"

    def run(self, case: str, slice_s: float = SLICE_S) -> None:
        """Run the case for about a slice; the first call only finds out how often that is."""
        if case in self._counts:
            self.times[case].append(float(self.ask(f"{case}\t{self._counts[case]}")))
            return
        self.ask(f"{case}\t1")
        count, once = 1, float(self.ask(f"{case}\t1"))
        while once * count < slice_s / 10:
            count *= 10
            once = float(self.ask(f"{case}\t{count}"))
        self._counts[case], self.times[case] = max(1, round(slice_s / once)), []
        self.slice_s = max(slice_s, once)

    def median(self, case: str) -> float:
        return statistics.median(self.times[case])

    def ratio(self, own: Side, case: str) -> float:
        """How many times as long this side takes: the median over turns next to each other."""
        pairs = zip(self.times[case], own.times[case], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def installed(libraries: Sequence[str]) -> list[str]:
    return [name for name in libraries if importlib.util.find_spec(name.partition(".")[0])]


def serve(script: str, library: str, threads: int) -> None:
    """Answer the lines on stdin until it is closed."""
    if library == "jax":  # has no setting of its own
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    module: Any = importlib.import_module(library.partition(".")[0])
    if hasattr(module, "set_num_threads"):
        module.set_num_threads(threads)
    timer = cache(lambda case: importlib.import_module(script).timer(library, case))
    for line in sys.stdin:
        case, count = line.split("\t")
        try:
            ready = timer(case)
        except Exception as error:
            print("none", f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
            continue
        if ready is None or int(count) == 0:
            print("none" if ready is None else "ready", flush=True)
            continue
        gc.collect()
        print(ready.timeit(int(count)) / int(count), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
