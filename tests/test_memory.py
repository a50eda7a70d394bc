"""Memory: the pool's books, what a failed allocation leaves behind, no growth over many steps."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.testing import assert_close


def allocated() -> int:
    gc.collect()
    return int(sf.memory_stats()["allocated_bytes"])


def resident_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def has_grown_since(resident: int) -> bool:
    """By more than a MB. Never under AddressSanitizer, which keeps freed memory for a while."""
    return "libasan" not in os.environ.get("LD_PRELOAD", "") and resident_kib() - resident > 1024


def test_stats_follow_what_lives():
    before = allocated()
    x = sf.zeros(1000, 100)
    taken = allocated() - before
    assert 400_000 <= taken <= 480_000  # blocks come in classes at most a fifth apart
    view = x[1:]
    assert allocated() - before == taken
    del x
    assert allocated() > before, "the view keeps the memory"
    del view
    assert allocated() == before


def test_peak_and_reset():
    sf.reset_peak_memory_stats()
    start = sf.memory_stats()["allocated_bytes"]
    x = sf.zeros(1_000_000)
    del x
    assert sf.memory_stats()["peak_allocated_bytes"] >= start + 4_000_000
    sf.reset_peak_memory_stats()
    assert sf.memory_stats()["peak_allocated_bytes"] < start + 4_000_000


def test_cache_is_reused_and_can_be_given_back():
    sf.empty_cache()
    for _ in range(3):
        sf.zeros(50_000)
    calls = sf.memory_stats()["num_system_allocations"]
    for _ in range(100):
        sf.zeros(50_000)
    assert sf.memory_stats()["num_system_allocations"] == calls
    assert sf.memory_stats()["cached_bytes"] > 0
    sf.empty_cache()
    assert sf.memory_stats()["cached_bytes"] == 0


def test_memory_is_aligned():
    for size in (1, 3, 17, 1000, 123_457):
        assert sf.zeros(size).data_ptr() % 64 == 0


def test_backward_frees_the_graph():
    x = sf.ones(1000, 10, requires_grad=True)
    before = allocated()
    y = (x.exp() * x.sin()).tanh().sum()
    assert allocated() >= before + 3 * 40_000
    y.backward()
    grad = 40_000
    assert allocated() <= before + grad + 1024


def test_forward_without_grad_keeps_nothing():
    x = sf.ones(1000, 10, requires_grad=True)
    before = allocated()
    with sf.no_grad():
        y = x.exp().sin().tanh().sum()
    assert allocated() <= before + 1024
    del y


# -------------------------------------------------------------------------- failed allocations


def small_step() -> Any:
    x = sf.tensor(np.linspace(-1, 1, 12).reshape(3, 4), requires_grad=True)
    w = sf.tensor(np.linspace(-1, 1, 8).reshape(4, 2), requires_grad=True)
    h = (x @ w).tanh().softmax(1)
    h.log().sum().backward()
    return w.grad


PROGRAMS: dict[str, Callable[[], Any]] = {
    "training step": small_step,
    "elementwise": lambda: sf.ones(3, 1) + sf.ones(4) * 2,
    "reductions": lambda: sf.arange(24.0).reshape(2, 3, 4).var((0, 2)) + sf.ones(3).logsumexp(0),
    "sort": lambda: sf.arange(10.0).flip(0).sort().values,
    "index": lambda: sf.arange(12.0).reshape(3, 4)[[0, 2], 1:],
    "write": lambda: writes(),
    "join": lambda: sf.cat([sf.ones(3), sf.zeros(4)]).repeat(2, 2),
    "random": lambda: sf.rand(5, generator=sf.Generator(1)),
    "double backward": lambda: second_derivative(),
}


def writes() -> Any:
    x = sf.zeros(3, 4)
    x[[0, 2]] = sf.ones(2, 4)
    x[x > 0] = 5.0
    return x


def second_derivative() -> Any:
    x = sf.ones(4, requires_grad=True)
    (g,) = sf.autograd.grad((x.exp() * x).sum(), x, create_graph=True)
    return sf.autograd.grad(g.sum(), x)[0]


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_allocation_may_fail(name: str):
    """The k-th allocation fails, for every k: MemoryError, nothing lost, the next run is right."""
    program = PROGRAMS[name]
    want = np.array(program().detach().numpy())
    before = allocated()
    failures = 0
    for k in range(1000):
        sf._core._fail_allocation_after(k)
        try:
            result = program()
        except MemoryError as error:
            failures += 1
            assert str(error)  # noqa: PT017
        else:
            break
        finally:
            sf._core._fail_allocation_after(-1)
        assert allocated() == before, f"allocation {k} failed and left memory behind"
        assert sf.is_grad_enabled()
    else:
        pytest.fail("the program never finished")
    assert failures > 0
    assert_close(result, want)
    del result
    assert_close(program(), want)
    assert allocated() == before


def test_failed_backward_leaves_gradients_as_they_were():
    x = sf.ones(5, requires_grad=True)
    (x * x).sum().backward()
    want = x.grad.tolist()
    for k in range(20):
        y = (x.exp() * x).sum()
        sf._core._fail_allocation_after(k)
        try:
            y.backward()
        except MemoryError:
            assert x.grad.tolist() == want
        else:
            break
        finally:
            sf._core._fail_allocation_after(-1)
    else:
        pytest.fail("never finished")


# ------------------------------------------------------------------------------------ many steps


def training_step(w: Any, x: Any, labels: Any) -> None:
    h = (x @ w[0] + w[1]).relu()
    loss = sf.nn.functional.cross_entropy(h @ w[2], labels)
    loss.backward()
    with sf.no_grad():
        for p in w:
            p -= 0.01 * p.grad
            p.grad = None


def run_steps(count: int) -> None:
    rng = np.random.default_rng(0)
    shapes = ((8, 16), (16,), (16, 3))
    w = [sf.tensor(rng.standard_normal(s) * 0.3, requires_grad=True) for s in shapes]
    x, labels = sf.tensor(rng.standard_normal((32, 8))), sf.tensor(rng.integers(0, 3, 32))
    for _ in range(200):
        training_step(w, x, labels)
    live, resident = allocated(), resident_kib()
    system = sf.memory_stats()["num_system_allocations"]
    for _ in range(count):
        training_step(w, x, labels)
    assert allocated() == live
    assert sf.memory_stats()["num_system_allocations"] == system
    assert not has_grown_since(resident)


def test_memory_is_flat_over_500_steps():
    run_steps(500)


@pytest.mark.slow
def test_memory_is_flat_over_10_000_steps():
    run_steps(10_000)


def test_memory_is_flat_with_hooks_functions_and_second_derivatives():
    class Twice(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    def step() -> None:
        x = sf.ones(2000, requires_grad=True)
        y = Twice.apply(x.exp())
        y.register_hook(lambda g: g * 1.0)
        (g,) = sf.autograd.grad(y.sum(), x, create_graph=True)
        (g * g).sum().backward()

    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            step()
        live = sf.memory_stats()["allocated_bytes"]
        resident = resident_kib()
        for _ in range(200):
            step()
        assert sf.memory_stats()["allocated_bytes"] == live
        assert not has_grown_since(resident)
    finally:
        gc.enable()
