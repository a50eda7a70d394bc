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
import os
import timeit
from typing import Any

import _peak
import _side

LIBRARIES = ("surefoot", "torch")
PARTS = ("forward", "training")
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
SLICE_S = 0.04  # a library works before the other one does


def timer(library: str, case: str) -> timeit.Timer:
    """Of the part of a layer that a case `KIND PART INPUT HIDDEN STEPS BATCH` names."""
    lib: Any = importlib.import_module(library)
    kind, part, *sizes = case.split()
    inputs, hidden, steps, batch = map(int, sizes)
    layer = getattr(lib.nn, kind.upper())(inputs, hidden)
    x = lib.randn(steps, batch, inputs)
    seed = lib.randn(steps, batch, hidden)

    def forward() -> None:
        with lib.no_grad():
            layer(x)

    def training() -> None:
        lib.autograd.grad([layer(x)[0]], [x, *layer.parameters()], [seed])

    if part == "training":
        x.requires_grad_()
    call = {"forward": forward, "training": training}[part]
    call()
    return timeit.Timer(call)


def compare(kind: str, threads: int, sizes: list[int], rounds: int) -> None:
    inputs, hidden, steps, batch = sizes
    isa = importlib.import_module("surefoot")._core._isa()
    sides = [_side.Side("recurrent", name, threads) for name in _side.installed(LIBRARIES)]
    cases = {part: " ".join(map(str, (kind, part, *sizes))) for part in PARTS}
    for case in cases.values():
        for side in sides:
            side.run(case, SLICE_S)  # finds out how often
    peak = 0.0
    for _ in range(rounds):
        peak = max(peak, _peak.flops(isa, threads))
        for case in cases.values():
            for side in sides:
                side.run(case, SLICE_S)
    flops = 2 * steps * batch * GATES[kind] * hidden * (inputs + hidden)
    for part, case in cases.items():
        texts = [f"{kind:4s} {part:8s} {threads} threads"]
        for side in sides:
            median, best = side.median(case), min(side.times[case])
            share = flops * (3 if part == "training" else 1) / median / peak
            texts.append(
                f"{side.library} {1e3 * median:7.3f} ms (best {1e3 * best:7.3f}, {share:.2f})"
            )
        if len(sides) > 1:
            texts.append(f"torch / surefoot {sides[1].ratio(sides[0], case):.2f}")
        print("   ".join(texts), flush=True)
    for side in sides:
        side.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", choices=list(GATES), default=["lstm", "gru", "rnn"])
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--sizes", nargs=4, type=int, default=[32, 128, 50, 32])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, sizes {args.sizes}")
    for threads in args.threads:
        for kind in args.kinds:
            compare(kind, threads, args.sizes, args.rounds)


if __name__ == "__main__":
    main()
