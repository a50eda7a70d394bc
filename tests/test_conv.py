"""Convolutions: every channel count, layouts, threads, special values, layers, bad arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from conv_sweep import RESULTS, Case, cases, special_cases
from op_table.conv import conv_ref, transposed_ref
from op_table.run import digest, to_array
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradgradcheck

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_number_of_threads_afterwards() -> Any:
    before = sf.get_num_threads()
    yield
    sf.set_num_threads(before)


# ---------------------------------------------------------------------------------------- values


def test_every_channel_count() -> None:
    for case in cases():
        want = case.reference()
        for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-13)):
            for name, g, w in zip(RESULTS, case.run(dtype), want, strict=True):
                scale = tolerance * max(1.0, float(np.abs(w).max()))
                assert g.dtype == dtype
                assert_close(g, w, 0, scale, check_dtype=False, msg=f"{name} of {case} {dtype}")


def test_transposed_is_the_gradient_of_the_input() -> None:
    for case in list(cases())[::3] + list(special_cases()):
        y, dx, dw, _ = case.reference()
        y -= case.arrays()[2].reshape(-1, 1, 1)
        for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-13)):
            for name, g, w in zip(("dx", "y", "dw"), case.run_transposed(dtype), (y, dx, dw),
                                  strict=True):  # fmt: skip
                scale = tolerance * max(1.0, float(np.abs(w).max()))
                assert_close(g, w, 0, scale, check_dtype=False, msg=f"{name} of {case} {dtype}")


def test_results_of_a_prime_number_of_pixels() -> None:
    """Spatial sizes alone: every width from 1 to 40."""
    for width in range(1, 41):
        case = Case(2, 3, 4, (3, width), (2, 3), padding=(0, 1))
        for name, g, w in zip(RESULTS, case.run("float32"), case.reference(), strict=True):
            assert_close(g, w, 1e-4, 1e-4, check_dtype=False, msg=f"{name} of {case}")


# ----------------------------------------------------------------------------------------- bits

THREADED = [
    Case(9, 16, 17, (19, 32)),
    Case(70, 24, 31, (5, 5), (3, 3), padding=(0, 0)),
    Case(16, 20, 33, (17, 17), stride=(2, 2)),
    Case(12, 1, 6, (28, 28), (5, 5), padding=(2, 2)),
    Case(8, 1, 1, (40, 41), groups=24),
    Case(1, 16, 16, (90, 70), dilation=(2, 1)),
    Case(20, 64, 64, (8, 8), (1, 1), padding=(0, 0)),
    Case(2, 40, 50, (1, 3000), (1, 3), padding=(0, 1)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", THREADED, ids=str)
def test_any_number_of_threads_gives_the_same_bits(case: Case, dtype: str) -> None:
    seen = set()
    for threads in (1, 2, 3, 8):
        sf.set_num_threads(threads)
        seen.add(digest(case.run(dtype)))
    assert len(seen) == 1


def test_avx2_and_avx512_give_the_same_bits() -> None:
    if not {"avx2", "avx512"} <= set(sf._core._available_isas()):
        pytest.skip("this machine has one of them at most")
    here = Path(__file__).parent
    path = os.pathsep.join([str(Path(sf.__file__).parents[1]), str(here), *sys.path])
    seen = set()
    for isa in ("avx2", "avx512"):
        environment = {**os.environ, "PYTHONPATH": path, "SUREFOOT_ISA": isa, "PYTHONHASHSEED": "0"}
        done = subprocess.run([sys.executable, "-m", "conv_sweep"], env=environment, check=True,
                              capture_output=True, text=True, timeout=300)  # fmt: skip
        seen.add(done.stdout)
        assert len(done.stdout) == 64
    assert len(seen) == 1


# -------------------------------------------------------------------------------------- layouts


def transposed_view(a: np.ndarray) -> sf.Tensor:
    order = tuple(reversed(range(a.ndim)))
    return sf.tensor(a.transpose(order).copy()).permute(order)


def every_second(a: np.ndarray) -> sf.Tensor:
    return sf.tensor(np.stack([a, np.full_like(a, np.nan)], -1))[..., 0]


@pytest.mark.parametrize("layout", [transposed_view, every_second], ids=lambda f: f.__name__)
def test_strided_inputs(layout: Any) -> None:
    x, w, b, g = (a.astype(np.float32) for a in Case(2, 5, 6, (7, 18)).arrays())
    want = conv_ref(*(a.astype(np.float64) for a in (x, w, b)), padding=1)
    leaves = [layout(a).requires_grad_() for a in (x, w, b)]
    y = F.conv2d(*leaves, padding=1)
    assert_close(y, want, 1e-5, 1e-5, check_dtype=False)
    plain = [sf.tensor(a, requires_grad=True) for a in (x, w, b)]
    expected = sf.autograd.grad(F.conv2d(*plain, padding=1), plain, sf.tensor(g))
    got = sf.autograd.grad(y, leaves, layout(g))
    for one, other in zip(got, expected, strict=True):
        assert_close(one, other, 1e-6, 1e-5)


def test_expanded_gradient_and_input() -> None:
    x = sf.tensor(RNG.standard_normal((1, 3, 6, 6))).requires_grad_()
    w = sf.tensor(RNG.standard_normal((4, 3, 3, 3))).requires_grad_()
    F.conv2d(x.expand(5, 3, 6, 6), w).sum().backward()
    dx, dw = to_array(x.grad).copy(), to_array(w.grad).copy()
    x.grad = w.grad = None
    (5 * F.conv2d(x, w).sum()).backward()
    assert_close(x.grad, dx, 1e-12, 1e-12)
    assert_close(w.grad, dw, 1e-12, 1e-12)


def test_empty_batch() -> None:
    x = sf.zeros(0, 3, 8, 8, requires_grad=True)
    w, b = sf.ones(4, 3, 3, 3, requires_grad=True), sf.ones(4, requires_grad=True)
    y = F.conv2d(x, w, b)
    assert tuple(y.shape) == (0, 4, 6, 6)
    y.sum().backward()
    assert tuple(x.grad.shape) == (0, 3, 8, 8)
    assert not w.grad.any()
    assert not b.grad.any()


def test_only_what_is_asked_is_computed() -> None:
    x, w = sf.ones(1, 2, 5, 5), sf.ones(3, 2, 3, 3, requires_grad=True)
    F.conv2d(x, w).sum().backward()
    assert x.grad is None
    assert w.grad.tolist() == [[[[9.0] * 3] * 3] * 2] * 3


def test_mixed_dtypes_promote() -> None:
    y = F.conv2d(sf.ones(1, 1, 3, 3), sf.ones(1, 1, 3, 3).double())
    assert y.dtype == sf.float64


# ------------------------------------------------------------------------------- special values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [(6, 6), (9, 32)])
def test_special_values_reach_what_they_touch_and_nothing_else(value: float, size: Any) -> None:
    x = RNG.standard_normal((2, 3, *size)).astype(np.float32)
    w = np.abs(RNG.standard_normal((5, 3, 3, 3))).astype(np.float32)
    clean = to_array(F.conv2d(sf.tensor(x), sf.tensor(w), padding=1))
    x[1, 2, 3, 4] = value
    y = to_array(F.conv2d(sf.tensor(x), sf.tensor(w), padding=1))
    touched = np.zeros(y.shape, bool)
    touched[1, :, 2:5, 3:6] = True
    np.testing.assert_array_equal(y[touched], np.float32(value))
    np.testing.assert_array_equal(y[~touched], clean[~touched])


@pytest.mark.parametrize("channels", [1, 16])
def test_nan_in_the_gradient_reaches_input_and_weight(channels: int) -> None:
    x = sf.tensor(RNG.standard_normal((2, channels, 6, 20))).requires_grad_()
    w = sf.tensor(RNG.standard_normal((5, channels, 3, 3))).requires_grad_()
    g = np.ones((2, 5, 4, 18))
    g[0, 3, 2, 2] = np.nan
    F.conv2d(x, w).backward(sf.tensor(g))
    assert np.argwhere(np.isnan(to_array(w.grad)).all((1, 2, 3))).tolist() == [[3]]
    assert not np.isnan(np.delete(to_array(w.grad), 3, 0)).any()
    assert np.isnan(to_array(x.grad)[0, :, 2:5, 2:5]).all()
    assert np.isnan(to_array(x.grad)).sum() == 9 * channels


# ---------------------------------------------------------------------------- second derivatives


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}],
                         ids=str)  # fmt: skip
def test_second_derivatives(options: dict[str, Any]) -> None:
    groups = options.get("groups", 1)
    x = sf.tensor(RNG.standard_normal((2, 2, 6, 5)), requires_grad=True)
    w = sf.tensor(RNG.standard_normal((4, 2 // groups, 3, 2)), requires_grad=True)
    b = sf.tensor(RNG.standard_normal(4), requires_grad=True)
    assert gradgradcheck(lambda *a: F.conv2d(*a, **options), (x, w, b), directional=True)
    v = sf.tensor(RNG.standard_normal((2, 4 // groups, 3, 2)), requires_grad=True)
    assert gradgradcheck(lambda *a: F.conv_transpose2d(*a, **options), (x, v), directional=True)


# --------------------------------------------------------------------------------------- layers


def test_output_size_chooses_the_output_padding() -> None:
    layer = nn.ConvTranspose2d(3, 4, 3, stride=(2, 3), padding=1)
    x = sf.tensor(RNG.standard_normal((2, 3, 4, 5)).astype(np.float32))
    weight, bias = to_array(layer.weight), to_array(layer.bias)
    for h in (7, 8):
        for w in (13, 14, 15):
            y = layer(x, output_size=(h, w))
            assert tuple(y.shape) == (2, 4, h, w)
            want = transposed_ref(to_array(x), weight, bias, (2, 3), 1, (h - 7, w - 13))
            assert_close(y, want, 1e-5, 1e-5, check_dtype=False)
    assert tuple(layer(x, output_size=(2, 4, 8, 13)).shape) == (2, 4, 8, 13)
    for wrong in ((6, 13), (9, 13), (7, 16)):
        with pytest.raises(ValueError, match=r"sizes from \d+ to \d+ in dimension"):
            layer(x, output_size=wrong)
    with pytest.raises(ValueError, match="must have 2 or 4 sizes"):
        layer(x, output_size=(7,))


@pytest.mark.parametrize(("mode", "name"), [("reflect", "reflect"), ("replicate", "edge"),
                                             ("circular", "wrap")])  # fmt: skip
@pytest.mark.parametrize("padding", [1, (2, 1), "same"], ids=str)
def test_padding_modes(mode: str, name: str, padding: Any) -> None:
    kernel = (3, 4)
    layer = nn.Conv2d(3, 5, kernel, padding=padding, padding_mode=mode).double()
    sides = [(1, 1), (1, 2)] if padding == "same" else [(p, p) for p in np.broadcast_to(padding, 2)]
    x = RNG.standard_normal((2, 3, 6, 7))
    padded = np.pad(x, [(0, 0), (0, 0), *sides], mode=name)
    want = conv_ref(padded, to_array(layer.weight), to_array(layer.bias))
    assert_close(layer(sf.tensor(x)), want, 1e-12, 1e-12)
    assert_close(layer(sf.tensor(x[0])), want[0], 1e-12, 1e-12)
    assert f"padding_mode={mode}" in repr(layer)
    line = nn.Conv1d(3, 5, 4, padding=2, padding_mode=mode).double()
    padded = np.pad(x[:, :, 0], [(0, 0), (0, 0), (2, 2)], mode=name)
    want = conv_ref(padded, to_array(line.weight), to_array(line.bias))
    assert_close(line(sf.tensor(x[:, :, 0])), want, 1e-12, 1e-12)


def test_default_laws_of_the_weights() -> None:
    sf.manual_seed(0)
    for init, law in (("torch", 1 / np.sqrt(3 * 72)), ("auto", np.sqrt(2 / (72 + 216)))):
        layer = nn.Conv2d(8, 24, 3, init=init)
        assert abs(to_array(layer.weight).std() / law - 1) < 0.05
        assert bool(layer.bias.any()) is (init == "torch")
    net = nn.Sequential(nn.Conv2d(8, 24, 3), nn.ReLU())
    assert abs(to_array(net[0].weight).std() / np.sqrt(2 / 72) - 1) < 0.05


@pytest.mark.parametrize(
    ("layer", "args", "options", "error", "text"),
    [
        (nn.Conv2d, (3, 4, 0), {}, ValueError, "kernel_size must be at least 1"),
        (nn.Conv2d, (3, 4, (3, 3, 3)), {}, ValueError, r"one integer or 2, got \(3, 3, 3\)"),
        (nn.Conv2d, (3, 4, 3), {"stride": 0}, ValueError, "stride must be at least 1"),
        (nn.Conv2d, (3, 4, 3), {"padding": -1}, ValueError, "padding must be at least 0"),
        (nn.Conv2d, (3, 4, 3), {"padding": "full"}, ValueError, "'same', 'valid'"),
        (nn.Conv2d, (3, 4, 3), {"padding": "same", "stride": 2}, ValueError, "stride must be 1"),
        (nn.Conv2d, (3, 4, 3), {"groups": 2}, ValueError, "multiple of groups=2"),
        (nn.Conv2d, (4, 3, 3), {"groups": 2}, ValueError, "out_channels=3"),
        (nn.Conv2d, (0, 4, 3), {}, ValueError, "in_channels must be at least 1"),
        (nn.Conv2d, (3, 4, 2.5), {}, TypeError, "kernel_size must be an int.*2.5"),
        (nn.Conv2d, (3, 4, 3), {"padding_mode": "mirror"}, ValueError, "'reflect'"),
        (nn.Conv2d, (3, 4, 3), {"paddding": 1}, TypeError, "paddding"),
        (nn.ConvTranspose2d, (3, 4, 3), {"padding": "same"}, ValueError, "integers"),
        (nn.ConvTranspose1d, (3, 4, 3), {"padding_mode": "reflect"}, ValueError, "'zeros'"),
    ],
)
def test_bad_arguments(layer: Any, args: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        layer(*args, **options)


def test_a_kernel_too_large_names_the_numbers() -> None:
    with pytest.raises(ValueError, match=r"kernel size 5 .* spans 5 .* \(4\)"):
        nn.Conv2d(1, 1, 5)(sf.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r"takes 3 input channels .* the input has 1"):
        nn.Conv2d(3, 1, 1)(sf.ones(1, 1, 4, 4))


def test_sizes_far_out_of_range() -> None:
    x = sf.ones(1).expand(1, 1, 2, 2)
    with pytest.raises((ValueError, MemoryError)):
        F.conv2d(x, sf.ones(1, 1, 1, 1), padding=2**31 - 1)
    with pytest.raises((ValueError, MemoryError)):
        F.conv_transpose2d(x, sf.ones(1, 1, 1, 1), stride=2**31 - 1)
