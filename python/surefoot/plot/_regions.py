"""Decision regions of a classifier of points in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot.autograd import no_grad
from surefoot.nn import Module

from ._figure import Array, array, limits, model_input, new_figure, padded, undisturbed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def decision_regions(
    model: Any,
    X: Any,
    y: Any,
    *,
    resolution: int = 200,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    threshold: float = 0.0,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw which class a model gives to each point of the plane, and the points it has seen.

    Args:
        model: a module with outputs (N, C), or (N,) or (N, 1) for two classes, run in eval mode;
            an estimator with ``predict``, or a function, which gives either or class numbers (N,).
        X, y: points (N, 2) and their class numbers (N,).
        resolution: points of the map along each axis.
        xlim, ylim: ends (low, high) of the map; by default around the points.
        threshold: with one output class 1 is above it: 0 for logits, 0.5 for probabilities.
        class_names: for the legend, by class number.

    The title tells the share of points on the right side. The module is afterwards as before.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Linear(2, 1, init="ones")
        >>> X = [[1.0, 1.0], [-1.0, -1.0], [2.0, -1.0]]
        >>> decision_regions(net, X, [1, 0, 0]).axes[0].get_title()
        'accuracy 0.667'
    """
    owner = "decision_regions"
    points, classes = array(X).astype(np.float64), array(y)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(f"[{owner}] X has shape {points.shape}: must be (N, 2), N above 0")
    if classes.shape != (len(points),) or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(
            f"[{owner}] y has shape {classes.shape}, {classes.dtype}: must be class numbers "
            f"({len(points)},)"
        )
    if not np.isfinite(points).all():
        raise ValueError(f"[{owner}] X has values that are not finite")
    count = integer(owner, "resolution", resolution, 1)
    left = padded(points[:, 0], 0.1) if xlim is None else limits(owner, "xlim", xlim)
    right = padded(points[:, 1], 0.1) if ylim is None else limits(owner, "ylim", ylim)
    xs, ys = np.linspace(*left, count), np.linspace(*right, count)
    places = np.stack([axis.ravel() for axis in np.meshgrid(xs, ys)], axis=1)
    answers = _classes(owner, model, np.concatenate([places, points]), threshold)
    regions, own = answers[: len(places)].reshape(count, count), answers[len(places) :]
    kinds = np.unique(np.concatenate([answers, classes]))
    if class_names is not None and not 0 <= kinds[0] <= kinds[-1] < len(class_names):
        raise ValueError(
            f"[{owner}] {len(class_names)} class_names for classes {kinds[0]} to {kinds[-1]}"
        )
    figure, (panel,) = new_figure(owner, size=(4.5, 4.0))
    _draw(panel, (xs, ys, regions), points, classes, kinds, class_names)
    panel.set_title(f"accuracy {np.mean(own == classes):.3g}")
    return figure


def _draw(
    panel: Any,
    terrain: tuple[Array, Array, Array],
    points: Array,
    classes: Array,
    kinds: Array,
    names: Sequence[str] | None,
) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    xs, ys, regions = terrain
    colors = [f"C{i % 10}" for i in range(len(kinds))]
    norm = BoundaryNorm(np.arange(len(kinds) + 1) - 0.5, len(kinds))
    ranks = np.searchsorted(kinds, regions)
    cmap = ListedColormap(colors)
    panel.pcolormesh(xs, ys, ranks, cmap=cmap, norm=norm, alpha=0.3, rasterized=True)
    for color, kind in zip(colors, kinds, strict=True):
        own = points[classes == kind]
        label = names[int(kind)] if names is not None else str(kind)
        panel.scatter(*own.T, s=12, color=color, edgecolors="white", linewidths=0.4, label=label)
    panel.set_xlim(xs[0], xs[-1])
    panel.set_ylim(ys[0], ys[-1])
    panel.legend()


def _classes(owner: str, model: Any, places: Array, threshold: float) -> Array:
    """The class number of every place."""
    if isinstance(model, Module):
        with undisturbed(model), no_grad():
            model.eval()
            answer = array(model(model_input(model, _core.tensor(places).float())))
    else:
        ask: Callable[[Array], Any] = getattr(model, "predict", model)
        if not callable(ask):
            raise TypeError(f"[{owner}] {type(model).__name__} is no module and has no predict")
        answer = array(ask(places.astype(np.float32)))
    if answer.ndim == 2 and answer.shape[1] > 1:
        answer = answer.argmax(axis=1)
    flat = answer.reshape(-1)
    if len(flat) != len(places):
        raise ValueError(
            f"[{owner}] the model gave {answer.shape} for {len(places)} points: must be (N, C), "
            "(N, 1) or (N,)"
        )
    return flat if np.issubdtype(flat.dtype, np.integer) else (flat > threshold).astype(np.int64)
