"""What a search prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["show"]


def show(ended: Sequence[Any], number: int, total: int, sign: float) -> None:
    """Print one line for the trial that has just ended."""
    trial = next(t for t in ended if t.number == number)
    values = [t.value for t in ended if t.state.name == "COMPLETE"]
    parts = [f"trial {len(ended):>{len(str(total))}}/{total}"]
    if trial.state.name == "FAIL":
        parts.append(f"failed ({trial.user_attrs['error']})")
    elif trial.state.name == "PRUNED":
        parts.append("pruned")
    else:
        parts.append(f"{trial.value:.4g}")
    if values:
        parts.append(f"best {sign * min(sign * value for value in values):.4g}")
    given = [
        f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in trial.params.items()
    ]
    print("  ".join([*parts, ", ".join(given)]), flush=True)
