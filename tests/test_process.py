"""Whether a process still runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surefoot import _process


def test_this_process_began_once() -> None:
    assert _process.began(os.getpid()) == _process.began(os.getpid()) is not None


@pytest.mark.parametrize("told", [True, False], ids=["by the system", "by a signal"])
def test_a_process_that_ended_is_no_more(told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not told:  # as where there is no /proc

        def read_bytes(self: Path) -> bytes:
            raise FileNotFoundError(self)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert _process.began(child.pid) is not None
    child.communicate(b"\n")
    assert _process.began(child.pid) is None
    assert _process.began(2**70) is not None  # cannot be asked for: left alone


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_name_cut_within_a_letter() -> None:
    program = (
        "import ctypes; ctypes.CDLL(None).prctl(15, b'\\xc3\\xa9' * 7 + b'\\xc3'); print(); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", program], **pipes)
    assert child.stdout is not None
    child.stdout.readline()
    assert _process.began(child.pid) is not None
    child.communicate(b"\n")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_what_nobody_waited_for_is_no_more() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert _process.began(child.pid) is None
    child.wait()
