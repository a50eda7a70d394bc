"""What ``step`` calls for the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surefoot import _core

Closure = Callable[[], Any]


def with_grad(closure: Closure, enabled: bool = True) -> Any:
    """``closure()`` with recording on, or off, whatever the caller's mode."""
    before = _core.is_grad_enabled()
    _core._set_grad_enabled(enabled)
    try:
        return closure()
    finally:
        _core._set_grad_enabled(before)
