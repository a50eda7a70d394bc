"""The float32 multiply-add peak of this machine, measured with the loop of bench/cpp/spin.h."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

_SHIM = """
#include "spin.h"
extern "C" double spin_for(const char* isa, int64_t rounds) { return peak::spin(isa, rounds); }
"""


@cache
def _library() -> Any:
    folder = Path(tempfile.mkdtemp())
    library = folder / "spin.so"
    include = Path(__file__).parents[1] / "cpp"
    compiler = os.environ.get("CXX", "c++")
    command = [compiler, "-std=c++20", "-O2", "-shared", "-fPIC", f"-I{include}", "-x", "c++", "-"]
    subprocess.run([*command, "-o", str(library)], input=_SHIM, text=True, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.spin_for.restype = ctypes.c_double
    loaded.spin_for.argtypes = [ctypes.c_char_p, ctypes.c_int64]
    return loaded


def flops(isa: str, threads: int, rounds: int = 200_000) -> float:
    """Return float32 flop/s of `threads` cores at once (some 2 ms; ctypes lets the GIL go)."""
    spin = _library().spin_for
    rates = [0.0] * threads
    together = threading.Barrier(threads)

    def run(i: int) -> None:
        together.wait()
        begin = time.perf_counter()
        done = spin(isa.encode(), rounds)
        rates[i] = done / (time.perf_counter() - begin)

    workers = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(rates)


if __name__ == "__main__":
    isa = sys.argv[1] if len(sys.argv) > 1 else "avx512"
    for threads in range(1, (os.cpu_count() or 1) + 1):
        best = max(flops(isa, threads) for _ in range(10))
        print(f"{isa}, {threads} threads: {best / 1e9:.0f} GFLOP/s")
