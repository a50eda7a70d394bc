"""The search: parameters chosen, the objective called, what came of it stored."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot import _core
from surefoot._check import choice, integer

from .fitted import Fitted
from .methods import METHODS, Chooser, make_pruner, population_for
from .progress import show
from .result import Record, SearchResult
from .space import check_space, grid
from .store import Store, need_optuna, quiet, worker_name
from .trial import Trial, TrialPruned
from .workers import run_workers

__all__ = ["search"]

TRIALS = 20


def search(
    objective: Callable[[Trial], Any],
    space: Mapping[str, Any],
    *,
    method: str = "tpe",
    trials: int | None = None,
    direction: str = "minimize",
    seed: int | None = None,
    pruner: Any = None,
    storage: str | os.PathLike[str] | None = None,
    workers: int = 1,
    timeout: float | None = None,
    catch: tuple[type[Exception], ...] = (FloatingPointError, MemoryError),
    progress: bool = True,
    train: Any = None,
    validation: Any = None,
    epochs: int = 10,
    batch_size: int | None = 32,
    monitor: str | None = None,
) -> SearchResult:
    """Try values of ``space`` and return the trials with the best of them.

    ``objective(trial)`` gets a mapping of the parameters and returns a number. With ``train`` it
    builds a Trainer instead, which is fitted here: the trial's value is ``monitor`` (``val_loss``,
    or ``loss``) of its best epoch, and ``epochs`` and ``batch_size`` may be parameters of the
    space. Before each trial comes ``sf.manual_seed(seed)``. A seeded search on one worker repeats
    exactly, also when it was broken off and gone on with.

    Args:
        objective: a function of the trial; ``trial.report`` or a ``Report`` makes it prunable.
        space: names and what each may be: Uniform, LogUniform, Int, Choice or a list of options.
        method: ``"grid"`` all combinations; ``"random"``; ``"tpe"`` tree-structured Parzen
            estimator; ``"gp"`` Gaussian process with expected improvement; ``"genetic"``
            tournament, crossover and mutation among the best, as many as the root of ``trials``.
        trials: how many in all, with those in ``storage``; 20, or the whole grid.
        direction: ``"minimize"`` or ``"maximize"``.
        seed: None draws one from the library's random numbers, or takes that of ``storage``.
        pruner: ``"median"``, ``"halving"``, ``"hyperband"`` or one of ``optuna.pruners``.
        storage: a file that keeps the trials, or a database's URL. A search of the same space goes
            on there; several processes may work on it at once.
        workers: processes, each with a thread of its own for arithmetic.
        timeout: seconds after which no trial is begun.
        catch: errors of the objective that make the trial a failed one. Any other ends the search.
            A value that is not finite is a failure, too.
        progress: print a line per trial.

    Ctrl-C ends the search; what was done is returned.

    Raises:
        ValueError: an empty or wrong space, unknown method, pruner or direction, a grid with
            another number of trials, a file of another search.
        ImportError: optuna is missing.

    Example:
        >>> result = search(lambda p: (p["x"] - 1) ** 2, {"x": [0, 1, 2]}, method="grid",
        ...                 progress=False)
        >>> result.best_params, result.best_value, len(result.trials)
        ({'x': 1}, 0.0, 3)

    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization" (TPE); Bergstra and
    Bengio 2012, "Random search for hyper-parameter optimization".
    """
    need_optuna()
    checked = check_space(space)
    total = _check(objective, checked, method, trials, direction, workers)
    if train is not None:
        objective = Fitted(objective, train, validation, epochs, batch_size, monitor, direction)
    drawn = int(_core.randint(0, 2**31 - 1, (1,)).item()) if seed is None else seed
    rng = _core.get_rng_state()
    with quiet(), tempfile.TemporaryDirectory() as folder:
        if storage is None and workers > 1:
            storage = Path(folder) / "trials"
        chosen_pruner = make_pruner(pruner)
        store = Store(storage, direction, chosen_pruner)
        held = store.remember(checked, seed=drawn, population=population_for(total))
        drawn = held["seed"] if seed is None else seed
        sign = 1.0 if direction == "minimize" else -1.0
        chooser = Chooser(method, checked, drawn, held["population"], sign)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        job = Job(objective, chooser, total, drawn, deadline, catch, progress)
        try:
            if workers == 1:
                reason = work(store, job)
            else:
                reason = run_workers(
                    workers, lambda stop: work(Store(storage, direction, chosen_pruner), job, stop)
                )
        finally:
            _core.set_rng_state(rng)
            with store.lock:
                store.bury()
        return _result(store, checked, direction, drawn, reason)


def _check(
    objective: Any, space: Mapping[str, Any], method: str, trials: Any, direction: str, workers: int
) -> int:
    if not callable(objective):
        raise TypeError(f"[tune] the objective is a function of the trial, not {objective!r}")
    choice("tune", "method", method, METHODS)
    choice("tune", "direction", direction, ("minimize", "maximize"))
    integer("tune", "workers", workers, 1)
    if trials is not None:
        integer("tune", "trials", trials, 1)
    if method != "grid":
        return TRIALS if trials is None else int(trials)
    points = len(grid(space))
    if trials not in (None, points):
        raise ValueError(
            f"[tune] the grid has {points} points, not {trials}: leave trials out, or take "
            "method='random'"
        )
    return points


@dataclass(frozen=True)
class Job:
    """What a worker has to know."""

    objective: Callable[[Trial], Any]
    chooser: Chooser
    total: int
    seed: int
    deadline: float
    catch: tuple[type[Exception], ...]
    progress: bool


def work(store: Store, job: Job, stop: Callable[[], bool] = lambda: False) -> str:
    """Do one trial after the other until all are done; returns why it ended."""
    space = job.chooser.space
    distributions = {name: domain.distribution() for name, domain in space.items()}
    while not stop():
        if time.monotonic() >= job.deadline:
            return "timeout"
        with store.lock:
            store.bury()
            counted = store.trials()
            if job.chooser.is_done(counted, job.total):
                return "finished"
            store.study.sampler = job.chooser.sampler(counted)
            source = store.study.ask(distributions)
            source.set_user_attr("worker", worker_name(os.getpid()))
        params = {name: space[name].value(source.params[name]) for name in space}
        try:
            _run(store, job, Trial(params, source.number, source), source)
        except KeyboardInterrupt:
            return "interrupted"
        if job.progress:
            show(store.ended(), source.number, job.total, job.chooser.sign)
    return "stopped"


def _run(store: Store, job: Job, trial: Trial, source: Any) -> None:
    """Call the objective and store its value, or why there is none."""
    optuna = need_optuna()
    states = optuna.trial.TrialState
    state, value, error = states.FAIL, None, None
    _core.manual_seed(job.seed)
    try:
        returned = job.objective(trial)
        if trial.interrupted:
            raise KeyboardInterrupt
        number = _number(returned)
        if math.isfinite(number):
            state, value = states.COMPLETE, number
        else:
            error = f"the value is {number}"
    except (TrialPruned, optuna.TrialPruned):
        state = states.PRUNED
    except job.catch as caught:
        error = f"{type(caught).__name__}: {caught}"
    finally:
        if error is not None:
            source.set_user_attr("error", error)
        store.study.tell(source.number, value, state=state)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        hint = "; to have it fitted, pass train=..." if hasattr(value, "fit") else ""
        raise TypeError(
            f"[tune] the objective returns a number, not {type(value).__name__}{hint}"
        ) from None


def _result(
    store: Store, space: Mapping[str, Any], direction: str, seed: int, reason: str
) -> SearchResult:
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    records = [
        Record(
            number=t.number,
            state=names[t.state.name],
            value=t.value,
            params={name: space[name].value(t.params[name]) for name in space},
            labels={name: t.params[name] for name in space},
            curve=dict(sorted(t.intermediate_values.items())),
            error=t.user_attrs.get("error"),
            seconds=t.duration.total_seconds() if t.duration else 0.0,
        )
        for t in store.ended()
    ]
    return SearchResult(tuple(records), space, direction, seed, reason)
