"""``surefoot train``: a network for a table, or for the handwritten digits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_options, check_output, options_of
from .parser import add_command
from .problems import problem_of
from .run_folder import forget, new_folder, write_config
from .training import Diverged, train_in

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot train                                          # the digits
  surefoot train --epochs 500 --hidden 64 32 --run runs/narrow
  surefoot train houses.csv --target price                # a table of your own
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
    parser = add_command(
        commands,
        "train",
        run,
        "train a network on a table or on handwritten digits and save it",
        "Train a multi-layer perceptron on TABLE, whose columns are recognised, or on "
        "the 1797 handwritten digits that ship with surefoot. 70 % of the rows train, 15 % say "
        "when to stop, 15 % test. Config, history, checkpoint, model and a report go to a run "
        "folder.",
        _EXAMPLES,
    )
    add_options(parser)
    add = parser.add_argument
    add(
        "--run",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="the run folder (default runs/NAME-1, -2, ...)",
    )
    add("--output", type=Path, metavar="FILE", help="write the model there, too")
    add("--quiet", action="store_true", help="print the main test score only")


def run(args: argparse.Namespace) -> int:
    """Train on what is asked for, in a new run folder."""
    options = options_of(args)
    if args.output is not None:
        check_output("--output", args.output)
    problem = problem_of(args.table, options)
    folder = new_folder(args.folder, args.table)
    try:
        write_config(folder, args.table, options)
    except BaseException:  # Ctrl-C, too
        forget(folder)
        raise
    try:
        return train_in(folder, problem, options, quiet=args.quiet, output=args.output)
    except Diverged:
        forget(folder)
        raise
