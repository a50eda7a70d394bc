"""The folder of a run: config.json, history.jsonl, checkpoint, model and report."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot import _core
from surefoot._disk import replace_file

from .errors import UserError
from .options import DIGITS_DEFAULTS, TABLE_DEFAULTS

__all__ = ["CHECKPOINT", "CONFIG", "HISTORY", "MODEL", "REPORT", "forget", "new_folder"]
__all__ += ["read_config", "write_config"]

CONFIG, HISTORY, REPORT = "config.json", "history.jsonl", "report.html"
MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"


def new_folder(wanted: Path | None, table: Path | None) -> Path:
    """Make the folder: the one asked for, or the first free runs/NAME-NUMBER."""
    if wanted is not None:
        if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
            raise UserError(f"--run {wanted} is there already; take another name, or remove it")
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted
    if Path("runs").exists() and not Path("runs").is_dir():
        raise UserError("runs is a file, no folder; name a folder with --run")
    name = "digits" if table is None else table.name.split(".")[0] or "table"
    number = 1
    while True:
        folder = Path("runs", f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def forget(folder: Path) -> None:
    """Remove the folder of a run that has left nothing but its config."""
    if {path.name for path in folder.iterdir()} <= {CONFIG}:
        (folder / CONFIG).unlink(missing_ok=True)
        folder.rmdir()
        with contextlib.suppress(OSError):  # other runs are in it
            Path("runs").rmdir()


def write_config(folder: Path, table: Path | None, options: Mapping[str, Any]) -> None:
    """Write what the run depends on; ``table`` is None for the digits."""
    data: dict[str, str] = {"data": "digits"}
    if table is not None:
        data = {"table": str(table.absolute()), "sha256": _digest(table)}
    config = {"surefoot": _core.__version__, **data, **options}
    replace_file(folder / CONFIG, [(json.dumps(config, indent=2) + "\n").encode()])


def read_config(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """Return the table of a run, None for the digits, and its options.

    UserError for a table that has changed.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"{folder} is no run folder: there is no {CONFIG} in it")
    try:
        config = dict(json.loads(path.read_text(encoding="utf-8")))
        if config.get("data") == "digits":
            return None, {name: config[name] for name in DIGITS_DEFAULTS}
        table, digest = Path(config["table"]), config["sha256"]
        options = {name: config[name] for name in TABLE_DEFAULTS}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged, or of another version of surefoot: {error!r}"
        ) from None
    if not table.is_file():
        raise UserError(f"{table}, the table of the run, is not there any more")
    if _digest(table) != digest:
        raise UserError(f"{table} has changed since the run began; begin a new one")
    return table, options


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
