"""``surefoot predict``: classes or numbers for the rows of a file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot._core import Tensor
from surefoot._disk import replace_file

from .errors import UserError, user_errors
from .options import check_output
from .parser import add_command
from .rows import read_rows
from .saved_model import SavedModel

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot predict runs/digits-1 images.npy                  # the model of a run folder
  surefoot predict runs/digits-1 rows.csv --probabilities --output classes.csv
  surefoot predict runs/houses-1/model.safetensors new.csv   # columns as in training

A model of a table finds its columns by name; other columns, such as the target, are ignored.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = add_command(
        commands,
        "predict",
        run,
        "print the class or number of every row of a file",
        "Print the prediction for every row of INPUT, one a line.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model file or a run folder")
    add(
        "input",
        type=Path,
        metavar="INPUT",
        help="a row per item: .npy, .npz (array x) or .csv; for a model of a table .csv, .tsv or "
        ".parquet",
    )
    add("--output", type=Path, metavar="FILE", help="write there instead of to the terminal")
    add("--probabilities", action="store_true", help="add the probability of each class")


def run(args: argparse.Namespace) -> int:
    """Load model and rows, and write the predictions."""
    if args.output is not None:
        check_output("--output", args.output)
    saved = SavedModel(args.model)
    if saved.is_of_table:
        with user_errors():
            rows = saved.encoder.inputs(saved.encoder.read(args.input))
    else:
        rows = read_rows(args.input, saved.width)
    output = saved.run(rows)
    if args.probabilities and not saved.is_classifier(output):
        raise UserError(f"--probabilities: {saved.path} predicts a number, not a class")
    text = as_lines(saved.decode(output), output if args.probabilities else None)
    if args.output is None:
        sys.stdout.write(text)
    else:
        replace_file(args.output, [text.encode()])
    return 0


def as_lines(values: list[Any], output: Tensor | None) -> str:
    """Return one line per row: the prediction, then the probabilities of the classes if wanted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    shares: list[list[float]] = [] if output is None else output.softmax(dim=1).tolist()
    for i, value in enumerate(values):
        text = f"{value:.7g}" if isinstance(value, float) else str(value)
        writer.writerow([text, *(f"{p:.6f}" for p in (shares[i] if shares else ()))])
    return stream.getvalue()
