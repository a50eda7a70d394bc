"""The parser and what happens to errors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import info, predict, train
from .errors import EXIT_BAD_INPUT, EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, UserError, one_line

__all__ = ["build_parser", "main"]

COMMANDS = (train, predict, info)

_EPILOG = """examples:
  surefoot train                            train on the digits that ship with surefoot
  surefoot predict digits.safetensors x.npy print the class of every row of x.npy
  surefoot info                             print version, instruction set and threads

exit codes: 0 done, 2 bad input, 130 interrupted with Ctrl-C
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with one sub-parser per command."""
    parser = argparse.ArgumentParser(
        prog="surefoot",
        description="Train deep networks on CPUs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
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
