"""Averages of the weights over a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from surefoot import nn
from surefoot._check import integer, positive, probability
from surefoot._core import Tensor
from surefoot.optim.swa_utils import AveragedModel, update_bn

from .callbacks import Callback
from .weights import copy_weights, load_weights

__all__ = ["EMA", "SWA"]

if TYPE_CHECKING:
    from .trainer import Trainer


class _Averaging(Callback):
    """Keeps an average of the model's weights and puts it into the model at the end."""

    average: AveragedModel | None = None

    def state_dict(self) -> dict[str, Any]:
        """The average so far."""
        return {"average": None if self.average is None else dict(self.average.state_dict())}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        if self.average is not None and state_dict["average"] is not None:
            self.average.load_state_dict(state_dict["average"])

    @property
    def count(self) -> int:
        """How many times the average was updated."""
        return 0 if self.average is None else int(self.average.n_averaged.item())

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give the model the average, unless the run has diverged."""
        if self.average is not None and self.count and not trainer.state.diverged:
            load_weights(trainer.model, dict(self.average.module.state_dict()))
            self._loaded(trainer)

    def _loaded(self, trainer: Trainer) -> None:
        """What the averaged model needs before it is used."""


class EMA(_Averaging):
    """Exponential moving average of the weights: ``a = d a + (1 - d) w`` after every step.

    ``d = min(decay, (1 + t) / (10 + t))`` at the t-th update, so that a short run does not hang on
    its first weights; ``warmup=False`` takes ``decay`` from the start. ``Trainer(ema=0.999)`` makes
    one: validation, the best weights and callbacks at the end of an epoch then see the averaged
    weights, training goes on with its own, and after ``fit`` the model has the average.

    Args:
        decay: from 0 to 1; about ``1 - 1 / steps`` averages over the last ``steps``.
        every: steps between two updates of the average.
        warmup: smaller shares at first.

    Running statistics of normalisation layers are those of the last step, not averaged.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, ema=EMA(0.99, every=2))
        >>> _ = trainer.fit((sf.ones(8, 1), sf.ones(8, 1)), epochs=4, batch_size=4, progress=False)
        >>> trainer.ema.count
        4

    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging".
    """

    def __init__(self, decay: float = 0.999, every: int = 1, warmup: bool = True) -> None:
        self.decay, self.warmup = probability("EMA", "decay", decay), warmup
        self.every = integer("EMA", "every", every, 1)

    def _update(self, average: Sequence[Tensor], now: Sequence[Tensor], count: int) -> None:
        decay = min(self.decay, (1 + count) / (10 + count)) if self.warmup else self.decay
        for mine, theirs in zip(average, now, strict=True):
            mine.mul_(decay).add_(theirs, alpha=1 - decay)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin a new average."""
        self.average = AveragedModel(trainer.model, multi_avg_fn=self._update)

    def on_batch_end(self, trainer: Trainer) -> None:
        """Take in the weights after a step."""
        state = trainer.state
        if state.updated and state.step % self.every == 0 and self.average is not None:
            self.average.update_parameters(trainer.model)

    @contextmanager
    def in_place(self, model: nn.Module) -> Iterator[None]:
        """Within the block the model has the average; after an error it keeps what it has."""
        if self.average is None or not self.count:
            yield
            return
        own = copy_weights(model)
        load_weights(model, dict(self.average.module.state_dict()))
        yield
        load_weights(model, own)


class SWA(_Averaging):
    """Stochastic weight averaging: the equal mean of the weights at the end of epochs.

    After ``fit`` the model has the mean, and normalisation layers the statistics of the training
    data under it (one more pass over them). The rate should stay high meanwhile: see
    ``optim.swa_utils.SWALR``. The best weights and EarlyStopping know nothing of the mean; leave
    ``restore_best`` off.

    Args:
        start: the first epoch that counts, or a share of the run (0.75: its last quarter).

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> swa = SWA(start=3)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[swa])
        >>> _ = trainer.fit((sf.ones(8, 1), sf.ones(8, 1)), epochs=4, progress=False)
        >>> swa.count
        2

    Source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better
    generalization".
    """

    def __init__(self, start: float = 0.75) -> None:
        self.start = positive("SWA", "start", start)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin a new mean."""
        self.average = AveragedModel(trainer.model)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Take in the weights of the epoch."""
        state = trainer.state
        epochs = state.last_epoch - state.first_epoch
        whole = isinstance(self.start, int) or self.start >= 1
        first = self.start if whole else int(epochs * self.start) + 1
        if state.epoch - state.first_epoch >= first and self.average is not None:
            self.average.update_parameters(trainer.model)

    def _loaded(self, trainer: Trainer) -> None:
        update_bn(trainer.feeds["train"].batches(1), trainer.model)
