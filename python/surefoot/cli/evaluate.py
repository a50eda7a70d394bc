"""``surefoot evaluate``: a saved model on rows with known targets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surefoot import _core

from .errors import UserError, user_errors
from .parser import add_command
from .problems import problem_of
from .rows import class_numbers, read_labelled_rows
from .run_folder import CONFIG, MODEL, read_config
from .saved_model import SavedModel
from .scores import Scores, class_scores, number_scores, table_scores

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

_EXAMPLES = """examples:
  surefoot evaluate runs/houses-1               # the rows that training held out
  surefoot evaluate runs/houses-1 more.csv      # rows of another file
  surefoot evaluate runs/houses-1/model.safetensors more.csv
  surefoot evaluate runs/digits-1               # the held-out digits
  surefoot evaluate runs/digits-1 more.npz      # arrays x and y
  surefoot evaluate runs/digits-1 scans.csv --target label
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = add_command(
        commands,
        "evaluate",
        run,
        "print a model's scores on rows with targets",
        "Print the scores of a model on DATA, or on the rows that its training held "
        "out. For a model of a table DATA holds the columns of the training and the target; for "
        "others it is a .csv of numbers with a line of names, or a .npz with arrays x and y.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model file or a run folder")
    add("data", nargs="?", type=Path, metavar="DATA", help=".csv, .tsv, .parquet or .npz")
    add("--target", metavar="COLUMN", help="the column of targets (default: as in training)")
    add("--drop-missing-target", action="store_true", help="leave rows without target out")


def run(args: argparse.Namespace) -> int:
    """Print the scores."""
    saved = SavedModel(args.model)
    if args.data is None:
        where, found = _on_held_out(saved)
    elif saved.is_of_table:
        where, found = str(args.data), _on_table(saved, args)
    else:
        where, found = str(args.data), _on_numbers(saved, args)
    target = saved.info.get("target")
    of_target = "" if target is None else f" of {target}"
    print(f"{where}: {found.rows} rows, {found.task}{of_target}")
    print("\n".join(found.lines("test")))
    for name, rows, precision, recall, f1 in found.by_class:
        print(f"{name}: {rows} rows, precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    return 0


def _on_held_out(saved: SavedModel) -> tuple[str, Scores]:
    folder = saved.path.parent
    if saved.path.name != MODEL or not (folder / CONFIG).exists():
        raise UserError(
            f"which rows? {saved.path} is in no run folder, so there are none held out: "
            f"surefoot evaluate {saved.path} DATA"
        )
    table, options = read_config(folder)
    problem = problem_of(table, options)
    part = list(problem.parts)[-1]
    if part == "training":
        raise UserError(f"the run {folder} held no rows out: surefoot evaluate {folder} DATA")
    rows = problem.parts[part].tensors[0].numpy()
    return f"{problem.name}, held out for {part}", problem.score(saved.run(rows), part)


def _on_table(saved: SavedModel, args: argparse.Namespace) -> Scores:
    encoder = saved.encoder
    if encoder.target is None:
        raise UserError(f"{saved.path} was trained without a target")
    if args.target not in (None, encoder.target):
        raise UserError(f"{saved.path} predicts {encoder.target!r}, not {args.target!r}")
    missing = "drop" if args.drop_missing_target else "refuse"
    with user_errors():
        table = encoder.read(args.data, with_target=True, missing_target=missing)
        inputs = encoder.inputs(table)
        return table_scores(encoder, saved.run(inputs), table)


def _on_numbers(saved: SavedModel, args: argparse.Namespace) -> Scores:
    target = args.target or saved.info.get("target", "target")
    rows, targets = read_labelled_rows(args.data, saved.width, target)
    output = saved.run(rows)
    if not saved.is_classifier(output):
        predicted = np.array(saved.decode(output), dtype=np.float64)
        return number_scores(predicted, targets.numpy().astype(np.float64))
    classes = saved.classes(output)
    labels = _core.tensor(class_numbers(args.data, targets, classes))
    return class_scores(output, labels, classes)
