"""History: columns of equal length, JSON lines there and back."""

import json
import sys
from pathlib import Path

import pytest

from surefoot.train import History


def filled() -> History:
    history = History()
    history.append({"epoch": 1, "loss": 0.5, "val_loss": 0.25}, seconds=0.1)
    history.append({"epoch": 2, "loss": 0.25, "val_loss": 0.5}, seconds=0.2)
    return history


def test_is_a_dict_of_columns() -> None:
    history = filled()
    assert isinstance(history, dict)
    assert history == {"epoch": [1, 2], "loss": [0.5, 0.25], "val_loss": [0.25, 0.5]}
    assert history.num_epochs == 2
    assert history.last() == {"epoch": 2, "loss": 0.25, "val_loss": 0.5}
    assert history.seconds == [0.1, 0.2]


def test_equal_runs_compare_equal_whatever_time_they_took() -> None:
    other = filled()
    other.seconds = [9.0, 9.0]
    assert filled() == other


def test_a_column_may_start_late_or_miss_an_epoch() -> None:
    history = filled()
    history.append({"epoch": 3, "loss": 0.1, "lr": 0.01})
    assert history["lr"] == [None, None, 0.01]
    assert history["val_loss"] == [0.25, 0.5, None]


def test_best_epoch() -> None:
    history = filled()
    assert history.best_epoch() == 0
    assert history.best_epoch("loss") == 1
    assert history.best_epoch("loss", "max") == 0
    with pytest.raises(ValueError, match="'min', 'max', got"):
        history.best_epoch("loss", "least")
    with pytest.raises(KeyError, match="no column 'accuracy'; there is epoch, loss"):
        history.best_epoch("accuracy")
    history["gap"] = [None, None]
    with pytest.raises(ValueError, match="'gap' has no numbers yet"):
        history.best_epoch("gap")


def test_json_lines_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    text = filled().to_jsonl(path)
    assert path.read_text() == text
    assert [json.loads(line)["epoch"] for line in text.splitlines()] == [1, 2]
    assert History.from_jsonl(path) == filled()


@pytest.mark.parametrize(("line", "reason"), [("{", "not JSON"), ("[1]", "not a JSON object")])
def test_a_broken_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"epoch": 1}\n' + line + "\n")
    with pytest.raises(ValueError, match=f"line 2 is {reason}"):
        History.from_jsonl(path)


def test_plot_without_matplotlib_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[plot\]'"):
        filled().plot()


@pytest.mark.filterwarnings("ignore")
def test_plot_puts_validation_beside_training(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    history = filled()
    history.append({"epoch": 3, "loss": 0.1, "lr": 0.5})
    figure = history.plot()
    drawn = [[line.get_label() for line in axes.lines] for axes in figure.axes]
    assert drawn == [["loss", "val_loss"], ["lr"]]
    assert figure.axes[0].lines[0].get_ydata().tolist() == history["loss"]
    figure.savefig(tmp_path / "curves.png")
    assert [line.get_label() for line in history.plot("lr", "loss").axes[0].lines] == ["lr", "loss"]
    with pytest.raises(KeyError, match="no column f1; there is epoch, loss"):
        history.plot("f1")
    with pytest.raises(KeyError, match="no epoch was finished"):
        History().plot()
