"""Tables as the scripts print them, and as they stand in docs/benchmarks.md (`--markdown`)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options every script has."""
    summary = (doc or "").splitlines()[0]
    found = argparse.ArgumentParser(description=summary)
    found.add_argument("--markdown", action="store_true", help="print the table as in the docs")
    found.add_argument("--quick", action="store_true", help="only see that it runs")
    return found


class Table:
    """Rows printed as soon as they are known; the first column is text, the others figures."""

    def __init__(self, headers: Sequence[str], markdown: bool, first: int = 34) -> None:
        self._markdown = markdown
        self._widths = [first, *(max(9, len(header)) for header in headers[1:])]
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
        self.row(*headers)
        if markdown:
            print("|---|" + "---:|" * (len(headers) - 1))

    def row(self, *cells: str) -> None:
        if self._markdown:
            print("| " + " | ".join(cells) + " |", flush=True)
            return
        first, *others = zip(cells, self._widths, strict=True)
        texts = [first[0].replace("`", "").ljust(first[1]), *(c.rjust(w) for c, w in others)]
        print("  ".join(texts), flush=True)


def digits(value: float, count: int = 3) -> str:
    """The value with `count` digits that mean something, never with an exponent."""
    whole = len(str(int(abs(value))))
    return f"{value:.{max(0, count - whole)}f}"


def ratio(value: float) -> str:
    return f"{digits(value, 2)}x"
