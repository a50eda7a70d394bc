"""A run on a table: rows to parts, parts to numbers, a network, its scores and its folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surefoot import _core, nn, optim
from surefoot.data import Table, TableEncoder, TensorDataset, class_weights, read_table
from surefoot.model_file import save_model
from surefoot.train import (
    EarlyStopping,
    History,
    ModelCheckpoint,
    NonFiniteLossError,
    Trainer,
    summary,
)

from .errors import EXIT_INTERRUPTED, UserError, one_line, user_errors
from .options import TABLE_DEFAULTS, check_output
from .report import write_report
from .run_folder import CHECKPOINT, HISTORY, MODEL, REPORT, new_folder, write_config
from .scores import Scores, score

__all__ = ["Prepared", "options_of", "prepare", "run_table", "table_trainer", "train_in"]

SAVE_EVERY = 10  # epochs between checkpoints; those of tables are short
REFIT_ROWS = 10_000  # above, validation rows add little and a second run takes long


@dataclass
class Prepared:
    """The parts of a table, and what turns them into numbers."""

    name: str
    tables: dict[str, Table]  # training, and validation and test where they have rows
    encoder: TableEncoder
    parts: dict[str, TensorDataset]


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a run, with the defaults in the place of those not given."""
    values = {name: getattr(args, name) for name in TABLE_DEFAULTS}
    return {k: TABLE_DEFAULTS[k] if value is None else value for k, value in values.items()}


def prepare(path: Path, options: Mapping[str, Any]) -> Prepared:
    """Read and cut the table, and fit the encoder on the training part."""
    shares = (options["validation_share"], options["test_share"])
    if not sum(shares) < 1:
        raise UserError("--validation-share and --test-share leave no rows to train with")
    with user_errors():
        table = read_table(
            path,
            options["target"],
            task=options["task"],
            group=options["group"],
            time=options["time"],
            drop=options["drop"],
            categories=options["categories"],
            missing_target="drop" if options["drop_missing_target"] else "refuse",
        )
        wanted = {"training": 1 - sum(shares), "validation": shares[0], "test": shares[1]}
        wanted = {name: size for name, size in wanted.items() if size > 0}
        cut = table.split(list(wanted.values()), seed=options["seed"])
        tables = dict(zip(wanted, cut, strict=True))
        for name, part in tables.items():
            if len(part) == 0:
                raise ValueError(
                    f"{path}: {len(table)} rows are too few for a {name} part; give it none with "
                    f"--{name}-share 0, or find more rows"
                )
        _check_classes(path, tables["training"])
        encoder = TableEncoder().fit(tables["training"])
        parts = {name: encoder.encode(part) for name, part in tables.items()}
    if encoder.task == "regression" and options["class_weights"] == "balanced":
        raise UserError("--class-weights balanced goes with classes; the target is a number")
    return Prepared(str(path), tables, encoder, parts)


def _check_classes(path: Path, training: Table) -> None:
    if training.task == "classification" and len(np.unique(training.labels())) < 2:
        only = training.classes[int(training.labels()[0])]
        raise ValueError(
            f"{path}: the training part holds the class {only!r} alone; there are too few rows, or "
            "groups or times separate the classes"
        )


def table_trainer(
    prepared: Prepared, options: Mapping[str, Any], callbacks: list[Any] | None = None
) -> Trainer:
    """Return the network, its loss and its optimizer, in a Trainer."""
    _core.manual_seed(options["seed"])
    encoder = prepared.encoder
    model = nn.models.MLP(
        len(encoder.features), options["hidden"], encoder.num_outputs, dropout=options["dropout"]
    )
    loss: nn.Module = nn.MSELoss()
    if encoder.task == "classification":
        labels = prepared.parts["training"].tensors[1]
        balanced = options["class_weights"] == "balanced"
        loss = nn.CrossEntropyLoss(class_weights(labels, encoder.num_outputs) if balanced else None)
    metric = "accuracy" if encoder.task == "classification" else "r2"
    optimizer = optim.Adam(model.parameters(), lr=options["lr"])
    return Trainer(model, loss, optimizer, metric, callbacks or [], seed=options["seed"])


def run_table(args: argparse.Namespace) -> int:
    """Train on a table, in a new run folder."""
    options = options_of(args)
    if args.output is not None:
        check_output("--output", args.output)
    prepared = prepare(args.table, options)
    folder = new_folder(args.folder, args.table)
    write_config(folder, args.table, options)
    return train_in(folder, prepared, options, quiet=args.quiet, output=args.output)


def train_in(
    folder: Path,
    prepared: Prepared,
    options: Mapping[str, Any],
    *,
    quiet: bool,
    output: Path | None = None,
    resume: bool = False,
) -> int:
    """Train, judge and write the folder; with ``resume`` go on from its checkpoint."""
    checkpoint = folder / CHECKPOINT
    savers = [
        EarlyStopping(options["patience"], restore_best=False),
        ModelCheckpoint(str(checkpoint).replace("{", "{{").replace("}", "}}"), SAVE_EVERY),
    ]
    trainer = table_trainer(prepared, options, savers)
    if not quiet:
        _print_head(trainer, prepared)
    history = _fit(trainer, prepared, options, quiet, checkpoint if resume else None)
    history.to_jsonl(folder / HISTORY)
    if history.stop_reason != "interrupted":  # that has left its checkpoint
        trainer.save(checkpoint)
    trainer.restore_best()
    scores = {name: _score(trainer, prepared, name) for name in prepared.parts}
    final = trainer
    if history.stop_reason != "interrupted" and _wants_refit(prepared, options):
        final = _refit(trainer, prepared, options)
    if final is not trainer and "test" in scores:  # it has seen the rows of the other parts
        scores["test"] = _score(final, prepared, "test")
    judged = list(scores)[-1]  # test, else validation, else training
    info = _info(prepared, scores)
    files = [folder / MODEL, *([output] if output is not None else [])]
    for file in files:
        save_model(final.model, file, info)
    write_report(
        folder / REPORT, prepared.name, options, prepared.encoder, trainer, history, scores
    )
    lines = scores[judged].lines(judged)
    if not quiet and trainer.best is not None and trainer.best.epoch:
        print(f"best epoch: {trainer.best.epoch} of {history.num_epochs} ({history.stop_reason})")
    print("\n".join(lines[:1] if quiet else lines))
    if not quiet:
        print(f"model saved: {files[-1]}\nreport: {folder / REPORT}")
    stopped = (history.stop_reason, final.history.stop_reason)
    return EXIT_INTERRUPTED if "interrupted" in stopped else 0


def _wants_refit(prepared: Prepared, options: Mapping[str, Any]) -> bool:
    if "validation" not in prepared.parts:
        return False
    rows = len(prepared.parts["training"]) + len(prepared.parts["validation"])
    return bool(rows <= REFIT_ROWS if options["refit"] is None else options["refit"])


def _refit(trainer: Trainer, prepared: Prepared, options: Mapping[str, Any]) -> Trainer:
    """The same network again, on training and validation rows, for the best number of epochs.

    The run before is kept where this one is broken off or diverges.
    """
    epochs = trainer.best.epoch if trainer.best is not None else 0
    if not epochs:
        return trainer
    halves = [prepared.parts[name].tensors for name in ("training", "validation")]
    together = TensorDataset(*(_core.cat(list(pair)) for pair in zip(*halves, strict=True)))
    again = table_trainer(prepared, options)
    try:
        again.fit(together, epochs=epochs, batch_size=options["batch_size"], progress=False)
    except NonFiniteLossError:
        return trainer
    if again.history.stop_reason == "interrupted":
        again.model.load_state_dict(trainer.model.state_dict())
    return again


def _fit(
    trainer: Trainer, prepared: Prepared, options: Mapping[str, Any], quiet: bool, resume: Any
) -> History:
    try:
        return trainer.fit(
            prepared.parts["training"],
            prepared.parts.get("validation"),
            epochs=options["epochs"],
            batch_size=options["batch_size"],
            progress=not quiet,
            resume=resume,
        )
    except NonFiniteLossError as error:
        raise UserError(f"training diverged: {error}") from None
    except ValueError as error:
        if resume is None:
            raise
        raise UserError(one_line(error)) from None


def _score(trainer: Trainer, prepared: Prepared, part: str) -> Scores:
    outputs = trainer.predict(prepared.parts[part].tensors[0])
    return score(prepared.encoder, outputs, prepared.tables[part])


def _info(prepared: Prepared, scores: Mapping[str, Scores]) -> dict[str, Any]:
    encoder = prepared.encoder
    return {
        "data": Path(prepared.name).name,
        "task": encoder.task,
        "target": encoder.target,
        "classes": encoder.classes,
        "scores": {name: found.values for name, found in scores.items()},
        "table": encoder.to_json(),
    }


def _print_head(trainer: Trainer, prepared: Prepared) -> None:
    from rich.console import Console

    encoder, sizes = prepared.encoder, {name: len(part) for name, part in prepared.tables.items()}
    what = f"{encoder.task} of {encoder.target}"
    if encoder.task == "classification":
        what += f", {len(encoder.classes)} classes"
    columns = f"{len(encoder.columns)} columns as {len(encoder.features)} numbers"
    print(f"{prepared.name}: {what}; {columns}")
    print("rows: " + ", ".join(f"{size} {name}" for name, size in sizes.items()))
    for note in encoder.notes:
        print(f"note: {note}")
    Console().print(summary(trainer.model, (len(encoder.features),)))
