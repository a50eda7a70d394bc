"""The training loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.regularize import Regularizer, collect

from .callbacks import Callback
from .checkpoint import check_fit, read_checkpoint, restore, write_checkpoint
from .feed import Batch, Feed, as_tensor, make_feed
from .history import History, Value
from .interrupt import finish_batch_on_interrupt
from .metrics import MetricSpec, resolve_metrics
from .progress import Progress
from .state import Best, State, Tally
from .weights import copy_weights, load_weights

__all__ = ["EVENTS", "NonFiniteLossError", "Trainer"]

LossFunction = Callable[[Tensor, Tensor], Tensor]


class NonFiniteLossError(FloatingPointError):
    """The loss or a weight became NaN or infinite; ``history`` holds the epochs before.

    The model has its best weights so far again. The optimizer has kept its state, which may be
    spoilt: make a new one before training on.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


class Trainer:
    """Trains ``model`` to lower ``loss(model(inputs), targets)``.

    ``metrics`` is a name, a function of (output, target), a Metric, or several of these.
    ``callbacks`` are Callbacks, or any objects with some of their methods.
    ``regularize`` is a Regularizer for all weights of the model; those attached to its layers act
    anyhow. ``loss`` in the history is without penalties, in training as in validation.
    ``seed`` fixes the order of the data and everything random in the run; without it they follow
    ``sf.manual_seed``. ``best`` is the epoch with the lowest validation loss, see ``restore_best``.

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
        loss: LossFunction,
        optimizer: optim.Optimizer,
        metrics: MetricSpec | Iterable[MetricSpec] | Mapping[str, MetricSpec] | None = None,
        callbacks: Iterable[object] = (),
        seed: int | None = None,
        regularize: Regularizer | None = None,
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics = resolve_metrics(metrics)
        self.callbacks = list(callbacks)
        _check_callbacks(self.callbacks)
        self.seed = seed
        self.regularize = regularize
        self._terms = collect(model, regularize)
        self.state = State()
        self.history = History()
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
        progress: bool = True,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train for ``epochs`` passes over ``train`` and return the history of this call.

        Data is a pair (inputs, targets) of arrays or tensors, a TensorDataset, or an iterable of
        such batches. ``batch_size=1`` updates after every row, None once per epoch. Ctrl-C ends
        the run after the current batch. A second ``fit`` goes on.

        ``resume`` is a file that ``save`` or ModelCheckpoint wrote. The run, set up as before,
        goes on where it was taken and ends as the unbroken one would, bit for bit, with any number
        of threads; ``epochs`` counts from where that ``fit`` began.

        Raises:
            ValueError: (``resume``) a damaged file, or one of another model, optimizer, seed or
                data; the text lists the differences, and the model is as it was.
        """
        state, held_out = self._open(train, validation, epochs, batch_size, shuffle, resume)
        with self._running(progress):
            while state.goes_on:
                for batch in self._epoch():
                    state.batch, (state.inputs, state.targets) = state.batch + 1, batch
                    self._emit("on_batch_begin")
                    self.optimizer.zero_grad()
                    state.output = self.model(state.inputs)
                    state.loss = self.loss(state.output, state.targets)
                    state.loss_value = self._finite(state.loss)
                    self._terms.add_to(state.loss).backward()
                    self._emit("on_backward_end")
                    self.optimizer.step()
                    self._terms.apply_(self.optimizer)
                    state.step += 1
                    self.tally.update(state.loss_value, state.output, state.targets)
                    self._emit("on_batch_end")
                    self._write_files()
                    if state.stop_reason:
                        break
                else:
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
        rows = as_tensor(inputs, self._dtype())
        if batch_size < 1:
            raise ValueError(f"[Trainer] batch_size is 1 or more, not {batch_size}")
        with _mode_kept(self.model), no_grad():
            self.model.eval()
            starts = range(0, max(len(rows), 1), batch_size)
            return _core.cat([self.model(rows[i : i + batch_size]) for i in starts])

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
        while self._wanted:
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
        self,
        train: Any,
        validation: Any,
        epochs: int,
        batch_size: int | None,
        shuffle: bool,
        resume: Any,
    ) -> tuple[State, Feed | None]:
        if epochs < 1:
            raise ValueError(f"[Trainer] epochs is 1 or more, not {epochs}")
        state = self.state
        saved = self._resume = None if resume is None else read_checkpoint(resume)
        seed = self.seed if saved is None else saved["run"]["seed"]
        if seed is None:
            seed = int(_core.randint(0, 2**31 - 1, (1,)).item())
        elif state.epoch == 0:
            _core.manual_seed(seed)
        feed = make_feed(train, batch_size, seed if shuffle else None, self._dtype())
        held_out = None if validation is None else make_feed(validation, 256, dtype=self._dtype())
        self.feeds = {"train": feed} | ({} if held_out is None else {"validation": held_out})
        if saved is not None:
            check_fit(self, saved, resume)
            state.epoch = saved["run"]["first_epoch"]
        self.seed, self.last_wish = seed, None
        state.first_epoch, state.last_epoch = state.epoch, state.epoch + epochs
        state.num_batches, state.stop_reason, state.open = feed.num_batches, "", False
        self.history, self._terms = History(), collect(self.model, self.regularize)
        self.best = Best(0, math.inf, copy_weights(self.model))
        return state, held_out

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
            _core.set_rng_state(self._resume["rng"])
        return batches

    @contextmanager
    def _running(self, progress: bool) -> Iterator[None]:
        callbacks = [*self.callbacks, Progress()] if progress else self.callbacks
        self._listeners = {event: _listeners(callbacks, event) for event in EVENTS}
        try:
            with _mode_kept(self.model), finish_batch_on_interrupt(self.stop):
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
        state.row = {"epoch": state.epoch, **self.tally.compute()}
        if held_out is not None:
            state.row.update(self._measure(held_out, "val_"))
        value = state.row.get("val_loss", state.row["loss"])
        weights_finite = all(bool(_core.isfinite(p).all()) for p in self.model.parameters())
        if value is None or not math.isfinite(value) or not weights_finite:
            raise self._diverged("a weight" if not weights_finite else "the validation loss")
        if self.best is None or value < self.best.value:
            self.best = Best(state.epoch, value, copy_weights(self.model))
        self._emit("on_epoch_end")
        self.history.append(state.row, seconds=time.perf_counter() - self._began)
        state.open = False
        self._write_files()

    def _measure(self, feed: Feed, prefix: str) -> dict[str, Value]:
        with _mode_kept(self.model), no_grad():
            self.model.eval()
            tally = self.new_tally()
            for inputs, targets in feed.batches(1):
                output = self.model(inputs)
                tally.update(_one_number(self.loss(output, targets)), output, targets)
            return tally.compute(prefix)

    def _finite(self, loss: Tensor) -> float:
        value = _one_number(loss)
        if not math.isfinite(value):
            raise self._diverged(f"the loss ({value})")
        return value

    def _diverged(self, what: str) -> NonFiniteLossError:
        state, best = self.state, self.best
        kept = "its first weights"
        if best is not None:
            load_weights(self.model, best.weights)
            kept = f"the weights of epoch {best.epoch}" if best.epoch else kept
        return NonFiniteLossError(
            f"[Trainer] {what} is not finite at epoch {state.epoch}, batch {state.batch}; the "
            f"model has {kept} again. Lower the learning rate, or look for NaN in the inputs",
            self.history,
        )

    def _dtype(self) -> Any:
        return next((p.dtype for p in self.model.parameters()), None)


EVENTS = (
    "on_fit_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_backward_end",
    "on_batch_end",
    "on_epoch_end",
    "on_fit_end",
)


def _one_number(loss: Tensor) -> float:
    if loss.ndim != 0:
        raise ValueError(
            f"[Trainer] the loss has shape {tuple(loss.shape)}: expected one number; "
            "use reduction='mean' or return loss.mean()"
        )
    return float(loss.item())


def _check_callbacks(callbacks: Iterable[object]) -> None:
    for callback in callbacks:
        if not any(hasattr(callback, event) for event in EVENTS):
            remedy = (
                "wrap it: LRSchedule(schedule)" if hasattr(callback, "step") else "see Callback"
            )
            raise TypeError(
                f"[Trainer] {type(callback).__name__} has none of the methods of a callback, so it "
                f"would do nothing; {remedy}"
            )


def _listeners(callbacks: Iterable[object], event: str) -> list[Callable[[Trainer], None]]:
    """Return the methods for an event, without those of Callback itself, which do nothing."""
    idle = getattr(Callback, event)
    methods = [getattr(callback, event, None) for callback in callbacks]
    return [m for m in methods if m is not None and getattr(m, "__func__", None) is not idle]


@contextmanager
def _mode_kept(model: nn.Module) -> Iterator[None]:
    """Give every module its train/eval mode back at the end of the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
