"""The training loop and what surrounds it."""

from .averaging import EMA, SWA
from .callbacks import Callback, EarlyStopping, LambdaCallback
from .class_metrics import AUC, F1, ConfusionMatrix, Precision, Recall, TopK
from .errors import NonFiniteLossError
from .growth import Freeze, GrowBatchSize, ProgressiveDepth
from .history import History
from .loggers import CSVLogger, TensorBoard
from .lr_find import LRFinding, lr_find
from .lr_search import LRTable, lr_search
from .memory import PeakMemory
from .metrics import Metric, accuracy
from .model_checkpoint import ModelCheckpoint
from .noise_scale import GradientNoiseScale
from .progress import Progress
from .regression_metrics import MAE, MSE, R2, RMSE
from .schedule import LRSchedule
from .summary import Summary, summary
from .trainer import Trainer

__all__ = [
    "AUC",
    "CSVLogger",
    "Callback",
    "ConfusionMatrix",
    "EMA",
    "EarlyStopping",
    "F1",
    "Freeze",
    "GradientNoiseScale",
    "GrowBatchSize",
    "History",
    "LRFinding",
    "LRSchedule",
    "LRTable",
    "LambdaCallback",
    "MAE",
    "MSE",
    "Metric",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "PeakMemory",
    "Precision",
    "ProgressiveDepth",
    "Progress",
    "R2",
    "RMSE",
    "Recall",
    "SWA",
    "Summary",
    "TensorBoard",
    "TopK",
    "Trainer",
    "accuracy",
    "lr_find",
    "lr_search",
    "summary",
]
