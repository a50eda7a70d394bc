"""Matrix products of surefoot and, where it is installed, PyTorch, in turn in one run.

python bench/python/products.py [--shapes 512x512x512 ...] [--forms NN NT TN] [--threads 1 2]

Sizes are M x K x N; NT is a linear layer forward, NN its input gradient, TN its weight gradient.
Each library lives in a process of its own, which sleeps while the other one works. Printed are the
median time of `a @ b` from Python, the share of the multiply-add peak measured in the same run, and
how many times as long PyTorch takes.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import time

import _peak
import numpy as np

LIBRARIES = ("surefoot", "torch")
SQUARES = (16, 31, 32, 33, 64, 65, 127, 128, 256, 512, 1024, 2048)
SKINNY = ("32x64x64", "128x784x512", "512x128x784", "128x512x512", "512x1024x1024")
SKINNY += ("256x784x2048", "256x2048x2048", "2048x256x2048", "512x256x256")
SHAPES = (*(f"{n}x{n}x{n}" for n in SQUARES), *SKINNY)
SLICE = 0.01  # seconds a library works before the other one does


def worker(library: str, threads: int) -> None:
    """Answer each line `M K N form dtype` with the seconds of a slice's product."""
    lib = importlib.import_module(library)
    lib.set_num_threads(threads)
    print(lib._core._isa() if library == "surefoot" else "", flush=True)
    rng = np.random.default_rng(0)
    case, a, b, count = "", None, None, 0
    for line in sys.stdin:
        if line != case:
            case = line
            *sizes, form, dtype = line.split()
            m, k, n = map(int, sizes)
            a = lib.tensor(rng.normal(size=(k, m) if form[0] == "T" else (m, k)).astype(dtype))
            b = lib.tensor(rng.normal(size=(n, k) if form[1] == "T" else (k, n)).astype(dtype))
            a, b = a.T if form[0] == "T" else a, b.T if form[1] == "T" else b
            begin = time.perf_counter()
            for _ in range(3):
                a @ b
            count = max(1, int(SLICE / (time.perf_counter() - begin) * 3))
        begin = time.perf_counter()
        for _ in range(count):
            a @ b
        print((time.perf_counter() - begin) / count, flush=True)


class Side:
    """One library at work in its own process."""

    def __init__(self, library: str, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", library, str(threads)]
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        self.isa = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended; its message stands above")
        return line.strip()

    def run(self, case: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(case + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(shape: str, form: str, dtype: str, threads: int, sides: list[Side], rounds: int) -> str:
    m, k, n = map(int, shape.split("x"))
    case = f"{m} {k} {n} {form} {dtype}"
    times = [[side.run(case)] for side in sides]
    peak = 0.0
    for _ in range(rounds):
        peak = max(peak, _peak.flops(sides[0].isa, threads))
        for side, list_ in zip(sides, times, strict=True):
            list_.append(side.run(case))
    medians = [statistics.median(list_[1:]) for list_ in times]
    limit = peak * (1 if dtype == "float32" else 0.5)
    shares = [2 * m * k * n / median / limit for median in medians]
    text = f"{form} {1e6 * medians[0]:8.1f} us {shares[0]:.2f}"
    return text + (f" ({shares[1]:.2f}) x{medians[1] / medians[0]:.2f}" if len(sides) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), metavar="MxKxN")
    parser.add_argument("--forms", nargs="*", default=["NN", "NT", "TN"])
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker[0], int(args.worker[1]))
        return
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    print(
        f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {args.dtype}; time,",
        end=" ",
    )
    print("share of the peak (PyTorch's), how many times as long PyTorch takes")
    for threads in args.threads:
        sides = [Side(library, threads) for library in libraries]
        for shape in args.shapes:
            texts = [
                compare(shape, form, args.dtype, threads, sides, args.rounds) for form in args.forms
            ]
            print(f"{threads} threads {shape:15s}", *texts, sep="   ", flush=True)
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
