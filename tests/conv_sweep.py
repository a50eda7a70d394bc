"""Convolutions of every channel count that tails of vectors and panels can meet, with references.

`python -m conv_sweep` prints one digest of the bits of all results, values and gradients.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import surefoot as sf
from op_table.conv import each, windows
from op_table.run import digest, to_array

Array = np.ndarray
COUNTS = (*range(1, 35), *range(47, 67))
RESULTS = ("y", "dx", "dw", "dbias")


@dataclass(frozen=True)
class Case:
    batch: int
    channels: int  # of a group
    outs: int  # of a group
    size: tuple[int, int]
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """x, w, bias and the gradient of y, exact in float32."""
        rng = np.random.default_rng(abs(hash((self.channels, self.outs, *self.size))) % 2**32)
        wide = self.groups * self.outs
        sizes = self.result()
        shapes = (
            (self.batch, self.groups * self.channels, *self.size),
            (wide, self.channels, *self.kernel),
            (wide,),
            (self.batch, wide, *sizes),
        )
        x, w, b, g = (rng.standard_normal(s).astype(np.float32).astype(np.float64) for s in shapes)
        return x, w, b, g

    def result(self) -> tuple[int, ...]:
        return tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(
                self.size, self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        )

    def reference(self) -> list[Array]:
        """y and the gradients of x, w and bias, a matrix product for each tap of the kernel."""
        x, w, b, g = self.arrays()
        py, px = self.padding
        x = np.pad(x, [(0, 0), (0, 0), (py, py), (px, px)])
        xs, ws, gs = (np.split(a, self.groups, axis) for a, axis in ((x, 1), (w, 0), (g, 1)))
        parts = [self._one(*part) for part in zip(xs, ws, gs, strict=True)]
        y, dx, dw = (np.concatenate(p, axis) for p, axis in zip(zip(*parts), (1, 1, 0)))  # noqa: B905
        dx = dx[:, :, py : x.shape[2] - py, px : x.shape[3] - px]
        return [y + b.reshape(-1, 1, 1), dx, dw, g.sum((0, 2, 3))]

    def _one(self, x: Array, w: Array, g: Array) -> tuple[Array, Array, Array]:
        y, dx, dw = np.zeros_like(g), np.zeros_like(x), np.zeros_like(w)
        steps = (w.shape[2:], each(self.stride, 2), each(self.dilation, 2), g.shape[2:])
        rows = np.moveaxis(g, 1, 0).reshape(g.shape[1], -1)
        for (tap, part), (_, target) in zip(windows(x, *steps), windows(dx, *steps), strict=True):
            at = (slice(None), slice(None), *tap)
            flat = np.moveaxis(part, 1, 0).reshape(x.shape[1], -1)
            shape = (-1, g.shape[0], *g.shape[2:])
            y += np.moveaxis((w[at] @ flat).reshape(shape), 0, 1)
            target += np.moveaxis((w[at].T @ rows).reshape(shape), 0, 1)
            dw[at] = rows @ flat.T
        return y, dx, dw

    def run(self, dtype: str) -> list[Array]:
        x, w, b, g = self.arrays()
        leaves = [sf.tensor(a.astype(dtype), requires_grad=True) for a in (x, w, b)]
        y = sf.conv2d(*leaves, self.stride, self.padding, self.dilation, self.groups)
        grads = sf.autograd.grad(y, leaves, sf.tensor(g.astype(dtype)))
        return [to_array(t) for t in (y, *grads)]

    def run_transposed(self, dtype: str) -> list[Array]:
        """The same numbers from conv_transpose2d: its value is dx, its gradient of x is y."""
        x, w, _, g = self.arrays()
        extra = tuple(
            n - ((m - 1) * s - 2 * p + d * (k - 1) + 1)
            for n, m, s, p, d, k in zip(
                self.size, self.result(), self.stride, self.padding, self.dilation, self.kernel,
                strict=True,
            )
        )  # fmt: skip
        leaves = [sf.tensor(a.astype(dtype), requires_grad=True) for a in (g, w)]
        dx = sf.conv_transpose2d(
            *leaves, None, self.stride, self.padding, extra, self.groups, self.dilation
        )
        grads = sf.autograd.grad(dx, leaves, sf.tensor(x.astype(dtype)))
        return [to_array(t) for t in (grads[0], dx, grads[1])]


def cases() -> Iterator[Case]:
    """Each count as number of input and of output channels, under turning geometries."""
    for i, n in enumerate(COUNTS):
        other, batch = (5, 16, 3, 9)[i % 4], 1 + i % 3
        stride, dilation = (1 + i % 3, 1 + i // 2 % 3), (1 + i % 2, 1 + i // 3 % 2)
        yield Case(batch, n, other, (7 + i % 3, 5 + 2 * (i % 7)), (3, 1 + i % 4), stride,
                   (i % 3, 1 + i % 2), dilation)  # fmt: skip
        yield Case(batch, other, n, (5 + i % 4, 3 + i % 17), (2, 3), stride, (1, 1), dilation)
        yield Case(batch, n, n, (4, 4), padding=(1, 1))
    yield from special_cases()


def special_cases() -> Iterator[Case]:
    """Groups, depthwise, pointwise, results of one pixel, long rows, bands of tall images."""
    for groups in (2, 3, 7):
        yield Case(2, 3, 4, (7, 9), groups=groups, stride=(2, 1))
    for width in (8, 13, 16, 17, 33, 47):
        yield Case(3, 1, 1, (5, width), groups=6)
        yield Case(2, 1, 2, (6, width), (3, 5), (2, 2), (0, 2), groups=5)
        yield Case(2, 1, 7, (9, width), (5, 5), (1, 1), (2, 2))
        yield Case(2, 4, 6, (1, width), (1, 5), (1, 2), (0, 2))
        yield Case(1, 3, 5, (7, width), (1, 1), (1, 1), (0, 0), groups=2)
        yield Case(2, 3, 5, (7, width), (1, 1), (2, 3), (0, 0))
    yield Case(70, 6, 11, (5, 5), (5, 5), padding=(0, 0))
    yield Case(33, 9, 20, (3, 3))
    yield Case(1, 3, 2, (5, 1500), (3, 3), (1, 2))
    yield Case(1, 64, 3, (70, 66), (3, 3), (2, 1))
    yield Case(2, 4, 3, (3, 4), (3, 4), padding=(5, 6), stride=(2, 3))
    yield Case(9, 150, 40, (3, 3), (3, 3))


def main() -> None:
    arrays = [a for case in cases() for t in ("float32", "float64") for a in case.run(t)]
    sys.stdout.write(digest(arrays))


if __name__ == "__main__":
    main()
