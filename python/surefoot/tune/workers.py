"""Several processes at one search."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["run_workers"]

Work = Callable[[Callable[[], bool]], str]


def run_workers(count: int, work: Work) -> str:
    """Run ``work(stop)`` in ``count`` forked processes and return why they ended.

    Forked, so that the objective may be any function and the data is shared. An error in one of
    them stops the others after their trial, and is raised here with its text.

    Raises:
        RuntimeError: the objective raised an error, or a process was killed.
    """
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    pipes = [context.Pipe(duplex=False) for _ in range(count)]
    children = [
        context.Process(target=_run, args=(work, stop, sender), daemon=True) for _, sender in pipes
    ]
    with _interrupt_noted() as noted, warnings.catch_warnings():
        # Threads that slept at the fork are no matter here.
        warnings.simplefilter("ignore", DeprecationWarning)
        for child in children:
            child.start()
    for _, sender in pipes:
        sender.close()
    interrupted = bool(noted)
    if interrupted:
        _hand_on(children, stop)
    while any(child.is_alive() for child in children):
        interrupted = _wait(children, stop) or interrupted
    said = [_last_words(pipe[0], child) for pipe, child in zip(pipes, children, strict=True)]
    errors = [text for kind, text in said if kind == "error"]
    if interrupted:
        return "interrupted"
    if errors:
        raise RuntimeError(f"[tune] {errors[0]}")
    reasons = {text for _, text in said}
    return next((r for r in ("interrupted", "timeout") if r in reasons), "finished")


@contextmanager
def _interrupt_noted() -> Iterator[list[int]]:
    """Keep a Ctrl-C for later: Python loses one that comes while a process forks."""
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # it never comes here
        yield noted
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _hand_on(children: list[Any], stop: Any) -> None:
    stop.set()
    for child in children:
        if child.is_alive():
            os.kill(child.pid, signal.SIGINT)


def _wait(children: list[Any], stop: Any) -> bool:
    """Wait for all; a Ctrl-C, which they get as well, is handed on and makes this True."""
    try:
        for child in children:
            child.join()
    except KeyboardInterrupt:
        _hand_on(children, stop)
        return True
    return False


def _run(work: Work, stop: Any, sender: Any) -> None:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        words = ("reason", work(stop.is_set))
    except KeyboardInterrupt:
        words = ("reason", "interrupted")
    except BaseException as error:
        stop.set()
        lines = "".join(traceback.format_exception(error))
        words = ("error", f"a worker ended with {type(error).__name__}: {error}\n\n{lines}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sender.send(words)
    sender.close()


def _last_words(receiver: Any, child: Any) -> tuple[str, str]:
    try:
        if receiver.poll():
            kind, text = receiver.recv()
            return kind, text
    except EOFError:
        pass
    return "error", (
        f"a worker was killed (exit code {child.exitcode}), perhaps for want of memory: take fewer "
        "workers; with storage=... the search goes on where it was"
    )
