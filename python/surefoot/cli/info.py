"""``surefoot info``: what runs here, and what is in a model file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from surefoot.config import show_config

from .parser import add_command
from .saved_model import SavedModel

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot info                                # what runs here
  surefoot info runs/houses-1                  # what the model of a run folder is
  surefoot info runs/houses-1/model.safetensors # the same of a model file
"""


def add_parser(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "info",
        run,
        "print version, instruction set and threads, or what is in a model file",
        "Print version, instruction set and threads, or what is in a model file.",
        _EXAMPLES,
    )
    parser.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", help="a model file or a run folder"
    )


def run(args: argparse.Namespace) -> int:
    """Print the configuration, or the model."""
    if args.model is None:
        show_config()
        return 0
    saved = SavedModel(args.model)
    lines = _lines(saved)
    print(f"{saved.path}: {sum(p.numel() for p in saved.model.parameters()):,} parameters")
    print(saved.model)
    print("\n".join(lines))
    return 0


def _lines(saved: SavedModel) -> list[str]:
    info = saved.info
    lines = [f"{name}: {value}" for name, value in info.items() if name not in ("table", "scores")]
    for part, values in dict(info.get("scores", {})).items():
        lines += [f"{part} {name}: {value:.3f}" for name, value in values.items()]
    if not saved.is_of_table:
        return lines
    for column in saved.encoder.columns:
        says = f"{len(column.levels)} levels" if column.kind == "category" else ""
        facts = column.kind, says, "gaps" * column.has_missing, "embedded" * column.embedded
        lines.append(f"column {column.name}: {', '.join(filter(None, facts))}")
    return [*lines, *(f"note: {note}" for note in saved.encoder.notes)]
