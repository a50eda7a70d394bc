"""Batches of arrays in memory: surefoot's DataLoader against PyTorch's, in turn in one run.

python bench/python/loader.py [TURNS]

Both shuffle and hand out pairs of tensors, PyTorch with its default workers (none) and collate
function. Printed are the best time of each for a batch and the median of the ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import numpy as np

from surefoot.data import DataLoader, TensorDataset

CASES = {"784 floats, batch 128": (784, 128, 4096), "4 floats, batch 128": (4, 128, 4096)}
CASES["784 floats, batch 32"] = (784, 32, 4096)
EPOCHS = 20  # of surefoot for one of PyTorch


def seconds(loader: Any, epochs: int) -> float:
    """The time of an epoch."""
    begin = time.perf_counter()
    for _ in range(epochs):
        for _inputs, _targets in loader:
            pass
    return (time.perf_counter() - begin) / epochs


def torch_loader(x: Any, y: Any, batch: int) -> Any:
    """The same of PyTorch, None where it is not installed."""
    try:
        import torch
        from torch.utils import data
    except ImportError:
        return None
    pairs = data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return data.DataLoader(pairs, batch, shuffle=True)


def main(turns: int) -> None:
    """Print a line per case."""
    random = np.random.default_rng(0)
    for name, (width, batch, rows) in CASES.items():
        x, y = random.random((rows, width), np.float32), random.integers(0, 10, rows)
        ours = DataLoader(TensorDataset(x, y), batch, shuffle=True, seed=0)
        theirs = torch_loader(x, y, batch)
        seconds(ours, EPOCHS)
        mine, other = [], []
        for _ in range(turns):
            mine.append(seconds(ours, EPOCHS))
            other.append(seconds(theirs, 1) if theirs is not None else float("nan"))
        ratio = statistics.median(b / a for a, b in zip(mine, other, strict=True))
        each = 1e6 / len(ours)
        print(
            f"{name:22s} surefoot {each * min(mine):6.1f} us/batch   "
            f"PyTorch {each * min(other):7.1f} us/batch   {ratio:6.1f}x"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
