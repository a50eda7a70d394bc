"""Errors that are the user's to mend: one line, no traceback, exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "EXIT_BAD_INPUT",
    "EXIT_BROKEN_PIPE",
    "EXIT_INTERRUPTED",
    "EXIT_NOTHING_FOUND",
    "UserError",
    "one_line",
    "user_errors",
]

EXIT_NOTHING_FOUND = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # what a shell reports for SIGPIPE


class UserError(Exception):
    """Bad input on the command line or in a file; the text says what was expected."""


def one_line(error: BaseException) -> str:
    """Return an error's text without the system's error number, on one line."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror}"
    return " ".join(str(error).split())


@contextmanager
def user_errors() -> Iterator[None]:
    """What reading and fitting a table finds wrong is the user's to mend."""
    try:
        yield
    except (ValueError, ImportError) as error:
        text = one_line(error).replace("missing_target='drop'", "--drop-missing-target")
        raise UserError(text) from None
