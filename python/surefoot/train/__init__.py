"""The training loop and what surrounds it."""

from .averaging import EMA, SWA
from .callbacks import Callback, EarlyStopping
from .errors import NonFiniteLossError
from .history import History
from .metrics import Metric, accuracy
from .model_checkpoint import ModelCheckpoint
from .progress import Progress
from .schedule import LRSchedule
from .summary import Summary, summary
from .trainer import Trainer

__all__ = [
    "Callback",
    "EMA",
    "EarlyStopping",
    "History",
    "LRSchedule",
    "Metric",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "Progress",
    "SWA",
    "Summary",
    "Trainer",
    "accuracy",
    "summary",
]
