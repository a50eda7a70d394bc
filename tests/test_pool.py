"""Pooling over sweeps of sizes, where tails of vectors lie, and what the op table leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surefoot as sf
from op_table.pool import adaptive_avg_ref, adaptive_max_ref, avg_ref, max_with_indices
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradgradcheck

WIDTHS = (*range(1, 36), 47, 63, 64, 65, 66)


def image(rng: Any, *shape: int) -> np.ndarray:
    """Whole numbers, so that windows hold equal ones."""
    return rng.integers(-3, 4, shape).astype(np.float32)


def pooled_and_grad(fn: Any, x: np.ndarray) -> tuple[Any, ...]:
    leaf = sf.tensor(x).requires_grad_()
    y = fn(leaf)
    values = y[0] if isinstance(y, tuple) else y
    weights = np.arange(1, values.numel() + 1, dtype=x.dtype).reshape(tuple(values.shape)) / 8
    (grad,) = sf.autograd.grad([values], [leaf], [sf.tensor(weights)])
    return y, weights, grad.numpy()


def check_max(x: np.ndarray, *args: Any) -> None:
    (values, indices), weights, grad = pooled_and_grad(
        lambda t: F.max_pool2d(t, *args, return_indices=True), x
    )
    want, at = max_with_indices(2)(x, *args)
    np.testing.assert_array_equal(values.detach().numpy(), want)
    np.testing.assert_array_equal(indices.numpy(), at)
    flat = np.zeros((x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]))
    for plane in range(flat.shape[0]):
        places = at.reshape(flat.shape[0], -1)[plane]
        np.add.at(flat[plane], places, weights.reshape(flat.shape[0], -1)[plane])
    np.testing.assert_allclose(grad, flat.reshape(x.shape), rtol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3])
def test_max_pool_on_every_width(kernel: int, stride: int) -> None:
    rng = np.random.default_rng(kernel * 10 + stride)
    for width in WIDTHS:
        check_max(image(rng, 1, 2, 5, max(width, kernel)), kernel, stride, kernel // 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiles_of_two_on_every_width(dtype: Any) -> None:
    """The windows whose gradient has a kernel of its own, with a last column and row left over."""
    rng = np.random.default_rng(2)
    for width in WIDTHS[1:]:
        check_max(image(rng, 2, 1, 4 + width % 2, width).astype(dtype), 2)


def test_dilation_and_ceil_mode() -> None:
    rng = np.random.default_rng(3)
    for width in (9, 17, 18, 35, 40):
        for dilation in (1, 2, 3):
            for stride in (1, 2, 3):
                check_max(image(rng, 1, 1, 8, width), 3, stride, 1, dilation, True)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_avg_pool_on_every_width(stride: int) -> None:
    rng = np.random.default_rng(stride)
    for width in WIDTHS[2:]:
        x = rng.normal(size=(1, 2, 5, width))
        for args in ((2, stride), (3, stride, 1), (3, stride, 1, True, False)):
            y, weights, grad = pooled_and_grad(lambda t, a=args: F.avg_pool2d(t, *a), x)
            assert_close(y, avg_ref(2)(x, *args), 1e-12, 1e-12)
            # The map is linear: <w, A x'> = <A^T w, x'>.
            other = rng.normal(size=x.shape)
            want = (weights * avg_ref(2)(other, *args)).sum()
            np.testing.assert_allclose((grad * other).sum(), want, rtol=1e-10, atol=1e-10)


def test_adaptive_pools_on_every_width() -> None:
    rng = np.random.default_rng(4)
    for width in WIDTHS:
        x = rng.normal(size=(2, 3, 4, width))
        for size in (1, 2, 5, (3, 7), (2, width)):
            assert_close(F.adaptive_avg_pool2d(sf.tensor(x), size), adaptive_avg_ref(2)(x, size),
                         1e-12, 1e-12)  # fmt: skip
            values, at = F.adaptive_max_pool2d(sf.tensor(x), size, return_indices=True)
            want = adaptive_max_ref(2)(x, size)
            np.testing.assert_array_equal(values.numpy(), want[0])
            np.testing.assert_array_equal(at.numpy(), want[1])


def test_sizes_of_none_are_those_of_the_input() -> None:
    x = sf.randn(2, 3, 4, 5)
    assert F.adaptive_avg_pool2d(x, (None, 2)).shape == (2, 3, 4, 2)
    assert F.adaptive_max_pool2d(x, (3, None)).shape == (2, 3, 3, 5)
    assert_close(F.adaptive_avg_pool2d(x, None), x, 0, 0)


def test_means_of_whole_numbers_are_exact() -> None:
    """Sums are divided, not multiplied by a rounded share."""
    x = np.full((1, 1, 9, 33), 7.0, np.float32)
    assert (F.avg_pool2d(sf.tensor(x), 3).numpy() == 7).all()
    assert (F.avg_pool2d(sf.tensor(x), (7, 11)).numpy() == 7).all()


def test_overlapping_windows_add_their_gradients_at_one_place() -> None:
    x = sf.tensor([[0.0, 5.0, 0.0, 0.0]]).requires_grad_()
    F.max_pool1d(x, 3, 1).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 0.0, 0.0]]


def test_equal_elements_give_the_gradient_to_the_first() -> None:
    x = sf.ones(1, 2, 2).requires_grad_()
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0], [0.0, 0.0]]]


def test_second_derivatives() -> None:
    x = sf.tensor(np.random.default_rng(0).permutation(60).reshape(1, 1, 6, 10) * 0.1)
    x = x.requires_grad_()
    for fn in (lambda t: F.max_pool2d(t * t, 3, 2, 1), lambda t: F.avg_pool2d(t * t, 3, 2, 1),
               lambda t: F.adaptive_avg_pool2d(t * t, (4, 3)),
               lambda t: F.adaptive_max_pool2d(t * t, (4, 3))):  # fmt: skip
        gradgradcheck(fn, [x], directional=True)


def test_windows_that_hold_only_padding_are_minus_infinity() -> None:
    x = sf.ones(1, 1, 2).requires_grad_()  # positions -1 and 2
    y, at = F.max_pool1d(x, 2, 1, 1, 3, return_indices=True)
    assert (y.tolist(), at.tolist()) == ([[[-np.inf]]], [[[-1]]])
    y.sum().backward()
    assert x.grad.tolist() == [[[0.0, 0.0]]]


def test_layers_check_what_they_are_given() -> None:
    for make, words in (
        (lambda: sf.nn.MaxPool2d(0), "kernel_size must be at least 1"),
        (lambda: sf.nn.MaxPool2d((1, 2, 3)), "kernel_size must be one integer or 2, got"),
        (lambda: sf.nn.MaxPool2d(3, padding=2), "at most half"),
        (lambda: sf.nn.AvgPool2d((3, 2), padding=(1, 2)), "at most half"),
        (lambda: sf.nn.AvgPool1d(2, stride=0), "stride must be at least 1"),
        (lambda: sf.nn.AvgPool2d(2, divisor_override=0), "divisor_override must not be 0"),
        (lambda: sf.nn.AdaptiveAvgPool2d(0), "output_size must be at least 1"),
        (lambda: sf.nn.ReflectionPad2d((1, 2)), "padding must be one integer or 4, got"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    for wrong in (2.5, "2", None):
        with pytest.raises(TypeError, match="kernel_size must be an integer, got"):
            sf.nn.MaxPool1d(wrong)
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        sf.nn.ZeroPad2d(1)(sf.ones(2, 2))


def test_numpy_integers_are_sizes() -> None:
    assert sf.nn.MaxPool2d(np.int64(2))(sf.ones(1, 4, 4)).shape == (1, 2, 2)
    assert sf.nn.AdaptiveAvgPool2d(np.int64(1))(sf.ones(1, 4, 4)).shape == (1, 1, 1)
    assert sf.nn.ZeroPad1d(np.int64(1))(sf.ones(1, 2)).shape == (1, 4)
