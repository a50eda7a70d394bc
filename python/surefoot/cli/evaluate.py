"""``surefoot evaluate``: a saved model on rows with known targets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError, user_errors
from .predict import encoder_of, open_model, run_model
from .scores import score

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EPILOG = """examples:
  surefoot evaluate runs/houses-1/model.safetensors more.csv
  surefoot evaluate runs/houses-1 more.csv      the model of a run folder
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="print a model's scores on a table with targets",
        description="Print the scores of a model of a table on TABLE, which holds the columns of "
        "the training and the target.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model file or a run folder")
    add("table", type=Path, metavar="TABLE", help=".csv, .tsv or .parquet")
    add("--drop-missing-target", action="store_true", help="leave rows without target out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the scores."""
    model, info, path = open_model(args.model)
    if "table" not in info or info["table"].get("target") is None:
        raise UserError(f"{path} was not trained on a table, so no target is known")
    encoder = encoder_of(info, path)
    missing = "drop" if args.drop_missing_target else "refuse"
    with user_errors():
        table = encoder.read(args.table, with_target=True, missing_target=missing)
        inputs = encoder.inputs(table)
        found = score(encoder, run_model(model, inputs, path), table)
    print(f"{args.table}: {len(table)} rows, {encoder.task} of {encoder.target}")
    print("\n".join(found.lines("test")))
    if found.confusion is not None:
        for name, rows, precision, recall, f1 in found.per_class():
            print(
                f"{name}: {rows} rows, precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}"
            )
    return 0
