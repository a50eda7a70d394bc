"""Metrics: numbers for people, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from surefoot import _core
from surefoot._core import Tensor

__all__ = ["Metric", "accuracy", "classes_of", "resolve_metrics"]

MetricFunction = Callable[[Tensor, Tensor], "float | Tensor"]


class Metric:
    """Base of all metrics: ``reset``, then ``update`` per batch, then ``compute``.

    Its value stands in the history under ``name``; one with ``in_row = False`` is only gathered.
    """

    name = "metric"
    in_row = True

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


def classes_of(
    who: str, output: Tensor, target: Tensor, threshold: float
) -> tuple[Tensor, Tensor, int]:
    """(predicted classes (N,), actual classes (N,), number of classes) of a batch."""
    if output.ndim == 2 and target.ndim == 1 and len(output) == len(target) and output.shape[1] > 1:
        return output.argmax(dim=1), target, output.shape[1]
    single = output.ndim == 1 or (output.ndim == 2 and output.shape[1] == 1)
    if not single or output.shape != target.shape:
        raise ValueError(
            f"[{who}] output {tuple(output.shape)} with target {tuple(target.shape)}: expected "
            "scores (N, C) and class numbers (N,), or one score a row and targets of its shape"
        )
    return (output > threshold).to(_core.int64).flatten(), target.to(_core.int64).flatten(), 2


def accuracy(output: Tensor, target: Tensor, threshold: float = 0.5) -> float:
    """Return the share of rows that are put into their class.

    ``output`` (N, C): the class is the largest score, ``target`` (N,) holds class numbers.
    ``output`` (N,) or (N, 1): class 1 above ``threshold``, ``target`` has the same shape and holds
    0 and 1. The threshold of probabilities is 0.5, that of logits 0: pass
    ``metrics={"accuracy": lambda output, target: accuracy(output, target, 0.0)}`` for them.

    Targets that are shares of the classes, (N, C), as mixing samples makes them, count as the class
    with the largest share.

    Example:
        >>> import surefoot as sf
        >>> accuracy(sf.tensor([[0.1, 0.9], [0.8, 0.2]]), sf.tensor([1, 1]))
        0.5
    """
    if output.ndim == 2 and output.shape[1] > 1 and output.shape == target.shape:
        target = target.argmax(dim=1)
    predicted, actual, _ = classes_of("accuracy", output, target, threshold)
    return float((predicted == actual).sum().item()) / max(len(target), 1)


MetricSpec = str | Metric | MetricFunction


def _resolve_one(spec: MetricSpec, name: str | None = None) -> Metric:
    if isinstance(spec, Metric):
        metric = spec
        metric.name = name or metric.name
    elif isinstance(spec, str):
        metric = _named(spec)
        metric.name = name or spec
    elif callable(spec):
        metric = Mean(spec, name)
    else:
        raise TypeError(f"[Trainer] a metric is a name, a function or a Metric, not {spec!r}")
    return metric


def _named(name: str) -> Metric:
    from . import class_metrics, regression_metrics

    known: dict[str, Callable[[], Metric]] = {"accuracy": lambda: Mean(accuracy)}
    known |= {"precision": class_metrics.Precision, "recall": class_metrics.Recall}
    known |= {"f1": class_metrics.F1, "auc": class_metrics.AUC}
    known |= {"mae": regression_metrics.MAE, "mse": regression_metrics.MSE}
    known |= {"rmse": regression_metrics.RMSE, "r2": regression_metrics.R2}
    if name in known:
        return known[name]()
    if name.startswith("top") and name[3:].isdecimal():
        return class_metrics.TopK(int(name[3:]))
    raise ValueError(
        f"[Trainer] no metric is called {name!r}; known: {', '.join(sorted(known))}, top5 (any k)"
    )


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
