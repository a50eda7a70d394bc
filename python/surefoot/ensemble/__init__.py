"""Several models as one: averaging, voting, bagging, snapshots; their spread as uncertainty."""

from .bagged import Bagging, bagging, bootstrap
from .combine import Uncertainty
from .deep import deep_ensemble, member_seeds
from .dropout import DropoutSamples, mc_dropout
from .predictor import Ensemble
from .snapshot import SnapshotEnsemble, Snapshots
from .stacked import Stacked

__all__ = [
    "Bagging",
    "DropoutSamples",
    "Ensemble",
    "SnapshotEnsemble",
    "Snapshots",
    "Stacked",
    "Uncertainty",
    "bagging",
    "bootstrap",
    "deep_ensemble",
    "mc_dropout",
    "member_seeds",
]
