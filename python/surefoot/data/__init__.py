"""Data sets and batches."""

from . import augment
from .cifar import cifar10
from .class_weights import class_weights
from .collate import default_collate
from .csv_file import read_csv
from .dataset import Dataset, Subset, TensorDataset
from .digits import digits
from .idx import mnist, read_idx
from .image_folder import ImageFolder
from .loader import DataLoader
from .npz import read_npz
from .split import kfold, random_split, split
from .table import Table, read_table
from .table_encoder import TableEncoder

__all__ = [
    "DataLoader",
    "Dataset",
    "ImageFolder",
    "Subset",
    "Table",
    "TableEncoder",
    "TensorDataset",
    "augment",
    "cifar10",
    "class_weights",
    "default_collate",
    "digits",
    "kfold",
    "mnist",
    "random_split",
    "read_csv",
    "read_idx",
    "read_npz",
    "read_table",
    "split",
]
