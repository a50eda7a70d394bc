"""``surefoot info``: what runs here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from surefoot.config import show_config

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info", help="print version, instruction set and threads", description=__doc__
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the configuration."""
    show_config()
    return 0
