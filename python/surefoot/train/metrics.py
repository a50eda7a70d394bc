"""Metrics: numbers for people, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from surefoot._core import Tensor

__all__ = ["Metric", "accuracy", "resolve_metrics"]

MetricFunction = Callable[[Tensor, Tensor], "float | Tensor"]


class Metric:
    """Base of all metrics: ``reset``, then ``update`` per batch, then ``compute``."""

    name = "metric"

    def reset(self) -> None:
        """Forget everything gathered so far."""
        raise NotImplementedError(f"[{type(self).__name__}] reset is missing")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch: the model's output and the target."""
        raise NotImplementedError(f"[{type(self).__name__}] update is missing")

    def compute(self) -> float:
        """Return the value over all batches since ``reset``."""
        raise NotImplementedError(f"[{type(self).__name__}] compute is missing")

    def state_dict(self) -> dict[str, Any]:
        """What was gathered, for a checkpoint within an epoch: all attributes but functions."""
        return {name: value for name, value in vars(self).items() if not callable(value)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state_dict)


class Mean(Metric):
    """A function of (output, target), averaged over items: each batch counts by its size."""

    def __init__(self, function: MetricFunction, name: str | None = None) -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", type(function).__name__))
        self.reset()

    def reset(self) -> None:
        """Forget everything gathered so far."""
        self._total, self._count = 0.0, 0

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch."""
        self._total += float(self.function(output, target)) * len(target)
        self._count += len(target)

    def compute(self) -> float:
        """Return the average; NaN when there were no items."""
        return self._total / self._count if self._count else float("nan")


def accuracy(output: Tensor, target: Tensor) -> float:
    """Return the share of rows whose largest output, (N, C), is at the target class, (N,).

    Example:
        >>> import surefoot as sf
        >>> accuracy(sf.tensor([[0.1, 0.9], [0.8, 0.2]]), sf.tensor([1, 1]))
        0.5
    """
    if output.ndim != 2 or target.ndim != 1 or len(output) != len(target):
        raise ValueError(
            f"[accuracy] output {tuple(output.shape)} with target {tuple(target.shape)}: expected "
            "scores (N, C) and class numbers (N,)"
        )
    return float((output.argmax(dim=1) == target).sum().item()) / max(len(target), 1)


_NAMED: dict[str, MetricFunction] = {"accuracy": accuracy}

MetricSpec = str | Metric | MetricFunction


def _resolve_one(spec: MetricSpec, name: str | None = None) -> Metric:
    if isinstance(spec, Metric):
        metric = spec
        metric.name = name or metric.name
    elif isinstance(spec, str):
        if spec not in _NAMED:
            known = ", ".join(sorted(_NAMED))
            raise ValueError(f"[Trainer] no metric is called {spec!r}; known: {known}")
        metric = Mean(_NAMED[spec], name or spec)
    elif callable(spec):
        metric = Mean(spec, name)
    else:
        raise TypeError(f"[Trainer] a metric is a name, a function or a Metric, not {spec!r}")
    return metric


def resolve_metrics(
    specs: MetricSpec | Iterable[MetricSpec] | Mapping[str, MetricSpec] | None,
) -> list[Metric]:
    """Turn what the user passed as ``metrics=`` into Metric objects with distinct names."""
    if specs is None:
        return []
    if isinstance(specs, Mapping):
        metrics = [_resolve_one(spec, name) for name, spec in specs.items()]
    elif isinstance(specs, (str, Metric)) or not isinstance(specs, Iterable):
        metrics = [_resolve_one(specs)]
    else:
        metrics = [_resolve_one(spec) for spec in specs]
    names = [metric.name for metric in metrics]
    for name in names:
        if names.count(name) > 1 or name == "loss":
            raise ValueError(f"[Trainer] metric name {name!r} is taken; pass {{'name': metric}}")
    return metrics
