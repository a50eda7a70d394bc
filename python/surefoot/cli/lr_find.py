"""``surefoot lr-find``: a learning rate for a table or for the digits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from surefoot.train import lr_find as find

from .errors import EXIT_NOTHING_FOUND
from .options import add_options, options_of
from .parser import add_command
from .problems import problem_of

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot lr-find                              # the digits
  surefoot lr-find houses.csv --target price
  surefoot train houses.csv --target price --lr 0.003

exit code 1: no rate stands out; the reason is printed.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = add_command(
        commands,
        "lr-find",
        run,
        "look for a learning rate",
        "Train for a moment while the learning rate rises, and print between which "
        "rates the loss falls, or why no rate stands out. Takes the options of train.",
        _EXAMPLES,
    )
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the finding."""
    options = options_of(args)
    problem = problem_of(args.table, options)
    training = problem.parts["training"]
    batch_size = min(options["batch_size"], len(training))
    found = find(problem.trainer(options), training, batch_size=batch_size)
    print(found)
    return 0 if found else EXIT_NOTHING_FOUND
