"""``surefoot lr-find``: a learning rate for a table or for the digits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from surefoot.train import Trainer
from surefoot.train import lr_find as find

from .digits_run import DIGITS_DEFAULTS, digits_trainer
from .errors import EXIT_NOTHING_FOUND, UserError
from .options import TABLE_DEFAULTS, add_run_options, add_table_options, given
from .table_run import options_of, prepare, table_trainer

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EPILOG = """examples:
  surefoot lr-find                                the digits
  surefoot lr-find houses.csv --target price
  surefoot train houses.csv --target price --lr 0.003

exit code 1: no rate stands out; the reason is printed.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "lr-find",
        help="look for a learning rate",
        description="Train for a moment while the learning rate rises, and print between which "
        "rates the loss falls, or why no rate stands out. Takes the options of train.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_table_options(parser)
    add_run_options(parser)
    parser.set_defaults(run=run, command_parser=parser)


def run(args: argparse.Namespace) -> int:
    """Print the finding."""
    trainer, training, batch_size = _problem(args)
    found = find(trainer, training, batch_size=min(batch_size, len(training)))
    print(found)
    return 0 if found else EXIT_NOTHING_FOUND


def _problem(args: argparse.Namespace) -> tuple[Trainer, Any, int]:
    if args.table is None:
        table_only = given(args, [n for n in TABLE_DEFAULTS if n not in DIGITS_DEFAULTS])
        if table_only:
            raise UserError(f"{table_only[0]} needs a table: surefoot lr-find TABLE ...")
        for name, value in DIGITS_DEFAULTS.items():
            if getattr(args, name) is None:
                setattr(args, name, value)
        trainer, parts = digits_trainer(args, [])
        return trainer, parts[0], args.batch_size
    if args.target is None:
        raise UserError(f"which column of {args.table} is to be predicted? --target COLUMN")
    options = options_of(args)
    prepared = prepare(args.table, options)
    return table_trainer(prepared, options), prepared.parts["training"], options["batch_size"]
