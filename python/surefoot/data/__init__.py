"""Data sets and batches."""

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
    "default_collate",
    "digits",
    "random_split",
    "split",
]
