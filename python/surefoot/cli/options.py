"""Types of options, and options that several commands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from .errors import UserError

__all__ = [
    "DEFAULTS_BY_TASK",
    "DIGITS_DEFAULTS",
    "TABLE_DEFAULTS",
    "add_options",
    "check_output",
    "options_of",
    "positive_float",
    "positive_int",
    "seed_int",
]

# What a run on the digits starts from.
DIGITS_DEFAULTS: dict[str, Any] = {
    "class_weights": "none",
    "validation_share": 0.15,
    "test_share": 0.15,
    "epochs": 200,
    "patience": 20,
    "batch_size": 32,
    "lr": 1e-3,
    "hidden": None,
    "dropout": None,
    "label_smoothing": None,
    "refit": None,
    "seed": 0,
}

# What stands for None where the task is known. Classes: sought on synthetic tables and digits.
DEFAULTS_BY_TASK: dict[str, dict[str, Any]] = {
    "classification": {"hidden": [256], "dropout": 0.5, "label_smoothing": 0.1},
    "regression": {"hidden": [100], "dropout": 0.2, "label_smoothing": 0.0},
}

# What a run on a table starts from: also what the table is.
TABLE_DEFAULTS: dict[str, Any] = {
    "target": None,
    "task": None,
    "group": None,
    "time": None,
    "drop": [],
    "categories": [],
    "category_encoding": "auto",
    "drop_missing_target": False,
    **DIGITS_DEFAULTS,
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


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a run, with the defaults in the place of those not given.

    UserError for options of tables without a table, and for a table without a target.
    """
    if args.table is not None and args.target is None:
        raise UserError(f"which column of {args.table} is to be predicted? --target COLUMN")
    defaults = DIGITS_DEFAULTS if args.table is None else TABLE_DEFAULTS
    values = {name: getattr(args, name) for name in TABLE_DEFAULTS}
    for name, value in values.items():
        if name not in defaults and value is not None:
            raise UserError(
                f"--{name.replace('_', '-')} needs a table: "
                f"surefoot {args.command} TABLE --target COLUMN"
            )
    return {k: value if values[k] is None else values[k] for k, value in defaults.items()}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of every run; None stands for the default of digits or of tables."""
    add = parser.add_argument
    add(
        "table",
        nargs="?",
        type=Path,
        metavar="TABLE",
        help=".csv, .tsv (also .gz) or .parquet; left out: the digits",
    )
    _add_table_options(parser)
    add("--validation-share", type=share, metavar="X", help="rows that stop it (default 0.15)")
    add("--test-share", type=share, metavar="X", help="rows that only judge it (default 0.15)")
    add("--epochs", type=positive_int, metavar="N", help="passes over the data (default 200)")
    add(
        "--patience",
        type=positive_int,
        metavar="N",
        help="epochs without progress before it ends (default 20)",
    )
    add(
        "--refit",
        action=argparse.BooleanOptionalAction,
        help="learn the validation rows, too, in a second run of as many epochs as were best "
        "(default: up to 10,000 rows)",
    )
    add(
        "--class-weights",
        choices=("none", "balanced"),
        help="balanced: every class has the same say (default none)",
    )
    add("--batch-size", type=positive_int, metavar="N", help="rows per step (default 32)")
    add("--lr", type=positive_float, metavar="RATE", help="Adam's learning rate (default 0.001)")
    add(
        "--hidden",
        type=positive_int,
        nargs="*",
        metavar="SIZE",
        help="sizes of the hidden layers (default 256; regression: 100); none for a linear model",
    )
    add(
        "--dropout",
        type=share,
        metavar="RATE",
        help="rate in the hidden layers (default 0.5; regression: 0.2)",
    )
    add(
        "--label-smoothing",
        type=share,
        metavar="RATE",
        help="share of a row's class that goes to all classes alike (default 0.1)",
    )
    add("--seed", type=seed_int, metavar="N", help="fixes split, weights and order (default 0)")
    add("--config", type=Path, metavar="FILE", help="a TOML file of options, see the examples")


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("options of tables").add_argument
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
        "--category-encoding",
        choices=("auto", "onehot", "embed"),
        help="onehot: a 0 or 1 per level; embed: a learned vector per level; auto (default): embed "
        "those of more than 50 levels",
    )
    add(
        "--drop-missing-target",
        action="store_true",
        default=None,
        help="leave rows without target out",
    )


def check_output(option: str, path: Path) -> None:
    """Refuse before training what could not be saved after it."""
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; expected a file name")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option} {path}: there is no folder {path.parent}")
