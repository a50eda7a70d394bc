"""A run: train, judge, and write its folder; what goes wrong loses nothing that was saved."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot import _core
from surefoot._disk import replace_file
from surefoot.data import TensorDataset
from surefoot.model_file import save_model
from surefoot.train import (
    EarlyStopping,
    History,
    ModelCheckpoint,
    NonFiniteLossError,
    Trainer,
    summary,
)

from .errors import EXIT_INTERRUPTED, UserError, one_line
from .problem import Problem
from .report import report_page
from .run_folder import CHECKPOINT, HISTORY, MODEL, REPORT
from .scores import Scores

__all__ = ["Diverged", "train_in"]

SAVE_EVERY = 10  # epochs between checkpoints; those of tables are short
REFIT_ROWS = 10_000  # above, validation rows add little and a second run takes long
REFIT_STEPS = 1000  # at least: few validation rows are a poor judge of when to stop


class Diverged(UserError):
    """The loss is no number any more."""


def train_in(
    folder: Path,
    problem: Problem,
    options: Mapping[str, Any],
    *,
    quiet: bool,
    output: Path | None = None,
    resume: bool = False,
) -> int:
    """Train, judge and write the folder; with ``resume`` go on from its checkpoint."""
    go_on = f"go on with: surefoot resume {shlex.quote(str(folder))}"
    try:
        stopped = _run(folder, problem, options, quiet, output, resume)
    except KeyboardInterrupt:  # a second one, or outside of the loop
        stopped = True
    except BrokenPipeError:
        raise  # the reader of our output has gone, the disk is well
    except OSError as error:
        root = error.__cause__ if isinstance(error.__cause__, OSError) else error
        where = f"{error.filename}: " if error.filename else ""
        raise UserError(
            f"{where}{root.strerror or one_line(root)}; what was saved before is whole: mend the "
            f"disk and {go_on}"
        ) from None
    if stopped:
        print(f"surefoot: interrupted; {go_on}", file=sys.stderr)
    return EXIT_INTERRUPTED if stopped else 0


def _run(
    folder: Path,
    problem: Problem,
    options: Mapping[str, Any],
    quiet: bool,
    output: Path | None,
    resume: bool,
) -> bool:
    """Do all of it; return whether Ctrl-C ended it."""
    checkpoint = folder / CHECKPOINT
    savers = [
        EarlyStopping(options["patience"], restore_best=False),
        ModelCheckpoint(str(checkpoint).replace("{", "{{").replace("}", "}}"), SAVE_EVERY),
    ]
    trainer = problem.trainer(options, savers)
    if not quiet:
        _print_head(trainer, problem)
    history = _fit(trainer, problem, options, quiet, checkpoint if resume else None)
    replace_file(folder / HISTORY, [history.to_jsonl().encode()])
    if history.stop_reason != "interrupted":  # that has left its checkpoint
        trainer.save(checkpoint)
    trainer.restore_best()
    scores = {name: _score(trainer, problem, name) for name in problem.parts}
    final = trainer
    if history.stop_reason != "interrupted" and _wants_refit(problem, options):
        final = _refit(trainer, problem, options, quiet)
    if final is not trainer and "test" in scores:  # it has seen the rows of the other parts
        scores["test"] = _score(final, problem, "test")
    info = {
        **problem.info(),
        "scores": {name: found.values for name, found in scores.items()},
    }
    files = [folder / MODEL, *([output] if output is not None else [])]
    for file in files:
        save_model(final.model, file, info)
    page = report_page(problem, options, trainer, scores, refitted=final is not trainer)
    replace_file(folder / REPORT, [page.encode()])
    _print_end(trainer, scores, quiet)
    if not quiet:
        print(f"model saved: {files[-1]}\nreport: {folder / REPORT}")
    return "interrupted" in (history.stop_reason, final.history.stop_reason)


def _wants_refit(problem: Problem, options: Mapping[str, Any]) -> bool:
    if "validation" not in problem.parts:
        return False
    rows = len(problem.parts["training"]) + len(problem.parts["validation"])
    return bool(rows <= REFIT_ROWS if options["refit"] is None else options["refit"])


def _refit(trainer: Trainer, problem: Problem, options: Mapping[str, Any], quiet: bool) -> Trainer:
    """The same network again, on training and validation rows, for the best number of epochs.

    For REFIT_STEPS at least, if ``options`` has the epochs for them. The run before is kept where
    this one is broken off or diverges.
    """
    best = trainer.best.epoch if trainer.best is not None else 0
    if not best:
        return trainer
    halves = [problem.parts[name].tensors for name in ("training", "validation")]
    together = TensorDataset(*(_core.cat(list(pair)) for pair in zip(*halves, strict=True)))
    steps = math.ceil(len(together) / options["batch_size"])
    epochs = max(best, min(math.ceil(REFIT_STEPS / steps), options["epochs"]))
    if not quiet:
        print(f"refit: {epochs} epochs on {len(together)} rows", flush=True)
    again = problem.trainer(options)
    try:
        again.fit(together, epochs=epochs, batch_size=options["batch_size"], progress=False)
    except NonFiniteLossError:
        return trainer
    if again.history.stop_reason == "interrupted":
        again.model.load_state_dict(trainer.model.state_dict())
    return again


def _fit(
    trainer: Trainer, problem: Problem, options: Mapping[str, Any], quiet: bool, resume: Any
) -> History:
    try:
        return trainer.fit(
            problem.parts["training"],
            problem.parts.get("validation"),
            epochs=options["epochs"],
            batch_size=options["batch_size"],
            progress=not quiet,
            resume=resume,
        )
    except NonFiniteLossError as error:
        raise Diverged(
            f"training diverged: {error.event}; take a smaller --lr than {options['lr']:g}, "
            "surefoot lr-find looks for one"
        ) from None
    except ValueError as error:
        if resume is None:
            raise
        raise UserError(one_line(error)) from None


def _score(trainer: Trainer, problem: Problem, part: str) -> Scores:
    return problem.score(trainer.predict(problem.parts[part].tensors[0]), part)


def _print_head(trainer: Trainer, problem: Problem) -> None:
    from rich.console import Console

    print("\n".join(problem.head()))
    Console().print(summary(trainer.model, problem.row_shape))


def _print_end(trainer: Trainer, scores: Mapping[str, Scores], quiet: bool) -> None:
    judged = list(scores)[-1]  # test, else validation, else training
    lines = scores[judged].lines(judged)
    if not quiet and trainer.best is not None and trainer.best.epoch:
        history = trainer.history
        print(f"best epoch: {trainer.best.epoch} of {history.num_epochs} ({history.stop_reason})")
    print("\n".join(lines[:1] if quiet else lines))
