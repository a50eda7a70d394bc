"""Pictures of a report as text that a page can hold; none where matplotlib is missing."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from surefoot.train import History

from .scores import Scores

__all__ = ["confusion_picture", "curves_picture", "has_pictures", "residuals_picture"]


def has_pictures() -> bool:
    """Whether matplotlib is there."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def curves_picture(history: History) -> str:
    """Loss and metrics over the epochs."""
    return _inline(history.plot())


def confusion_picture(scores: Scores) -> str:
    """Actual classes down, predicted ones across."""
    from surefoot.plot import confusion_matrix

    assert scores.confusion is not None
    names = [str(name)[:12] for name in scores.classes]
    return _inline(confusion_matrix(scores.confusion, display_labels=names))


def residuals_picture(scores: Scores) -> str:
    """Predictions against the truth, and their errors."""
    from matplotlib.figure import Figure

    assert scores.actual is not None
    assert scores.predicted is not None
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    ends = [float(np.min(scores.actual)), float(np.max(scores.actual))]
    left.plot(ends, ends, color="0.7")
    left.scatter(scores.actual, scores.predicted, s=8)
    left.set_xlabel("actual")
    left.set_ylabel("predicted")
    right.hist(scores.predicted - scores.actual, bins=30)
    right.set_xlabel("predicted - actual")
    right.set_ylabel("rows")
    return _inline(figure)


def _inline(figure: Any) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    text = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{text}">'
