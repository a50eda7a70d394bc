"""What all schedules share: the count of steps, the saved state, the rates they write."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from surefoot import _check
from surefoot.optim.optimizer import Optimizer

__all__ = ["LRScheduler", "Schedule"]


class Schedule:
    """Base of all schedules: counts the calls of ``step`` in ``last_epoch``.

    One call is one unit of time, an epoch or a batch: that is the caller's choice. A schedule
    that depends on the length of the run learns it by ``set_length``; the Trainer does so.

    Example:
        A schedule of something else than a rate defines ``_go``.

        >>> import surefoot as sf
        >>> class LessDropout(sf.optim.lr_scheduler.Schedule):
        ...     def __init__(self, layer):
        ...         self.layer, self.last_epoch = layer, 0
        ...     def _go(self, t):
        ...         self.last_epoch, self.layer.p = t, 0.5 * 0.9**t
        >>> layer = sf.nn.Dropout(0.5)
        >>> LessDropout(layer).step()
        >>> layer.p
        0.45
    """

    needs_metric: ClassVar[bool] = False  # is step(value) called with what was measured?
    _hidden: ClassVar[tuple[str, ...]] = ()  # attributes that are no part of the state

    last_epoch: int

    def step(self) -> None:
        """One unit of time has passed."""
        self._go(self.last_epoch + 1)

    def _go(self, t: int) -> None:
        """Makes everything as it is after ``t`` calls of step."""
        raise NotImplementedError(f"[{type(self).__name__}] define _go(t)")

    def set_length(self, steps: int) -> None:
        """Says how many calls of ``step`` the whole run has; most schedules need not know."""

    def state_dict(self) -> dict[str, Any]:
        """The state, options included, as plain numbers, strings, lists and dicts.

        As in PyTorch functions are left out; of a callable object its attributes are kept.
        """
        state: dict[str, Any] = {"schedule": type(self).__name__}
        for name, value in vars(self).items():
            if name not in self._hidden:
                state[name] = _plain(value)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where ``state_dict`` was taken.

        Raises:
            ValueError: not the state of such a schedule; nothing was loaded.
        """
        self._check_state(state_dict)
        self._load(state_dict)

    def _check_state(self, state: Mapping[str, Any]) -> None:
        rule = type(self).__name__
        found = state.get("schedule")
        if found != rule:
            raise ValueError(f"[{rule}] this is not the state of a {rule}, but of {found!r}")
        own = self.state_dict()
        wrong = sorted(set(own) ^ set(state))
        if wrong:
            raise ValueError(f"[{rule}] the state does not fit: {', '.join(wrong)}")

    def _load(self, state: Mapping[str, Any]) -> None:
        for name, value in vars(self).items():
            if name not in self._hidden:
                vars(self)[name] = _restored(value, state[name])


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if callable(value):
        return {k: _plain(v) for k, v in getattr(value, "__dict__", {}).items()} or None
    return value


def _restored(own: Any, saved: Any) -> Any:
    """The saved value; functions stay, of callable objects the attributes are set."""
    if isinstance(own, list) and own and all(callable(item) for item in own):
        return [_restored(item, part) for item, part in zip(own, saved, strict=True)]
    if callable(own):
        vars(own).update(saved or {})
        return own
    return _plain(saved)


class LRScheduler(Schedule):
    """Base of the learning-rate schedules.

    Args:
        optimizer: its groups get their rates written, at once and at every ``step``.
        last_epoch: -1 begins at the rates the groups have now and keeps them there as
            ``initial_lr``; another number goes on after that many steps and needs ``initial_lr``.
            As in PyTorch, schedules that multiply the rate (exponential, linear, polynomial,
            cosine, multiplicative) keep the one they find and go on in proportion to it.

    A schedule of your own defines ``get_lr``, the rates of all groups after ``last_epoch`` steps.

    Schedules here are closed formulas, so that nothing drifts. A rate that something else changed
    in between, a second schedule or you, is still respected: the schedule goes on in proportion,
    as in PyTorch. ``load_state_dict`` also puts the saved rates back, unless the optimizer's were
    changed since the schedule was made (loading the optimizer does that).

    Example:
        >>> import surefoot as sf
        >>> class Sawtooth(sf.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr / (1 + self.last_epoch % 3) for lr in self.base_lrs]
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=0.6)
        >>> schedule = Sawtooth(opt)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.3]
    """

    _hidden: ClassVar[tuple[str, ...]] = ("optimizer",)
    _follows: ClassVar[bool] = True  # respect a rate that something else has changed
    _relative: ClassVar[bool] = (
        False  # begun at last_epoch >= 0 it keeps the rate it finds, as torch
    )
    _per_group: ClassVar[bool] = False  # has options for each group, so no group may come later

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        rule = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"[{rule}] {type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.last_epoch = _check.integer(rule, "last_epoch", last_epoch, -1)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"[{rule}] last_epoch={last_epoch} resumes a run, but group {i} has no "
                    "'initial_lr'; load the optimizer's state first"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self._scales = [1.0] * len(self.base_lrs)
        self._last_lr = list(self.base_lrs)
        if last_epoch == -1:
            self._follow()
        found = [group["lr"] for group in optimizer.param_groups]
        self._go(self.last_epoch + 1)
        if last_epoch >= 0 and self._relative:
            for group, rate in zip(optimizer.param_groups, found, strict=True):
                group["lr"] = rate
            self._follow()  # in proportion to it from here on
            self._last_lr = found

    def step(self) -> None:
        """One unit of time has passed: call it after ``optimizer.step()``."""
        self._follow()
        self._go(self.last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The rates this schedule wrote last, one per group."""
        return list(self._last_lr)

    def get_lr(self) -> list[float]:
        """The rates after ``last_epoch`` steps, one per group."""
        floor = self._floor()
        values = []
        for i, (base, scale) in enumerate(zip(self.base_lrs, self._scales, strict=True)):
            value = self._lr(i, base, self.last_epoch)
            values.append(value if scale == 1.0 else floor + scale * (value - floor))
        return values

    def _lr(self, i: int, base: float, t: int) -> float:
        """The rate of group ``i`` after ``t`` steps, if nothing else changes it."""
        raise NotImplementedError(f"[{type(self).__name__}] define get_lr()")

    def _floor(self) -> float:
        """The rate that the schedule comes down to; it stays where it is when others rescale."""
        return 0.0

    def _follow(self) -> None:
        """Takes in what something else did to the rates, and groups that were added."""
        groups = self.optimizer.param_groups
        if self._per_group and len(groups) > len(self.base_lrs):
            raise ValueError(
                f"[{type(self).__name__}] the optimizer got a group after the schedule was made, "
                "which has options for each group: make a new schedule"
            )
        for i in range(len(self.base_lrs), len(groups)):
            groups[i].setdefault("initial_lr", groups[i]["lr"])
            base = float(groups[i]["initial_lr"])
            self.base_lrs.append(base)
            self._scales.append(1.0)
            now = self._lr(i, base, self.last_epoch) if self._follows else base
            self._last_lr.append(now)
        if not self._follows:
            return
        floor = self._floor()
        for i, group in enumerate(groups):
            last = self._last_lr[i]
            if group["lr"] != last and last != floor:
                self._scales[i] *= (group["lr"] - floor) / (last - floor)

    def _go(self, t: int) -> None:
        self.last_epoch = t
        self._write(self.get_lr())

    def _enter(self, t: int) -> None:
        """Goes to ``t`` as if made just now, on top of the rates that stand there."""
        self._scales = [1.0] * len(self.base_lrs)
        self._last_lr = list(self.base_lrs)
        self._follow()
        self._go(t)

    def _write(self, values: Sequence[float]) -> None:
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            group["lr"] = value
        self._last_lr = list(values)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self._check_state(state_dict)
        groups = self.optimizer.param_groups
        ours = [group["lr"] for group in groups] == self._last_lr
        self._load(state_dict)
        if ours:
            self._write(self._last_lr)

    def _check_state(self, state: Mapping[str, Any]) -> None:
        super()._check_state(state)
        saved, own = len(state["base_lrs"]), len(self.optimizer.param_groups)
        if saved != own:
            raise ValueError(
                f"[{type(self).__name__}] the state has {saved} groups, the optimizer has {own}"
            )


def half_cosine(share: float) -> float:
    """From 1 at share 0 down to 0 at share 1."""
    return (1 + math.cos(math.pi * share)) / 2


def per_group(rule: str, name: str, value: Any, optimizer: Any) -> list[Any]:
    """``value`` for every group: a list with one entry a group, or one thing for all."""
    count = len(getattr(optimizer, "param_groups", ()))
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"[{rule}] {name} has {len(value)} entries for {count} groups")
    return list(value)


def callables(rule: str, name: str, value: Any, optimizer: Any) -> list[Callable[[int], float]]:
    """``value`` for every group, each a function of the number of steps."""
    functions = per_group(rule, name, value, optimizer)
    for function in functions:
        if not callable(function):
            raise TypeError(f"[{rule}] {name} must be a function of the step, got {function!r}")
    return functions
