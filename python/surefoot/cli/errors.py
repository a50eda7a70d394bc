"""Errors that are the user's to mend: one line, no traceback, exit code 2."""

from __future__ import annotations

__all__ = ["EXIT_BAD_INPUT", "EXIT_BROKEN_PIPE", "EXIT_INTERRUPTED", "UserError", "one_line"]

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
