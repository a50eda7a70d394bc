"""Rows of the convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, normal

SHAPE_ERROR = (RuntimeError, ValueError)


def each(value: Any, dims: int) -> tuple[int, ...]:
    value = tuple(np.atleast_1d(value).tolist())
    return value * dims if len(value) == 1 else value


def windows(x: Any, kernel: Any, stride: Any, dilation: Any, sizes: Any) -> Any:
    """For each tap of the kernel: its index, and the part of padded x that it is multiplied by."""
    for tap in np.ndindex(*kernel):
        cut = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, dilation, stride, sizes, strict=True)
        )
        yield tap, x[(..., *cut)]


def by_group(product: Any, a: Any, b: Any, groups: int, axes: tuple[int, int]) -> Any:
    parts = zip(np.split(a, groups, axes[0]), np.split(b, groups, axes[1]), strict=True)
    return [product(one, two) for one, two in parts]


def conv_ref(x: Any, w: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
             dilation: Any = 1, groups: int = 1) -> Any:  # fmt: skip
    kernel = w.shape[2:]
    dims = len(kernel)
    if x.ndim == dims + 1:
        return conv_ref(x[None], w, bias, stride, padding, dilation, groups)[0]
    stride, dilation = each(stride, dims), each(dilation, dims)
    spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if padding == "same":
        around = [(n // 2, n - n // 2) for n in spans]
    else:
        around = [(p, p) for p in each(0 if padding == "valid" else padding, dims)]
    x = np.pad(x, [(0, 0), (0, 0), *around])
    sizes = [(n - m - 1) // s + 1 for n, m, s in zip(x.shape[2:], spans, stride, strict=True)]

    def one(a: Any, b: Any) -> Any:
        y = np.zeros((len(a), len(b), *sizes))
        for tap, part in windows(a, kernel, stride, dilation, sizes):
            y += np.einsum("nc...,oc->no...", part, b[(..., *tap)])
        return y

    y = np.concatenate(by_group(one, x, w, groups, (1, 0)), 1)
    return y if bias is None else y + bias.reshape(-1, *(1,) * dims)


def transposed_ref(x: Any, w: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
                   output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:  # fmt: skip
    kernel = w.shape[2:]
    dims = len(kernel)
    if x.ndim == dims + 1:
        return transposed_ref(x[None], w, bias, stride, padding, output_padding, groups,
                              dilation)[0]  # fmt: skip
    stride, dilation, padding = each(stride, dims), each(dilation, dims), each(padding, dims)
    sizes = [(n - 1) * s + d * (k - 1) + 1 + e
             for n, s, d, k, e in zip(x.shape[2:], stride, dilation, kernel,
                                      each(output_padding, dims), strict=True)]  # fmt: skip

    def one(a: Any, b: Any) -> Any:
        y = np.zeros((len(a), b.shape[1], *sizes))
        for tap, part in windows(y, kernel, stride, dilation, a.shape[2:]):
            part += np.einsum("nc...,co->no...", a, b[(..., *tap)])
        return y

    y = np.concatenate(by_group(one, x, w, groups, (1, 0)), 1)
    y = y[(..., *(slice(p, n - p) for p, n in zip(padding, sizes, strict=True)))]
    return y if bias is None else y + bias.reshape(-1, *(1,) * dims)


# ----------------------------------------------------------------------------------- samples


def conv1d_samples(rng: Rng) -> list[Sample]:
    x, w, b = normal(rng, 2, 3, 9), normal(rng, 4, 3, 3), normal(rng, 4)
    return [call(normal(rng, 1, 1, 3), normal(rng, 1, 1, 2)),
            call(x, w, b), call(x[0], w, None, 2, 1), call(x, w, b, 1, "same", 2),
            call(x, normal(rng, 6, 1, 2), None, 3, 0, 1, 3),
            call(normal(rng, 0, 3, 9), w, b), call(normal(rng, 1, 2, 40), normal(rng, 3, 2, 4)),
            call(normal(rng, 2, 1, 5), normal(rng, 1, 1, 5), None, 1, "valid")]  # fmt: skip


def conv2d_samples(rng: Rng) -> list[Sample]:
    x, w, b = normal(rng, 2, 3, 6, 7), normal(rng, 4, 3, 3, 2), normal(rng, 4)
    return [call(normal(rng, 1, 1, 2, 2), normal(rng, 1, 1, 2, 1), normal(rng, 1)),
            call(x, w, b), call(x[1], w, None, (2, 1), (1, 2)), call(x, w, b, 1, "same", (1, 2)),
            call(x, w, b, 2, 2, 2), call(x, w, None, (3, 2), (0, 3)),
            call(normal(rng, 2, 4, 5, 3), normal(rng, 6, 2, 2, 3), normal(rng, 6), 1, 1, 1, 2),
            call(x, normal(rng, 3, 1, 3, 3), normal(rng, 3), 2, 1, 1, 3),
            call(x, normal(rng, 5, 3, 1, 1), normal(rng, 5)),
            call(x, normal(rng, 5, 3, 1, 1), None, 2),
            call(normal(rng, 0, 3, 6, 7), w, b),
            call(normal(rng, 1, 2, 4, 18), normal(rng, 3, 2, 2, 2), None, 1, (1, 0)),
            call(normal(rng, 3, 2, 3, 3), normal(rng, 4, 2, 3, 3), normal(rng, 4))]  # fmt: skip


def transposed1d_samples(rng: Rng) -> list[Sample]:
    x, w, b = normal(rng, 2, 4, 5), normal(rng, 4, 3, 3), normal(rng, 3)
    return [call(normal(rng, 1, 1, 3), normal(rng, 1, 1, 2)),
            call(x, w, b), call(x[0], w, None, 2, 1), call(x, w, b, 2, 1, 1),
            call(x, normal(rng, 4, 2, 2), normal(rng, 4), 3, 0, 2, 2),
            call(x, w, None, 1, 2, 0, 1, 3), call(normal(rng, 0, 4, 5), w, b)]  # fmt: skip


def transposed2d_samples(rng: Rng) -> list[Sample]:
    x, w, b = normal(rng, 2, 4, 3, 5), normal(rng, 4, 3, 3, 2), normal(rng, 3)
    return [call(normal(rng, 1, 1, 2, 2), normal(rng, 1, 1, 1, 2), normal(rng, 1)),
            call(x, w, b), call(x[1], w, None, (2, 1), (1, 0)),
            call(x, w, b, 2, 1, 1), call(x, w, b, (3, 2), 0, (2, 1), 1, (1, 2)),
            call(x, normal(rng, 4, 2, 2, 3), normal(rng, 4), 1, 1, 0, 2),
            call(x, normal(rng, 4, 1, 3, 3), None, 2, 1, 1, 4),
            call(x, normal(rng, 4, 3, 1, 1), b, 2),
            call(normal(rng, 0, 4, 3, 5), w, b),
            call(normal(rng, 1, 2, 4, 20), normal(rng, 2, 3, 2, 2))]  # fmt: skip


def conv2d_large(rng: Rng) -> list[Sample]:
    return [call(normal(rng, 9, 16, 19, 32), normal(rng, 17, 16, 3, 3), normal(rng, 17), 1, 1),
            call(normal(rng, 12, 20, 9, 9), normal(rng, 31, 20, 3, 3), None, 2, 1),
            call(normal(rng, 40, 24, 5, 5), normal(rng, 33, 24, 3, 3), normal(rng, 33)),
            call(normal(rng, 30, 48, 12, 12), normal(rng, 64, 48, 1, 1), normal(rng, 64)),
            call(normal(rng, 8, 1, 40, 41), normal(rng, 6, 1, 5, 5), normal(rng, 6), 1, 2),
            call(normal(rng, 1, 8, 70, 71), normal(rng, 16, 8, 3, 3), None, (1, 2), 1, 2),
            call(normal(rng, 8, 24, 30, 30), normal(rng, 24, 1, 3, 3), None, 1, 1, 1, 24),
            ]  # fmt: skip


def transposed2d_large(rng: Rng) -> list[Sample]:
    return [call(normal(rng, 9, 17, 11, 12), normal(rng, 17, 16, 4, 4), normal(rng, 16), 2, 1),
            call(normal(rng, 9, 16, 19, 32), normal(rng, 16, 17, 3, 3), normal(rng, 17), 1, 1),
            ]  # fmt: skip


def signals(samples: Any) -> Any:
    """The same as signals: images of height 1."""

    def flat(rng: Rng) -> list[Sample]:
        x = normal(rng, 20, 12, 700)
        return [call(x, w, normal(rng, 13), 2, 1) for w in samples(rng)]

    return flat


# ----------------------------------------------------------------------------------- errors

X, W = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3))
L, V = np.ones((2, 4, 5)), np.ones((6, 4, 3))
INT_X, INT_W = np.ones((2, 4, 5, 5), np.int64), np.ones((6, 4, 3, 3), np.int64)


def both(name: str, x: Any, w: Any, wide: Any, extra: int) -> tuple[Any, ...]:
    """What every one of the four refuses."""
    tag, wrong = f"[{name}]", np.ones(extra)
    return (
        bad(SHAPE_ERROR, (tag, "dimensions"), x, x[0]),
        bad(SHAPE_ERROR, (tag, "without batch"), np.ones(3), w),
        bad(SHAPE_ERROR, (tag, "input channels"), x[:, :3], w),
        bad(SHAPE_ERROR, (tag, "bias", f"({extra},)"), x, w, wrong),
        bad(SHAPE_ERROR, (tag, "cannot be divided into 5 groups"), x, w, groups=5),
        bad(ValueError, (tag, "groups=0"), x, w, groups=0),
        bad(ValueError, (tag, "stride=0"), x, w, stride=0),
        bad(ValueError, (tag, "padding=-1"), x, w, padding=-1),
        bad(ValueError, (tag, "dilation=0"), x, w, dilation=0),
        bad(ValueError, (tag, "stride=(1, 1, 1)"), x, w, stride=(1, 1, 1)),
        bad(ValueError, (tag, "padding=4294967296", "32 bits"), x, w, padding=2**32),
        bad(SHAPE_ERROR, (tag, "no pixel"), x[..., :0], w),
        bad(SHAPE_ERROR, (tag, "no element"), x, w[..., :0]),
        bad(TypeError, (tag, "stride"), x, w, stride=1.5),
        bad((TypeError, RuntimeError), (tag, "int64", "float()"), *wide),
    )


FORWARD = both("conv2d", X, W, (INT_X, INT_W), 5)
ROWS = [
    Row(name="conv1d", ref=conv_ref, samples=conv1d_samples, method=None, rtol32=1e-5, atol32=1e-5,
        large=signals(lambda rng: [normal(rng, 13, 12, 3)]),
        errors=(*both("conv1d", L, V, (INT_X[..., 0], INT_W[..., 0]), 5),
                bad(SHAPE_ERROR, ("[conv1d]", "kernel size 3", "spans 9", "(5)"), L, V,
                    dilation=4))),
    Row(name="conv2d", ref=conv_ref, samples=conv2d_samples, method=None, rtol32=1e-5, atol32=1e-5,
        large=conv2d_large,
        errors=(*FORWARD,
                bad(SHAPE_ERROR, ("[conv2d]", "(2, 4, 5, 5)", "kernel size 3", "spans 7", "(5)"),
                    X, W, dilation=3),
                bad(ValueError, ("[conv2d]", "'same'", "stride must be 1", "got 2"), X, W,
                    stride=2, padding="same"),
                bad(ValueError, ("[conv2d]", "padding", "'full'"), X, W, padding="full"))),
    Row(name="conv_transpose1d", ref=transposed_ref, samples=transposed1d_samples, method=None,
        rtol32=1e-5, atol32=1e-5, large=signals(lambda rng: [normal(rng, 12, 13, 3)]),
        errors=(*both("conv_transpose1d", L, np.ones((4, 6, 3)),
                      (INT_X[..., 0], np.ones((4, 6, 3), np.int64)), 5),
                bad(ValueError, ("[conv_transpose1d]", "output_padding=2", "stride (2)"), L,
                    np.ones((4, 6, 3)), stride=2, output_padding=2))),
    Row(name="conv_transpose2d", ref=transposed_ref, samples=transposed2d_samples, method=None,
        rtol32=1e-5, atol32=1e-5, large=transposed2d_large,
        errors=(*both("conv_transpose2d", X, np.ones((4, 6, 3, 3)),
                      (INT_X, np.ones((4, 6, 3, 3), np.int64)), 5),
                bad(SHAPE_ERROR, ("[conv_transpose2d]", "padding 4", "size -1"), X,
                    np.ones((4, 6, 3, 3)), padding=4))),
]  # fmt: skip
