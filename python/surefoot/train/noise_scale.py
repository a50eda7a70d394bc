"""How noisy the gradient is, and so how large a batch is worth its price."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.autograd import no_grad

from .callbacks import Callback

__all__ = ["GradientNoiseScale"]

if TYPE_CHECKING:
    from .trainer import Trainer


class GradientNoiseScale(Callback):
    """Column ``noise_scale``: the batch size above which a larger batch saves few steps.

    ``B = tr(S) / |G|^2``, with G the true gradient and S the covariance of a single row's. Of
    ``window`` successive steps with batches of b rows, ``m`` is the mean of ``|g|^2`` and ``M`` is
    ``|mean g|^2``; with w = window, ``|G|^2 = (w M - m) / (w - 1)`` and
    ``tr(S) = b w (m - M) / (w - 1)``, both summed over the epoch before they are divided. Batches
    far below B gain from growing, far above it they waste rows. None where the gradient drowns in
    noise (``|G|^2 <= 0``).

    Weights are taken to stand still within a window, which makes the estimate too large where they
    move fast. It costs one copy of the gradients and two passes over them per step.

    Args:
        window: steps that are averaged, at least 2.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.001)
        >>> scale = GradientNoiseScale(window=4)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[scale])
        >>> x = sf.ones(64, 1)
        >>> history = trainer.fit((x, 3 * x), epochs=1, batch_size=8, progress=False)
        >>> abs(history["noise_scale"][0]) < 0.1  # all rows are equal: no noise
        True

    Source: McCandlish et al. 2018, "An empirical model of large-batch training".
    """

    def __init__(self, window: int = 8) -> None:
        self.window = integer("GradientNoiseScale", "window", window, 2)
        self._clear()

    def _clear(self) -> None:
        self._sums: list[Tensor] = []
        self._squares, self._rows, self._steps = 0.0, 0, 0
        self._noise = self._signal = 0.0  # sums of tr(S) and |G|^2 over the epoch

    def state_dict(self) -> dict[str, Any]:
        """What was gathered in the epoch so far."""
        counts = {"squares": self._squares, "rows": self._rows, "steps": self._steps}
        return {**counts, "noise": self._noise, "signal": self._signal, "sums": self._sums}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name, value in state_dict.items():
            setattr(self, f"_{name}", value)

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Begin anew."""
        self._clear()

    def on_backward_end(self, trainer: Trainer) -> None:
        """Take in the gradients of the step."""
        parameters = list(trainer.model.parameters())
        with no_grad():
            grads = [p.grad if p.grad is not None else p.detach() * 0 for p in parameters]
            if not self._sums:
                self._sums = [grad.clone() for grad in grads]
            else:
                for total, grad in zip(self._sums, grads, strict=True):
                    total.add_(grad)
            self._squares += _square(grads)
        self._rows += len(trainer.state.targets) * trainer.accumulate
        self._steps += 1
        if self._steps == self.window:
            self._close_window()

    def _close_window(self) -> None:
        w = self.window
        mean_square, square_mean = self._squares / w, _square(self._sums) / w**2
        self._signal += (w * square_mean - mean_square) / (w - 1)
        self._noise += self._rows * (mean_square - square_mean) / (w - 1)
        self._sums, self._squares, self._rows, self._steps = [], 0.0, 0, 0

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the scale."""
        known = self._signal > 0 and math.isfinite(self._noise)
        trainer.state.row["noise_scale"] = self._noise / self._signal if known else None


def _square(tensors: list[Tensor]) -> float:
    return sum(float(t.square().sum().item()) for t in tensors)
