"""The command surefoot tune."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surefoot.cli import main

FEW = ("--epochs", 3, "--trials", 3, "--method", "random")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty houses whose price is twice their size."""
    rng = np.random.default_rng(0)
    size = rng.uniform(1, 3, 60)
    path = tmp_path_factory.mktemp("tune") / "houses.csv"
    pd.DataFrame({"size": size, "price": 2 * size + 0.01 * rng.normal(size=60)}).to_csv(
        path, index=False
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *args: Any, code: int = 0) -> str:
    assert main([str(arg) for arg in args]) == code
    caught = capsys.readouterr()
    return caught.out if code != 2 else caught.err


def test_the_best_options_train(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = tmp_path / "best.toml"
    out = run(capsys, "tune", table, "--target", "price", *FEW, "--save", best, "--quiet")
    assert out == best.read_text()
    for name in ("table", "target", "lr", "hidden", "dropout", "epochs = 3"):
        assert name in out
    run(capsys, "train", "--config", best, "--run", tmp_path / "run", "--quiet")
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_options_that_are_given_stay(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--target", "price", "--hidden", 7, 5, "--lr", 0.01]
    out = run(capsys, "tune", table, *given, *FEW, "--quiet")
    assert "hidden = [7, 5]\n" in out and "lr = 0.01\n" in out
    err = run(capsys, "tune", table, *given, "--dropout", 0.1, *FEW, code=2)
    assert "nothing to search for" in err


def test_a_search_goes_on_in_its_file(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = ["tune", table, "--target", "price", *FEW, "--storage", tmp_path / "trials.log"]
    first = run(capsys, *search, "--quiet")
    assert run(capsys, *search, "--quiet") == first  # nothing was left to do


def test_digits(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "tune", "--epochs", 1, "--trials", 2, "--seed", 3)
    assert "lr = " in out and "hidden = [" in out and "dropout = " in out and "table" not in out


def test_bad_input(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--target COLUMN" in run(capsys, "tune", table, code=2)
    assert "needs a table" in run(capsys, "tune", "--target", "price", code=2)
    shares = ["--target", "price", "--validation-share", 0]
    assert "judge a trial" in run(capsys, "tune", table, *shares, code=2)
    assert "folder" in run(capsys, "tune", "--save", tmp_path, code=2)
