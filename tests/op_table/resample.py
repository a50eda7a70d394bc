"""Rows of resizing, sub-pixel layouts, and windows as columns."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

import surefoot as sf
from op_table.row import Rng, Row, Sample, bad, call, normal
from op_table.shape import exact, fixed

SHAPE_ERROR = (RuntimeError, ValueError)
DTYPE_ERROR = (TypeError, RuntimeError)


# ---------------------------------------------------------------------------------- interpolate


def pair(value: Any, dims: int) -> tuple[Any, ...]:
    return (value,) * dims if isinstance(value, (int, float)) else tuple(value)


def matrix(n: int, out: int, mode: str, align: bool, factor: Any) -> Any:
    """(out, n): row i holds the weights of output i. Positions are exact fractions."""
    step = Fraction(n, out) if factor is None else 1 / Fraction(str(factor))
    weights = np.zeros((out, n))
    for i in range(out):
        if mode == "area":
            low, high = i * n // out, -(-(i + 1) * n // out)
            weights[i, low:high] = 1 / (high - low)
        elif mode == "nearest":
            weights[i, min(math.floor(i * step), n - 1)] = 1
        elif mode == "nearest-exact":
            weights[i, min(math.floor((i + Fraction(1, 2)) * step), n - 1)] = 1
        else:
            at = (i + Fraction(1, 2)) * step - Fraction(1, 2)
            if align:
                at = Fraction(i * (n - 1), out - 1) if out > 1 else Fraction(0)
            at = min(max(at, Fraction(0)), Fraction(n - 1))
            low = math.floor(at)
            weights[i, low] += float(1 - (at - low))
            weights[i, min(low + 1, n - 1)] += float(at - low)
    return weights


def interpolate_ref(x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                    align_corners: Any = None,
                    recompute_scale_factor: Any = None) -> Any:  # fmt: skip
    dims = x.ndim - 2
    factors = (None,) * dims if scale_factor is None else pair(scale_factor, dims)
    for d in range(dims):
        n, factor = x.shape[2 + d], factors[d]
        out = pair(size, dims)[d] if factor is None else math.floor(n * factor)
        kept = out == n if mode.endswith("linear") else mode == "nearest" and dims == 2 and (
            out in (n, 2 * n))  # fmt: skip
        used = None if recompute_scale_factor or kept else factor
        weights = matrix(n, out, mode, bool(align_corners), used)
        x = np.moveaxis(np.tensordot(weights, x, axes=(1, 2 + d)), 0, 2 + d)
    return x


SIZES = (
    ((2, 3, 5), {"size": 9}),
    ((1, 2, 4, 5), {"size": (8, 10)}),
    ((2, 1, 5, 37), {"size": (3, 70)}),
    ((1, 1, 7, 6), {"size": (1, 6)}),
    ((2, 2, 3, 4), {"scale_factor": 2}),
    ((1, 2, 8, 9), {"scale_factor": (0.5, 1.6)}),
    ((1, 1, 7, 9), {"scale_factor": (1.04, 2.05)}),
    ((1, 1, 7), {"scale_factor": 1.04}),
    ((1, 2, 7), {"scale_factor": 2.5, "recompute_scale_factor": True}),
    ((0, 2, 3, 4), {"size": 2}),
)


def resizes(rng: Rng) -> list[Sample]:
    result = []
    for shape, how in SIZES:
        linear = "linear" if len(shape) == 3 else "bilinear"
        for mode in ("nearest", "nearest-exact", linear, "area"):
            if mode == "area" or "recompute_scale_factor" in how or mode != linear:
                result.append(call(normal(rng, *shape), mode=mode, **how))
                continue
            for align in (False, True):
                result.append(call(normal(rng, *shape), mode=mode, align_corners=align, **how))
    return result


def resize_large(rng: Rng) -> list[Sample]:
    return [call(normal(rng, 12, 5, 31, 37), size=(45, 70), mode="bilinear"),
            call(normal(rng, 20, 40, 301), scale_factor=2.0, mode="nearest")]  # fmt: skip


IMAGE, LINE = np.ones((1, 2, 4, 5)), np.ones((1, 2, 5))
TAG = "[interpolate]"

INTERPOLATE = Row(
    name="interpolate", ref=interpolate_ref, samples=resizes, method=None, large=resize_large,
    rtol64=1e-11, atol64=1e-11,
    errors=(
        bad(ValueError, (TAG, "neither"), IMAGE),
        bad(ValueError, (TAG, "both"), IMAGE, 3, 2.0),
        bad(ValueError, (TAG, "3 sizes", "1 or 2"), IMAGE, (1, 2, 3)),
        bad(ValueError, (TAG, "output size 0", "dim 2"), IMAGE, (0, 3)),
        bad(ValueError, (TAG, "output size 0"), IMAGE, None, 0.1),
        bad(ValueError, (TAG, "scale_factor=-1", "positive"), IMAGE, None, -1.0),
        bad(ValueError, (TAG, "scale_factor=nan"), IMAGE, None, math.nan),
        bad(ValueError, (TAG, "recompute_scale_factor"), IMAGE, 3, recompute_scale_factor=True),
        bad(ValueError, (TAG, "'cubic'", "'bilinear'"), IMAGE, 3, mode="cubic"),
        bad(NotImplementedError, (TAG, "bicubic"), IMAGE, 3, mode="bicubic"),
        bad(NotImplementedError, (TAG, "antialias"), IMAGE, 3, mode="bilinear", antialias=True),
        bad(NotImplementedError, (TAG, "volumes"), np.ones((1, 1, 2, 2, 2)), 3),
        bad(ValueError, (TAG, "align_corners", "nearest"), IMAGE, 3, align_corners=True),
        bad(SHAPE_ERROR, (TAG, "'linear'", "(1, 2, 4, 5)"), IMAGE, 3, mode="linear"),
        bad(SHAPE_ERROR, (TAG, "'bilinear'", "(1, 2, 5)"), LINE, 3, mode="bilinear"),
        bad(SHAPE_ERROR, (TAG, "unsqueeze"), np.ones((2, 5)), 3),
        bad(SHAPE_ERROR, (TAG, "empty"), np.ones((1, 2, 0)), 3),
        bad(DTYPE_ERROR, (TAG, "int64", "float()"), LINE.astype(np.int64), 3)),
)  # fmt: skip


# ------------------------------------------------------------------------------------- layouts


def shuffle_ref(x: Any, r: int) -> Any:
    c = x.shape[-3] // (r * r)
    out = np.zeros((*x.shape[:-3], c, x.shape[-2] * r, x.shape[-1] * r), x.dtype)
    for k in range(c):
        for i in range(r):
            for j in range(r):
                out[..., k, i::r, j::r] = x[..., k * r * r + i * r + j, :, :]
    return out


def unshuffle_ref(x: Any, r: int) -> Any:
    c = x.shape[-3]
    out = np.zeros((*x.shape[:-3], c * r * r, x.shape[-2] // r, x.shape[-1] // r), x.dtype)
    for k in range(c):
        for i in range(r):
            for j in range(r):
                out[..., k * r * r + i * r + j, :, :] = x[..., k, i::r, j::r]
    return out


def channels_ref(x: Any, groups: int) -> Any:
    each = x.shape[1] // groups
    return x[:, [g * each + c for c in range(each) for g in range(groups)]]


LAYOUTS = [
    exact("pixel_shuffle", shuffle_ref, fixed(
        ((1, 4, 2, 3), (2,)), ((2, 2, 18, 1, 2), (3,)), ((5, 3, 4), (1,)), ((0, 4, 2, 2), (2,))),
        method=None,
        errors=(bad(SHAPE_ERROR, ("[pixel_shuffle]", "6 channels", "2 * 2"), np.ones((6, 2, 2)), 2),
                bad(SHAPE_ERROR, ("[pixel_shuffle]", "(4, 2)"), np.ones((4, 2)), 2),
                bad(ValueError, ("[pixel_shuffle]", "upscale_factor=0"), np.ones((4, 2, 2)), 0))),
    exact("pixel_unshuffle", unshuffle_ref, fixed(
        ((1, 1, 4, 6), (2,)), ((2, 2, 2, 3, 6), (3,)), ((5, 3, 4), (1,)), ((0, 4, 2, 2), (2,))),
        method=None,
        errors=(bad(SHAPE_ERROR, ("[pixel_unshuffle]", "multiples of 2"), np.ones((1, 3, 4)), 2),
                bad(ValueError, ("[pixel_unshuffle]", "downscale_factor=0"), np.ones((1, 3, 4)),
                    0))),
    exact("channel_shuffle", channels_ref, fixed(
        ((2, 6, 3), (2,)), ((1, 6, 2, 2), (3,)), ((2, 4, 1), (1,)), ((0, 4, 2), (2,))), method=None,
        errors=(bad(SHAPE_ERROR, ("[channel_shuffle]", "multiple of 4"), np.ones((1, 6, 2)), 4),
                bad(ValueError, ("[channel_shuffle]", "groups=0"), np.ones((1, 6, 2)), 0))),
]  # fmt: skip


# -------------------------------------------------------------------------------------- columns


def two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def places(size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    """For each tap and window (row, column) in the image, possibly outside."""
    k, d, p, s = two(kernel_size), two(dilation), two(padding), two(stride)
    out = [(n + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i, n in enumerate(size)]
    taps = [(a, b) for a in range(k[0]) for b in range(k[1])]
    windows = [(i, j) for i in range(out[0]) for j in range(out[1])]
    return [[(i * s[0] - p[0] + a * d[0], j * s[1] - p[1] + b * d[1]) for i, j in windows]
            for a, b in taps]  # fmt: skip


def unfold_ref(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
               stride: Any = 1) -> Any:  # fmt: skip
    size = x.shape[-2:]
    rows = places(size, kernel_size, dilation, padding, stride)
    out = np.zeros((*x.shape[:-2], len(rows), len(rows[0])))
    for t, row in enumerate(rows):
        for w, (i, j) in enumerate(row):
            if 0 <= i < size[0] and 0 <= j < size[1]:
                out[..., t, w] = x[..., i, j]
    return out.reshape(*x.shape[:-3], x.shape[-3] * len(rows), len(rows[0]))


def fold_ref(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
             stride: Any = 1) -> Any:  # fmt: skip
    size = two(output_size)
    rows = places(size, kernel_size, dilation, padding, stride)
    columns = x.reshape(*x.shape[:-2], x.shape[-2] // len(rows), len(rows), x.shape[-1])
    out = np.zeros((*columns.shape[:-2], *size))
    for t, row in enumerate(rows):
        for w, (i, j) in enumerate(row):
            if 0 <= i < size[0] and 0 <= j < size[1]:
                out[..., i, j] += columns[..., t, w]
    return out


BLOCKS = (
    ((2, 3, 4, 5), (2,), {}),
    ((3, 5, 6), ((2, 3), 1, 1, 2), {}),
    ((1, 2, 7, 35), (3, (2, 1), (0, 2), (2, 1)), {}),
    ((1, 1, 3, 3), (1,), {"stride": 3}),
    ((2, 1, 2, 2), (3,), {"padding": 4, "stride": 3}),
    ((0, 2, 4, 4), (2,), {}),
)


def unfold_samples(rng: Rng) -> list[Sample]:
    return [call(normal(rng, *shape), *args, **how) for shape, args, how in BLOCKS]


def fold_samples(rng: Rng) -> list[Sample]:
    result = []
    for shape, args, how in BLOCKS:
        columns = unfold_ref(np.zeros(shape), *args, **how).shape
        result.append(call(normal(rng, *columns), shape[-2:], *args, **how))
    return result


COLUMNS = [
    Row(name="unfold", ref=unfold_ref, samples=unfold_samples, method=None,
        fn=lambda *a, **k: sf.nn.functional.unfold(*a, **k),
        large=lambda rng: [call(normal(rng, 6, 5, 31, 37), 3, 1, 1)],
        errors=(bad(SHAPE_ERROR, ("[unfold]", "6", "5 + 2 * 0"), IMAGE, (1, 6)),
                bad(ValueError, ("[unfold]", "stride=0"), IMAGE, 2, 1, 0, 0),
                bad(ValueError, ("[unfold]", "padding=-1"), IMAGE, 2, 1, -1),
                bad(ValueError, ("[unfold]", "kernel_size=(1, 2, 3)"), IMAGE, (1, 2, 3)),
                bad(SHAPE_ERROR, ("[unfold]", "(4, 5)"), np.ones((4, 5)), 2),
                bad(DTYPE_ERROR, ("[unfold]", "int64"), IMAGE.astype(np.int64), 2))),
    Row(name="fold", ref=fold_ref, samples=fold_samples, method=None,
        large=lambda rng: [call(normal(rng, 6, 45, 31 * 37), (31, 37), 3, 1, 1)],
        errors=(bad(SHAPE_ERROR, ("[fold]", "7 rows", "2 * 2 = 4"), np.ones((7, 9)), 4, 2),
                bad(SHAPE_ERROR, ("[fold]", "8 columns", "3 * 3 = 9"), np.ones((4, 8)), 4, 2),
                bad(SHAPE_ERROR, ("[fold]", "(4,)"), np.ones(4), 4, 2),
                bad(ValueError, ("[fold]", "output_size=0"), np.ones((4, 8)), 0, 2),
                bad(SHAPE_ERROR, ("[fold]", "kernel of 5"), np.ones((25, 1)), 4, 5))),
]  # fmt: skip

ROWS = [INTERPOLATE, *LAYOUTS, *COLUMNS]
