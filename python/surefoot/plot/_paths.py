"""Paths of update rules over a loss of two numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot import _core
from surefoot._check import integer
from surefoot.optim import SGD, Adagrad, Adam, Optimizer, RMSprop

from ._figure import Array, labelled, limits, new_figure, padded, point
from ._surface import Loss, draw_contours, heights, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Factory = Callable[[list[Any]], Optimizer]


def optimizer_paths(
    loss: Loss,
    start: tuple[float, float],
    optimizers: Factory | Mapping[str, Factory] | None = None,
    *,
    steps: int = 50,
    lr: float = 0.1,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    levels: int | Sequence[float] = 20,
    resolution: int = 60,
    side_by_side: bool = True,
    sample_loss: Mapping[str, Callable[[Any, Any, int], Any]] | None = None,
) -> Figure:
    """Draw the ways of optimizers over the contour lines of ``loss(x, y)``.

    Args:
        loss: a function of two tensors with one number each, which returns one number.
        start: where all begin.
        optimizers: dict of label and factory, e.g. ``{"Adam": lambda params:
            sf.optim.Adam(params, lr=0.5)}``. None takes gradient descent, momentum 0.9, Nesterov
            momentum 0.9, AdaGrad, RMSProp (alpha 0.9) and Adam, all with ``lr``.
        steps: updates of each; a path ends early where the numbers are no longer finite.
        xlim, ylim: ends (low, high) of the map; by default around the paths that do not climb.
        levels, resolution: as in ``loss_surface``.
        side_by_side: a panel for each; False draws all into one.
        sample_loss: for a label the loss that step t (from 0) descends instead,
            ``f(x, y, t)``, e.g. that of one row of the data: the noisy way of stochastic descent.

    The titles tell the loss where the path ends.

    Example:
        >>> figure = optimizer_paths(lambda x, y: x**2 + 10 * y**2, (-2.0, 1.0), lr=0.05)
        >>> [axes.get_title().split(":")[0] for axes in figure.axes]
        ['GD', 'momentum', 'Nesterov', 'AdaGrad', 'RMSProp', 'Adam']
        >>> figure.axes[0].lines[0].get_xydata()[1].round(6).tolist()  # after one step of GD
        [-1.8, 0.0]
    """
    name = "optimizer_paths"
    begin = point(name, "start", start)
    steps, resolution = integer(name, "steps", steps, 1), integer(name, "resolution", resolution, 1)
    given = six_rules(lr) if optimizers is None else optimizers
    rules = labelled(name, "optimizers", given, callable)
    samples = dict(sample_loss or {})
    unknown = sorted(set(samples) - set(rules))
    if unknown:
        raise ValueError(f"[{name}] sample_loss for {unknown}; there is {', '.join(rules)}")
    paths = {
        label: _path(loss, samples.get(label), make, begin, steps) for label, make in rules.items()
    }
    box = _box(paths, loss, xlim, ylim)
    terrain = heights(name, loss, *box, resolution)
    count = len(rules) if side_by_side else 1
    columns = min(count, 3)
    figure, panels = new_figure(name, math.ceil(count / columns), columns, (3.6, 3.2))
    for panel in panels[count:]:
        panel.set_axis_off()
    for panel in panels[:count]:
        draw_contours(panel, *terrain, levels)
    for i, (label, path) in enumerate(paths.items()):
        panel = panels[i if side_by_side else 0]
        end = f"loss {_value(loss, path[-1]):.3g} after {len(path) - 1} steps"
        color = f"C{3 if side_by_side else i}"
        panel.plot(*path.T, marker=".", markersize=3, linewidth=1, color=color, label=label)
        panel.plot(*begin, marker="o", markersize=5, color="black", linestyle="none")
        if side_by_side:
            panel.set_title(f"{label}: {end}" if label else end, fontsize=9)
    if not side_by_side:
        panels[0].legend()
    return figure


def six_rules(lr: float) -> dict[str, Factory]:
    """The rules that courses compare."""
    return {
        "GD": lambda params: SGD(params, lr=lr),
        "momentum": lambda params: SGD(params, lr=lr, momentum=0.9),
        "Nesterov": lambda params: SGD(params, lr=lr, momentum=0.9, nesterov=True),
        "AdaGrad": lambda params: Adagrad(params, lr=lr),
        "RMSProp": lambda params: RMSprop(params, lr=lr, alpha=0.9),
        "Adam": lambda params: Adam(params, lr=lr),
    }


def _path(
    loss: Loss,
    sample: Callable[[Any, Any, int], Any] | None,
    factory: Factory,
    start: tuple[float, float],
    steps: int,
) -> Array:
    """The places (x, y), the start among them, of one rule."""
    x, y = (_core.tensor(v, dtype=_core.float64, requires_grad=True) for v in start)
    optimizer = factory([x, y])
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"[optimizer_paths] the factory made {type(optimizer).__name__}, not an optimizer"
        )
    kind = optimizer.closure_kind()
    points = [start]
    for t in range(steps):

        def closure(t: int = t) -> Any:
            optimizer.zero_grad()
            value = loss(x, y) if sample is None else sample(x, y, t)
            number("optimizer_paths", value)
            if not isinstance(value, _core.Tensor) or (kind != "loss" and not value.requires_grad):
                raise TypeError(
                    "[optimizer_paths] the loss does not depend on x and y by surefoot's functions"
                )
            if kind != "loss":
                value.backward()
            return value

        if kind:
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        point = (float(x.item()), float(y.item()))
        if not (math.isfinite(point[0]) and math.isfinite(point[1])):
            break
        points.append(point)
    return np.array(points)


def _value(loss: Loss, point: Array) -> float:
    x, y = (_core.tensor(float(v), dtype=_core.float64) for v in point)
    return number("optimizer_paths", loss(x, y))


def _box(
    paths: Mapping[str, Array], loss: Loss, xlim: Any, ylim: Any
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The limits that were given; else those around the paths that do not end above their start."""
    tame = [path for path in paths.values() if _value(loss, path[-1]) <= _value(loss, path[0])]
    places = np.concatenate(tame or [next(iter(paths.values()))[:1]])
    return (
        padded(places[:, 0], 0.15) if xlim is None else limits("optimizer_paths", "xlim", xlim),
        padded(places[:, 1], 0.15) if ylim is None else limits("optimizer_paths", "ylim", ylim),
    )
