"""report.html: one page about a run that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from surefoot.data import TableEncoder
from surefoot.train import History, Trainer, summary

from .pictures import confusion_picture, curves_picture, has_pictures, residuals_picture
from .problem import Problem
from .scores import Scores

__all__ = ["report_page"]

_STYLE = """body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:.5em 0}td,th{border:1px solid #ccc;padding:.2em .6em;
text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"""
_MOST_CLASSES = 30  # of which the confusion matrix is shown in figures
_MOST_EPOCHS = 30  # rows of the history
_NO_PICTURES = "Tables stand in for pictures; those come with: pip install 'surefoot[plot]'"


def report_page(
    problem: Problem,
    options: Mapping[str, Any],
    trainer: Trainer,
    scores: Mapping[str, Scores],
    *,
    refitted: bool,
) -> str:
    """Return the page: scores, curves, errors, columns and options of a run."""
    judged, history = list(scores)[-1], trainer.history
    best = trainer.best.epoch if trainer.best is not None else 0
    of_weights = f"Weights of epoch {best} of {history.num_epochs}; the run ended: "
    of_weights += history.stop_reason + "."
    if refitted:
        of_weights += (
            " The network was trained once more with the validation rows (refit): the test "
            "scores are of that one, the others of the run before it."
        )
    blocks = [
        f"<h1>{escape(problem.title)}</h1>",
        "<h2>Scores</h2>",
        _scores_table(scores),
        f"<p>{escape(of_weights)}</p>",
        *([] if has_pictures() else [f"<p>{escape(_NO_PICTURES)}</p>"]),
        "<h2>Curves</h2>",
        _curves(history),
        f"<h2>Errors, {judged} rows</h2>",
        _errors(scores[judged]),
        *([] if problem.encoder is None else ["<h2>Columns</h2>", _columns(problem.encoder)]),
        "<h2>Model</h2>",
        f"<pre>{escape(str(summary(trainer.model, problem.row_shape)))}</pre>",
        "<h2>Options</h2>",
        _table(("option", "value"), options.items()),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>'
        f"{escape(problem.title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(blocks)
        + "\n</body></html>\n"
    )


def _table(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in header)
    body = [
        "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    ]
    return f"<table><tr>{head}</tr>\n" + "\n".join(body) + "</table>"


def _text(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _scores_table(scores: Mapping[str, Scores]) -> str:
    names = list(next(iter(scores.values())).values)
    rows = [[part, found.rows, *found.values.values()] for part, found in scores.items()]
    return _table(["part", "rows", *names], rows)


def _curves(history: History) -> str:
    if not history.num_epochs:
        return "<p>No epoch was finished.</p>"
    if has_pictures():
        return curves_picture(history)
    shown = np.unique(np.linspace(0, history.num_epochs - 1, _MOST_EPOCHS).astype(int))
    rows = history.rows()
    return _table(list(history), [list(rows[i].values()) for i in shown])


def _errors(scores: Scores) -> str:
    if scores.task == "regression":
        return _residuals(scores)
    assert scores.confusion is not None
    parts = [confusion_picture(scores)] if has_pictures() else []
    if len(scores.classes) <= _MOST_CLASSES:
        header = ["actual \\ predicted", *scores.classes]
        rows = zip(scores.classes, scores.confusion.tolist(), strict=True)
        parts.append(_table(header, [[name, *counts] for name, counts in rows]))
    parts.append(_table(("class", "rows", "precision", "recall", "F1"), scores.by_class))
    return "\n".join(parts)


def _residuals(scores: Scores) -> str:
    assert scores.actual is not None
    assert scores.predicted is not None
    parts = [residuals_picture(scores)] if has_pictures() else []
    shares = (0, 5, 25, 50, 75, 95, 100)
    found = np.percentile(scores.predicted - scores.actual, shares).tolist()
    header = ["predicted - actual", *(f"{share} %" for share in shares)]
    return "\n".join([*parts, _table(header, [["quantile", *found]])])


def _columns(encoder: TableEncoder) -> str:
    rows = []
    for column in encoder.columns:
        if column.kind == "category":
            says = f"{len(column.levels)} levels, " + (
                "embedded: " if column.embedded else "0 or 1: "
            )
            says += ", ".join(column.levels[:10]) + (", ..." if len(column.levels) > 10 else "")
        else:
            says = f"mean {column.mean:.4g}, deviation {column.std:.4g}"
        rows.append((column.name, column.kind, "yes" if column.has_missing else "no", says))
    notes = "".join(f"<p>{escape(note)}</p>" for note in encoder.notes)
    return _table(("column", "kind", "gaps", "training rows"), rows) + notes
