"""``surefoot tune``: hyper-parameters of a network for a table or for the digits."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot import tune
from surefoot.train import EarlyStopping, Trainer

from .errors import EXIT_INTERRUPTED, EXIT_NOTHING_FOUND, UserError, user_errors
from .options import add_options, check_output, options_of, positive_int
from .parser import add_command
from .problems import problem_of

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from .parser import Commands

METHODS = ("random", "tpe", "gp", "genetic")

_EXAMPLES = """examples:
  surefoot tune                                          # the digits, 20 trials
  surefoot tune houses.csv --target price --trials 50 --save best.toml
  surefoot train --config best.toml
  surefoot tune houses.csv --target price --storage trials.log --workers 2
  surefoot tune houses.csv --target price --storage trials.log --trials 100  # goes on

Searched are the learning rate, width and number of the hidden layers, and dropout; an option that
is given stays as it is. The rows of the validation part judge, those of the test part
are not looked at. Exit code 1: no trial came to an end.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = add_command(
        commands,
        "tune",
        run,
        "search for good hyper-parameters",
        "Train many networks, poor ones not to their end, and print the options of the "
        "best one. Takes the options of train. Needs pip install 'surefoot[tune]'.",
        _EXAMPLES,
    )
    add_options(parser)
    add = parser.add_argument
    add("--trials", type=positive_int, metavar="N", default=20, help="networks in all (default 20)")
    add("--method", choices=METHODS, default="tpe", help="how they are chosen (default tpe)")
    add("--workers", type=positive_int, metavar="N", default=1, help="processes (default 1)")
    add("--storage", type=Path, metavar="FILE", help="keep the trials there, and go on from them")
    add("--save", type=Path, metavar="FILE", help="write the best options as TOML, for --config")
    add("--quiet", action="store_true", help="print the best options only")


def run(args: argparse.Namespace) -> int:
    """Search, and print the best options."""
    if args.save is not None:
        check_output("--save", args.save)
    options, space = options_of(args), _space(args)
    if not space:
        raise UserError("--lr, --hidden and --dropout are given: there is nothing to search for")
    problem = problem_of(args.table, options)
    if "validation" not in problem.parts:
        raise UserError("--validation-share 0 leaves no rows that could judge a trial")

    def build(trial: Mapping[str, Any]) -> Trainer:
        values = _as_options(options, trial)
        return problem.trainer(values, [EarlyStopping(values["patience"])])

    with user_errors():
        result = tune.search(
            build,
            space,
            method=args.method,
            trials=args.trials,
            seed=options["seed"],
            pruner="median",
            storage=args.storage,
            workers=args.workers,
            progress=not args.quiet,
            train=problem.parts["training"],
            validation=problem.parts["validation"],
            epochs=options["epochs"],
            batch_size=options["batch_size"],
        )
    if not any(trial.state == "complete" for trial in result.trials):
        print("no trial came to an end")
        return EXIT_NOTHING_FOUND
    if not args.quiet:
        print(result)
    best = _as_toml(args, _as_options(options, result.best_params))
    print(best, end="")
    if args.save is not None:
        args.save.write_text(best, encoding="utf-8")
    return EXIT_INTERRUPTED if result.stop_reason == "interrupted" else 0


def _space(args: argparse.Namespace) -> dict[str, Any]:
    """What is searched: what is not given as an option."""
    whole: dict[str, dict[str, Any]] = {
        "lr": {"lr": tune.LogUniform(1e-4, 3e-2)},
        "hidden": {"width": tune.Int(16, 256, log=True), "layers": tune.Int(1, 3)},
        "dropout": {"dropout": tune.Uniform(0.0, 0.5)},
    }
    free = [name for name in whole if getattr(args, name) is None]
    return {name: law for option in free for name, law in whole[option].items()}


def _as_options(options: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(found)
    if "width" in values:
        values["hidden"] = [values.pop("width")] * values.pop("layers")
    return {**options, **values}


def _as_toml(args: argparse.Namespace, best: Mapping[str, Any]) -> str:
    """Return the options that train the best network again, those of the command line with them."""
    options = {name: best[name] for name in best if name in ("lr", "hidden", "dropout")}
    options |= {k: v for k, v in vars(args).items() if k in best and v is not None}
    if args.table is not None:
        options = {"table": str(args.table), **options}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in options.items())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
