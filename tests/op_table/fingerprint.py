"""Runs all rows once and writes what came out: `python -m op_table.fingerprint FILE`.

FILE becomes an .npz with the small results, for comparison within tolerances; standard output gets
JSON: the instruction set that ran, and a digest of the bits of every result.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import surefoot as sf
from op_table import RANDOM_ROWS, ROWS, Row, Sample
from op_table.run import FLOATS, apply, digest, gradients, rng_of, tensors, to_array


def results(row: Row, sample: Sample, dtype: str) -> list[np.ndarray]:
    call, _ = tensors(sample, dtype)
    arrays = [to_array(out) for out in apply(row, call)]
    if row.grad:
        arrays += [to_array(g) for g in gradients(row, sample, dtype)]
    return arrays


def training_run() -> list[np.ndarray]:
    """Some steps of a small network, and its weights after them."""
    rng = np.random.default_rng(0)
    x, labels = sf.tensor(rng.standard_normal((64, 20))), sf.tensor(rng.integers(0, 5, 64))
    x = x.float()
    shapes = ((20, 33), (33,), (33, 5), (5,))
    w = [sf.tensor((rng.standard_normal(s) * 0.3).astype(np.float32)) for s in shapes]
    w = [p.requires_grad_() for p in w]
    for _ in range(20):
        h = (x @ w[0] + w[1]).tanh()
        sf.nn.functional.cross_entropy(h @ w[2] + w[3], labels).backward()
        with sf.no_grad():
            for p in w:
                p -= 0.1 * p.grad
                p.grad = None
    return [to_array(p) for p in w]


def main(path: str) -> None:
    digests: dict[str, str] = {}
    kept: dict[str, Any] = {}

    def note(key: str, arrays: list[np.ndarray], keep: bool = True) -> None:
        digests[key] = digest(arrays)
        if keep:
            for i, array in enumerate(arrays):
                kept[f"{key}|{i}"] = array

    for row in ROWS:
        for dtype in FLOATS:
            for i, sample in enumerate(row.samples(rng_of(row))):
                note(f"{row.name}|{dtype}|{i}", results(row, sample, dtype))
            for i, sample in enumerate(row.special() if row.special else []):
                call, _ = tensors(sample, dtype)
                special = [to_array(out) for out in apply(row, call)]
                note(f"{row.name}|{dtype}|special {i}", special)
            for i, sample in enumerate(row.large(rng_of(row)) if row.large else []):
                note(f"{row.name}|{dtype}|large {i}", results(row, sample, dtype), keep=False)
    for random_row in RANDOM_ROWS:
        draw = to_array(random_row.draw(generator=sf.Generator(1)))
        note(f"{random_row.name}|random|0", [draw], keep=False)
    note("training|float32|0", training_run())
    np.savez(path, **kept)
    sys.stdout.write(json.dumps({"isa": sf._core._isa(), "digests": digests}))


if __name__ == "__main__":
    main(sys.argv[1])
