"""Resizing, padding and columns over sweeps of sizes, and what the op table leaves out."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from op_table.resample import interpolate_ref, unfold_ref
from op_table.shape import pad_ref
from surefoot.nn import functional as F

WIDTHS = (*range(1, 20), 31, 32, 33, 34, 63, 64, 65, 66)


def check_linear(fn: Any, ref: Any, x: np.ndarray, rng: Any, tolerance: float = 1e-11) -> None:
    """Values, and the gradient by <w, A x> = <A^T w, x>."""
    leaf = sf.tensor(x).requires_grad_()
    y, want = fn(leaf), ref(x)
    np.testing.assert_allclose(y.detach().numpy(), want, rtol=tolerance, atol=tolerance)
    weights = rng.normal(size=want.shape).astype(x.dtype)
    (grad,) = sf.autograd.grad([y], [leaf], [sf.tensor(weights)])
    product = (grad.numpy().astype(np.float64) * x).sum()
    np.testing.assert_allclose(product, (weights * want).sum(), rtol=1e-9, atol=1e-9 + tolerance)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "aligned", "area"])
def test_interpolate_on_every_width(mode: str) -> None:
    rng = np.random.default_rng(len(mode))
    how: dict[str, Any] = {"mode": mode}
    if mode == "aligned":
        how = {"mode": "bilinear", "align_corners": True}
    for width in WIDTHS:
        x = rng.normal(size=(1, 2, 3, width))
        for size in ((5, 2 * width), (2, width + 3), (3, max(1, width // 2)), (1, 17)):
            check_linear(lambda t, s=size: F.interpolate(t, s, **how),
                         lambda a, s=size: interpolate_ref(a, s, **how), x, rng)  # fmt: skip


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.3, 1.7, 2, 3])
def test_factors_place_the_samples(factor: float) -> None:
    """By the factor itself, not by the ratio of the rounded sizes."""
    rng = np.random.default_rng(0)
    for width in (2, 3, 7, 10, 33):
        x = rng.normal(size=(1, 1, width))
        for mode in ("nearest", "nearest-exact", "linear"):
            check_linear(lambda t, m=mode: F.interpolate(t, scale_factor=factor, mode=m),
                         lambda a, m=mode: interpolate_ref(a, None, factor, m), x, rng)  # fmt: skip


def test_enlarging_by_a_whole_number_repeats() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    y = F.interpolate(sf.tensor(x), scale_factor=3)
    np.testing.assert_array_equal(y.numpy(), x.repeat(3, 2).repeat(3, 3))


def test_resizing_to_the_same_size_changes_nothing() -> None:
    x = sf.randn(2, 3, 4, 33)
    for how in ({}, {"mode": "nearest-exact"}, {"mode": "bilinear"}, {"mode": "area"},
                {"mode": "bilinear", "align_corners": True}):  # fmt: skip
        np.testing.assert_array_equal(F.interpolate(x, (4, 33), **how).numpy(), x.numpy())


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_pad_on_every_width(mode: str) -> None:
    rng = np.random.default_rng(len(mode))
    for width in WIDTHS[1:]:
        x = rng.normal(size=(1, 3, width))
        for pad in ((1, 1), (width - 1, 0), (0, width - 1), (1, 0, 2, 1), (-1, 1, 0, 2)):
            if mode == "circular" and min(pad) < 0:
                continue
            check_linear(lambda t, p=pad: F.pad(t, p, mode), lambda a, p=pad: pad_ref(a, p, mode),
                         x, rng)  # fmt: skip


def test_circular_padding_wraps_what_negative_padding_leaves() -> None:
    assert F.pad(sf.tensor([[1.0, 2.0, 3.0, 4.0]]), (-1, 2), "circular").tolist() == [
        [2.0, 3.0, 4.0, 2.0, 3.0]
    ]


def test_negative_zero_and_nan_are_copied_as_they_are() -> None:
    x = sf.tensor(np.array([[-0.0, np.nan, 1.0]], np.float32))
    y = F.pad(x, (2, 2), "reflect").numpy()
    assert np.signbit(y[0, 2])
    assert np.isnan(y[0, [1, 3, 5]]).all()


def test_fold_is_the_gradient_of_unfold() -> None:
    rng = np.random.default_rng(5)
    for width in WIDTHS[3:]:
        for how in ((2, 1, 0, 1), (3, 1, 1, 2), (2, 2, 1, 3), ((1, 3), 1, (0, 2), (2, 1))):
            x = rng.normal(size=(2, 1, 4, width))
            check_linear(
                lambda t, h=how: F.unfold(t, *h), lambda a, h=how: unfold_ref(a, *h), x, rng
            )
            columns = F.unfold(sf.tensor(x), *how).numpy()
            back = F.fold(sf.tensor(columns), (4, width), *how).numpy()
            np.testing.assert_allclose((back * x).sum(), (columns**2).sum(), rtol=1e-10)


def test_a_convolution_is_a_product_with_the_columns() -> None:
    rng = np.random.default_rng(6)
    x, weight = rng.normal(size=(1, 2, 5, 6)), rng.normal(size=(3, 2, 2, 2))
    columns = F.unfold(sf.tensor(x), 2).numpy()
    got = weight.reshape(3, 8) @ columns[0]
    want = sum(np.einsum("oc,chw->ohw", weight[:, :, i, j], x[0, :, i : i + 4, j : j + 5])
               for i in range(2) for j in range(2))  # fmt: skip
    np.testing.assert_allclose(got, want.reshape(3, 20), rtol=1e-12)


def test_upsample_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match="'nearest', 'nearest-exact'"):
        sf.nn.Upsample(2, mode="cubic")
    with pytest.raises(NotImplementedError, match="bicubic"):
        sf.nn.Upsample(2, mode="bicubic")(sf.ones(1, 1, 2, 2))
    with pytest.raises(ValueError, match="neither"):
        sf.nn.Upsample()(sf.ones(1, 1, 2, 2))


def test_a_result_without_room_is_refused_before_its_tables_are_built() -> None:
    """The tables of rows and columns of a large result are larger than all memory, too."""
    text = textwrap.dedent(
        """
        import resource
        import surefoot as sf
        from surefoot.nn import functional as F
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), -1))
        x, most = sf.ones(1, 2, 5, 5), 2**31 - 1
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for call in (
            lambda: F.adaptive_avg_pool2d(x, (most, 2**20)),
            lambda: F.adaptive_avg_pool1d(x[0], most),
            lambda: F.adaptive_max_pool2d(x, (most, most)),
            lambda: F.interpolate(x, size=(most, 1)),
            lambda: F.interpolate(x, size=(1, most), mode="bilinear"),
            lambda: F.interpolate(x, scale_factor=1e8, mode="area"),
            lambda: F.pad(x, (2**40, 0, 0, 0), mode="replicate"),
            lambda: F.pad(x[0].int(), (0, 2**33), mode="replicate"),
        ):
            try:
                call()
            except (MemoryError, ValueError) as error:
                assert "more bytes than" in str(error) or "allocate" in str(error), error
            else:
                raise AssertionError("no error")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 50_000, grown  # KiB
        """
    )
    path = os.pathsep.join([str(Path(sf.__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
