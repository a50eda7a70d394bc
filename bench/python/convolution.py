"""Convolutions against PyTorch, where it is installed: forward and the two gradients, batch 64.

    PYTHONPATH=python python bench/python/convolution.py [THREADS]

The two libraries take turns; printed are medians in microseconds and how many times as long PyTorch
takes.
"""

from __future__ import annotations

import statistics
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

REPEAT = 21
# channels, outs, size, kernel, stride, padding, groups
CASES = {
    "1-6 5x5 28": (1, 6, 28, 5, 1, 2, 1),
    "6-16 5x5 14": (6, 16, 14, 5, 1, 0, 1),
    "16-16 3x3 32": (16, 16, 32, 3, 1, 1, 1),
    "32-32 3x3 16": (32, 32, 16, 3, 1, 1, 1),
    "64-64 3x3 8": (64, 64, 8, 3, 1, 1, 1),
    "16-32 3x3 32 s2": (16, 32, 32, 3, 2, 1, 1),
    "16-32 1x1 32 s2": (16, 32, 32, 1, 2, 0, 1),
    "64-64 1x1 8": (64, 64, 8, 1, 1, 0, 1),
    "32 3x3 16 depthwise": (32, 32, 16, 3, 1, 1, 32),
}


def products(lib: Any, arrays: tuple[Any, ...], options: tuple[int, ...]) -> list[Any]:
    """Calls for the value, the gradient of the input and that of the weight."""
    conv = lib.conv2d if lib is sf else lib.nn.functional.conv2d
    x, w, g = (lib.tensor(a) for a in arrays)
    leaf_x, leaf_w = (lib.tensor(a, requires_grad=True) for a in arrays[:2])
    stride, padding, groups = options
    rest = (None, stride, padding, 1, groups)
    by_x, by_w = conv(leaf_x, w, *rest), conv(x, leaf_w, *rest)
    grad = lib.autograd.grad
    return [
        lambda: conv(x, w, *rest),
        lambda: grad(by_x, leaf_x, g, retain_graph=True),
        lambda: grad(by_w, leaf_w, g, retain_graph=True),
    ]


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    libraries = [sf] if torch is None else [sf, torch]
    for lib in libraries:
        lib.set_num_threads(threads)
    rng = np.random.default_rng(0)
    print(f"{threads} thread(s)", "" if torch else "; PyTorch is not installed")
    for name, (channels, outs, size, kernel, stride, padding, groups) in CASES.items():
        result = (size + 2 * padding - kernel) // stride + 1
        shapes = ((64, channels, size, size), (outs, channels // groups, kernel, kernel),
                  (64, outs, result, result))  # fmt: skip
        arrays = tuple(rng.standard_normal(s).astype(np.float32) for s in shapes)
        calls = [products(lib, arrays, (stride, padding, groups)) for lib in libraries]
        text = f"{name:20s}"
        for label, *pair in zip(("forward", "input grad", "weight grad"), *calls, strict=True):
            for call in pair:
                call()
            times = [[seconds(call) for call in pair] for _ in range(REPEAT)]
            medians = [statistics.median(column) for column in zip(*times, strict=True)]
            ratio = f" x{medians[1] / medians[0]:.2f}" if torch else ""
            text += f"  {label} {medians[0] * 1e6:6.0f}{ratio}"
        print(text)


if __name__ == "__main__":
    main()
