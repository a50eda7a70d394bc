"""The parser and what happens to errors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from surefoot import _core

from . import evaluate, info, lr_find, predict, resume, train, tune
from .config_file import apply_config
from .errors import EXIT_BAD_INPUT, EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, UserError, one_line

__all__ = ["build_parser", "main"]

COMMANDS = (train, resume, predict, evaluate, lr_find, tune, info)

_EPILOG = """examples:
  surefoot train                                # train on digits; writes runs/digits-1
  surefoot train houses.csv --target price      # train on a table; writes runs/houses-1
  surefoot resume runs/houses-1                 # go on after a crash or Ctrl-C
  surefoot predict runs/houses-1 new.csv        # a prediction per row
  surefoot evaluate runs/houses-1               # scores on the rows that training held out
  surefoot lr-find houses.csv --target price    # look for a learning rate
  surefoot tune houses.csv --target price       # search for good hyper-parameters
  surefoot info runs/houses-1                   # what is in a model file

exit codes: 0 done, 1 lr-find or tune found nothing, 2 bad input, 130 interrupted with Ctrl-C
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with one sub-parser per command."""
    parser = argparse.ArgumentParser(
        prog="surefoot",
        description="Train deep networks on CPUs. 'surefoot COMMAND --help' has the options.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"surefoot {_core.__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, help="one of"
    )
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        if getattr(args, "config", None) is not None:
            apply_config(args.command_parser, args.config)
            args = parser.parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (UserError, OSError, MemoryError) as error:
        print(f"surefoot: error: {one_line(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("surefoot: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code
