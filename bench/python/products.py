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
import os
import timeit

import _peak
import _side
import numpy as np

LIBRARIES = ("surefoot", "torch")
SQUARES = (16, 31, 32, 33, 64, 65, 127, 128, 256, 512, 1024, 2048)
SKINNY = ("32x64x64", "128x784x512", "512x128x784", "128x512x512", "512x1024x1024")
SKINNY += ("256x784x2048", "256x2048x2048", "2048x256x2048", "512x256x256")
SHAPES = (*(f"{n}x{n}x{n}" for n in SQUARES), *SKINNY)
SLICE = 0.01  # seconds a library works before the other one does


def timer(library: str, case: str) -> timeit.Timer:
    """Of the product that a case `M K N FORM DTYPE` names."""
    lib = importlib.import_module(library)
    *sizes, form, dtype = case.split()
    m, k, n = map(int, sizes)
    rng = np.random.default_rng(0)
    a = lib.tensor(rng.normal(size=(k, m) if form[0] == "T" else (m, k)).astype(dtype))
    b = lib.tensor(rng.normal(size=(n, k) if form[1] == "T" else (k, n)).astype(dtype))
    a, b = a.T if form[0] == "T" else a, b.T if form[1] == "T" else b
    return timeit.Timer("a @ b", globals={"a": a, "b": b})


def compare(
    shape: str, form: str, dtype: str, threads: int, sides: list[_side.Side], rounds: int
) -> str:
    m, k, n = map(int, shape.split("x"))
    case = f"{m} {k} {n} {form} {dtype}"
    for side in sides:
        side.run(case, SLICE)  # finds out how often
    isa = importlib.import_module("surefoot")._core._isa()
    peak = 0.0
    for _ in range(rounds):
        peak = max(peak, _peak.flops(isa, threads))
        for side in sides:
            side.run(case, SLICE)
    medians = [side.median(case) for side in sides]
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
    args = parser.parse_args()
    libraries = _side.installed(LIBRARIES)
    print(
        f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {args.dtype}; time,",
        end=" ",
    )
    print("share of the peak (PyTorch's), how many times as long PyTorch takes")
    for threads in args.threads:
        sides = [_side.Side("products", library, threads) for library in libraries]
        for shape in args.shapes:
            texts = [
                compare(shape, form, args.dtype, threads, sides, args.rounds) for form in args.forms
            ]
            print(f"{threads} threads {shape:15s}", *texts, sep="   ", flush=True)
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
