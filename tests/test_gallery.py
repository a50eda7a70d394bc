"""The pictures of docs/gallery are drawn by the code on the page, as a reader would run it."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
GALLERY = Path(__file__).resolve().parents[1] / "docs" / "gallery"
_spec = importlib.util.spec_from_file_location("gallery_draw", GALLERY / "draw.py")
draw = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(draw)


@pytest.mark.parametrize("name", draw.sections())
def test_picture(name: str, tmp_path: Path) -> None:
    figure = draw.draw(name, tmp_path)
    drawn = [a for a in figure.axes if a.lines or a.collections or a.patches or a.images]
    assert drawn
    assert (tmp_path / f"{name}.svg").read_text().lstrip().startswith("<?xml")


def test_every_section_has_its_code() -> None:
    headings = re.findall(r"^## (.+)$", draw.PAGE.read_text(), re.MULTILINE)
    assert headings == list(draw.sections())


def test_the_script_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="FOLDER"):
        draw.main([])
    draw.main([str(tmp_path / "new"), "momentum-schedule"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["momentum-schedule.svg"]


def test_pictures_are_the_same_every_time() -> None:
    """No unseeded number, and no pyplot state."""
    figures = [draw.run("sparse-weights") for _ in range(2)]
    counts = [[a.patches[0].get_data().values.tolist() for a in f.axes] for f in figures]
    assert counts[0] == counts[1]
    assert (
        "matplotlib.pyplot"
        not in subprocess.run(
            [
                *(sys.executable, "-c"),
                "import sys; import surefoot as sf; sf.plot.activation_functions(sf.tanh)\n"
                "print(*sys.modules)",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )
