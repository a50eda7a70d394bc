"""Averages of weights over the steps of a run: SWA and EMA, with torch's names."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from surefoot import _check, _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.nn import Module
from surefoot.nn._mode import mode_kept

from .lr_scheduler import LRScheduler
from .lr_scheduler._base import half_cosine, per_group
from .optimizer import Optimizer

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

AvgFn = Callable[[Tensor, Tensor, int], Tensor]
MultiAvgFn = Callable[[Sequence[Tensor], Sequence[Tensor], int], None]


def get_ema_avg_fn(decay: float = 0.999) -> AvgFn:
    """``decay * average + (1 - decay) * current``: the exponential moving average.

    Raises:
        ValueError: ``decay`` outside [0, 1].

    Example:
        >>> import surefoot as sf
        >>> get_ema_avg_fn(0.75)(sf.tensor(4.0), sf.tensor(8.0), 1).item()
        5.0
    """
    _check.probability("get_ema_avg_fn", "decay", decay)
    return functools.partial(_ema, decay)


def _ema(decay: float, averaged: Tensor, current: Tensor, num_averaged: int) -> Tensor:
    return decay * averaged + (1 - decay) * current


def get_swa_avg_fn() -> AvgFn:
    """``average + (current - average) / (n + 1)``: the equal mean of all, after n of them.

    Example:
        >>> import surefoot as sf
        >>> get_swa_avg_fn()(sf.tensor(4.0), sf.tensor(8.0), 3).item()
        5.0
    """
    return _mean


def _mean(averaged: Tensor, current: Tensor, num_averaged: int) -> Tensor:
    return averaged + (current - averaged) / (num_averaged + 1)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAvgFn:
    """``get_ema_avg_fn`` on lists of tensors, in place."""
    return _in_place(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAvgFn:
    """``get_swa_avg_fn`` on lists of tensors, in place."""
    return _in_place(get_swa_avg_fn())


def _in_place(average: AvgFn) -> MultiAvgFn:
    return functools.partial(_update, average)


def _update(
    average: AvgFn, averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: int
) -> None:
    for mine, theirs in zip(averaged, current, strict=True):
        mine.copy_(average(mine, theirs, num_averaged))


class AveragedModel(Module):
    """A copy of ``model`` whose parameters are the average of those it was updated with.

    Args:
        model: is copied; the average begins with the first ``update_parameters``.
        device: None or ``"cpu"``, the only one.
        avg_fn: (average, current, number averaged) -> new average, of one parameter.
        multi_avg_fn: the same on lists of parameters, in place. With neither: the equal mean
            (``get_swa_avg_fn``); for an exponential one ``get_ema_multi_avg_fn(decay)``.
        use_buffers: average the real-valued buffers as well; otherwise they are copied, and
            ``update_bn`` renews those of batch normalisation.

    Raises:
        ValueError: both functions given.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1, bias=False)
        >>> averaged = AveragedModel(model)
        >>> for value in (1.0, 2.0, 6.0):
        ...     _ = sf.nn.init.constant_(model.weight, value)
        ...     averaged.update_parameters(model)
        >>> averaged(sf.ones(1, 1)).item()
        3.0

    Source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better
    generalization"; Polyak and Juditsky 1992, "Acceleration of stochastic approximation by
    averaging".
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: AvgFn | None = None,
        multi_avg_fn: MultiAvgFn | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(model, Module):
            raise TypeError(f"[AveragedModel] model is a {type(model).__name__}: must be a Module")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("[AveragedModel] pass avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model).to(device)
        self.register_buffer("n_averaged", _core.zeros((), dtype=_core.int64))
        if multi_avg_fn is None:
            multi_avg_fn = _in_place(get_swa_avg_fn() if avg_fn is None else avg_fn)
        self._update = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights of ``model`` into the average.

        Raises:
            ValueError: ``model`` has other parameters or buffers than the one copied.
        """
        pairs = _pairs("parameter", self.module.named_parameters(), model.named_parameters())
        copied = _pairs("buffer", self.module.named_buffers(), model.named_buffers())
        if self.use_buffers:
            pairs += [pair for pair in copied if pair[0].is_floating_point()]
            copied = [pair for pair in copied if not pair[0].is_floating_point()]
        count = int(self.n_averaged.item())
        with no_grad():
            if count and pairs:
                mine, theirs = zip(*pairs, strict=True)
                self._update(mine, theirs, count)
            for own, value in copied if count else [*pairs, *copied]:
                own.copy_(value)
            self.n_averaged.add_(1)


def _pairs(
    kind: str, own: Iterable[tuple[str, Tensor]], given: Iterable[tuple[str, Tensor]]
) -> list[tuple[Tensor, Tensor]]:
    """(mine, theirs), detached; by name."""
    mine, theirs = dict(own), dict(given)
    differing = [
        name
        for name in sorted(set(mine) | set(theirs))
        if name not in mine or name not in theirs or mine[name].shape != theirs[name].shape
    ]
    if differing:
        raise ValueError(
            f"[AveragedModel.update_parameters] the model has other {kind}s than the one averaged: "
            f"{', '.join(differing[:10])}"
        )
    return [(mine[name].detach(), theirs[name].detach()) for name in mine]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all normalisation layers anew, over ``loader``.

    An averaged model has never seen data: call this once before it is used. Batches are inputs, or
    tuples and lists that begin with them; every batch counts alike, as in PyTorch. Without such
    layers nothing happens. ``device`` is None or ``"cpu"``.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.BatchNorm1d(1))
        >>> update_bn([sf.tensor([[1.0], [3.0]]), sf.tensor([[5.0], [7.0]])], net)
        >>> net[0].running_mean.tolist()
        [4.0]
    """
    model.to(device)  # refuses anything but the CPU
    norms: list[Any] = [module for module in model.modules() if _has_running_statistics(module)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    try:
        with mode_kept(model), no_grad():
            model.train()
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # the equal mean over batches
            for batch in loader:
                model(batch[0] if isinstance(batch, (tuple, list)) else batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _has_running_statistics(module: Any) -> bool:
    return (
        hasattr(module, "reset_running_stats")
        and hasattr(module, "momentum")
        and getattr(module, "running_mean", None) is not None
    )


class SWALR(LRScheduler):
    """From the rate that stands there to ``swa_lr`` in ``anneal_epochs`` steps, and then constant.

    ``lr = lr0 * (1 - a) + swa_lr * a`` with ``a = (1 - cos(pi * min(t / anneal_epochs, 1))) / 2``,
    or ``a = min(t / anneal_epochs, 1)`` for ``'linear'``.

    Args:
        swa_lr: the rate to end at, a number or one per group.
        anneal_epochs: steps on the way; 0 goes there at once.
        anneal_strategy: ``'cos'`` or ``'linear'``.

    Example:
        >>> import surefoot as sf
        >>> opt = sf.optim.SGD([sf.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = SWALR(opt, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.75]
    """

    _per_group = True
    _follows = False  # in its own way

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        self.swa_lrs = per_group("SWALR", "swa_lr", swa_lr, optimizer)
        for rate in self.swa_lrs:
            _check.number("SWALR", "swa_lr", rate, 0)
        self.anneal_epochs = _check.integer("SWALR", "anneal_epochs", anneal_epochs, 0)
        _check.choice("SWALR", "anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.anneal_strategy = anneal_strategy
        self._starts: list[float | None] = [None] * len(self.swa_lrs)  # None: base_lrs
        super().__init__(optimizer, last_epoch)

    def _share(self, t: int) -> float:
        way = 1.0 if self.anneal_epochs == 0 else min(max(t, 0) / self.anneal_epochs, 1.0)
        return 1 - half_cosine(way) if self.anneal_strategy == "cos" else way

    def _lr(self, i: int, base: float, t: int) -> float:
        share = self._share(t)
        start = self._starts[i]
        return (base if start is None else start) * (1 - share) + float(self.swa_lrs[i]) * share

    def _follow(self) -> None:
        """The way begins anew, from a rate that lies on it now, where something else set it."""
        share = self._share(self.last_epoch)
        for i, group in enumerate(self.optimizer.param_groups[: len(self.swa_lrs)]):
            if group["lr"] != self._last_lr[i] and share < 1:
                self._starts[i] = (group["lr"] - self.swa_lrs[i] * share) / (1 - share)
        super()._follow()

    def _enter(self, t: int) -> None:
        self._starts = [None] * len(self.swa_lrs)
        super()._enter(t)
