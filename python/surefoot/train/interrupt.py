"""Ctrl-C that lets the current batch finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["finish_batch_on_interrupt"]


@contextmanager
def finish_batch_on_interrupt(stop: Callable[[str], None]) -> Iterator[None]:
    """Within the block the first Ctrl-C calls ``stop("interrupted")``, a second one raises.

    Outside the main thread, or where the program has its own SIGINT handler, nothing changes.
    """
    previous = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread()
    if not ours or previous is not signal.default_int_handler:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, previous)
        stop("interrupted")

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
