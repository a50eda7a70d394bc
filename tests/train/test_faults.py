"""What can happen to a file while it is written: nothing is lost, nothing damaged is read."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import _disk

CALLS = ("open", "write", "read", "fsync", "fchmod", "replace", "close")
OLD, NEW = {"w": sf.full((40,), 1.0)}, {"w": sf.full((40,), 2.0), "note": "new"}


class Injected:
    """Counts the system calls of a save and does something else in place of number ``at``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, fault: Callable[..., Any]) -> None:
        self.count, self.at, self.fault, self.names = 0, at, fault, []
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            number, self.count = self.count, self.count + 1
            self.names.append(name)
            if number == self.at:
                return self.fault(name, original, *args, **options)
            return original(*args, **options)

        return call


def fails(code: int) -> Callable[..., Any]:
    def fault(name: str, original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if name == "close":
            original(*args)  # a failed close has closed all the same
        raise OSError(code, os.strerror(code))

    return fault


def short(name: str, original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A write that takes a third of the bytes, and says so; a read likewise."""
    if name == "write":
        return original(args[0], args[1][: max(len(args[1]) // 3, 1)])
    return original(args[0], max(args[1] // 3, 1)) if name == "read" else original(*args, **options)


def liar(name: str, original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A write that says it has taken all the bytes and has not."""
    if name == "write":
        original(args[0], args[1][:-1])
        return len(args[1])
    return original(*args, **options)


def calls_of_a_save(folder: Path) -> list[str]:
    """The names of the calls that replace a file of OLD by one of NEW."""
    path = folder / "counted"
    sf.save(OLD, path)
    with pytest.MonkeyPatch.context() as patch:
        counter = Injected(patch, -1, fails(0))
        sf.save(NEW, path)
    path.unlink()
    return counter.names


def value(path: Path) -> float:
    loaded = sf.load(path, sealed=True)
    assert set(loaded) in (set(OLD), set(NEW))
    return float(loaded["w"][0].item())


def test_the_calls_that_are_watched_are_those_that_matter(tmp_path: Path) -> None:
    names = calls_of_a_save(tmp_path)
    assert [name for name in names if name != "read"] == [
        *("open", "fchmod", "write", "write", "fsync", "close"),  # the new file
        *("open", "close", "replace"),  # compared, renamed
        *("open", "fsync", "close"),  # the folder
    ]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
def test_a_fault_at_any_call_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "x"
    sf.save(OLD, path)
    names = calls_of_a_save(tmp_path)
    for at, name in enumerate(names):
        sf.save(OLD, path)
        with monkeypatch.context() as patch:
            Injected(patch, at, fails(code))
            with pytest.raises(OSError, match=os.strerror(code)):
                sf.save(NEW, path)
        renamed = at > names.index("replace")
        assert value(path) == (2.0 if renamed else 1.0), f"call {at}, {name}"
        assert os.listdir(tmp_path) == ["x"], f"call {at}, {name}"


def test_short_writes_and_reads_are_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(len(calls_of_a_save(tmp_path))):
        sf.save(OLD, tmp_path / "x")
        with monkeypatch.context() as patch:
            Injected(patch, at, short)
            sf.save(NEW, tmp_path / "x")
        assert value(tmp_path / "x") == 2.0


def test_a_write_that_lies_is_found_before_the_old_file_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    sf.save(OLD, path)
    for at, name in enumerate(calls_of_a_save(tmp_path)):
        if name == "write":
            with monkeypatch.context() as patch:
                Injected(patch, at, liar)
                with pytest.raises(OSError, match="does not hold what was written"):
                    sf.save(NEW, path)
            assert value(path) == 1.0


def in_child(work: Callable[[], None]) -> None:
    """Runs ``work`` in a process of its own, which may end in any way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns where other threads exist
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_a_crash_at_any_call_leaves_the_old_or_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    path = tmp_path / "x"
    names = calls_of_a_save(tmp_path)
    for at in range(len(names)):
        sf.save(OLD, path)

        def work(at: int = at) -> None:
            Injected(monkeypatch, at, crash)
            sf.save(NEW, path)

        in_child(work)
        assert value(path) == (2.0 if at > names.index("replace") else 1.0)
    sf.save(NEW, path)
    assert os.listdir(tmp_path) == ["x"], "what the dead have left is removed by the next save"


def test_the_file_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    living = tmp_path / f".x.{os.getppid()}-1.tmp"
    living.write_bytes(b"half")
    sf.save(NEW, tmp_path / "x")
    assert living.exists()


def test_a_limit_of_the_system_cuts_the_write(tmp_path: Path) -> None:
    """No pretence: the kernel takes part of the bytes, then refuses."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "x"
    sf.save(OLD, path)
    size = len(path.read_bytes())
    for limit in (0, 1, 7, 100, size - 1):

        def work(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                sf.save(NEW, path)
            except OSError as error:
                os._exit(error.errno != errno.EFBIG)
            os._exit(1)

        in_child(work)
        assert value(path) == 1.0
    assert os.listdir(tmp_path) == ["x"]


def flips(data: bytes, bits: Iterator[int]) -> Iterator[bytes]:
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def assert_found(path: Path, bits: Iterator[int]) -> None:
    whole = path.read_bytes()
    for changed in flips(whole, bits):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="is not a usable safetensors file"):
            sf.load(path, sealed=True)


def small_file(tmp_path: Path) -> Path:
    model = sf.nn.Linear(3, 2)
    optimizer = sf.optim.Adam(model.parameters())
    trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, seed=0)
    trainer.fit((np.ones((4, 3)), np.ones((4, 2))), epochs=1, progress=False)
    trainer.save(tmp_path / "run")
    return tmp_path / "run"


def test_a_bit_that_flips_anywhere_is_found(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    total = 8 * len(path.read_bytes())
    draw = random.Random(0)
    assert_found(path, iter([*range(8 * 10), *(draw.randrange(total) for _ in range(400))]))


@pytest.mark.slow
def test_every_bit_that_flips_is_found(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    assert_found(path, iter(range(8 * len(path.read_bytes()))))


def test_a_damaged_tensor_is_named_and_a_file_of_ours_is_checked_unasked(tmp_path: Path) -> None:
    sf.save({"a": sf.zeros(8), "b": sf.ones(8)}, tmp_path / "x")
    data = bytearray((tmp_path / "x").read_bytes())
    data[-1] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ValueError, match=r"tensor 'b' is damaged \(its digest does not fit\)"):
        sf.load(tmp_path / "x")


def kill_run(folder: Path, seed: int, kills: int) -> None:
    package = str(Path(_disk.__file__).parents[1])
    command = [sys.executable, str(Path(__file__).with_name("kill_run.py"))]
    result = subprocess.run(
        [*command, str(folder), str(seed), str(kills)],
        env={**os.environ, "PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["equal"], report
    assert report["killed"] == kills, report
    assert report["left"] == [], report


def test_killed_at_random_instants_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    kill_run(tmp_path, seed=0, kills=6)


@pytest.mark.slow
def test_killed_fifty_times(tmp_path: Path) -> None:
    kill_run(tmp_path, seed=1, kills=50)


@pytest.mark.slow
@pytest.mark.skipif("SUREFOOT_KILLS" not in os.environ, reason="SUREFOOT_KILLS=200 kills so often")
def test_killed_as_often_as_asked(tmp_path: Path) -> None:
    kill_run(tmp_path, seed=2, kills=int(os.environ["SUREFOOT_KILLS"]))
