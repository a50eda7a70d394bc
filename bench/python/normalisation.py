"""Fused normalisation against the same formula written in public ops, in turn in one run.

python bench/python/normalisation.py [REPEATS]

One thread; the best of the repeats, in microseconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import surefoot as sf
from surefoot.nn import functional as F

Norm = Callable[..., Any]


def composed(dims: tuple[int, ...]) -> Norm:
    def norm(x: Any, weight: Any, bias: Any) -> Any:
        centered = x - x.mean(dims, True)
        rstd = (centered.square().mean(dims, True) + 1e-5).rsqrt()
        return centered * rstd * weight + bias

    return norm


def seconds(norm: Norm, leaves: list[Any], seed: Any) -> tuple[float, float]:
    """Of one forward and one backward pass."""
    begin = time.perf_counter()
    y = norm(*leaves)
    middle = time.perf_counter()
    sf.autograd.grad([y], leaves, [seed])
    return middle - begin, time.perf_counter() - middle


def compare(name: str, shape: tuple[int, ...], sides: dict[str, tuple[Norm, tuple[int, ...]]],
            repeats: int) -> None:  # fmt: skip
    x, seed = sf.randn(*shape), sf.randn(*shape)
    best: dict[tuple[str, int], float] = {}
    for _ in range(repeats):
        for side, (norm, vector) in sides.items():
            leaves = [t.detach().requires_grad_() for t in (x, sf.ones(*vector), sf.zeros(*vector))]
            for part, taken in enumerate(seconds(norm, leaves, seed)):
                best[side, part] = min(best.get((side, part), taken), taken)
    texts = [f"{name:28s}"]
    for part, title in enumerate(("forward", "backward")):
        old, new = 1e6 * best["composed", part], 1e6 * best["fused", part]
        texts.append(f"{title} {old:8.1f} -> {new:7.1f} ({old / new:4.1f}x)")
    print("   ".join(texts))


def batch(x: Any, weight: Any, bias: Any) -> Any:
    return F.batch_norm(x, None, None, weight, bias, True)


def layer(x: Any, weight: Any, bias: Any) -> Any:
    return F.layer_norm(x, weight.shape, weight, bias)


def main(repeats: int = 15) -> None:
    sf.set_num_threads(1)
    for shape in ((64, 90), (1024, 512), (20, 100, 35, 45)):
        over = (0, *range(2, len(shape)))
        along = (shape[1], *[1] * (len(shape) - 2))
        sides = {"composed": (composed(over), along), "fused": (batch, (shape[1],))}
        compare(f"batch_norm {shape}", shape, sides, repeats)
    for shape in ((32, 64), (2048, 512)):
        sides = {"composed": (composed((1,)), shape[1:]), "fused": (layer, shape[1:])}
        compare(f"layer_norm {shape}", shape, sides, repeats)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
