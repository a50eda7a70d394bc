"""What an epoch needs of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot import _core

from .callbacks import Callback

__all__ = ["PeakMemory"]

if TYPE_CHECKING:
    from .trainer import Trainer


class PeakMemory(Callback):
    """Column ``peak_mb``: the most that tensors took up at once in an epoch, in 10^6 bytes.

    All tensors of the process count, validation included. A full batch needs the most, a single
    row the least: that is the price of gradient descent over all rows.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(100, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.01)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[PeakMemory()])
        >>> data = sf.ones(1000, 100), sf.ones(1000, 1)
        >>> full = trainer.fit(data, epochs=1, batch_size=None, progress=False)["peak_mb"]
        >>> rows = trainer.fit(data, epochs=1, batch_size=10, progress=False)["peak_mb"]
        >>> full[0] > rows[0]
        True
    """

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Forget the peak so far."""
        _core.reset_peak_memory_stats()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the peak."""
        trainer.state.row["peak_mb"] = _core.memory_stats()["peak_allocated_bytes"] / 1e6
