"""A TOML file in place of options."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from .errors import UserError

__all__ = ["apply_config", "read_toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table of a TOML file."""
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError:
        raise UserError(
            "--config needs Python 3.11 or tomli: pip install 'surefoot[config]'"
        ) from None
    try:
        return dict(toml.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # text that is not UTF-8 is one, too
        raise UserError(f"{path} is not TOML: {error}") from None


def apply_config(parser: argparse.ArgumentParser, path: Path) -> None:
    """Make the file's values the defaults of a command; options on the command line go first."""
    from surefoot.data._columns import near

    actions = {_name_of(action): action for action in parser._actions}
    values: dict[str, Any] = {}
    for key, value in read_toml(path).items():
        name = key.replace("-", "_")
        if name not in actions or name in ("help", "config"):
            known = [option for option in actions if option not in ("help", "config")]
            raise UserError(f"{path}: no option is called {key!r}; {near(name, known)}")
        values[actions[name].dest] = _value(f"{path}: {key}", actions[name], value)
    parser.set_defaults(**values)


def _name_of(action: argparse.Action) -> str:
    """The option as it is written, without its dashes: 'run' for --run FOLDER."""
    long = [option for option in action.option_strings if option.startswith("--")]
    return long[0][2:].replace("-", "_") if long else action.dest


def _value(where: str, action: argparse.Action, value: Any) -> Any:
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UserError(f"{where} is true or false, not {value!r}")
        return value if value or isinstance(action, argparse.BooleanOptionalAction) else None
    if action.nargs in ("*", "+"):
        if not isinstance(value, list):
            raise UserError(f"{where} is a list, not {value!r}")
        return [_one(where, action, item) for item in value]
    return _one(where, action, value)


def _one(where: str, action: argparse.Action, value: Any) -> Any:
    if isinstance(value, (bool, list, dict)):
        raise UserError(f"{where}: {value!r} is not expected here")
    text = str(value)
    if action.choices is not None and text not in action.choices:
        raise UserError(f"{where} is one of {', '.join(action.choices)}, not {text!r}")
    read: Any = action.type or str
    try:
        return read(text)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UserError(f"{where}: {error}") from None
