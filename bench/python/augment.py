"""Flip, padded crop and normalisation of a batch: surefoot, NumPy and torchvision.

python bench/python/augment.py [REPEATS]

Batches of 256 pictures of 32 x 32 x 3, float32; images a second, the best of the repeats, in turn
in one run. torchvision's v2 transforms give one crop and one flip to a whole batch, so they run
sample by sample, as in a data set; they are left out where they are not installed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

import surefoot as sf
from surefoot.data import augment

MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
BATCH = 256


def in_core(threads: int) -> Callable[[], object]:
    x = sf.rand(BATCH, 3, 32, 32)
    flip, crop = augment.RandomHorizontalFlip(), augment.RandomCrop(32, padding=4)
    program = augment.Compose([flip, crop, augment.Normalize(MEAN, STD)])

    def run() -> object:
        sf.set_num_threads(threads)
        return program(x, seed=0)

    return run


def in_numpy() -> Callable[[], object]:
    x = np.random.default_rng(0).random((BATCH, 3, 32, 32), dtype=np.float32)
    mean = np.array(MEAN, np.float32)[:, None, None]
    std = np.array(STD, np.float32)[:, None, None]
    rng = np.random.default_rng(1)

    def sample(image: np.ndarray) -> np.ndarray:
        if rng.random() < 0.5:
            image = image[:, :, ::-1]
        image = np.pad(image, ((0, 0), (4, 4), (4, 4)))
        top, left = rng.integers(0, 9, 2)
        return (image[:, top : top + 32, left : left + 32] - mean) / std

    return lambda: np.stack([sample(image) for image in x])


def in_torchvision() -> Callable[[], object]:
    import torch
    from torchvision.transforms import v2

    x = torch.rand(BATCH, 3, 32, 32)
    program = v2.Compose(
        [v2.RandomHorizontalFlip(), v2.RandomCrop(32, padding=4), v2.Normalize(MEAN, STD)]
    )
    return lambda: torch.stack([program(image) for image in x])


def main(repeats: int = 20) -> None:
    sides = {f"surefoot, {n} threads": in_core(n) for n in (1, sf.get_num_threads())}
    sides["NumPy, sample by sample"] = in_numpy()
    try:
        sides["torchvision, sample by sample"] = in_torchvision()
    except ImportError:
        print("torchvision is not installed")
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(repeats):
        for name, run in sides.items():
            begin = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - begin)
    slow = best["NumPy, sample by sample"]
    for name, seconds in best.items():
        print(f"{name:32s}{BATCH / seconds:12,.0f} images/s {slow / seconds:8.1f}x NumPy")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
