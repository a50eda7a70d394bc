"""``surefoot resume``: go on with a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .options import positive_int
from .parser import add_command
from .problems import problem_of
from .run_folder import CHECKPOINT, read_config, write_config
from .training import train_in

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot resume runs/houses-1
  surefoot resume runs/houses-1 --epochs 500  # more epochs than the run was begun with

The run ends as it would have without the break, bit for bit.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = add_command(
        commands,
        "resume",
        run,
        "go on with a run that was broken off",
        "Go on with the run of a folder from its checkpoint.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="RUN", help="the run folder")
    add("--epochs", type=positive_int, metavar="N", help="epochs in all, from the first one on")
    add("--quiet", action="store_true", help="print the main test score only")


def run(args: argparse.Namespace) -> int:
    """Go on; from the beginning where no checkpoint was written yet."""
    if not args.folder.is_dir():
        raise UserError(f"{args.folder} is no run folder")
    table, options = read_config(args.folder)
    if args.epochs is not None and args.epochs != options["epochs"]:
        options["epochs"] = args.epochs
        write_config(args.folder, table, options)
    problem = problem_of(table, options)
    has_checkpoint = (args.folder / CHECKPOINT).exists()
    if not has_checkpoint and not args.quiet:
        print(f"{args.folder} has no checkpoint yet: the run begins anew")
    return train_in(args.folder, problem, options, quiet=args.quiet, resume=has_checkpoint)
