"""The training loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from math import inf, isfinite
from typing import Any

from surefoot import _core, nn, optim
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.nn._mode import evaluating, mode_kept
from surefoot.optim.lr_scheduler import Schedule
from surefoot.regularize import Regularizer, collect

from .averaging import EMA
from .checkpoint import check_fit, read_checkpoint, restore, write_checkpoint
from .errors import NonFiniteLossError, all_finite, one_number, remedy
from .events import EVENTS, check_callbacks, listeners
from .feed import Batch, BatchTransform, Feed, by_batches, check_widths, make_feed
from .history import History, Value
from .interrupt import finish_batch_on_interrupt
from .metrics import MetricSpec, resolve_metrics
from .progress import Progress
from .randomness import check_generators, set_random_state
from .schedule import LRSchedule, as_callbacks
from .state import Best, State, Tally
from .steps import loss_of, step, take_steps
from .update import Clip, Update
from .weights import copied, copy_weights, load_weights

__all__ = ["Trainer"]


class Trainer:
    """Trains ``model`` to lower ``loss(model(inputs), targets)``.

    ``metrics`` is a name, a function of (output, target), a Metric, or several of these.
    ``callbacks`` are Callbacks, or any objects with some of their methods.
    ``regularize`` is a Regularizer for all weights of the model; those attached to its layers act
    anyhow. ``loss`` in the history is without penalties, in training as in validation.
    ``schedule`` is a schedule of ``optim.lr_scheduler``, stepped once per epoch, or an LRSchedule.
    ``clip`` limits the norm of all gradients together; ``("value", x)`` each number of them,
    ``("parameter", x)`` the norm of each parameter's. The norm of all is clipped within the step:
    ``.grad`` stays whole, ``optimizer.last_norm`` is the norm.
    ``accumulate`` gathers the gradients of so many batches for a step; each counts by its rows.
    ``ema`` is the decay of a moving average of the weights, see EMA.
    ``generators`` of NumPy (also ``np.random``) that the data draws from are part of checkpoints.
    ``seed`` fixes the order of the data and everything random in the run; without it they follow
    ``sf.manual_seed``. ``best`` is the epoch with the lowest validation loss, see ``restore_best``.

    Optimizers that evaluate the loss several times for a step (LBFGS, LineSearchGD, SGD with
    ``nesterov='lookahead'``) get it of the batch; the history has the first value of each.

    Example:
        >>> import surefoot as sf
        >>> from surefoot import nn, optim
        >>> x = sf.tensor([[-2.0], [-1.0], [1.0], [2.0]])
        >>> y = sf.tensor([0, 0, 1, 1])
        >>> model = nn.Linear(1, 2)
        >>> optimizer = optim.SGD(model.parameters(), lr=1.0)
        >>> trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", seed=0)
        >>> history = trainer.fit((x, y), validation=(x, y), epochs=20, progress=False)
        >>> history["val_accuracy"][-1], trainer.predict(x).argmax(dim=1).tolist()
        (1.0, [0, 0, 1, 1])
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: optim.Optimizer,
        metrics: MetricSpec | Iterable[MetricSpec] | Mapping[str, MetricSpec] | None = None,
        callbacks: Iterable[object] = (),
        seed: int | None = None,
        regularize: Regularizer | None = None,
        schedule: Schedule | LRSchedule | Iterable[Schedule | LRSchedule] = (),
        clip: Clip | None = None,
        accumulate: int = 1,
        ema: float | EMA | None = None,
        generators: Iterable[Any] = (),
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics = resolve_metrics(metrics)
        self.ema = ema if ema is None or isinstance(ema, EMA) else EMA(ema)
        averages = [] if self.ema is None else [self.ema]  # first: its weights are others' to keep
        self.callbacks = [*averages, *callbacks, *as_callbacks(schedule)]
        check_callbacks(self.callbacks)
        self.seed, self.regularize = seed, regularize
        self.clip, self.accumulate = clip, accumulate
        self.generators = check_generators(generators)
        self._update = self.new_update()
        self.state, self.history = State(), History()
        self.best: Best | None = None
        self.tally = self.new_tally()
        self.feeds: dict[str, Feed] = {}
        self._listeners: dict[str, list[Callable[[Trainer], None]]] = {}
        self._wanted: list[str | os.PathLike[str]] = []  # checkpoints to write at the next moment
        self.last_wish: Callable[[], None] | None = None  # what Ctrl-C has still to leave behind
        self._resume: dict[str, Any] | None = None

    def fit(
        self,
        train: Any,
        validation: Any = None,
        *,
        epochs: int = 10,
        batch_size: int | None = 32,
        shuffle: bool = True,
        augment: BatchTransform | None = None,
        progress: bool = True,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train for ``epochs`` passes over ``train`` and return the history of this call.

        Data is a pair (inputs, targets) of arrays or tensors, a TensorDataset, or an iterable of
        such batches. A third part, (N,), goes to the loss as ``sample_weight``; batches count by
        their rows all the same, and metrics know no weights. ``batch_size=1`` updates after every
        row, None once per epoch. ``augment``, one of ``sf.data.augment``, transforms every batch of
        ``train``. Ctrl-C ends the run after the current batch. A second ``fit`` goes on.

        ``resume`` is a file that ``save`` or ModelCheckpoint wrote. The run, set up as before,
        goes on where it was taken and ends as the unbroken one would, bit for bit, with any number
        of threads; ``epochs`` counts from where that ``fit`` began.

        Raises:
            ValueError: (``resume``) a damaged file, or one of another model, optimizer, seed or
                data; the text lists the differences, and the model is as it was.
        """
        options = {"batch_size": batch_size, "shuffle": shuffle, "augment": augment}
        state, held_out = self._open(train, validation, epochs, options, resume)
        with self._running(progress):
            while state.goes_on:
                if take_steps(self, self._epoch()):
                    self._end_epoch(held_out)
            if state.stop_reason == "interrupted" and self.last_wish is not None:
                self.last_wish()
                self._write_files()
        return self.history

    def evaluate(self, data: Any, batch_size: int = 256) -> dict[str, Value]:
        """Return loss and metrics over ``data``, in eval mode and without gradients."""
        return self._measure(make_feed(data, batch_size, dtype=self._dtype()), "")

    def predict(self, inputs: Any, batch_size: int = 256) -> Tensor:
        """Return the model's outputs for ``inputs``, in eval mode and without gradients."""
        return _core.cat(by_batches("Trainer", self.model, inputs, batch_size, self.model))

    def stop(self, reason: str) -> None:
        """End the run after the current batch; ``reason`` goes into the history."""
        self.state.stop_reason = self.state.stop_reason or reason

    def restore_best(self) -> None:
        """Give the model the weights of its best epoch of the last ``fit``."""
        if self.best is None:
            raise RuntimeError("[Trainer] there are no best weights yet; call fit first")
        load_weights(self.model, self.best.weights)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint: all that the rest of the run depends on, for ``fit(resume=path)``.

        It holds the weights, the optimizer with its options, schedules and other callbacks that
        have a ``state_dict``, random numbers, the place in the data, best weights and history. A
        callback may call it: the file is written when all callbacks have seen the batch or epoch.

        Raises:
            OSError: the disk is full or not there; an earlier file of this name is as it was.
        """
        self._wanted.append(path)
        if not self._listeners:
            self._write_files()

    def _write_files(self) -> None:
        while self._wanted and not self._update.rows:  # gathered gradients are in no file
            path = self._wanted[0]
            try:
                write_checkpoint(self, path)
            except OSError as error:
                raise OSError(
                    error.errno,
                    f"[Trainer] the checkpoint could not be written ({error.strerror or error}); "
                    "an earlier one is whole: mend the disk and go on with fit(..., resume=path)",
                    os.fspath(path),
                ) from error
            finally:
                self._wanted.pop(0)

    def _open(
        self, train: Any, validation: Any, epochs: int, options: dict[str, Any], resume: Any
    ) -> tuple[State, Feed | None]:
        integer("Trainer", "epochs", epochs, 1)
        state = self.state
        saved = self._resume = None if resume is None else read_checkpoint(resume)
        seed = self.seed if saved is None else saved["run"]["seed"]
        if seed is None:
            seed = int(_core.randint(0, 2**31 - 1, (1,)).item())
        elif state.epoch == 0:
            _core.manual_seed(seed)
        feed = make_feed(train, dtype=self._dtype(), seed=seed, **options)
        held_out = None if validation is None else make_feed(validation, 256, dtype=self._dtype())
        self.feeds = {"train": feed}
        if held_out is not None:
            check_widths(feed, held_out)
            self.feeds["validation"] = held_out
        if saved is not None:
            check_fit(self, saved, resume)
            state.epoch = saved["run"]["first_epoch"]
        self.seed, self.last_wish = seed, None
        state.first_epoch, state.last_epoch = state.epoch, state.epoch + epochs
        state.num_batches, state.stop_reason, state.open = feed.num_batches, "", False
        state.diverged, state.updated, self._update = False, True, self.new_update()
        self.history = History()
        self.best = Best(0, inf, copy_weights(self.model))
        return state, held_out

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps of an epoch, None where only the end of the data tells."""
        batches = self.state.num_batches
        return None if batches is None else -(-batches // self.accumulate)

    def new_update(self) -> Update:
        """Return what stands between backward and the optimizer's step, with nothing gathered."""
        terms = collect(self.model, self.regularize)
        return Update(self.optimizer, self.loss, terms, self.clip, self.accumulate)

    def new_tally(self) -> Tally:
        """Return empty sums of loss and metrics."""
        return Tally(self.loss, self.metrics)

    def _epoch(self) -> Iterator[Batch]:
        """Begin an epoch, or go on within the one of the checkpoint, and return its batches."""
        state, feed = self.state, self.feeds["train"]
        self._began, state.num_batches = time.perf_counter(), feed.num_batches
        if not state.open:
            state.epoch, state.batch, state.open = state.epoch + 1, 0, True
            self.tally = self.new_tally()
            self.model.train()
            self._emit("on_epoch_begin")
            return feed.batches(state.epoch)
        batches = feed.batches(state.epoch, state.batch)
        if self._resume is not None:  # drawing the batches before may have drawn random numbers
            set_random_state(self._resume["rng"], self.generators)
        return batches

    @contextmanager
    def _running(self, progress: bool) -> Iterator[None]:
        callbacks = [*self.callbacks, Progress()] if progress else self.callbacks
        self._listeners = {event: listeners(callbacks, event) for event in EVENTS}
        try:
            with mode_kept(self.model), finish_batch_on_interrupt(self.stop):
                self._emit("on_fit_begin")
                if self._resume is not None:
                    restore(self, self._resume)
                yield
        except KeyboardInterrupt:
            self.stop("interrupted")
        except Exception as error:
            self.stop(type(error).__name__)
            raise
        finally:
            self.history.stop_reason = self.state.stop_reason or "finished"
            self._resume = None
            self._wanted.clear()
            self._emit("on_fit_end")
            self._listeners = {}
            self.state.release()

    def _emit(self, event: str) -> None:
        for listener in self._listeners.get(event, ()):
            listener(self)

    def _end_epoch(self, held_out: Feed | None) -> None:
        state = self.state
        if self._update.rows:  # batches of a source that did not say which one is the last
            step(self)
        with nullcontext() if self.ema is None else self.ema.in_place(self.model):
            state.row = {"epoch": state.epoch, **self.tally.compute()}
            if held_out is not None:
                state.row.update(self._measure(held_out, "val_"))
            self._rank_epoch(state.row.get("val_loss", state.row["loss"]))
            self._emit("on_epoch_end")
        self.history.append(state.row, seconds=time.perf_counter() - self._began)
        state.open = False
        self._write_files()

    def _rank_epoch(self, value: Value) -> None:
        with no_grad():
            weights = self.model.state_dict(keep_vars=True)
            finite = all_finite([w for w in weights.values() if isinstance(w, nn.Parameter)])
        if value is None or not isfinite(value) or not finite:
            raise self.diverged("the validation loss" if finite else "a weight")
        if self.best is None or value < self.best.value:
            self.best = Best(self.state.epoch, value, copied(weights))

    def _measure(self, feed: Feed, prefix: str) -> dict[str, Value]:
        with evaluating(self.model):
            tally = self.new_tally()
            for inputs, targets, *weights in feed.batches(1):
                output = self.model(inputs)
                loss = loss_of(self.loss, output, targets, *weights)
                tally.update(one_number(loss), output, targets)
            return tally.compute(prefix)

    def diverged(self, what: str) -> NonFiniteLossError:
        """Go back to the best weights, and return the error that says what was not finite."""
        state, best = self.state, self.best
        state.diverged, kept = True, "its first weights"
        if best is not None:
            load_weights(self.model, best.weights)
            kept = f"the weights of epoch {best.epoch}" if best.epoch else kept
        rates = [group.get("lr", 0.0) for group in self.optimizer.param_groups]
        return NonFiniteLossError(
            f"{what} is not finite at epoch {state.epoch}, batch {state.batch}; the model has "
            f"{kept} again",
            remedy(state.inputs, state.targets, state.step, rates),
            self.history,
        )

    def _dtype(self) -> Any:
        return next((p.dtype for p in self.model.parameters()), None)
