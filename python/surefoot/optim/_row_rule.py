"""The base of the rules whose step is one row of the core's table of updates."""

from __future__ import annotations

from typing import Any, ClassVar

from surefoot import _core
from surefoot._core import Tensor

from . import _check
from ._state import Group
from ._terms import sign_and_decay
from .optimizer import Optimizer


class RowRule(Optimizer):
    """An optimizer that is a row of ``kernels/update.def``: it names the row and gives numbers.

    A rule has ``_row``, ``_coefficients`` and ``_formula``; ``_start`` if a state does not start
    at 0, ``_check`` if an option has limits of its own.
    """

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        """The row, and the names of its state tensors s0, s1, s2."""
        raise NotImplementedError

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        """The row's c[2], c[3], ... for update ``t`` of a parameter, 1 for the first."""
        raise NotImplementedError

    def _start(self, group: Group, field: str) -> float:
        """The value that state tensor ``field`` is filled with at first."""
        return 0.0

    def _check(self, group: Group) -> None:
        _check.options(self._rule(), group)

    def _update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        row, fields = self._row(group)
        entries = self._entries(params)
        states = [self._buffers(f, entries, params, self._start(group, f)) for f in fields]
        steps = [entry.get("step", 0) + 1 for entry in entries]
        lists = self._lists(group, entries, steps)
        _core._update_(row, params, grads, [buffers for buffers, _ in states], lists)
        self._keep("step", entries, steps)
        for field, (buffers, are_new) in zip(fields, states, strict=True):
            if are_new:
                self._keep(field, entries, buffers)

    def _lists(
        self, group: Group, entries: list[dict[str, Any]], steps: list[int]
    ) -> list[tuple[float, ...]]:
        """All coefficients of every parameter; one list for all if they have the same step."""
        head = sign_and_decay(group)
        made = {t: head + self._coefficients(group, t) for t in set(steps)}
        return [made[t] for t in (steps if len(made) > 1 else steps[:1])]


class AdaptiveRule(RowRule):
    """A row rule with a step length of its own for every number."""

    _eps_modes: ClassVar[tuple[str, ...]] = ("outside", "inside")

    def _check(self, group: Group) -> None:
        super()._check(group)
        if "eps_mode" in group:
            _check.choice(self._rule(), "eps_mode", group["eps_mode"], self._eps_modes)
