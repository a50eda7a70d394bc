"""Pooling, forward and backward, beside PyTorch where it is installed, in turn in one run.

python bench/python/pooling.py [REPEATS] [THREADS]

The best of the repeats, in microseconds; GB/s counts every element that must be read or written
once (input, output, both gradients; places of maxima are left out).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import surefoot as sf

try:
    import torch
except ImportError:
    torch = None

CASES: tuple[tuple[str, tuple[Any, ...], tuple[int, ...]], ...] = (
    ("max_pool2d", (2,), (64, 6, 28, 28)),
    ("max_pool2d", (2,), (64, 64, 32, 32)),
    ("max_pool2d", (3, 2, 1), (64, 64, 32, 32)),
    ("avg_pool2d", (2,), (64, 6, 28, 28)),
    ("avg_pool2d", (2,), (64, 64, 32, 32)),
    ("avg_pool2d", (3, 1, 1), (64, 64, 32, 32)),
    ("adaptive_avg_pool2d", (1,), (64, 64, 8, 8)),
    ("adaptive_avg_pool2d", (1,), (64, 64, 32, 32)),
)


def sides(name: str, args: tuple[Any, ...], x: Any) -> dict[str, Callable[[], tuple[float, float]]]:
    """For each library a function that takes the times of one forward and one backward pass."""

    def ours() -> tuple[float, float]:
        begin = time.perf_counter()
        y = getattr(sf.nn.functional, name)(leaf, *args)
        middle = time.perf_counter()
        sf.autograd.grad([y], [leaf], [seed])
        return middle - begin, time.perf_counter() - middle

    def theirs() -> tuple[float, float]:
        begin = time.perf_counter()
        y = getattr(torch.nn.functional, name)(their_leaf, *args)
        middle = time.perf_counter()
        torch.autograd.grad([y], [their_leaf], [their_seed])
        return middle - begin, time.perf_counter() - middle

    leaf = sf.tensor(x).requires_grad_()
    seed = sf.ones_like(getattr(sf, name)(leaf, *args))
    if torch is None:
        return {"surefoot": ours}
    their_leaf = torch.tensor(x).requires_grad_()
    their_seed = torch.ones(tuple(seed.shape))
    return {"surefoot": ours, "torch": theirs}


def main(repeats: int = 15, threads: int = 1) -> None:
    sf.set_num_threads(threads)
    if torch is not None:
        torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    for name, args, shape in CASES:
        x = rng.standard_normal(shape).astype(np.float32)
        runs = sides(name, args, x)
        best: dict[tuple[str, int], float] = {}
        for _ in range(repeats):
            for side, run in runs.items():
                for part, taken in enumerate(run()):
                    best[side, part] = min(best.get((side, part), taken), taken)
        with sf.no_grad():
            numbers = x.size + getattr(sf, name)(sf.tensor(x), *args).numel()
        texts = [f"{name + str(args):28s} {shape!s:18s}"]
        for part, title in enumerate(("forward", "backward")):
            own = best["surefoot", part]
            text = f"{title} {1e6 * own:8.0f} us {4 * numbers / own / 1e9:5.1f} GB/s"
            if torch is not None:
                text += f" ({best['torch', part] / own:4.1f}x torch)"
            texts.append(text)
        print("   ".join(texts), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
