"""Augmentation: random transforms of whole batches, repeatable sample by sample.

What happens to a sample depends on the seed, the epoch, its index in the data set and the place of
the transform in the program, and on nothing else: not on the batch it is in, not on threads.
"""

from .base import Compose, Transform
from .color import ColorJitter, GaussianNoise, Normalize, RandomGrayscale
from .erase import Cutout, RandomErasing
from .geometry import (
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
)
from .mix import CutMix, MixUp
from .sequence import Scaling, TimeMask, TimeShift, TimeWarp

__all__ = [
    "ColorJitter",
    "Compose",
    "CutMix",
    "Cutout",
    "GaussianNoise",
    "MixUp",
    "Normalize",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Scaling",
    "TimeMask",
    "TimeShift",
    "TimeWarp",
    "Transform",
]
