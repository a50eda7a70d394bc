"""Schedules: learning rate, momentum and batch size as functions of the number of steps."""

from ._base import LRScheduler, Schedule
from .batch import BatchSizeGrowth
from .compose import ChainedScheduler, SequentialLR, WarmupLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cyclic import CyclicLR, OneCycleLR
from .decay import (
    ConstantLR,
    ExponentialLR,
    InverseTimeLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .functions import LambdaLR, MultiplicativeLR
from .momentum import SutskeverMomentum, lr_with_momentum
from .plateau import HalveOnWorse, ReduceLROnPlateau

__all__ = [
    "Schedule",
    "LRScheduler",
    "ConstantLR",
    "StepLR",
    "MultiStepLR",
    "LinearLR",
    "ExponentialLR",
    "InverseTimeLR",
    "PolynomialLR",
    "LambdaLR",
    "MultiplicativeLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "HalveOnWorse",
    "SequentialLR",
    "ChainedScheduler",
    "WarmupLR",
    "SutskeverMomentum",
    "BatchSizeGrowth",
    "lr_with_momentum",
]
