"""What is neither product nor convolution, beside PyTorch where it is installed, in one run.

python bench/python/pointwise.py [--cases relu adam] [--threads 1 2] [--seconds 3]

Activations, softmax with cross-entropy, norms: forward and backward; optimizers: a step over ten
million parameters. Each library lives in processes of its own, one for each number of threads,
which work in turn. Printed are median microseconds, how many times as long PyTorch takes, and how
many times as long one thread takes as the most.
"""

from __future__ import annotations

import importlib
import os
import timeit
from collections.abc import Callable
from typing import Any

import _side
import _table
import numpy as np

Work = Callable[[], Any]
Case = Callable[[Any], Work]  # library -> what is timed


def numbers(lib: Any, *shape: int) -> Any:
    return lib.tensor(np.random.default_rng(0).normal(size=shape).astype("float32"))


def forward_backward(
    f: Callable[[Any], Any], x: Any, parameters: Any = (), seed: Any = None
) -> Work:
    leaves = [x.requires_grad_(), *parameters]

    def work() -> None:
        for leaf in leaves:
            leaf.grad = None
        f(x).backward(seed)

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
        x, seed = numbers(lib, rows, width), numbers(lib, rows, width)
        return forward_backward(layer, x, list(layer.parameters()), seed)

    return build


def optimizer(name: str, tensors: int, size: int, clip: str = "", **options: Any) -> Case:
    """clip: by norm, "before" the step or "within" it where the library can."""

    def build(lib: Any) -> Work:
        parameters = [lib.nn.Parameter(numbers(lib, size)) for _ in range(tensors)]
        for parameter in parameters:
            parameter.grad = numbers(lib, size)
        fused = lib.__name__ == "torch" and name in ("Adam", "SGD")
        extra = {"fused": True} if fused else {}
        step: Any = getattr(lib.optim, name)(parameters, lr=1e-3, **options, **extra).step
        if not clip:
            return step
        if clip == "within" and lib.__name__ == "surefoot":
            return lambda: step(max_norm=1.0)
        return lambda: (lib.nn.utils.clip_grad_norm_(parameters, 1.0), step())

    return build


CASES: dict[str, Case] = {
    **{name: activation(name) for name in ("relu", "tanh", "sigmoid", "gelu", "selu")},
    "cross_entropy": cross_entropy(4096, 1000),
    "batch_norm": norm("BatchNorm1d", 512, 1024),
    "layer_norm": norm("LayerNorm", 512, 1024),
    "adam": optimizer("Adam", 10, 1_000_000),
    "clip, adam": optimizer("Adam", 10, 1_000_000, clip="before"),
    "adam(max_norm)": optimizer("Adam", 10, 1_000_000, clip="within"),
    "sgd_momentum": optimizer("SGD", 10, 1_000_000, momentum=0.9),
    "rmsprop": optimizer("RMSprop", 10, 1_000_000),
}


def timer(library: str, case: str) -> timeit.Timer:
    return timeit.Timer(CASES[case](importlib.import_module(library)))


def compare(case: str, sides: list[_side.Side], turns: float, table: _table.Table) -> None:
    for _ in range(2):  # the first finds out how often
        for side in sides:
            side.run(case)
    for _ in range(max(4, int(turns / sum(side.slice_s for side in sides)))):
        for side in sides:
            side.run(case)
    own = [side for side in sides if side.library == "surefoot"]
    cells = [case]
    for side in own:
        cells.append(f"{1e6 * side.median(case):.0f}")
        for other in sides:
            if other.threads == side.threads and other is not side:
                cells.append(_table.ratio(other.ratio(side, case)))
    table.row(*cells, _table.ratio(own[0].ratio(own[-1], case)))


def main() -> None:
    parser = _table.parser(__doc__)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--seconds", type=float, default=3.0, help="per case")
    args = parser.parse_args()
    libraries = ["surefoot"] if args.quick else _side.installed(["surefoot", "torch"])
    headers = ["case"]
    for threads in args.threads:
        headers.append(f"{threads} thr., us")
        headers += ["torch"] * (len(libraries) - 1)
    table = _table.Table([*headers, "1 / most"], args.markdown, first=14)
    sides = [_side.Side("pointwise", lib, n) for n in args.threads for lib in libraries]
    for case in args.cases[:1] if args.quick else args.cases:
        compare(case, sides, 0 if args.quick else args.seconds, table)
    for side in sides:
        side.close()


if __name__ == "__main__":
    main()
