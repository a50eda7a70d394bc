"""The history as it grows: for spreadsheets and for TensorBoard."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot._check import integer

from .callbacks import Callback
from .history import Value

__all__ = ["CSVLogger", "TensorBoard"]

if TYPE_CHECKING:
    from .trainer import Trainer


class CSVLogger(Callback):
    """Writes the row of every epoch to a CSV file with a line of column names.

    The file is begun anew with every ``fit``; a resumed run puts the epochs of its checkpoint there
    first. A column that comes later makes it write the whole file again.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.0)
        >>> logger = CSVLogger("history.csv")
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[logger])
        >>> _ = trainer.fit((sf.ones(4, 1), sf.ones(4, 1)), epochs=2, progress=False)
        >>> logger.path.read_text().split()[0]
        'epoch,loss'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._columns: list[str] | None = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin anew."""
        self._columns = None

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Add the row."""
        row = trainer.state.row
        if self._columns is not None and set(row) <= set(self._columns):
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self._columns).writerow(row)
            return
        rows = [*trainer.history.rows(), row]
        self._columns = list(dict.fromkeys(name for each in rows for name in each))
        with open(self.path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(rows)


class TensorBoard(Callback):
    """Writes the row of every epoch, and the loss of every ``every``-th step, for TensorBoard.

    Needs the extra: pip install 'surefoot[tensorboard]'. ``tensorboard --logdir FOLDER`` shows it.
    Steps of a resumed run go on with their numbers.

    Args:
        folder: where the event files go; one folder a run.
        every: steps between two points of ``step/loss``; 0 leaves them out.

    Example:
        >>> logger = TensorBoard("runs/first", every=100)
    """

    def __init__(self, folder: str | os.PathLike[str], every: int = 0) -> None:
        self.folder, self.every = os.fspath(folder), integer("TensorBoard", "every", every, 0)
        self._writer: Any = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Open an event file."""
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise ImportError(
                "[TensorBoard] needs tensorboard: pip install 'surefoot[tensorboard]'"
            ) from None
        self._writer = EventFileWriter(self.folder)

    def on_batch_end(self, trainer: Trainer) -> None:
        """Write the loss of the step, if it is its turn."""
        state = trainer.state
        if self.every and state.updated and state.step % self.every == 0:
            self._add({"step/loss": state.loss_value}, state.step)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Write the row."""
        row = {name: value for name, value in trainer.state.row.items() if name != "epoch"}
        self._add(row, trainer.state.epoch)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add(self, values: dict[str, Value], step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [Summary.Value(tag=n, simple_value=v) for n, v in values.items() if v is not None]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=points))
        self._writer.add_event(event)
