"""Dropout that stays on for predictions."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

from surefoot import _core, nn
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.nn._mode import evaluating
from surefoot.nn._random import random_state_kept
from surefoot.train.feed import as_tensor

from .combine import Combine, Uncertainty, checked_combine, combined, spread, uncertainty

__all__ = ["DropoutSamples", "mc_dropout"]

_LAYERS = (
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.AlphaDropout, nn.FeatureAlphaDropout, nn.DropConnect),
)


class DropoutSamples(NamedTuple):
    """What an Ensemble of the thinned nets would give: output, spread and, of classes, more."""

    output: Tensor
    spread: Tensor
    uncertainty: Uncertainty | None


def mc_dropout(
    model: nn.Module,
    x: Any,
    samples: int = 50,
    *,
    combine: Combine = "mean",
    seed: int | None = None,
) -> DropoutSamples:
    """Combine ``samples`` passes over ``x`` with dropout on and all else in eval mode.

    combine: as for Ensemble: 'mean' for values, 'probability' or 'vote' for logits; these have an
    uncertainty, too. seed: repeats the masks and leaves the stream of ``sf.manual_seed`` alone;
    without it the masks follow ``sf.manual_seed``.

    The spread is that of the model alone; the noise of the data (1 / tau in the paper) is to be
    added to its square. All x goes through at once: cut large data into batches.

    Raises:
        ValueError: the model drops nothing.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.MLP(4, [16], 3, dropout=0.5)
        >>> s = sf.ensemble.mc_dropout(net, sf.ones(2, 4), 20, combine="probability", seed=0)
        >>> s.output.shape, bool((s.uncertainty.mutual_information > 0).all().item())
        ((2, 3), True)

    Source: Gal and Ghahramani 2016, "Dropout as a Bayesian approximation".
    """
    count = integer("mc_dropout", "samples", samples, 1)
    checked_combine("mc_dropout", combine)
    dropping = [module for module in model.modules() if _drops(module)]
    if not dropping:
        raise ValueError(
            f"[mc_dropout] this {type(model).__name__} has no dropout with a rate above 0, so all "
            "passes would be equal"
        )
    rows = as_tensor(x, next((p.dtype for p in model.parameters()), None))
    with nullcontext() if seed is None else random_state_kept(), evaluating(model):
        if seed is not None:
            _core.manual_seed(seed)
        for module in dropping:
            module.training = True
        passes, equal = _core.stack([model(rows) for _ in range(count)]), _core.ones(count)
        more = None if combine == "mean" else uncertainty(passes, equal)
        return DropoutSamples(
            combined(passes, combine, equal), spread(passes, combine, equal), more
        )


def _drops(module: nn.Module) -> bool:
    """Dropout layers, and recurrent and attention layers with a rate of their own."""
    rate = getattr(module, "p" if isinstance(module, _LAYERS) else "dropout", 0.0)
    return isinstance(rate, (int, float)) and rate > 0
