"""Batches made in threads, ahead of the one who uses them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_PER_WORKER = 2  # batches begun or waiting


def ahead(load: Callable[[int], Any], numbers: Iterable[int], workers: int) -> Iterator[Any]:
    """``map(load, numbers)`` in threads, in order, at most ``2 * workers`` at a time.

    An exception comes where its result would have come. When the iteration ends, or is given up,
    what has not begun is dropped and what runs is waited for.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="surefoot-loader")
    waiting: deque[Future[Any]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(load, number))
            if len(waiting) == _PER_WORKER * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
