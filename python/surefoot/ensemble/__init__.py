"""Several models as one: averaging, voting, bagging, snapshots; their spread as uncertainty."""

from .bagged import Bagging, bagging, bootstrap
from .batched import Batched
from .combine import Uncertainty
from .deep import deep_ensemble, member_seeds
from .dropout import DropoutSamples, mc_dropout
from .predictor import Ensemble
from .snapshot import SnapshotEnsemble, Snapshots

__all__ = [
    "Bagging",
    "DropoutSamples",
    "Ensemble",
    "SnapshotEnsemble",
    "Snapshots",
    "Batched",
    "Uncertainty",
    "bagging",
    "bootstrap",
    "deep_ensemble",
    "mc_dropout",
    "member_seeds",
]
