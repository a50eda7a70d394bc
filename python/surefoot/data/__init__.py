"""Data sets and batches."""

from . import augment
from .cifar import cifar10
from .collate import default_collate
from .csv_file import read_csv
from .dataset import Dataset, Subset, TensorDataset
from .digits import digits
from .idx import mnist, read_idx
from .image_folder import ImageFolder
from .loader import DataLoader
from .npz import read_npz
from .split import random_split, split

__all__ = [
    "DataLoader",
    "Dataset",
    "ImageFolder",
    "Subset",
    "TensorDataset",
    "augment",
    "cifar10",
    "default_collate",
    "digits",
    "mnist",
    "random_split",
    "read_csv",
    "read_idx",
    "read_npz",
    "split",
]
