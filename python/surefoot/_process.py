"""Whether a process still runs."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["began"]


def began(pid: int) -> str | None:
    """The moment it began, in clock ticks since the machine's start; None if it is no more.

    '0' where the system does not tell the moment.
    """
    try:
        # The name before ")" may be cut within a letter: bytes, no text.
        stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()
        return None if stat[0] == "Z" else stat[19]
    except OSError:
        return "0" if _answers(pid) else None


def _answers(pid: int) -> bool:
    if os.name != "posix":  # elsewhere there is no asking
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True
