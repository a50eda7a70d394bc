"""The same bits for any number of threads, on AVX2 and AVX-512; the process stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from op_table import ROWS
from op_table.fingerprint import training_run
from op_table.run import digest
from surefoot.testing import assert_close

HERE = Path(__file__).parent
PACKAGE = Path(sf.__file__).parents[1]
AVAILABLE = sf._core._available_isas()


def environment(**changes: str) -> dict[str, str]:
    path = os.pathsep.join([str(PACKAGE), str(HERE), *sys.path])
    return {**os.environ, "PYTHONPATH": path, **changes}


def python(*args: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def script(text: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return python("-c", textwrap.dedent(text), **changes)


# ------------------------------------------------------------------------------ instruction sets


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """ISA -> (digests, arrays), each from a process of its own, run when first asked for."""
    folder = tmp_path_factory.mktemp("fingerprints")
    seen: dict[str, Any] = {}

    def of(isa: str) -> Any:
        if isa not in AVAILABLE:
            pytest.skip(f"this machine cannot run {isa}")
        if isa not in seen:
            file = folder / f"{isa}.npz"
            done = python("-m", "op_table.fingerprint", str(file), SUREFOOT_ISA=isa)
            assert done.returncode == 0, done.stderr[-2000:]
            report = json.loads(done.stdout)
            assert report["isa"] == isa
            with np.load(file) as arrays:
                seen[isa] = report["digests"], dict(arrays)
        return seen[isa]

    return of


def test_avx2_and_avx512_give_the_same_bits(fingerprints: Any):
    left, right = fingerprints("avx2")[0], fingerprints("avx512")[0]
    assert left.keys() == right.keys()
    assert len(left) > 1000
    assert [key for key in left if left[key] != right[key]] == []


def test_baseline_gives_the_same_numbers(fingerprints: Any):
    """Without FMA sums round differently; within the rows' tolerances nothing may change."""
    other = "avx2" if "avx2" in AVAILABLE else "avx512"
    left, right = fingerprints("baseline")[1], fingerprints(other)[1]
    assert left.keys() == right.keys()
    rows = {row.name: row for row in ROWS}
    for key, want in right.items():
        name, dtype, *_ = key.split("|")
        row = rows.get(name)
        limit = 2e-5 if dtype == "float32" else 1e-11
        if row:
            limit = max(limit, row.rtol32 if dtype == "float32" else row.rtol64)
        assert_close(left[key], want, 2 * limit, 2 * limit, equal_nan=True, msg=key)


@pytest.mark.parametrize("isa", AVAILABLE)
def test_forced_isa_runs(isa: str):
    done = script("import surefoot as sf; print(sf._core._isa())", SUREFOOT_ISA=isa)
    assert done.stdout.strip() == isa
    done = script("import surefoot as sf; sf.show_config()", SUREFOOT_ISA=isa)
    assert isa in done.stdout


def test_unknown_isa_is_an_error_of_the_import():
    done = script("import surefoot", SUREFOOT_ISA="sse9")
    assert done.returncode != 0
    assert "sse9" in done.stderr
    assert "baseline" in done.stderr
    assert "Error" in done.stderr


def test_best_isa_is_chosen():
    assert AVAILABLE[0] == "baseline" or "baseline" in AVAILABLE
    if not os.environ.get("SUREFOOT_ISA"):
        order = ["baseline", "avx2", "avx512"]
        assert sf._core._isa() == max(AVAILABLE, key=order.index)


# -------------------------------------------------------------------------------------- threads


def test_training_does_not_depend_on_threads():
    seen = set()
    for threads in (1, 2, 3, 8):
        sf.set_num_threads(threads)
        seen.add(digest(training_run()))
    assert len(seen) == 1


def test_number_of_threads():
    for n in (1, 2, 3, 8):
        sf.set_num_threads(n)
        assert sf.get_num_threads() == n
    for wrong in (0, -1):
        with pytest.raises((ValueError, RuntimeError)):
            sf.set_num_threads(wrong)
    for wrong in (1.5, "2", None):
        with pytest.raises(TypeError):
            sf.set_num_threads(wrong)
    assert sf.get_num_threads() == 8


def test_default_number_of_threads_is_what_the_process_may_use():
    done = script("import surefoot as sf; print(sf.get_num_threads())")
    assert 1 <= int(done.stdout) <= len(os.sched_getaffinity(0))
    done = script(
        """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import surefoot as sf
        print(sf.get_num_threads())
        """
    )
    assert int(done.stdout) == 1


def test_python_threads_work_side_by_side():
    """Own graphs, own grad mode; ops release the GIL."""
    wrong: list[Any] = []

    def work(seed: int) -> None:
        try:
            rng = np.random.default_rng(seed)
            a, b = rng.standard_normal((90, 200)), rng.standard_normal((200, 90))
            for i in range(30):
                x = sf.tensor(a, requires_grad=True)
                if i % 3 == seed % 3:
                    with sf.no_grad():
                        assert not (x @ sf.tensor(b)).requires_grad
                y = (x @ sf.tensor(b)).tanh()
                assert y.requires_grad
                y.sum().backward()
                t = np.tanh(a @ b)
                assert_close(y, t, 1e-9, 1e-9)
                assert_close(x.grad, (1 - t * t) @ b.T, 1e-9, 1e-9)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not wrong
    assert not any(t.is_alive() for t in threads)


def test_backward_through_one_graph_from_two_threads_keeps_the_sums():
    """Shared leaves: the gradients of both threads arrive."""
    x = sf.ones(50_000, requires_grad=True)

    def work() -> None:
        for _ in range(20):
            (x * 2.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert_close(x.grad, np.full(50_000, 120.0, np.float32))


def test_interpreter_ends_while_threads_compute():
    done = script(
        """
        import threading, surefoot as sf
        def work():
            while True:
                (sf.ones(300, 300) @ sf.ones(300, 300)).sum()
        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
        import time; time.sleep(0.3)
        """
    )
    assert done.returncode == 0, done.stderr


def test_ops_work_after_fork():
    done = script(
        """
        import os, sys, warnings
        warnings.simplefilter("ignore")
        import surefoot as sf
        sf.set_num_threads(2)
        x = sf.ones(500, 500)
        assert (x @ x)[0, 0].item() == 500
        for _ in range(20):
            child = os.fork()
            if child == 0:
                import signal; signal.alarm(20)
                y = sf.ones(500, 500, requires_grad=True)
                (y @ x).sum().backward()
                os._exit(0 if y.grad[0, 0].item() == 500 else 3)
            assert os.waitpid(child, 0)[1] == 0
        assert (x @ x)[0, 0].item() == 500
        """
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("seconds", "start", "work", "in_child"),
    [
        pytest.param(4, "sf.ones(70_000)", "x * x", "sf.zeros(70_000)", id="allocates"),
        pytest.param(
            2,
            "sf.ones(2, requires_grad=True)",
            "x.sum().backward()",
            "x.sum().backward()",
            id="adds up gradients",
        ),
    ],
)
def test_fork_while_another_thread(seconds: int, start: str, work: str, in_child: str):
    done = script(
        f"""
        import os, signal, threading, time, warnings
        warnings.simplefilter("ignore")
        import surefoot as sf
        sf.set_num_threads(1)
        x = {start}
        def work():
            while True:
                {work}
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        end = time.time() + {seconds}
        while time.time() < end:
            child = os.fork()
            if child == 0:
                signal.alarm(5)
                {in_child}
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        os._exit(0)
        """
    )
    assert done.returncode == 0, done.stderr


def test_only_the_workers_in_use_are_woken():
    done = script(
        """
        import os, time
        import surefoot as sf
        x = sf.ones(1 << 20)

        def sleeps():
            found = {}
            for task in os.listdir("/proc/self/task"):
                if int(task) == os.getpid():
                    continue
                lines = open(f"/proc/self/task/{task}/status").read().splitlines()
                line = next(line for line in lines if line.startswith("voluntary_ctxt"))
                found[task] = int(line.split()[1])
            return found

        def train():
            for _ in range(50):
                x * x
                time.sleep(0.0005)

        sf.set_num_threads(6)
        train()
        time.sleep(0.05)
        sf.set_num_threads(2)
        before = sleeps()
        train()
        time.sleep(0.05)
        after = sleeps()
        woken = [task for task in before if after[task] - before[task] > 5]
        print(len(before), len(woken))
        """
    )
    workers, woken = map(int, done.stdout.split())
    assert workers >= 5, done.stderr
    assert woken <= 1


NO_MEMORY = {
    "interpolate": (
        "x = sf.ones(1, 2, 900, 1000)",
        "sf.nn.functional.interpolate(x, size=(1800, 2000), mode='bilinear')",
        29,  # MB of the result
    ),
    "sort": ("x = sf.ones(2, 4_000_000)", "sf.sort(x)", 64),
}


@pytest.mark.parametrize("name", NO_MEMORY)
def test_no_memory_inside_a_parallel_region_is_an_error(name):
    prepare, call, result = NO_MEMORY[name]
    done = script(
        f"""
        import resource
        import surefoot as sf
        sf.set_num_threads(2)
        sf.ones(1 << 20) * 2
        {prepare}
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        limits = []
        for spare in range(-8, 48):
            resource.setrlimit(resource.RLIMIT_AS, (used + (({result} + spare) << 20), -1))
            try:
                {call}
                limits.append("done")
            except MemoryError as error:
                limits.append(str(error))
            sf.empty_cache()
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        {call}
        print(limits)
        """
    )
    assert f"[{name}] no memory" in done.stdout, (done.stdout, done.stderr)


def test_fewer_threads_than_asked_for():
    """A system that gives no more threads does not end the process."""
    done = script(
        """
        import resource
        import surefoot as sf
        x = sf.ones(64, 64, 400)
        sf.set_num_threads(1000)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20), -1))
        for _ in range(3):
            assert (x * x).sum().item() == x.numel()
        print("went on")
        """
    )
    assert "went on" in done.stdout, (done.returncode, done.stderr)


# ---------------------------------------------------------------------------- a guest's manners


def test_a_signal_that_is_waited_for_is_not_taken_by_a_worker():
    done = script(
        """
        import os, signal
        import surefoot as sf
        sf.set_num_threads(4)
        sf.ones(1000, 1000).sum()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert signal.sigwait([signal.SIGUSR1]) == signal.SIGUSR1
        print("arrived")
        """,
        OPENBLAS_NUM_THREADS="1",
    )
    assert "arrived" in done.stdout, (done.returncode, done.stderr)


def test_floating_point_state_is_left_alone():
    """Denormals are flushed inside kernels and formulas of backward only, not in hooks."""
    tiny = np.float32(1e-40)
    kept: list[bool] = []
    for threads in (1, 2):
        sf.set_num_threads(threads)
        x = sf.full((200_000,), 1e-30)
        (x * 1e-10).sum()
        (sf.ones(64, 64) @ sf.ones(64, 64)).exp()
        inner = sf.ones(4, requires_grad=True) * 1e-30
        inner.register_hook(lambda grad: kept.append(bool(tiny + tiny > 0)))
        (inner * 1e-10).sum().backward()
        assert kept.pop()
        assert tiny * np.float32(1.0) == tiny
        assert tiny + tiny > 0
        with np.errstate(all="raise"):
            assert np.float64(1.0) / np.float64(3.0) > 0


def test_import_changes_nothing_in_the_process():
    done = script(
        """
        import signal, threading, warnings, random, numpy as np
        signals = signal.SIGINT, signal.SIGTERM, signal.SIGFPE
        before = [signal.getsignal(s) for s in signals]
        np.random.seed(1); random.seed(1)
        state = np.random.get_state()[1].tolist(), random.getstate()
        import surefoot
        assert before == [signal.getsignal(s) for s in signals]
        assert state == (np.random.get_state()[1].tolist(), random.getstate())
        assert threading.active_count() == 1
        assert len(__import__("os").listdir("/proc/self/task")) <= 1 + int(
            __import__("os").cpu_count() or 1)
        assert np.finfo(np.float32).smallest_subnormal > 0
        """
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", ["numpy", "surefoot"])
def test_import_order_does_not_matter(first: str):
    second = "surefoot" if first == "numpy" else "numpy"
    done = script(
        f"""
        import {first}, {second}
        import surefoot as sf, numpy as np
        a = np.ones((50, 50))
        assert np.allclose((sf.tensor(a) @ sf.tensor(a)).numpy(), a @ a)
        """
    )
    assert done.returncode == 0, done.stderr
