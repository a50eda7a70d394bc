"""The ``surefoot`` command."""

from ._main import build_parser, main

__all__ = ["build_parser", "main"]
