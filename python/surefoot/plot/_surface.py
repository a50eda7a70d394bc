"""The loss as a landscape over two numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot.autograd import no_grad

from ._figure import Array, limits, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Loss = Callable[[Any, Any], Any]


def loss_surface(
    loss: Loss,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    resolution: int = 50,
    levels: int | Sequence[float] = 20,
) -> Figure:
    """Draw ``loss(x, y)`` as a landscape and, beside it, as a map of contour lines.

    Args:
        loss: a function of two tensors with one number each, which returns one number.
        xlim, ylim: ends (low, high) of the two axes.
        resolution: points along each axis.
        levels: the heights of the contour lines; a number asks for so many, with equal shares of
            the map between them, so that plains and cliffs both show some.

    Example:
        A saddle: lowest along x, highest along y.

        >>> figure = loss_surface(lambda x, y: x**2 - y**2, (-1, 1), (-1, 1))
        >>> [axes.name for axes in figure.axes]
        ['3d', 'rectilinear']
    """
    left, right = limits("loss_surface", "xlim", xlim), limits("loss_surface", "ylim", ylim)
    count = integer("loss_surface", "resolution", resolution, 1)
    figure, (whole,) = new_figure("loss_surface", size=(9.0, 4.0))
    whole.remove()
    space, flat = figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)
    xs, ys, values = heights("loss_surface", loss, left, right, count)
    space.plot_surface(*np.meshgrid(xs, ys), values, cmap="viridis", rcount=count, ccount=count)
    draw_contours(flat, xs, ys, values, levels)
    return figure


def heights(
    owner: str, loss: Loss, xlim: tuple[float, float], ylim: tuple[float, float], resolution: int
) -> tuple[Array, Array, Array]:
    """(xs, ys, values), where ``values[i, j] = loss(xs[j], ys[i])``."""
    xs, ys = np.linspace(*xlim, resolution), np.linspace(*ylim, resolution)
    values = np.empty((resolution, resolution))
    with no_grad():
        points = [[_core.tensor(float(v), dtype=_core.float64) for v in line] for line in (xs, ys)]
        for i, y in enumerate(points[1]):
            for j, x in enumerate(points[0]):
                values[i, j] = number(owner, loss(x, y))
    return xs, ys, values


def number(owner: str, value: Any) -> float:
    """What the loss returned, as a float."""
    try:
        return float(value.item() if isinstance(value, _core.Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        shape = getattr(value, "shape", type(value).__name__)
        raise TypeError(
            f"[{owner}] loss(x, y) returned {shape}; it must return one number: take the mean"
        ) from None


def draw_contours(
    panel: Any, xs: Array, ys: Array, values: Array, levels: int | Sequence[float]
) -> None:
    """Contour lines; none where the loss is the same everywhere."""
    finite = values[np.isfinite(values)]
    if isinstance(levels, (int, np.integer)):
        count = integer("loss", "levels", levels, 1)
        lines = np.unique(np.quantile(finite, np.linspace(0, 1, count + 2)[1:-1]))
    else:
        lines = np.unique(np.asarray(levels, dtype=np.float64))
    if finite.size and finite.min() < finite.max():
        lines = lines[(lines >= finite.min()) & (lines <= finite.max())]
        if lines.size:
            panel.contour(
                xs, ys, np.ma.masked_invalid(values), levels=lines, cmap="viridis", linewidths=0.7
            )
    panel.set_xlim(xs[0], xs[-1])
    panel.set_ylim(ys[0], ys[-1])
