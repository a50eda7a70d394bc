"""Training of all members: one by one, or as one batched net where that is the same."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from surefoot import _core, nn, optim
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.data import TensorDataset
from surefoot.optim.lr_scheduler import Schedule
from surefoot.train import Trainer
from surefoot.train.feed import as_tensor, make_feed

from .batched import Batched, why_not_batched

__all__ = ["Recipe", "build_members", "fit_members", "rows_of"]

MakeOptimizer = Callable[[Iterable[nn.Parameter]], optim.Optimizer]
MakeSchedule = Callable[[Any], Schedule]

# Losses whose mean counts every number of the output, or every row, alike.
_BY_ROWS = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.CrossEntropyLoss)

_WORTH = 1_000_000  # multiply-adds of a member's forward pass, see bench/python/ensemble.py


class Recipe(NamedTuple):
    """How each member is trained."""

    loss: Any
    optimizer: MakeOptimizer
    schedule: MakeSchedule | None
    epochs: int
    batch_size: int | None
    progress: bool


def rows_of(who: str, train: Any, model: nn.Module) -> tuple[Tensor, Tensor]:
    """The inputs and targets of all rows."""
    if isinstance(train, TensorDataset):
        train = train.tensors
    if not isinstance(train, (tuple, list)) or len(train) != 2:
        raise TypeError(
            f"[{who}] train is a pair (inputs, targets) of arrays or a TensorDataset of the two, "
            f"not {type(train).__name__}"
        )
    if not all(isinstance(part, (Tensor, np.ndarray)) for part in train):
        raise TypeError(f"[{who}] inputs and targets are tensors or NumPy arrays")
    dtype = next((p.dtype for p in model.parameters()), None)
    inputs, targets = (as_tensor(part, dtype) for part in train)
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets) or not len(inputs):
        raise ValueError(
            f"[{who}] inputs {tuple(inputs.shape)} and targets {tuple(targets.shape)}: expected "
            "one target per row, and at least one row"
        )
    return inputs, targets


def build_members(
    who: str, build: Callable[[int], nn.Module], seeds: Sequence[int]
) -> list[nn.Module]:
    """A new model for each seed."""
    models: list[nn.Module] = []
    for i, seed in enumerate(seeds):
        _core.manual_seed(seed)
        model = build(i)
        if not isinstance(model, nn.Module):
            raise TypeError(f"[{who}] build(i) must return a Module, not {type(model).__name__}")
        if any(model is other for other in models):
            raise ValueError(f"[{who}] build(i) gave the same model twice; let it make a new one")
        models.append(model)
    return models


def fit_members(
    who: str,
    models: Sequence[nn.Module],
    seeds: Sequence[int],
    data: tuple[Tensor, Tensor],
    recipe: Recipe,
    batched: bool | None,
) -> None:
    """Train every model on all rows, in the order of its seed."""
    if recipe.batch_size is not None:
        integer(who, "batch_size", recipe.batch_size, 1)
    reason = "batched=False" if batched is False else why_not_batched(models)
    if batched is None and not reason:
        reason = _too_large(models[0], recipe.batch_size or len(data[0]))
    if not reason:
        stack = Batched(models)
        optimizer = recipe.optimizer(stack.parameters())
        schedule = None if recipe.schedule is None else recipe.schedule(optimizer)
        reason = _why_not_together(optimizer, schedule)
    if not reason:
        loss = _Sum(recipe.loss, len(models), data[1])
        trainer = Trainer(stack, loss, optimizer, schedule=schedule or (), seed=seeds[0])
        draws = _Draws(data, seeds, recipe.batch_size)
        trainer.fit(draws, epochs=recipe.epochs, progress=recipe.progress)
        stack.unstack()
        return
    if batched:
        raise ValueError(
            f"[{who}] batched=True, but the members cannot be trained as one net: {reason}"
        )
    for model, seed in zip(models, seeds, strict=True):
        _fit_one(model, seed, data, recipe)


def _too_large(model: nn.Module, rows: int) -> str:
    """Above some size the products take the time, and many small ones are as fast as a large."""
    work = rows * sum(p.numel() for p in model.parameters())
    return "the nets are large" if work > _WORTH else ""


def _fit_one(model: nn.Module, seed: int, data: tuple[Tensor, Tensor], recipe: Recipe) -> None:
    optimizer = recipe.optimizer(model.parameters())
    schedule = () if recipe.schedule is None else recipe.schedule(optimizer)
    trainer = Trainer(model, recipe.loss, optimizer, schedule=schedule, seed=seed)
    trainer.fit(data, epochs=recipe.epochs, batch_size=recipe.batch_size, progress=recipe.progress)


def _why_not_together(optimizer: optim.Optimizer, schedule: Schedule | None) -> str:
    """Why a step of this optimizer on batched weights is not a step of each member."""
    kind = type(optimizer).__name__
    if optimizer.closure_kind():
        return f"{kind} weighs all numbers together"
    if type(optimizer).__module__.split(".")[0] != "surefoot":
        return f"nobody knows whether {kind} treats every number by itself"
    if len(optimizer.param_groups) > 1:
        return "the optimizer has several groups"
    if schedule is not None and schedule.needs_metric:
        return f"{type(schedule).__name__} watches the loss of a single net"
    return ""


class _Draws:
    """Batches (N, M, ...), each member's rows in the order that Trainer(seed=...) gives them."""

    def __init__(
        self,
        data: tuple[Tensor, Tensor],
        seeds: Sequence[int],
        batch_size: int | None,
    ) -> None:
        self._data, self._epoch = data, 0
        self._rows = len(data[0])
        self._size = self._rows if batch_size is None else batch_size
        numbers = _core.arange(self._rows)
        self._feeds = [make_feed((numbers, numbers), None, seed=s, shuffle=True) for s in seeds]

    def __len__(self) -> int:
        return math.ceil(self._rows / self._size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self._epoch += 1
        order = _core.stack([next(feed.batches(self._epoch))[0] for feed in self._feeds])
        for begin in range(0, self._rows, self._size):
            rows = order[:, begin : begin + self._size]
            flat = rows.reshape(-1)
            inputs, targets = (
                part.index_select(0, flat).reshape(*rows.shape, *part.shape[1:]).transpose(0, 1)
                for part in self._data
            )
            yield inputs, targets


class _Sum:
    """The sum over the members of (N, M, ...) of each one's loss."""

    def __init__(self, loss: Any, members: int, targets: Tensor) -> None:
        self.loss, self.members = loss, members
        self._by_rows: Any = None
        if type(loss) in _BY_ROWS and loss.reduction == "mean" and not _leaves_out(loss, targets):
            self._by_rows = copy.copy(loss)

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        output, target = output.transpose(0, 1), target.transpose(0, 1)
        if self._by_rows is None:
            parts = zip(output.unbind(0), target.unbind(0), strict=True)
            return _core.stack([self.loss(*part) for part in parts]).sum()
        rows = self._by_rows(
            output.reshape(-1, *output.shape[2:]), target.reshape(-1, *target.shape[2:])
        )
        total: Tensor = rows * self.members
        return total


def _leaves_out(loss: Any, targets: Tensor) -> bool:
    """Whether rows count differently, so that members' means have other divisors."""
    if not isinstance(loss, nn.CrossEntropyLoss):
        return False
    if loss.weight is not None:
        return True
    return not targets.is_floating_point() and bool((targets == loss.ignore_index).any().item())
