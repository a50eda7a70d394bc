"""Learning curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._figure import labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curves(
    history: Mapping[str, Any],
    columns: str | Sequence[str] | None = None,
    *,
    logy: bool = False,
    best: str | None = None,
) -> Figure:
    """Draw columns of a history over the epochs, or those of several histories for comparison.

    Args:
        history: what ``fit`` returned, any dict of equally long columns, or a dict of such dicts by
            label. Each label has one colour, validation columns are dashed then.
        columns: these in one panel; None draws all, each with its ``val_`` counterpart in a panel.
        logy: logarithmic scale of values.
        best: a column, e.g. ``"val_loss"``; a vertical line marks the epoch of its lowest value.

    Raises:
        KeyError: a column that no history has, or no epoch at all.
        ValueError: columns of different lengths.

    Example:
        >>> history = {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.8]}
        >>> figure = learning_curves(history, best="val_loss")
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['loss', 'val_loss', 'best epoch: 2']
    """
    runs = labelled("learning_curves", "history", history, _is_run)
    known = list(dict.fromkeys(name for run in runs.values() for name in run))
    wanted = [columns] if isinstance(columns, str) else list(columns or [])
    unknown = [name for name in [*wanted, *([best] if best else [])] if name not in known]
    lengths = {label: _length(label, run) for label, run in runs.items()}
    if unknown or not any(lengths.values()):
        there = ", ".join(known) if any(lengths.values()) else "none: no epoch was finished"
        raise KeyError(
            f"[learning_curves] no column {', '.join(unknown) or 'to plot'}; there is {there}"
        )
    panels = [wanted] if wanted else _panels(known)
    figure, axes = new_figure("learning_curves", 1, len(panels))
    for panel, names in zip(axes, panels, strict=True):
        for i, (label, run) in enumerate(runs.items()):
            _draw_run(panel, label, run, names, f"C{i}" if len(runs) > 1 else None)
            if best in names and best in run:
                _mark_best(panel, label, run, best)
        panel.set_xlabel("epoch")
        panel.set_ylabel(", ".join(names[:1]))
        if logy:
            panel.set_yscale("log")
        panel.legend(fontsize="small")
    return figure


def _is_run(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(isinstance(v, Mapping) for v in value.values())


def _length(label: str, run: Mapping[str, Any]) -> int:
    lengths = {name: len(column) for name, column in run.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"[learning_curves] {label} columns of different lengths: {lengths}")
    return max(lengths.values(), default=0)


def _panels(names: Sequence[str]) -> list[list[str]]:
    """Columns that belong together, the validation value after the other."""
    names = [name for name in names if name != "epoch"]
    firsts = [n for n in names if not (n.startswith("val_") and n[4:] in names)]
    return [[n, *(["val_" + n] if "val_" + n in names else [])] for n in firsts]


def _epochs(run: Mapping[str, Any], count: int) -> list[float]:
    return list(run["epoch"] if "epoch" in run else range(1, count + 1))


def _draw_run(
    panel: Any, label: str, run: Mapping[str, Any], names: Sequence[str], color: str | None
) -> None:
    for name in names:
        if name not in run:
            continue
        values = [math.nan if value is None else value for value in run[name]]
        dashed = color is not None and name.startswith("val_") and len(names) > 1
        panel.plot(
            _epochs(run, len(values)),
            values,
            marker="." if len(values) < 30 else "",
            linestyle="--" if dashed else "-",
            color=color,
            label=f"{label}, {name}" if label else name,
        )


def _mark_best(panel: Any, label: str, run: Mapping[str, Any], column: str) -> None:
    values = [math.inf if v is None or math.isnan(v) else v for v in run[column]]
    epoch = _epochs(run, len(values))[values.index(min(values))]
    text = f"{label}, best epoch: {epoch}" if label else f"best epoch: {epoch}"
    color = panel.lines[-1].get_color()
    panel.axvline(epoch, linestyle=":", color=color, label=text)
