"""The stream of `sf.manual_seed`, to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surefoot import _core


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave the stream of ``sf.manual_seed`` at the end of the block as it was."""
    state = _core.get_rng_state()
    try:
        yield
    finally:
        _core.set_rng_state(state)
