"""What is neither product nor convolution, beside PyTorch where it is installed, in one run.

python bench/python/pointwise.py [--cases relu adam] [--threads 1 2] [--seconds 3]

Activations, softmax with cross-entropy, norms: forward and backward; optimizers: a step over ten
million parameters. As in steps.py each library lives in a process of its own, here one for each
number of threads, and they work in turn. Printed are median microseconds, how many times as long
PyTorch takes, and the time with one thread over that with more.
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

import numpy as np

LIBRARIES = ("surefoot", "torch")
Work = Callable[[], None]
Case = Callable[[Any], Work]  # library -> what is timed


def numbers(lib: Any, *shape: int) -> Any:
    return lib.tensor(np.random.default_rng(0).normal(size=shape).astype("float32"))


def forward_backward(f: Callable[..., Any], *leaves: Any, seed: Any = None) -> Work:
    for leaf in leaves:
        leaf.requires_grad_()

    def work() -> None:
        for leaf in leaves:
            leaf.grad = None
        f(*leaves).backward(seed)

    return work


def activation(name: str) -> Case:
    def build(lib: Any) -> Work:
        f = getattr(lib.nn.functional, name)
        return forward_backward(f, numbers(lib, 1 << 20), seed=numbers(lib, 1 << 20))

    return build


def cross_entropy(rows: int, classes: int) -> Case:
    def build(lib: Any) -> Work:
        labels = lib.tensor(np.random.default_rng(0).integers(0, classes, rows))
        loss = lib.nn.CrossEntropyLoss()
        return forward_backward(lambda x: loss(x, labels), numbers(lib, rows, classes))

    return build


def norm(name: str, rows: int, width: int) -> Case:
    def build(lib: Any) -> Work:
        layer = getattr(lib.nn, name)(width)
        seed = numbers(lib, rows, width)
        backward = forward_backward(layer, numbers(lib, rows, width), seed=seed)

        def work() -> None:
            layer.weight.grad = layer.bias.grad = None
            backward()

        return work

    return build


def optimizer(name: str, tensors: int, size: int, **options: Any) -> Case:
    def build(lib: Any) -> Work:
        parameters = [lib.nn.Parameter(numbers(lib, size)) for _ in range(tensors)]
        for parameter in parameters:
            parameter.grad = numbers(lib, size)
        fused = lib.__name__ == "torch" and name in ("Adam", "SGD")
        extra = {"fused": True} if fused else {}
        work: Work = getattr(lib.optim, name)(parameters, lr=1e-3, **options, **extra).step
        return work

    return build


CASES: dict[str, Case] = {
    **{name: activation(name) for name in ("relu", "tanh", "sigmoid", "gelu", "selu")},
    "cross_entropy": cross_entropy(4096, 1000),
    "batch_norm": norm("BatchNorm1d", 512, 1024),
    "layer_norm": norm("LayerNorm", 512, 1024),
    "adam": optimizer("Adam", 10, 1_000_000),
    "sgd_momentum": optimizer("SGD", 10, 1_000_000, momentum=0.9),
    "rmsprop": optimizer("RMSprop", 10, 1_000_000),
}


def worker(library: str, name: str, threads: int) -> None:
    """Answer each number of repeats on stdin with the seconds one took."""
    lib = importlib.import_module(library)
    lib.set_num_threads(threads)
    lib.manual_seed(0)
    work = CASES[name](lib)
    for _ in range(3):
        work()
    for line in sys.stdin:
        count = int(line)
        begin = time.perf_counter()
        for _ in range(count):
            work()
        print((time.perf_counter() - begin) / count, flush=True)


class Side:
    """One library with a number of threads, at work in its own process."""

    def __init__(self, library: str, name: str, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", library, name, str(threads)]
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        self._count = 1
        self._count = max(1, int(0.02 / self.run()))
        self.times = list[float]()

    def run(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended; its message stands above")
        return float(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(name: str, threads: list[int], seconds: float) -> None:
    libraries = [library for library in LIBRARIES if importlib.util.find_spec(library)]
    sides = {(lib, n): Side(lib, name, n) for n in threads for lib in libraries}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(sides.values())).times) < 5:
        for side in sides.values():
            side.times.append(side.run())
    medians = {key: 1e6 * statistics.median(side.times) for key, side in sides.items()}
    for side in sides.values():
        side.close()
    texts = [f"{name:13s}"]
    for n in threads:
        texts.append(f"{n} threads {medians['surefoot', n]:8.0f} us")
        if "torch" in libraries:
            torch = medians["torch", n]
            texts.append(f"torch {torch:8.0f} us ({torch / medians['surefoot', n]:5.2f}x)")
    one, most = medians["surefoot", threads[0]], medians["surefoot", threads[-1]]
    print(
        "   ".join(texts), f"  {threads[0]} over {threads[-1]} threads {one / most:.2f}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--seconds", type=float, default=3.0, help="per case")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker[0], args.worker[1], int(args.worker[2]))
        return
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for name in args.cases:
        compare(name, args.threads, args.seconds)


if __name__ == "__main__":
    main()
