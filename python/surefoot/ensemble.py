"""Several models as one: averaging, voting, bagging, snapshots; their spread as uncertainty."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.data import TensorDataset
from surefoot.train import Callback, Trainer

__all__ = ["Ensemble", "Snapshots", "bagging"]

Combine = Literal["mean", "probability", "vote"]


class Ensemble(nn.Module):
    """The models' outputs as one.

    ``'mean'``: the mean of the outputs, for regression and for logits. ``'probability'``: the
    logarithm of the mean of the class probabilities ``softmax(output)``; it can be used as logits.
    ``'vote'``: the share of models (N, C) that each class is the largest for; no gradient.

    Args:
        models: at least one; they are members, not copies. The same input goes to all.
        combine: see above.

    Raises:
        ValueError: no model, an unknown way to combine.

    Example:
        >>> import surefoot as sf
        >>> models = [sf.nn.Linear(1, 1, bias=False) for _ in range(3)]
        >>> for value, model in zip((1.0, 2.0, 6.0), models):
        ...     _ = sf.nn.init.constant_(model.weight, value)
        >>> both = Ensemble(models)
        >>> both(sf.ones(1, 1)).item(), round(both.spread(sf.ones(1, 1)).item(), 4)
        (3.0, 2.6458)

    Source: Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation
    using deep ensembles".
    """

    def __init__(self, models: Iterable[nn.Module], combine: Combine = "mean") -> None:
        super().__init__()
        self.models = nn.ModuleList(list(models))
        if not len(self.models):
            raise ValueError("[Ensemble] needs at least one model")
        if combine not in ("mean", "probability", "vote"):
            raise ValueError(
                f"[Ensemble] combine is 'mean', 'probability' or 'vote', not {combine!r}"
            )
        self.combine = combine

    def forward(self, x: Any) -> Tensor:
        if self.combine == "probability":
            logs = _core.stack([model(x) for model in self.models]).log_softmax(dim=-1)
            return logs.logsumexp(dim=0) - math.log(len(self.models))
        return self._parts(x).mean(dim=0)

    def spread(self, x: Any) -> Tensor:
        """The standard deviation over the models (n - 1 below the line) of what is averaged.

        Large where they disagree, as on inputs unlike the training data. NaN for a single model.
        """
        with no_grad():
            return self._parts(x).std(dim=0)

    def _parts(self, x: Any) -> Tensor:
        """(models, ...): what is averaged."""
        outputs = _core.stack([model(x) for model in self.models])
        if self.combine == "mean":
            return outputs
        if self.combine == "probability":
            return outputs.softmax(dim=-1)
        votes = _core.one_hot(outputs.detach().argmax(dim=-1), outputs.shape[-1])
        return votes.to(outputs.dtype)


def bagging(
    build: Callable[[int], Trainer],
    train: tuple[Any, Any],
    count: int = 10,
    *,
    seed: int = 0,
    combine: Combine = "mean",
    **options: Any,
) -> Ensemble:
    """Train ``count`` models, each on as many rows as there are, drawn with replacement.

    Args:
        build: makes the trainer of model i, from 0.
        train: (inputs, targets), tensors or arrays of (N, ...).
        seed: of the draws; those of model i depend on ``(seed, i)`` alone.
        combine: see Ensemble.
        options: of ``Trainer.fit``.

    Example:
        >>> import surefoot as sf
        >>> def build(i):
        ...     sf.manual_seed(i)
        ...     model = sf.nn.Linear(1, 1)
        ...     return sf.train.Trainer(model, sf.nn.MSELoss(), sf.optim.Adam(model.parameters()))
        >>> x = sf.rand(20, 1)
        >>> len(bagging(build, (x, 2 * x), count=3, epochs=2, progress=False).models)
        3

    Source: Breiman 1996, "Bagging predictors".
    """
    if count < 1:
        raise ValueError(f"[bagging] count is 1 or more, not {count}")
    data = TensorDataset(*train)
    models = []
    for i in range(count):
        generator = _core.Generator().manual_seed(seed * 1_000_003 + i)
        rows = _core.randint(0, len(data), (len(data),), generator=generator)
        trainer = build(i)
        trainer.fit(TensorDataset(*data.take(rows)), **options)
        models.append(trainer.model)
    return Ensemble(models, combine)


class Snapshots(Callback):
    """Keeps a copy of the model every few epochs, for an ensemble from one run.

    Made for a rate that comes down and jumps up again (``CosineAnnealingWarmRestarts``): ``every``
    is then the length of its cycle, and each copy a minimum of its own.

    Args:
        every: epochs between two copies.
        keep: how many of the last ones are kept; all if left out.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> snapshots = Snapshots(every=2)
        >>> cycles = sf.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> trainer = sf.train.Trainer(
        ...     model, sf.nn.MSELoss(), optimizer, callbacks=[snapshots], schedule=cycles
        ... )
        >>> _ = trainer.fit((sf.ones(4, 1), sf.ones(4, 1)), epochs=6, progress=False)
        >>> len(snapshots.ensemble().models)
        3

    Source: Huang et al. 2017, "Snapshot ensembles: train 1, get M for free".
    """

    def __init__(self, every: int, keep: int | None = None) -> None:
        if every < 1 or (keep is not None and keep < 1):
            raise ValueError(f"[Snapshots] every and keep are 1 or more, not {every}, {keep}")
        self.every, self.keep = every, keep
        self.models: list[nn.Module] = []
        self._model: nn.Module | None = None

    def ensemble(self, combine: Combine = "mean") -> Ensemble:
        """The copies so far as one model."""
        return Ensemble(self.models, combine)

    def state_dict(self) -> dict[str, Any]:
        """The weights of the copies."""
        return {"weights": [dict(model.state_dict()) for model in self.models]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Make the copies again."""
        self.models = [copy.deepcopy(self._model) for _ in state_dict["weights"] if self._model]
        for model, weights in zip(self.models, state_dict["weights"], strict=True):
            model.load_state_dict(weights)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin anew."""
        self.models, self._model = [], trainer.model

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Copy the model, if it is time."""
        if (trainer.state.epoch - trainer.state.first_epoch) % self.every == 0:
            self.models.append(copy.deepcopy(trainer.model).eval())
            self.models = self.models[-self.keep :] if self.keep else self.models
