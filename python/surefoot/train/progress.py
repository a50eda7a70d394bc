"""What a training run shows: a bar on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from .callbacks import Callback
from .history import Value

__all__ = ["Progress", "format_row"]

if TYPE_CHECKING:
    from .trainer import Trainer

_REFRESH_S = 0.1


def format_row(row: dict[str, Value], last_epoch: int, seconds: float) -> str:
    """Return an epoch as one line of text.

    Example:
        >>> format_row({"epoch": 2, "loss": 0.5, "val_loss": 0.25}, 10, 1.5)
        'epoch  2/10  loss 0.5000  val_loss 0.2500  1.5 s'
    """
    epoch = f"epoch {row['epoch']:>{len(str(last_epoch))}}/{last_epoch}"
    values = [f"{name} {_number(value)}" for name, value in row.items() if name != "epoch"]
    return "  ".join([epoch, *values, f"{seconds:.1f} s"])


def _number(value: Value) -> str:
    if value is None or isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3e}"


class Progress(Callback):
    """Shows the run on standard output; ``Trainer.fit(progress=True)`` adds it by itself.

    On a terminal it has a bar; elsewhere it listens to epochs only, and batches cost nothing.
    """

    _epoch_began = 0.0

    def __new__(cls) -> Progress:
        """A Progress with a bar if somebody is there to see it."""
        return super().__new__(_Bar if cls is Progress and sys.stdout.isatty() else cls)

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Start the epoch's clock."""
        self._epoch_began = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Print the epoch's line."""
        state = trainer.state
        seconds = time.perf_counter() - self._epoch_began
        self._print(format_row(state.row, state.last_epoch, seconds))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Say why the run ended early."""
        if trainer.state.stop_reason:
            print(f"stopped: {trainer.state.stop_reason}", flush=True)

    def _print(self, line: str) -> None:
        print(line, flush=True)


class _Bar(Progress):
    """The lines above a bar with rate and time left."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._shown = self._run_began = 0.0
        self._first_step: int | None = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Open the bar."""
        from rich import progress as rich_progress

        state = trainer.state
        epochs = state.last_epoch - state.epoch
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.TextColumn("{task.fields[rate]}"),
            rich_progress.TimeRemainingColumn(),
            transient=True,
        )
        total = None if state.num_batches is None else epochs * state.num_batches
        self._task = self._bar.add_task("training", total=total, rate="")
        self._bar.start()

    def on_batch_end(self, trainer: Trainer) -> None:
        """Move the bar, at most ten times a second."""
        now = time.perf_counter()
        if now - self._shown < _REFRESH_S:
            return
        self._shown = now
        state = trainer.state
        if self._first_step is None:  # the first one that is seen, also after resuming
            self._first_step, self._run_began = state.step, now
            return
        done = state.step - self._first_step
        before = (state.epoch - 1 - state.first_epoch) * (state.num_batches or 0)
        self._bar.update(
            self._task,
            completed=before + state.batch,
            description=f"epoch {state.epoch}/{state.last_epoch}  loss {_number(state.loss_value)}",
            rate=f"{done / (now - self._run_began):.0f} steps/s",
        )

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar."""
        self._bar.stop()
        super().on_fit_end(trainer)

    def _print(self, line: str) -> None:
        self._bar.console.print(line, highlight=False)
