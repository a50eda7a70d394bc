"""The base of the rules whose step is one row of the core's table of updates."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from surefoot import _check, _core
from surefoot._core import Tensor

from ._options import check_options
from ._sparse_steps import SparseSteps
from ._state import Group, Key
from ._terms import sign_and_decay


class RowRule(SparseSteps):
    """An optimizer that is a row of ``kernels/update.def``: it names the row and gives numbers.

    A rule has ``_row``, ``_coefficients`` and ``_formula``; ``_start`` if a state does not start
    at 0, ``_check`` if an option has limits of its own.
    """

    _counter: ClassVar[str | None] = "step"  # where a parameter's updates are counted

    def _row(self, group: Group) -> tuple[str, tuple[str, ...]]:
        """The row, and the names of its state tensors s0, s1, s2."""
        raise NotImplementedError

    def _coefficients(self, group: Group, t: int) -> tuple[float, ...]:
        """The row's c[2], c[3], ... for update ``t`` of a parameter, 1 for the first.

        Without a counter 1 while its state is not there yet, 2 from then on.
        """
        raise NotImplementedError

    def _check(self, group: Group) -> None:
        check_options(self._rule(), group)

    def _update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        self._run(group, params, grads, 1.0)

    def _step_group(self, group: Group, scale: float) -> None:
        if type(self)._update is RowRule._update:
            self._run(group, group["params"], None, scale)
        else:  # a rule of somebody's own, made of one of these
            super()._step_group(group, scale)

    def _run(
        self, group: Group, params: list[Tensor], grads: list[Tensor] | None, scale: float
    ) -> None:
        """One fused step; the row multiplies every gradient by sign and scale as it loads it.

        grads: None for those that the parameters have; the ones without are left out.
        """
        row, fields = self._row(group)
        sign, decay = sign_and_decay(group)
        _core._update_(
            row,
            params,
            grads,
            (sign * scale, decay),
            partial(self._coefficients, group),
            self.state if fields else None,
            fields,
            partial(self._start, group),
            self._counter,
        )


class AdaptiveRule(RowRule):
    """A row rule with a step length of its own for every number."""

    _eps_modes: ClassVar[tuple[str, ...]] = ("outside", "inside")

    def _check(self, group: Group) -> None:
        super()._check(group)
        if "eps_mode" in group:
            _check.choice(self._rule(), "eps_mode", group["eps_mode"], self._eps_modes)

    def _rates(self, group: Group, entry: dict[str, Any]) -> Tensor:
        """What now stands before the gradient, or its average, for every number."""
        raise NotImplementedError

    def effective_lr(self) -> dict[Key, Tensor]:
        """By name: the learning rate that every number of a parameter has now.

        It is what the gradient (or its average) is multiplied with in ``explain()``'s last line.
        Parameters that have had no step yet are left out. ``explain()`` gives the range.

        Example:
            >>> import surefoot as sf
            >>> w = sf.tensor([1.0, 4.0], requires_grad=True)
            >>> opt = sf.optim.Adagrad([("w", w)], lr=0.1)
            >>> for _ in range(3):
            ...     opt.zero_grad()
            ...     (w * w).sum().backward()
            ...     opt.step()
            >>> [round(rate, 3) for rate in opt.effective_lr()["w"].tolist()]
            [0.032, 0.007]
        """
        return {
            key: self._rates(group, self.state[key])
            for group in self.param_groups
            for key in self._keys(group)
            if self.state.get(key)
        }

    def _report(self, group: Group) -> list[str]:
        keys = set(self._keys(group))
        rates = [r.double().flatten() for key, r in self.effective_lr().items() if key in keys]
        rates = [r for r in rates if r.numel()]
        if not rates:
            return []
        order = _core.sort(_core.cat(rates))[0]
        least, middle, most = (order[i].item() for i in (0, len(order) // 2, len(order) - 1))
        return [f"effective lr: {least:.3g} to {most:.3g}, median {middle:.3g}"]
