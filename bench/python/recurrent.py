"""Recurrent layers of surefoot and, where it is installed, PyTorch, in turn in one run.

python bench/python/recurrent.py [--kinds lstm gru rnn] [--threads 1 2] [--rounds 15]
    [--sizes INPUT HIDDEN STEPS BATCH]

Each library lives in a process of its own, which sleeps while the other one works. Timed are the
forward pass without gradients, and forward and backward with respect to input and parameters.
Printed are medians, their ratio, and the share of the multiply-add peak measured in the same run.
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
from collections.abc import Callable
from typing import Any

import _peak

LIBRARIES = ("surefoot", "torch")
PARTS = ("forward", "training")
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def work(lib: Any, kind: str, sizes: tuple[int, ...]) -> dict[str, Callable[[], None]]:
    inputs, hidden, steps, batch = sizes
    layer = getattr(lib.nn, kind.upper())(inputs, hidden)
    x = lib.randn(steps, batch, inputs)
    leaf = lib.randn(steps, batch, inputs).requires_grad_()
    seed = lib.randn(steps, batch, hidden)

    def forward() -> None:
        with lib.no_grad():
            layer(x)

    def training() -> None:
        lib.autograd.grad([layer(leaf)[0]], [leaf, *layer.parameters()], [seed])

    return {"forward": forward, "training": training}


def worker(library: str, kind: str, threads: int, sizes: tuple[int, ...]) -> None:
    """Answer each line `part count` on stdin with the seconds that one call took."""
    lib = importlib.import_module(library)
    lib.set_num_threads(threads)
    calls = work(lib, kind, sizes)
    for call in calls.values():
        call()
    print(lib._core._isa() if library == "surefoot" else "torch", flush=True)
    for line in sys.stdin:
        part, count = line.split()
        begin = time.perf_counter()
        for _ in range(int(count)):
            calls[part]()
        print((time.perf_counter() - begin) / int(count), flush=True)


class Side:
    """One library at work in its own process."""

    def __init__(self, library: str, kind: str, threads: int, sizes: tuple[int, ...]) -> None:
        given = [library, kind, str(threads), *map(str, sizes)]
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        self.isa = self._line().strip()
        self.times: dict[str, list[float]] = {part: [] for part in PARTS}
        self.counts = {part: max(1, int(0.04 / self.seconds(part, 2))) for part in PARTS}

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended; its message stands above")
        return line

    def seconds(self, part: str, count: int) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{part} {count}\n")
        self._process.stdin.flush()
        return float(self._line())

    def sample(self, part: str) -> None:
        self.times[part].append(self.seconds(part, self.counts[part]))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(kind: str, threads: int, sizes: tuple[int, ...], rounds: int) -> None:
    inputs, hidden, steps, batch = sizes
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    sides = {library: Side(library, kind, threads, sizes) for library in libraries}
    peak = 0.0
    for _ in range(rounds):
        peak = max(peak, _peak.flops(sides["surefoot"].isa, threads))
        for part in PARTS:
            for side in sides.values():
                side.sample(part)
    flops = 2 * steps * batch * GATES[kind] * hidden * (inputs + hidden)
    for part in PARTS:
        texts = [f"{kind:4s} {part:8s} {threads} threads"]
        medians = {name: statistics.median(side.times[part]) for name, side in sides.items()}
        for name, median in medians.items():
            share = flops * (3 if part == "training" else 1) / median / peak
            best = min(sides[name].times[part])
            texts.append(f"{name} {1e3 * median:7.3f} ms (best {1e3 * best:7.3f}, {share:.2f})")
        if "torch" in medians:
            texts.append(f"torch / surefoot {medians['torch'] / medians['surefoot']:.2f}")
        print("   ".join(texts), flush=True)
    for side in sides.values():
        side.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", choices=list(GATES), default=["lstm", "gru", "rnn"])
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--sizes", nargs=4, type=int, default=[32, 128, 50, 32])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--worker", nargs=7, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        library, kind, threads, *sizes = args.worker
        worker(library, kind, int(threads), tuple(map(int, sizes)))
        return
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, sizes {args.sizes}")
    for threads in args.threads:
        for kind in args.kinds:
            compare(kind, threads, tuple(args.sizes), args.rounds)


if __name__ == "__main__":
    main()
