"""The learning-rate finder, with a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surefoot._check import integer

from .feed import Batch, make_feed
from .kept import Start, all_kept
from .steps import loss_of
from .trainer import Trainer
from .update import Update

__all__ = ["LRFinding", "lr_find"]

Curve = npt.NDArray[np.float64]

_WIDTH = 5  # points of the running mean
_CLEAR = 5.0  # a fall must be so many standard deviations of the running mean ...
_LEAST = 0.02  # ... and so large a share of the first loss
_QUIET = 1e-3  # a smaller share of noise is none, as of all rows in one batch
_RUINED = 4.0  # times the first loss: the sweep ends there
_SPREAD = 10.0  # repeats whose rates differ by more than this factor disagree


@dataclass(frozen=True)
class LRFinding:
    """What ``lr_find`` found: an interval with a reason, or the reason why there is none.

    ``low``, ``high`` and ``suggestion`` are None without a verdict; ``reason`` is a sentence.
    ``lrs``, ``losses`` (a row per repeat) and ``smoothed`` are the curves. True if there is one.
    """

    low: float | None
    high: float | None
    suggestion: float | None
    reason: str
    lrs: Curve
    losses: Curve
    smoothed: Curve

    def __bool__(self) -> bool:
        return self.suggestion is not None

    def __str__(self) -> str:
        if self.suggestion is None:
            return f"no rate: {self.reason}"
        return (
            f"lr {self.suggestion:.2g}, between {self.low:.2g} and {self.high:.2g}: {self.reason}"
        )

    def plot(self) -> Any:
        """Draw the curves over the rate; needs the extra: pip install 'surefoot[plot]'."""
        from surefoot.plot._figure import new_figure

        figure, (axes,) = new_figure("lr_find", size=(5.5, 3.6))
        for row in self.losses:
            axes.plot(self.lrs, row, color="0.8")
        axes.plot(self.lrs, self.smoothed)
        if self.low is not None and self.high is not None:
            axes.axvspan(self.low, self.high, alpha=0.2)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        axes.set_title(str(self), fontsize=8, wrap=True)
        return figure


def lr_find(
    trainer: Trainer,
    train: Any,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    repeats: int = 3,
    batch_size: int | None = 32,
) -> LRFinding:
    """Look for learning rates: train while the rate rises from step to step, and watch the loss.

    The rate of the first group goes from ``low`` to ``high`` in equal factors, those of other
    groups in proportion. The sweep is made ``repeats`` times from the same weights with other
    orders of the data. The mean of the curves, smoothed, says where the loss has clearly begun to
    fall (``low`` of the interval) and where it stops falling: a third of that is ``high``, a tenth
    the ``suggestion``. There is no verdict where the loss does not fall by more than its noise,
    still falls at the highest rate, is not finite, or where the repeats disagree.

    Weights, gradients, optimizer, modes and random numbers are as before afterwards. Callbacks and
    the schedule of the trainer take no part; penalties and clipping do.

    Raises:
        ValueError: rates or counts out of range, or an optimizer that looks for its rate itself.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> x = sf.linspace(-1, 1, 64).reshape(64, 1)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, seed=0)
        >>> found = lr_find(trainer, (x, 3 * x + 1), batch_size=None)
        >>> 0.01 < found.suggestion < 1.0
        True

    Source: Smith 2017, "Cyclical learning rates for training neural networks".
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"[lr_find] 0 < low < high is needed, not low={low}, high={high}")
    integer("lr_find", "steps", steps, 20)
    integer("lr_find", "repeats", repeats, 1)
    group = trainer.optimizer.param_groups[0]
    if trainer.optimizer.closure_kind() == "loss" or "lr" not in group:
        raise ValueError(f"[lr_find] {type(trainer.optimizer).__name__} looks for its rate itself")
    lrs = np.geomspace(low, high, steps)
    with all_kept(trainer.model, trainer.optimizer) as start:
        curves = [_sweep(trainer, start, train, batch_size, lrs, i) for i in range(repeats)]
    return judge(lrs, np.stack(curves))


def _sweep(
    trainer: Trainer, start: Start, train: Any, batch_size: int | None, lrs: Curve, repeat: int
) -> Curve:
    """The loss before each step; inf from where the sweep was ended."""
    start.back()
    dtype = next((p.dtype for p in trainer.model.parameters()), None)
    seed = (trainer.seed or 0) + repeat
    feed = make_feed(train, batch_size, dtype, seed=seed, shuffle=True)
    groups = trainer.optimizer.param_groups
    shares = [group["lr"] / groups[0]["lr"] if groups[0]["lr"] else 1.0 for group in groups]
    update = trainer.new_update()
    losses = np.full(len(lrs), np.inf)
    epoch = 0
    batches: Iterator[Batch] = iter(())
    trainer.model.train()
    for i, lr in enumerate(lrs):
        batch = next(batches, None)
        if batch is None:
            epoch += 1
            batches = feed.batches(epoch)
            batch = next(batches)
        for group, share in zip(groups, shares, strict=True):
            group["lr"] = float(lr) * share
        losses[i] = _step(trainer, update, batch)
        if not math.isfinite(losses[i]) or losses[i] > losses[0] + (_RUINED - 1) * abs(losses[0]):
            losses[i + 1 :] = np.inf
            break
    return losses


def _step(trainer: Trainer, update: Update, batch: Batch) -> float:
    inputs, targets, *weights = batch
    first: list[float] = []

    def closure() -> Any:
        trainer.optimizer.zero_grad()
        loss = loss_of(trainer.loss, trainer.model(inputs), targets, *weights)
        first.append(float(loss.item()))
        total = update.terms.add_to(loss)
        total.backward()
        if update.closure:
            update.clip()
        return total

    if update.closure:
        trainer.optimizer.step(closure)
    else:
        closure()
        update.step()
    update.terms.apply_(trainer.optimizer)
    return first[0]


def judge(lrs: Curve, losses: Curve) -> LRFinding:
    """The verdict on curves of the loss, one row per repeat."""
    mean = losses.mean(axis=0)
    smoothed = _smooth(mean)

    def none(reason: str) -> LRFinding:
        return LRFinding(None, None, None, reason, lrs, losses, smoothed)

    early = max(len(lrs) // 10, 8)
    if not np.isfinite(mean[:early]).all():
        return none(
            f"the loss is not finite at rates below {lrs[early - 1]:.2g}; look for NaN or very "
            "large numbers in data and weights, or begin lower"
        )
    base = float(mean[:early].mean())
    noise = float(np.diff(mean[:early]).std()) / math.sqrt(2 * _WIDTH)  # of the smoothed curve
    bottom = int(np.argmin(smoothed))
    fall, needed = base - float(smoothed[bottom]), max(_CLEAR * noise, _LEAST * abs(base))
    if not fall > needed:
        return none(
            f"the loss does not fall at any rate: {base:.4g} at first, {smoothed[bottom]:.4g} at "
            f"best, and only a fall by {needed:.2g} would stand out from the noise; take larger "
            "batches, look whether the targets can be learned and the parameters have gradients"
        )
    last = bottom
    if noise > _QUIET * abs(base):
        last = int(np.flatnonzero(smoothed <= smoothed[bottom] + 3 * noise)[-1])
    if last >= len(lrs) - 1 - _WIDTH // 2:
        return none(f"the loss still falls at the highest rate, {lrs[-1]:.2g}: raise high")
    begun = int(np.flatnonzero(smoothed < base - needed)[0])
    ends = [lrs[int(np.argmin(_smooth(row)))] for row in losses]
    if max(ends) > _SPREAD * min(ends):
        listed = ", ".join(f"{rate:.2g}" for rate in ends)
        return none(f"the repeats disagree, they end to fall at {listed}; take larger batches")
    edge, low = float(lrs[last]), float(lrs[begun])
    if low > edge / 3:
        return none(
            f"between the first clear fall, at {low:.2g}, and the end of it, at {edge:.2g}, there "
            "is no room: take more steps, or begin lower"
        )
    reason = f"the loss falls from {low:.2g} on and no longer above {edge:.2g}"
    return LRFinding(low, edge / 3, max(edge / 10, low), reason, lrs, losses, smoothed)


def _smooth(curve: Curve) -> Curve:
    """Running mean over the points around each; inf spreads to the left by none."""
    smoothed = np.empty_like(curve)
    half = _WIDTH // 2
    for i in range(len(curve)):
        window = curve[max(i - half, 0) : i + half + 1]
        finite = window[np.isfinite(window)]
        smoothed[i] = finite.mean() if np.isfinite(curve[i]) else np.inf
    return smoothed
