"""Files of data: opened, checked, and refused with one sentence."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import zlib
from pathlib import Path
from typing import IO, NoReturn, cast

PathLike = str | os.PathLike[str]

_CHUNK = 1 << 20
DAMAGED = (EOFError, OSError, zlib.error)  # what reading a broken compressed file raises


def refuse(where: str, path: PathLike, found: str, expected: str) -> NoReturn:
    """Raise the error of a file that is not what it should be, in one line."""
    found = " ".join(found.split())
    raise ValueError(f"[{where}] {os.fspath(path)}: found {found}, expected {expected}")


def find(where: str, path: PathLike, sha256: str | None = None) -> Path:
    """A file that is there, is not empty and has the digest asked for."""
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"[{where}] {file}: there is no such file")
    if not file.is_file():
        refuse(where, file, "a folder" if file.is_dir() else "no regular file", "a file")
    if file.stat().st_size == 0:
        refuse(where, file, "an empty file", "data")
    try:
        file.open("rb").close()
    except PermissionError:
        raise PermissionError(f"[{where}] {file}: it may not be read by this user") from None
    if sha256 is not None:
        _check_digest(where, file, sha256)
    return file


def _check_digest(where: str, file: Path, wanted: str) -> None:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != wanted.strip().lower():
        refuse(where, file, f"SHA-256 {digest.hexdigest()}", wanted)


def open_maybe_gzip(file: Path) -> IO[bytes]:
    """The file's bytes; those in it where it is a gzip file, by its first two bytes."""
    with file.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(file)) if packed else file.open("rb")


def delimiter_of(file: Path) -> str:
    """What stands between the cells of a table in text: a tab in .tsv, else the one of ',', ';' and
    tab that the first line has most of; the comma where none is there."""
    if file.name.lower().removesuffix(".gz").endswith(".tsv"):
        return "\t"
    with io.TextIOWrapper(open_maybe_gzip(file), encoding="utf-8-sig") as stream:
        first = stream.readline()
    return max(",;\t", key=first.count)


def check_empty(where: str, path: PathLike, found: str, shape: tuple[int, ...]) -> None:
    """Refuse the shape of an array without numbers if no array can have it."""
    if 0 in shape and math.prod(max(size, 1) for size in shape) >= 2**60:
        refuse(where, path, f"{found} of shape {shape}", "fewer than 2^60 numbers")


def read_exactly(stream: IO[bytes], size: int) -> bytes:
    """Up to ``size`` bytes; memory grows with what is there, not with ``size``."""
    parts, left = [], size
    while left > 0 and (part := stream.read(min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
