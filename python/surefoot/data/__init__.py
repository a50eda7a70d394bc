"""Data sets and batches."""

from . import augment
from .collate import default_collate
from .dataset import Dataset, Subset, TensorDataset
from .digits import digits
from .loader import DataLoader
from .split import random_split, split

__all__ = [
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "augment",
    "default_collate",
    "digits",
    "random_split",
    "split",
]
