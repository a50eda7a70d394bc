"""Where the trials of a search are kept: in memory, in a file, or in a database."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from surefoot._process import began

from .space import Domain

__all__ = ["Store", "need_optuna", "quiet"]

_NAME = "surefoot"
_FIRST_BYTES = b'{"op_code"'
_TAIL = 1 << 16


def need_optuna() -> Any:
    """The module optuna; says how to get it where it is missing."""
    try:
        import optuna
    except ImportError:
        raise ImportError("[tune] search needs optuna: pip install 'surefoot[tune]'") from None
    return optuna


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block Optuna neither logs what is no problem nor warns of its experiments."""
    optuna = need_optuna()
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


class FileLock:
    """A lock on the file itself, which a killed process cannot leave behind; may be nested.

    With ``mend``, who gets it cuts off a last line that a killed process did not finish.
    """

    def __init__(self, path: str, mend: bool = False) -> None:
        self._path, self._mends, self._depth, self._file = path, mend, 0, -1

    def acquire(self) -> bool:
        """Wait for the lock."""
        import fcntl

        if self._depth == 0:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._mends:
                    _mend(file)
            except BaseException:
                os.close(file)
                raise
            self._file = file
        self._depth += 1
        return True

    def release(self) -> None:
        """Let the next one in."""
        self._depth -= 1
        if self._depth == 0:
            os.close(self._file)

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def _mend(file: int) -> None:
    size = os.fstat(file).st_size
    kept = size
    while kept and os.pread(file, 1, kept - 1) != b"\n":
        begin = max(kept - _TAIL, 0)
        kept = begin + os.pread(file, kept - begin, begin).rfind(b"\n") + 1
    if kept < size:
        os.ftruncate(file, kept)


class Store:
    """A study of Optuna with what a search needs to go on: its space, seed and direction.

    Raises:
        ValueError: a file that is no search, or that holds another one.
    """

    def __init__(
        self, where: str | os.PathLike[str] | None, direction: str, pruner: Any = None
    ) -> None:
        optuna = need_optuna()
        self.lock: AbstractContextManager[object] = nullcontext()
        storage: Any = None
        self.where = "" if where is None else os.fspath(where)
        if "://" in self.where:
            storage = optuna.storages.RDBStorage(self.where)
            kind, _, file = self.where.partition(":///")
            if kind == "sqlite" and file:
                self.lock = FileLock(f"{file}.lock")
        elif where is not None:
            storage = self._journal()
        pruner = pruner or optuna.pruners.NopPruner()
        with self.lock:
            if storage is not None and _NAME in optuna.get_all_study_names(storage):
                self.study = optuna.load_study(study_name=_NAME, storage=storage, pruner=pruner)
            else:
                self.study = optuna.create_study(
                    study_name=_NAME,
                    storage=storage,
                    direction=direction,
                    pruner=pruner,
                    load_if_exists=True,
                )
        held = self.study.direction.name.lower()
        if held != direction:
            raise ValueError(
                f"[tune] {self.where} holds a search with direction={held!r}, not {direction!r}; "
                "take another file"
            )

    def _journal(self) -> Any:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        path = Path(self.where)
        if path.exists():
            with open(path, "rb") as file:
                begin = file.read(len(_FIRST_BYTES))
            if not _FIRST_BYTES.startswith(begin):
                raise ValueError(f"[tune] {path} is no file of a search; take another name")
        lock: Any = FileLock(self.where, mend=True)
        self.lock = lock
        with lock:  # mends the file before it is read
            return JournalStorage(JournalFileBackend(self.where, lock_obj=lock))

    def remember(self, space: Mapping[str, Domain], **facts: Any) -> dict[str, Any]:
        """Store space and facts with the first call; later ones compare and return the stored."""
        specs = {name: domain.spec() for name, domain in space.items()}
        with self.lock:
            held = dict(self.study.user_attrs)
            if "space" not in held:
                for name, value in {**facts, "space": specs}.items():
                    self.study.set_user_attr(name, value)
                return {**facts, "space": specs}
        if held["space"] != specs:
            lines = [
                f"{name} was {held['space'].get(name, 'not there')}, is "
                f"{specs.get(name, 'not there')}"
                for name in sorted({*specs, *held["space"]})
                if specs.get(name) != held["space"].get(name)
            ]
            raise ValueError(
                f"[tune] {self.where} holds a search over another space: {'; '.join(lines)}. "
                "Take another file"
            )
        return held

    def trials(self) -> list[Any]:
        """The trials that count: ended ones and those that a living process is at.

        A trial that ended without result or reason (killed, interrupted, an error that ended the
        search) does not count.
        """
        trials = self.study.get_trials(deepcopy=False)
        return [t for t in trials if _is_ended(t) or (_is_running(t) and self._is_alive(t))]

    def ended(self) -> list[Any]:
        """The trials with a result, and those that failed for a reason."""
        return [t for t in self.study.get_trials(deepcopy=False) if _is_ended(t)]

    def bury(self) -> None:
        """End the trials whose process is no more."""
        optuna = need_optuna()
        for trial in self.study.get_trials(deepcopy=False):
            if _is_running(trial) and not self._is_alive(trial):
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _is_alive(self, trial: Any) -> bool:
        owner = trial.user_attrs.get("worker")
        if owner is None:  # in a file it is written under the same lock as the trial
            return "://" in self.where and not isinstance(self.lock, FileLock)
        host, pid, _ = str(owner).rsplit(":", 2)
        return host != socket.gethostname() or str(owner) == worker_name(int(pid))


def _is_ended(trial: Any) -> bool:
    return trial.state.name in ("COMPLETE", "PRUNED") or (
        trial.state.name == "FAIL" and "error" in trial.user_attrs
    )


def _is_running(trial: Any) -> bool:
    return bool(trial.state.name == "RUNNING")


def worker_name(pid: int) -> str:
    """Host, process and the moment it began; a process that is no more has no beginning."""
    return f"{socket.gethostname()}:{pid}:{began(pid) or 'dead'}"
