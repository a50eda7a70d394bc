"""Draw the pictures of README.md: python docs/gallery/draw.py FOLDER [NAME ...]."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("README.md")
SECTION = re.compile(r"^## ([\w-]+)\n(.*?)^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def sections() -> dict[str, str]:
    """The code by the name of the picture."""
    return {name: code for name, _, code in SECTION.findall(PAGE.read_text(encoding="utf-8"))}


def run(name: str) -> Any:
    """The figure that one block makes."""
    names: dict[str, Any] = {}
    exec(compile(sections()[name], f"{PAGE.name}, {name}", "exec"), names)  # as a reader would
    return names["figure"]


def draw(name: str, folder: Path) -> Any:
    """Run one block, write its picture, return the figure."""
    figure = run(name)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    return figure


def main(arguments: list[str]) -> None:
    """Draw the pictures that are named, or all."""
    if not arguments:
        raise SystemExit(__doc__)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments[1:] or sections():
        draw(name, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
