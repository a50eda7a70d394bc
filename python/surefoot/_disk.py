"""Whole files or none: how a file is replaced so that no fault at any instant loses the old one."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path

from ._process import began

__all__ = ["replace_file"]

_CHUNK = 1 << 20


def replace_file(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write ``parts`` one after the other to ``path``; a crash leaves the old or the new file.

    They go to a temporary file beside it, are synced, read back and compared; then the file is
    renamed and its folder synced. Links and the mode bits of an existing file are kept.

    Raises:
        OSError: the old file, or its absence, is as it was (after a failed sync of the folder
            the new one stands there, but a power cut may bring the old one back).
    """
    target = Path(os.path.realpath(path))
    _remove_stale(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    mode = target.stat().st_mode & 0o777 if target.exists() else None
    try:
        _write(temporary, parts, mode)
        _compare(temporary, parts)
        os.replace(temporary, target)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = os.fspath(path)  # a failed write names no file by itself
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _write(path: Path, parts: Sequence[bytes | memoryview], mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOEXEC | _BINARY, 0o666)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(descriptor, rest) :]  # a write may take less than it was given
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _compare(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Raises unless the file holds ``parts`` and nothing else."""
    descriptor = os.open(path, os.O_RDONLY | _CLOEXEC | _BINARY)
    try:
        for part in parts:
            rest = memoryview(part)
            while rest:
                found = os.read(descriptor, min(_CHUNK, len(rest)))
                if not found or found != rest[: len(found)]:
                    raise OSError(f"[save] {path.name} does not hold what was written to it")
                rest = rest[len(found) :]
        if os.read(descriptor, 1):
            raise OSError(f"[save] {path.name} is longer than what was written to it")
    finally:
        os.close(descriptor)


def _remove_stale(target: Path) -> None:
    """Remove what processes that were killed while they saved this file have left."""
    if os.name != "posix":  # elsewhere there is no asking whether a process runs
        return
    pattern = re.compile(re.escape(f".{target.name}.") + r"(\d+)-\d+\.tmp")
    with contextlib.suppress(OSError):  # what lies about is no reason not to save
        for entry in os.listdir(target.parent):
            match = pattern.fullmatch(entry)
            if match and began(int(match[1])) is None:
                (target.parent / entry).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY | _CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
