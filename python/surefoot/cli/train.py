"""``surefoot train``: a network for a table, or for the handwritten digits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .digits_run import DIGITS_DEFAULTS, run_digits
from .errors import UserError
from .options import TABLE_DEFAULTS, add_run_options, add_table_options, given
from .table_run import run_table

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_OF_TABLES = [name for name in TABLE_DEFAULTS if name not in DIGITS_DEFAULTS]

_EPILOG = """examples:
  surefoot train                                            the digits
  surefoot train --epochs 500 --checkpoint run.safetensors
  surefoot train --epochs 500 --checkpoint run.safetensors --resume   after a crash
  surefoot train houses.csv --target price                  a table of your own
  surefoot train visits.csv --target ill --group patient --class-weights balanced
  surefoot train load.csv --target load --time day --run runs/load
  surefoot train --config run.toml

run.toml holds the same options, those on the command line go first:
  table = "houses.csv"
  target = "price"
  hidden = [128, 64]
  drop = ["id"]
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a network on a table or on handwritten digits and save it",
        description="Train a multi-layer perceptron. TABLE: its columns are recognised, 70 %% of "
        "the rows train, 15 %% say when to stop, 15 %% test; config, history, model and a report "
        "go to a run folder. Without TABLE: the 1797 handwritten digits that ship with surefoot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_table_options(parser)
    add_run_options(parser)
    add = parser.add_argument
    add(
        "--run",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="run folder of a table (default runs/NAME-1, -2, ...)",
    )
    add(
        "--output",
        type=Path,
        metavar="FILE",
        help="where the model goes (default digits.safetensors; tables: the run folder)",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="digits: write the whole run there after every epoch, to go on from",
    )
    add(
        "--resume",
        action="store_true",
        help="digits: go on from the file of --checkpoint; options must be those of the first "
        "run, but --epochs, the total, may be larger",
    )
    add("--quiet", action="store_true", help="print the test scores only")
    parser.set_defaults(run=run, command_parser=parser)


def run(args: argparse.Namespace) -> int:
    """Train on what is asked for."""
    if args.table is not None:
        if args.checkpoint is not None or args.resume:
            raise UserError(
                "--checkpoint and --resume are for the digits; a table's run folder holds its "
                "checkpoint: surefoot resume FOLDER"
            )
        if args.target is None:
            raise UserError(f"which column of {args.table} is to be predicted? --target COLUMN")
        return run_table(args)
    table_only = given(args, _OF_TABLES) + (["--run"] if args.folder is not None else [])
    if table_only:
        raise UserError(f"{table_only[0]} needs a table: surefoot train TABLE --target COLUMN")
    for name, value in DIGITS_DEFAULTS.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.output = args.output or Path("digits.safetensors")
    return run_digits(args)
