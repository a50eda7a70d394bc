"""Preview of schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from surefoot import _core
from surefoot._check import integer
from surefoot.optim import SGD
from surefoot.optim.lr_scheduler import Schedule

from ._figure import labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Factory = Callable[[Any], Schedule]
Metric = Callable[[int], float] | Sequence[float]

_QUANTITIES = ("lr", "momentum", "batch_size")


def schedule(
    factory: Factory | Mapping[str, Factory],
    epochs: int,
    *,
    lr: float = 0.1,
    momentum: float = 0.9,
    metric: Metric | None = None,
) -> Figure:
    """Draw what a schedule sets in each of ``epochs`` epochs, before it is used.

    Args:
        factory: makes the schedule of the optimizer it is given, e.g.
            ``lambda opt: sf.optim.lr_scheduler.StepLR(opt, 30)``; or a dict of such by label.
        epochs: how long; for a schedule that is stepped per batch, the number of batches.
        lr, momentum: of the optimizer (SGD) that the factory is given.
        metric: what schedules that watch a value are told after each epoch: a list of numbers, or
            a function of the epoch, which counts from 1.

    There is a panel for each of learning rate, momentum and batch size that changes. The batch size
    of a loader is put back afterwards.

    Raises:
        TypeError: the factory makes no schedule.
        ValueError: a schedule that watches a value, and no metric for all epochs.

    Example:
        >>> import surefoot as sf
        >>> figure = schedule(lambda opt: sf.optim.lr_scheduler.StepLR(opt, 2, 0.5), 5, lr=1.0)
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    epochs = integer("schedule", "epochs", epochs, 1)
    factories = labelled("schedule", "factory", factory, callable)
    courses = {
        label: _course(make, epochs, lr, momentum, metric) for label, make in factories.items()
    }
    changing = [
        name for name in _QUANTITIES if any(len(set(c.get(name, ()))) > 1 for c in courses.values())
    ]
    figure, axes = new_figure("schedule", 1, max(len(changing), 1))
    for panel, name in zip(axes, changing or ["lr"], strict=True):
        for label, course in courses.items():
            if name in course:
                panel.plot(range(1, epochs + 1), course[name], label=label or name)
        panel.set_xlabel("epoch")
        panel.set_ylabel(name)
        if len(courses) > 1:
            panel.legend()
    return figure


def _course(
    factory: Factory, epochs: int, lr: float, momentum: float, metric: Metric | None
) -> dict[str, list[float]]:
    """What stands in the optimizer, or in the loader, in each epoch."""
    optimizer = SGD([_core.zeros(1, requires_grad=True)], lr=lr, momentum=momentum)
    built = factory(optimizer)
    if not isinstance(built, Schedule):
        raise TypeError(
            f"[schedule] the factory made {type(built).__name__}; it must return a schedule of "
            "surefoot.optim.lr_scheduler"
        )
    loader = getattr(built, "loader", None)
    size = None if loader is None else loader.batch_size
    built.set_length(epochs)
    course: dict[str, list[float]] = {}
    try:
        for epoch in range(1, epochs + 1):
            group = getattr(built, "optimizer", optimizer).param_groups[0]
            now = {"lr": group["lr"], "momentum": group.get("momentum", math.nan)}
            if loader is not None:
                now = {"batch_size": loader.batch_size}
            for name, value in now.items():
                course.setdefault(name, []).append(float(value))
            _step(built, epoch, metric)
    finally:
        if loader is not None:
            loader.batch_size = size
    return course


def _step(built: Any, epoch: int, metric: Metric | None) -> None:
    if not built.needs_metric:
        built.step()
        return
    if metric is None or (not callable(metric) and len(metric) < epoch):
        raise ValueError(
            f"[schedule] {type(built).__name__} watches a value: give metric=, a function of the "
            "epoch or one number for each"
        )
    built.step(float(metric(epoch) if callable(metric) else metric[epoch - 1]))
