"""The random numbers that a run draws, and where each of their sources stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from surefoot import _core

__all__ = ["check_generators", "kind", "random_state", "set_random_state"]


def check_generators(generators: Iterable[Any]) -> list[Any]:
    """NumPy's sources of random numbers as a list; TypeError for anything else."""
    found = list(generators)
    for source in found:
        known = isinstance(source, (np.random.Generator, np.random.RandomState))
        if not known and source is not np.random:
            raise TypeError(
                f"[Trainer] generators are np.random.Generator, np.random.RandomState or np.random "
                f"itself, not {type(source).__name__}"
            )
    return found


def random_state(generators: Iterable[Any]) -> dict[str, Any]:
    """Where the core's numbers and NumPy's stand, in plain values."""
    return {"core": _core.get_rng_state(), "numpy": [_plain(_state(g)) for g in generators]}


def set_random_state(saved: Mapping[str, Any], generators: Iterable[Any]) -> None:
    """Go back to where ``random_state`` was taken."""
    _core.set_rng_state(saved["core"])
    for source, state in zip(generators, saved["numpy"], strict=True):
        if isinstance(source, np.random.Generator):
            source.bit_generator.state = state
        else:
            source.set_state(state)


def kind(source: Any) -> str:
    """The rule that the numbers come from, such as PCG64."""
    return str(_state(source)["bit_generator"])


def _state(source: Any) -> Mapping[str, Any]:
    if isinstance(source, np.random.Generator):
        return source.bit_generator.state
    state: Mapping[str, Any] = source.get_state(legacy=False)
    return state


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
