"""The seven moments of a run and who listens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .callbacks import Callback

__all__ = ["EVENTS", "check_callbacks", "listeners"]

EVENTS = (
    "on_fit_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_backward_end",
    "on_batch_end",
    "on_epoch_end",
    "on_fit_end",
)


def check_callbacks(callbacks: Iterable[object]) -> None:
    """Raises TypeError for an object that listens to nothing."""
    for callback in callbacks:
        if not any(hasattr(callback, event) for event in EVENTS):
            remedy = (
                "wrap it: LRSchedule(schedule)" if hasattr(callback, "step") else "see Callback"
            )
            raise TypeError(
                f"[Trainer] {type(callback).__name__} has none of the methods of a callback, so it "
                f"would do nothing; {remedy}"
            )


def listeners(callbacks: Iterable[object], event: str) -> list[Callable[[Any], None]]:
    """Return the methods for an event, without those of Callback itself, which do nothing."""
    idle = getattr(Callback, event)
    methods = [getattr(callback, event, None) for callback in callbacks]
    return [m for m in methods if m is not None and getattr(m, "__func__", None) is not idle]
