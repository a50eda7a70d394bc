"""What a search has found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .space import Choice, Domain, LogUniform, Stored

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Record", "SearchResult"]


@dataclass(frozen=True)
class Record:
    """One trial that has ended: ``state`` is ``"complete"``, ``"pruned"`` or ``"failed"``.

    ``curve`` holds what was reported, by step; ``labels`` the parameters as the table shows them.
    The ``value`` of a pruned trial is the last one it reported.
    """

    number: int
    state: str
    value: float | None
    params: dict[str, Any]
    labels: dict[str, Stored]
    curve: dict[int, float]
    error: str | None
    seconds: float


@dataclass(frozen=True)
class SearchResult:
    """The trials of a search, in order, and the best of them.

    ``stop_reason`` is ``"finished"``, ``"timeout"`` or ``"interrupted"``; ``seed`` is what
    ``sf.manual_seed`` was given before each trial. A rich console shows it as a table.
    """

    trials: tuple[Record, ...]
    space: Mapping[str, Domain]
    direction: str
    seed: int
    stop_reason: str

    @property
    def best_trial(self) -> Record:
        """The complete trial with the best value, the first of equals; ValueError if none is."""
        complete = [t for t in self.trials if t.state == "complete" and t.value is not None]
        if not complete:
            errors = [t.error for t in self.trials if t.error]
            raise ValueError(
                f"[tune] none of the {len(self.trials)} trials was completed"
                + (f"; the last that failed: {errors[-1]}" if errors else "")
            )
        sign = 1 if self.direction == "minimize" else -1
        return min(complete, key=lambda t: (sign * (t.value or 0.0), t.number))

    @property
    def best_params(self) -> dict[str, Any]:
        """Parameters of the best trial."""
        return dict(self.best_trial.params)

    @property
    def best_value(self) -> float:
        """Value of the best trial."""
        return float(self.best_trial.value or 0.0)

    @property
    def table(self) -> list[dict[str, Any]]:
        """A dict per trial: its number, state, value, reported steps, parameters and error."""
        return [
            {
                "trial": t.number,
                "state": t.state,
                "value": t.value,
                "steps": len(t.curve),
                **t.labels,
                "error": t.error,
            }
            for t in self.trials
        ]

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame; needs the extra: pip install 'surefoot[table]'."""
        try:
            import pandas
        except ImportError:
            raise ImportError(
                "[tune] to_frame needs pandas: pip install 'surefoot[table]'"
            ) from None
        return pandas.DataFrame(self.table)

    def importance(self) -> dict[str, float]:
        """How much of the spread of the values each parameter explains by itself, most first.

        Complete trials are put in groups by the parameter (its values, or up to five ranges with
        equally many trials); the share is 1 - (1 - eta^2) (n - 1) / (n - k), at least 0, where
        eta^2 is the sum of squares between the k groups over that of all n ranks of the values.
        What parameters do together is not in it, and it is rough below some 30 trials.

        Raises:
            ValueError: fewer than 4 complete trials.

        Source: Kelley 1935, "An unbiased correlation ratio measure" (epsilon squared).
        """
        complete = [t for t in self.trials if t.state == "complete" and t.value is not None]
        if len(complete) < 4:
            raise ValueError(
                f"[tune] importance needs 4 complete trials or more, not {len(complete)}"
            )
        values = np.array([t.value for t in complete])
        ranks = np.unique(values, return_inverse=True)[1].astype(np.float64)
        shares = {
            name: _explained(_groups([t.labels[name] for t in complete], domain), ranks)
            for name, domain in self.space.items()
        }
        return dict(sorted(shares.items(), key=lambda pair: -pair[1]))

    def plot(self) -> Any:
        """Draw values over trials and over each parameter; needs pip install 'surefoot[plot]'."""
        from surefoot.plot._figure import new_figure

        done = [t for t in self.trials if t.state == "complete" and t.value is not None]
        best = self.best_trial
        panels = 1 + len(self.space)
        columns = min(panels, 3)
        rows = -(-panels // columns)
        figure, drawn = new_figure("tune", rows, columns, (3.6, 2.8))
        for axes in drawn[panels:]:
            axes.remove()
        first, *others = drawn[:panels]
        values = np.array([t.value for t in done])
        running = np.minimum if self.direction == "minimize" else np.maximum
        numbers = [t.number for t in done]
        first.plot(numbers, values, "o", color="0.6", markersize=4)
        first.step(numbers, running.accumulate(values), where="post")
        first.set_xlabel("trial")
        first.set_ylabel("value")
        for axes, (name, domain) in zip(others, self.space.items(), strict=True):
            as_text = isinstance(domain, Choice)
            places: list[Any] = [str(t.labels[name]) if as_text else t.labels[name] for t in done]
            axes.scatter(places, values, c=numbers, cmap="viridis", s=14)
            at: Any = str(best.labels[name]) if as_text else best.labels[name]
            axes.plot([at], [self.best_value], "*", color="C3", markersize=12)
            axes.set_xlabel(name)
            if isinstance(domain, LogUniform) or getattr(domain, "log", False):
                axes.set_xscale("log")
        return figure

    def __str__(self) -> str:
        counts = [(s, sum(t.state == s for t in self.trials)) for s in _STATES]
        said = ", ".join(f"{count} {state}" for state, count in counts if count) or "no trials"
        if not any(t.state == "complete" for t in self.trials):
            return said
        best = self.best_trial
        chosen = ", ".join(f"{name}={_short(value)}" for name, value in best.labels.items())
        return f"{said}; best {_short(best.value)} of trial {best.number}: {chosen}"

    def __rich__(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        best = self.best_trial.number if any(t.state == "complete" for t in self.trials) else -1
        names = ["trial", "state", "value", *self.space]
        table = Table(*names, box=SIMPLE_HEAD, caption=escape(str(self)))
        for row in self.table:
            style = "bold green" if row["trial"] == best else None
            table.add_row(*(escape(_short(row[name])) for name in names), style=style)
        return table


_STATES = ("complete", "pruned", "failed")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _groups(labels: list[Stored], domain: Domain) -> list[int]:
    distinct = list(dict.fromkeys(labels))
    if isinstance(domain, Choice) or len(distinct) <= 5:
        return [distinct.index(label) for label in labels]
    edges = np.quantile(np.array(labels, dtype=np.float64), (0.2, 0.4, 0.6, 0.8))
    return np.searchsorted(edges, np.array(labels, dtype=np.float64)).tolist()  # type: ignore[no-any-return]


def _explained(groups: list[int], ranks: Any) -> float:
    index = np.array(groups)
    kinds, n = np.unique(index), len(ranks)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0 or len(kinds) < 2 or n <= len(kinds):
        return 0.0
    within = sum(float(((ranks[index == k] - ranks[index == k].mean()) ** 2).sum()) for k in kinds)
    share = 1.0 - within / total * (n - 1) / (n - len(kinds))
    return share if math.isfinite(share) and share > 0 else 0.0
