"""A run in a file: what it holds, and how it is taken up again."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from surefoot.files import load, save

from .feed import Feed
from .history import History
from .named_state import differences, named_optimizer_state, own_optimizer_state, signatures
from .randomness import kind, random_state, set_random_state
from .state import Best

__all__ = ["check_fit", "read_checkpoint", "restore", "write_checkpoint"]

if TYPE_CHECKING:
    from .trainer import Trainer

_FORMAT = 2
_PARTS = {"surefoot checkpoint", "run", "model", "optimizer", "callbacks", "feeds", "tally", "best"}
_PARTS |= {"history", "rng"}

StrPath = str | os.PathLike[str]


def write_checkpoint(trainer: Trainer, path: StrPath) -> None:
    """Write everything that the rest of the run depends on to one file."""
    state, best = trainer.state, trainer.best
    stopped = state.stop_reason if state.stop_reason != "interrupted" else ""
    run: dict[str, Any] = {"epoch": state.epoch, "batch": state.batch, "step": state.step}
    run |= {"open": state.open, "first_epoch": state.first_epoch}
    run |= {"seed": trainer.seed, "stop_reason": stopped}
    save(
        {
            "surefoot checkpoint": _FORMAT,
            "run": run,
            "model": dict(trainer.model.state_dict()),
            "optimizer": named_optimizer_state(trainer.optimizer, trainer.model),
            "callbacks": {n: c.state_dict() for n, c in _stateful(trainer.callbacks)},
            "feeds": {name: feed.state_dict() for name, feed in trainer.feeds.items()},
            "tally": trainer.tally.state_dict() if state.open else None,
            "best": best and {"epoch": best.epoch, "value": best.value, "weights": best.weights},
            "history": dict(trainer.history),
            "rng": random_state(trainer.generators),
        },
        path,
    )


def read_checkpoint(path: StrPath) -> dict[str, Any]:
    """Return what ``write_checkpoint`` wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: damaged, or no checkpoint.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(
            f"[Trainer] there is no checkpoint {os.fspath(path)}; leave resume out in a first run"
        )
    saved = load(path, sealed=True)
    if not isinstance(saved, dict) or set(saved) != _PARTS:
        raise ValueError(f"[Trainer] {os.fspath(path)} is no checkpoint of a Trainer")
    if saved["surefoot checkpoint"] != _FORMAT:
        raise ValueError(
            f"[Trainer] {os.fspath(path)} has format {saved['surefoot checkpoint']}; this version "
            f"reads {_FORMAT}"
        )
    return saved


def check_fit(trainer: Trainer, saved: Mapping[str, Any], path: StrPath) -> None:
    """Raises ValueError with every difference between a checkpoint and this run."""
    lines = differences(signatures(saved["model"]), signatures(trainer.model.state_dict()))
    if saved["feeds"]:  # none if it was saved before the run began
        lines += _data_lines(saved["feeds"], trainer.feeds)
    theirs, mine = list(saved["callbacks"]), [name for name, _ in _stateful(trainer.callbacks)]
    lines += [
        f"- callback {name}: in the file, not in the run" for name in theirs if name not in mine
    ]
    lines += [
        f"+ callback {name}: in the run, not in the file" for name in mine if name not in theirs
    ]
    seed = saved["run"]["seed"]
    if trainer.seed not in (None, seed):
        lines.append(f"! seed: {seed} in the file, {trainer.seed} in the run")
    kinds = [state["bit_generator"] for state in saved["rng"]["numpy"]]
    if kinds != [kind(source) for source in trainer.generators]:
        own = ", ".join(kind(source) for source in trainer.generators) or "none"
        lines.append(f"! generators: {', '.join(kinds) or 'none'} in the file, {own} in the run")
    if lines:
        raise ValueError(
            f"[Trainer] {os.fspath(path)} does not fit this run, nothing was loaded:\n  "
            + "\n  ".join(lines)
        )


def _data_lines(saved: Mapping[str, Any], own: Mapping[str, Feed]) -> list[str]:
    lines = [f"- {name} data: in the file, not in the run" for name in saved if name not in own]
    lines += [f"+ {name} data: in the run, not in the file" for name in own if name not in saved]
    for name, feed in own.items():
        facts = saved.get(name, {}).get("facts", feed.facts())
        lines += [
            f"! {name} data, {fact}: {facts.get(fact)} in the file, {value} in the run"
            for fact, value in feed.facts().items()
            if facts.get(fact) != value
        ]
    return lines


def restore(trainer: Trainer, saved: Mapping[str, Any]) -> None:
    """Put the run where the checkpoint was taken; ``check_fit`` has found no difference."""
    run, state, best = saved["run"], trainer.state, saved["best"]
    trainer.model.train()
    trainer.optimizer.load_state_dict(
        own_optimizer_state(saved["optimizer"], trainer.optimizer, trainer.model)
    )
    for name, callback in _stateful(trainer.callbacks):
        callback.load_state_dict(saved["callbacks"][name])
    for name, feed in trainer.feeds.items():
        if name in saved["feeds"]:
            feed.load_state_dict(saved["feeds"][name])
    trainer.model.load_state_dict(saved["model"])
    state.epoch, state.batch, state.step = run["epoch"], run["batch"], run["step"]
    state.open, state.stop_reason = run["open"], run["stop_reason"]
    if saved["tally"] is not None:
        trainer.tally = trainer.new_tally()
        trainer.tally.load_state_dict(saved["tally"])
    trainer.best = best and Best(best["epoch"], best["value"], best["weights"])
    trainer.history = History(saved["history"])
    trainer.history.seconds = [math.nan] * trainer.history.num_epochs
    if run["epoch"]:  # a run that was saved before it began is seeded by fit
        set_random_state(saved["rng"], trainer.generators)


def _stateful(callbacks: Iterable[Any]) -> list[tuple[str, Any]]:
    """(name, callback) of those that have a state; equal names are numbered in order."""
    named: list[tuple[str, Any]] = []
    counts: dict[str, int] = {}
    for callback in callbacks:
        if hasattr(callback, "state_dict") and hasattr(callback, "load_state_dict"):
            name = type(callback).__name__
            counts[name] = counts.get(name, 0) + 1
            named.append((f"{name} {counts[name]}" if counts[name] > 1 else name, callback))
    return named
