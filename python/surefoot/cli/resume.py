"""``surefoot resume``: go on with a run on a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .options import positive_int
from .run_folder import CHECKPOINT, read_config, write_config
from .table_run import prepare, train_in

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EPILOG = """examples:
  surefoot resume runs/houses-1
  surefoot resume runs/houses-1 --epochs 500    more epochs than the run was begun with

The run ends as it would have without the break, bit for bit. Runs on the digits go on with
surefoot train --checkpoint FILE --resume.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "resume",
        help="go on with a run that was broken off",
        description="Go on with the run of a folder from its checkpoint.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="RUN", help="the run folder")
    add("--epochs", type=positive_int, help="epochs in all, from the first one on")
    add("--quiet", action="store_true", help="print the test scores only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Go on; from the beginning where no checkpoint was written yet."""
    if not args.folder.is_dir():
        raise UserError(f"{args.folder} is no run folder")
    table, options = read_config(args.folder)
    if args.epochs is not None and args.epochs != options["epochs"]:
        options["epochs"] = args.epochs
        write_config(args.folder, table, options)
    prepared = prepare(table, options)
    has_checkpoint = (args.folder / CHECKPOINT).exists()
    if not has_checkpoint and not args.quiet:
        print(f"{args.folder} has no checkpoint yet: the run begins anew")
    return train_in(args.folder, prepared, options, quiet=args.quiet, resume=has_checkpoint)
