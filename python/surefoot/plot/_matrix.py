"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from surefoot._check import choice

from ._figure import array, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_READABLE = 30  # classes


def confusion_matrix(
    counts: Any,
    *,
    display_labels: Sequence[str] | None = None,
    normalize: Literal["true", "pred", "all"] | None = None,
    cmap: str = "Blues",
) -> Figure:
    """Draw how often each class was taken for each: rows actual classes, columns predicted ones.

    Args:
        counts: a ``train.ConfusionMatrix`` after ``evaluate``, or a square array.
        display_labels: names of the classes, by number.
        normalize: None writes the counts; ``"true"``, ``"pred"`` and ``"all"`` the shares of a row,
            of a column and of all.
        cmap: a colour map of matplotlib.

    Above 30 classes cells have no numbers and classes no names.

    Example:
        >>> figure = confusion_matrix([[3, 1], [0, 4]], normalize="true")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.75', '0.25', '0', '1']
    """
    owner = "confusion_matrix"
    table = array(getattr(counts, "counts", counts)).astype(np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ValueError(f"[{owner}] counts have shape {table.shape}: must be square, not empty")
    if (table < 0).any() or not np.isfinite(table).all():
        raise ValueError(f"[{owner}] counts must be 0 or more")
    choice(owner, "normalize", normalize, ("true", "pred", "all", None))
    if display_labels is not None and len(display_labels) != len(table):
        raise ValueError(f"[{owner}] {len(display_labels)} labels for {len(table)} classes")
    if normalize is not None:
        axis = {"true": 1, "pred": 0, "all": None}[normalize]
        total = table.sum(axis=axis, keepdims=True)
        table = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    side = min(max(3.0, 0.45 * len(table) + 1.2), 14.0)
    figure, (panel,) = new_figure(owner, size=(side + 0.8, side))
    image = panel.imshow(table, cmap=cmap, vmin=0)
    figure.colorbar(image, ax=panel)
    panel.set_xlabel("predicted")
    panel.set_ylabel("actual")
    if len(table) > _READABLE:
        return figure
    middle = table.max() / 2
    for (i, j), value in np.ndenumerate(table):
        text = f"{value:.0f}" if normalize is None else f"{value:.2g}"
        color = image.cmap(0.0 if value > middle else 1.0)
        panel.text(j, i, text, ha="center", va="center", color=color)
    names = [str(n) for n in (range(len(table)) if display_labels is None else display_labels)]
    long = max(map(len, names)) > 3
    panel.set_xticks(range(len(table)), names, rotation=90 if long else 0)
    panel.set_yticks(range(len(table)), names)
    return figure
