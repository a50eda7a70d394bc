"""The training loop and what surrounds it."""

from .callbacks import Callback, EarlyStopping
from .history import History
from .metrics import Metric, accuracy
from .model_checkpoint import ModelCheckpoint
from .progress import Progress
from .schedule import LRSchedule
from .summary import Summary, summary
from .trainer import NonFiniteLossError, Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LRSchedule",
    "Metric",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "Progress",
    "Summary",
    "Trainer",
    "accuracy",
    "summary",
]
