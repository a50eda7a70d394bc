"""What may be searched: a dict of names and the values that each may take."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from surefoot._check import integer

__all__ = ["Choice", "Domain", "Int", "LogUniform", "Uniform", "check_space", "grid", "width_rule"]

Stored = float | int | str | bool | None  # what a storage holds of a value
RESERVED = ("trial", "state", "value", "steps", "error")  # the other columns of the table


class Domain:
    """Base of what a parameter may be; ``width`` is its number of coordinates in the unit cube."""

    width = 1

    def distribution(self) -> Any:
        """The same as an Optuna distribution."""
        raise NotImplementedError

    def grid(self) -> list[Stored]:
        """The values of a grid, in order."""
        raise NotImplementedError

    def value(self, stored: Any) -> Any:
        """What the objective gets for a stored value."""
        return stored

    def encode(self, stored: Any) -> list[float]:
        """Coordinates of a value in the unit cube."""
        raise NotImplementedError

    def decode(self, place: Sequence[float]) -> Stored:
        """The value at coordinates of the unit cube."""
        raise NotImplementedError

    def spec(self) -> str:
        """What must be equal for a stored search to go on."""
        return repr(self)


class Uniform(Domain):
    """A real number between ``low`` and ``high``, all equally likely.

    A grid has ``points`` values of it, equally far apart, both ends included; the other methods
    draw from the whole range.

    Raises:
        ValueError: ``low`` above ``high``, a bound that is not finite, fewer than 2 points.

    Example:
        >>> Uniform(0.0, 0.5, points=3).grid()
        [0.0, 0.25, 0.5]
    """

    _log = False

    def __init__(self, low: float, high: float, points: int | None = None) -> None:
        _check_bounds(self, low, high, points)
        self.low, self.high, self.points = float(low), float(high), points

    def __repr__(self) -> str:
        points = "" if self.points is None else f", points={self.points}"
        return f"{type(self).__name__}({self.low:g}, {self.high:g}{points})"

    def spec(self) -> str:
        """The range; the points of a grid may change."""
        return f"{type(self).__name__}({self.low!r}, {self.high!r})"

    def distribution(self) -> Any:
        """A FloatDistribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self._log)

    def grid(self) -> list[Stored]:
        """``points`` values, both ends included."""
        if self.low == self.high:
            return [self.low]
        if self.points is None:
            raise ValueError(
                f"[tune] a grid needs to know how many values {self!r} has: add points=5, or "
                "write Choice([...])"
            )
        return [self.decode([i / (self.points - 1)]) for i in range(self.points)]

    def encode(self, stored: Any) -> list[float]:
        """The place between the ends."""
        if self.low == self.high:
            return [0.0]
        return [(stored - self.low) / (self.high - self.low)]

    def decode(self, place: Sequence[float]) -> Stored:
        """The number at a place between the ends."""
        return min(max(self.low + float(place[0]) * (self.high - self.low), self.low), self.high)


class LogUniform(Uniform):
    """A real number between ``low`` and ``high`` whose logarithm is uniform, as of learning rates.

    A grid has ``points`` values of it, in equal factors, both ends included.

    Raises:
        ValueError: as Uniform, and for ``low`` that is not above 0.

    Example:
        >>> LogUniform(1e-4, 1.0, points=5).grid()
        [0.0001, 0.001, 0.01, 0.1, 1.0]
    """

    _log = True

    def __init__(self, low: float, high: float, points: int | None = None) -> None:
        super().__init__(low, high, points)
        if not low > 0:
            raise ValueError(
                f"[tune] LogUniform needs low above 0, not {low}: take a small number, or Uniform"
            )

    def encode(self, stored: Any) -> list[float]:
        """The place between the ends, of logarithms."""
        if self.low == self.high:
            return [0.0]
        return [math.log(stored / self.low) / math.log(self.high / self.low)]

    def decode(self, place: Sequence[float]) -> Stored:
        """The number at a place between the ends, of logarithms."""
        first, last = math.log10(self.low), math.log10(self.high)
        number = 10.0 ** (first + float(place[0]) * (last - first))
        shorter = float(f"{number:.12g}")  # 0.001 for 0.0010000000000000002
        return min(max(shorter, self.low), self.high)


class Int(Domain):
    """A whole number from ``low`` to ``high``, both included, in steps of ``step``.

    With ``log`` small numbers are more likely: each factor is as likely as the next. A grid has
    all of them.

    Raises:
        TypeError: bounds that are not whole.
        ValueError: ``low`` above ``high``, ``step`` below 1, ``log`` with ``low`` below 1 or steps.

    Example:
        >>> Int(16, 64, step=16).grid()
        [16, 32, 48, 64]
    """

    def __init__(self, low: int, high: int, step: int = 1, log: bool = False) -> None:
        for number in (low, high, step):
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
                raise TypeError(f"[tune] Int needs whole numbers, not {number!r}; see Uniform")
        _check_bounds(self, low, high, None)
        if step < 1:
            raise ValueError(f"[tune] Int needs step 1 or more, not {step}")
        if log and (low < 1 or step != 1):
            raise ValueError(f"[tune] Int with log needs low >= 1 and step 1, not {low} and {step}")
        self.low, self.step, self.log = int(low), int(step), log
        self.high = self.low + (int(high) - self.low) // self.step * self.step

    def __repr__(self) -> str:
        step = "" if self.step == 1 else f", step={self.step}"
        return f"Int({self.low}, {self.high}{step}{', log=True' if self.log else ''})"

    def distribution(self) -> Any:
        """An IntDistribution."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def grid(self) -> list[Stored]:
        """All of them."""
        return list(range(self.low, self.high + 1, self.step))

    def _ends(self) -> tuple[float, float]:
        half = self.step / 2
        low, high = self.low - half, self.high + half
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def encode(self, stored: Any) -> list[float]:
        """The middle of the share of the unit that belongs to the number."""
        low, high = self._ends()
        return [((math.log(stored) if self.log else stored) - low) / (high - low)]

    def decode(self, place: Sequence[float]) -> Stored:
        """The number to whose share the place belongs."""
        low, high = self._ends()
        number = low + float(place[0]) * (high - low)
        steps = round(((math.exp(number) if self.log else number) - self.low) / self.step)
        return min(max(self.low + steps * self.step, self.low), self.high)


class Choice(Domain):
    """One of the ``options``, which have no order; they may be anything (numbers, layers, tuples).

    A list or tuple in a space is short for it. Storages and tables know an option that is no
    number, string, bool or None by its ``__name__`` or its text.

    Raises:
        ValueError: no options, or two that are equal.

    Example:
        >>> Choice(["relu", "tanh"]).grid()
        ['relu', 'tanh']
    """

    def __init__(self, options: Iterable[Any]) -> None:
        if isinstance(options, str):
            raise ValueError(f"[tune] Choice needs a list of options, not the text {options!r}")
        self.options = tuple(options)
        self.labels = tuple(_label(option, i) for i, option in enumerate(self.options))
        if not self.options:
            raise ValueError("[tune] Choice needs at least one option")
        same = [a for a, b in itertools.combinations(self.labels, 2) if a == b]
        if same:
            raise ValueError(f"[tune] Choice has two options that are equal: {same[0]!r}")
        self.width = len(self.options)

    def __repr__(self) -> str:
        return f"Choice({list(self.labels)!r})"

    def distribution(self) -> Any:
        """A CategoricalDistribution of labels."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.labels)

    def grid(self) -> list[Stored]:
        """All of them."""
        return list(self.labels)

    def value(self, stored: Any) -> Any:
        """The option behind a label."""
        return self.options[self.labels.index(stored)]

    def encode(self, stored: Any) -> list[float]:
        """One coordinate per option; two options are as far apart as the ends of a range."""
        return [math.sqrt(0.5) if label == stored else 0.0 for label in self.labels]

    def decode(self, place: Sequence[float]) -> Stored:
        """The option of the largest coordinate."""
        return self.labels[max(range(self.width), key=place.__getitem__)]


def _label(option: Any, index: int) -> Stored:
    if isinstance(option, np.generic):
        option = option.item()
    if option is None or isinstance(option, (bool, int, float, str)):
        return option
    label = str(getattr(option, "__name__", None) or repr(option))
    return f"option {index}" if " at 0x" in label or label == "<lambda>" else label


def _check_bounds(domain: Domain, low: float, high: float, points: int | None) -> None:
    name = type(domain).__name__
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"[tune] {name} needs finite bounds, not {low} and {high}")
    if low > high:
        raise ValueError(f"[tune] {name} needs low <= high, not {low} and {high}")
    if points is not None and points < 2:
        raise ValueError(f"[tune] {name} needs 2 points or more, not {points}")


def check_space(space: Mapping[Any, Any]) -> dict[str, Domain]:
    """The space with lists turned into Choice; raises ValueError or TypeError for what is wrong."""
    if not isinstance(space, Mapping):
        raise TypeError(f"[tune] a space is a dict of names and values, not {space!r}")
    if not space:
        raise ValueError("[tune] the space is empty: name what to search, {'lr': LogUniform(...)}")
    checked: dict[str, Domain] = {}
    for name, domain in space.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"[tune] a parameter's name is a text, not {name!r}")
        if name in RESERVED:
            raise ValueError(f"[tune] {name!r} is a column of the table; call the parameter else")
        if isinstance(domain, (list, tuple)):
            domain = Choice(domain)
        if not isinstance(domain, Domain):
            raise TypeError(
                f"[tune] {name!r} is {domain!r}: expected Uniform, LogUniform, Int, Choice or a "
                "list of options; a fixed value belongs into the objective"
            )
        checked[name] = domain
    return checked


def grid(space: Mapping[str, Domain]) -> list[dict[str, Stored]]:
    """All combinations, the last name changing fastest."""
    columns = [domain.grid() for domain in space.values()]
    return [dict(zip(space, row, strict=True)) for row in itertools.product(*columns)]


def width_rule(inputs: int, outputs: int) -> Int:
    """Widths to try by the rule of thumb: a hidden layer between input and output layer in size.

    It is a range for ``search``, small widths more likely, and no more than a place to begin: the
    best width depends on the data and may well lie outside. Widen the range when the best trial
    stands at its edge.

    Example:
        >>> width_rule(64, 10)
        Int(10, 64, log=True)
    """
    integer("tune", "inputs", inputs, 1)
    integer("tune", "outputs", outputs, 1)
    return Int(min(inputs, outputs), max(inputs, outputs), log=True)
