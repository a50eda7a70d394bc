"""Types of options, and options that several commands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from .errors import UserError

__all__ = [
    "TABLE_DEFAULTS",
    "add_run_options",
    "add_table_options",
    "check_output",
    "given",
    "positive_float",
    "positive_int",
    "seed_int",
]

# What a run on a table starts from; the table's own options and those of the training.
TABLE_DEFAULTS: dict[str, Any] = {
    "target": None,
    "task": None,
    "group": None,
    "time": None,
    "drop": [],
    "categories": [],
    "drop_missing_target": False,
    "class_weights": "none",
    "validation_share": 0.15,
    "test_share": 0.15,
    "epochs": 200,
    "patience": 20,
    "batch_size": 32,
    "lr": 1e-3,
    "hidden": [100],
    "dropout": 0.2,
    "refit": None,
    "seed": 0,
}


def positive_int(text: str) -> int:
    """Read an integer above 0."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected an integer above 0, not {text!r}")
    return value


def seed_int(text: str) -> int:
    """Read an integer from 0 to 2^63 - 1."""
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2^63 - 1, not {text!r}")
    return value


def positive_float(text: str) -> float:
    """Read a finite number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text!r}")
    return value


def share(text: str) -> float:
    """Read a number from 0 to below 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to below 1, not {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def given(args: argparse.Namespace, names: list[str]) -> list[str]:
    """The options, as they are written, that were given."""
    return ["--" + name.replace("_", "-") for name in names if getattr(args, name) is not None]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options of every training run; None stands for the default of digits or of tables."""
    add = parser.add_argument
    add("--epochs", type=positive_int, help="passes over the data (default 30; tables: 200)")
    add("--batch-size", type=positive_int, help="rows per step (default 32)")
    add("--lr", type=positive_float, help="Adam's learning rate (default 0.001)")
    add(
        "--hidden",
        type=positive_int,
        nargs="*",
        metavar="SIZE",
        help="sizes of the hidden layers (default 256; tables: 100); none for a linear model",
    )
    add("--seed", type=seed_int, help="fixes split, weights and order (default 0)")
    add("--config", type=Path, metavar="FILE", help="a TOML file of options, see the examples")


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """What a table is and how it is cut and learned."""
    parser.add_argument("table", nargs="?", type=Path, metavar="TABLE", help=".csv, .tsv, .parquet")
    group = parser.add_argument_group("tables")
    add = group.add_argument
    add("--target", metavar="COLUMN", help="the column to predict")
    add(
        "--task",
        choices=("classification", "regression"),
        help="what the target is (default: seen from its values)",
    )
    add("--group", metavar="COLUMN", help="rows of one group stay in one part")
    add("--time", metavar="COLUMN", help="train on early rows, test on late ones")
    add("--drop", nargs="+", metavar="COLUMN", help="columns to leave out")
    add("--categories", nargs="+", metavar="COLUMN", help="columns of numbers that are names")
    add(
        "--drop-missing-target",
        action="store_true",
        default=None,
        help="leave rows without target out",
    )
    add(
        "--class-weights",
        choices=("none", "balanced"),
        help="balanced: every class has the same say (default none)",
    )
    add("--validation-share", type=share, metavar="X", help="rows that stop it (default 0.15)")
    add("--test-share", type=share, metavar="X", help="rows that only judge it (default 0.15)")
    add("--patience", type=positive_int, help="epochs without progress before it ends (default 20)")
    add(
        "--refit",
        action=argparse.BooleanOptionalAction,
        help="learn the validation rows, too, in a second run of as many epochs as were best "
        "(default: up to 10,000 rows)",
    )
    add("--dropout", type=share, metavar="RATE", help="rate in the hidden layers (default 0.2)")


def check_output(option: str, path: Path) -> None:
    """Refuse before training what could not be saved after it."""
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; expected a file name")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option} {path}: there is no folder {path.parent}")
