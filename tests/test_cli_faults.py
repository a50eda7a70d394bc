"""Bad input and bad luck on the command line: one line that says what to do, nothing lost."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surefoot import _disk, nn
from surefoot.cli import main, training
from surefoot.files import read_tensors, write_tensors
from surefoot.model_file import load_model, save_model

pd = pytest.importorskip("pandas")

TABLE = ("train", "t.csv", "--target", "y", "--epochs", 12, "--hidden", 8, "--quiet")


@pytest.fixture(autouse=True)
def _table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder with a table in it; reports without pictures, which take long."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.chdir(tmp_path)
    frame().to_csv("t.csv", index=False)


def frame(n: int = 60) -> Any:
    x, z = np.random.default_rng(n).normal(size=(2, n))
    return pd.DataFrame({"x": x, "z": z, "y": 2 * x - z})


def run(*arguments: Any, code: int = 0) -> None:
    assert main([str(argument) for argument in arguments]) == code


def error_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """The one line of a command that ends with exit code 2 and prints nothing else."""
    capsys.readouterr()
    run(*arguments, code=2)
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1
    assert captured.err.startswith("surefoot: error: ")
    return captured.err


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda t: t.assign(x=[np.inf, *t["x"][1:]]), [], "'x', row 1: found inf, expected a fin"),
        (lambda t: t.assign(x=[*t["x"][:40], np.inf, *t["x"][41:]]), [], "'x', row 41: found inf"),
        (
            lambda t: t.assign(x=[*t["x"][:40].astype(str), "oops", *t["x"][41:].astype(str)]),
            [],
            "'x' holds numbers but for 1 of",
        ),
        (lambda t: t.assign(y=[-np.inf, *t["y"][1:]]), [], "'y', row 1: found -inf"),
        (
            lambda t: t.assign(y=[np.nan, *t["y"][1:]]),
            [],
            "'y' is missing in 1 of 60 rows (rows 1)",
        ),
        (lambda t: t.assign(y=1.5), [], "1.5 in all 60 rows of the target 'y'"),
        (lambda t: t.assign(y="a"), [], "'a' in all 60 rows of the target 'y'"),
        (lambda t: t.assign(y=["far", *t["y"][1:]]), ["--task", "regression"], "found 'far'"),
        (lambda t: t.assign(x=np.nan, z=np.nan), [], "no value in any column of inputs"),
        (lambda t: t.drop(columns="y"), [], "no column 'y'; there is x, z"),
        (lambda t: t[:0], [], "no rows under the names of the columns"),
        (lambda t: t[:2], [], "too few for a validation part"),
        (lambda t: t.assign(z=1e300 * t["x"]), ["--epochs", "1"], ""),
        (lambda t: t, ["--group", "who"], "no column 'who'"),
        (lambda t: t, ["--drop", "w"], "no column 'w'"),
        (lambda t: t, ["--config", "none.toml"], "none.toml: No such file"),
    ],
)
def test_bad_tables(
    capsys: pytest.CaptureFixture[str], change: Any, options: list[str], words: str
) -> None:
    change(frame()).to_csv("t.csv", index=False)
    if not words:
        run(*TABLE, *options)  # far numbers are standardised
        return
    assert words in error_of(capsys, *TABLE, *options)
    assert os.listdir() == ["t.csv"]


def test_files_that_are_no_tables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("e.csv").write_bytes(b"")
    Path("b.csv").write_bytes(b"\x00\xff\xfe\x9f" * 40)
    Path("d.csv").mkdir()
    run(*TABLE, "--run", "r")
    for name, words in (("e", "an empty file"), ("b", "b.csv"), ("d", "a folder")):
        for command in (["train", f"{name}.csv", "--target", "y"], ["predict", "r", f"{name}.csv"]):
            assert words in error_of(capsys, *command)
    opened = Path.open

    def closed(self: Path, *args: Any, **options: Any) -> Any:
        if self.name == "t.csv":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", closed)
    for command in (TABLE, ("predict", "r", "t.csv"), ("evaluate", "r", "t.csv")):
        assert "t.csv: it may not be read by this user" in error_of(capsys, *command)


def test_rows_that_do_not_fit_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    run(*TABLE, "--run", "r")
    frame(5).rename(columns={"z": "zz"}).to_csv("other.csv", index=False)
    for command in ("predict", "evaluate"):
        text = error_of(capsys, command, "r", "other.csv")
        assert "lacks 1 of the 2 columns that the model needs: 'z'; did you mean 'zz'?" in text
    frame(5).drop(columns="y").to_csv("bare.csv", index=False)
    assert "no column 'y'" in error_of(capsys, "evaluate", "r", "bare.csv")
    frame(5).assign(x=np.inf).to_csv("far.csv", index=False)
    assert "'x', row 1: found inf" in error_of(capsys, "predict", "r", "far.csv")
    frame(5).assign(x="wide").to_csv("text.csv", index=False)
    assert "'x', row 1: found 'wide'" in error_of(capsys, "predict", "r", "text.csv")
    frame(5).assign(y="high").to_csv("high.csv", index=False)
    assert "'y', row 1: found 'high'" in error_of(capsys, "evaluate", "r", "high.csv")
    assert "predicts 'y', not 'x'" in error_of(capsys, "evaluate", "r", "t.csv", "--target", "x")
    gaps = frame(5).assign(x=[np.nan, 0, 1, 2, 3])
    gaps.to_csv("gaps.csv", index=False)
    run("predict", "r", "gaps.csv")  # the median of the training rows stands in
    lines = capsys.readouterr().out.split()
    assert len(lines) == 5 and all(np.isfinite(float(line)) for line in lines)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(capsys: pytest.CaptureFixture[str], bad: float) -> None:
    save_model(nn.Sequential(nn.Linear(3, 2)), "m.safetensors")
    x = np.zeros((4, 3))
    x[2, 1] = bad
    np.save("x.npy", x)
    np.savez("x.npz", x=x, y=np.array([0, 1, 0, 1]))
    for command in (("predict", "x.npy"), ("predict", "x.npz"), ("evaluate", "x.npz")):
        text = error_of(capsys, command[0], "m.safetensors", command[1])
        assert f"{command[1]}: row 3 holds a value that is not a finite number" in text
    for y, words in (
        (np.array([0.0, 1.5, 0.0, 1.0]), "row 2: the target 1.5 is none of"),
        (np.array([0, 1, 0, np.nan]), "row 4: the target nan is none of"),
        (np.array([0, -1, 0, 1]), "row 2: the target -1 is none of"),
        (np.array([[0, 1]] * 4), "y has shape (4, 2), expected (N,)"),
        (np.array([0, 1]), "arrays of different lengths"),
        (np.array(list("abcd")), "dtype"),
    ):
        np.savez("y.npz", x=np.zeros((4, 3)), y=y)
        assert words in error_of(capsys, "evaluate", "m.safetensors", "y.npz")


def test_a_batch_may_be_larger_than_the_data() -> None:
    run(*TABLE, "--batch-size", 100_000, "--run", "r")
    run("lr-find", "t.csv", "--target", "y", "--batch-size", 100_000)
    run("train", "--batch-size", 100_000, "--epochs", 2, "--hidden", 4, "--quiet", "--run", "d")


def test_a_run_folder_that_is_there_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run(*TABLE, "--run", "r")
    before = contents(Path("r"))
    for command in (TABLE, ("train", "--quiet")):
        text = error_of(capsys, *command, "--run", "r")
        assert "--run r is there already; take another name, or remove it" in text
    assert contents(Path("r")) == before
    assert "t.csv is there already" in error_of(capsys, *TABLE, "--run", "t.csv")
    Path("empty").mkdir()
    run(*TABLE, "--run", "empty")
    Path("runs").write_text("")
    assert "runs is a file, no folder; name a folder with --run" in error_of(capsys, *TABLE)


def test_models_of_other_versions_and_damaged_ones(capsys: pytest.CaptureFixture[str]) -> None:
    run(*TABLE, "--run", "r")
    model = Path("r", "model.safetensors")
    commands = [("predict", "m", "t.csv"), ("evaluate", "m", "t.csv"), ("info", "m")]
    whole = model.read_bytes()
    for size in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        Path("m").write_bytes(whole[:size])
        for command in commands:
            assert "m is not a usable safetensors file" in error_of(capsys, *command)
    tensors, metadata = read_tensors(model)
    for key, value, words in (
        ("surefoot.model_format", "2", "format 2, of another version of surefoot"),
        ("surefoot.model", '{"model": "Later"}', "does not describe a usable model"),
        ("surefoot.info", '{"table": {"columns": []}}', "describes no table"),
    ):
        write_tensors("m", tensors, {**metadata, key: value})
        for command in commands:
            assert words in error_of(capsys, *command)
    del metadata["surefoot.model_format"]  # as it was written at first
    write_tensors("m", tensors, metadata)
    assert load_model("m")[1] == load_model(model)[1]
    config = json.loads(Path("r", "config.json").read_text())
    del config["dropout"]
    Path("r", "config.json").write_text(json.dumps(config))
    assert "of another version of surefoot: KeyError('dropout')" in error_of(capsys, "resume", "r")


class FullDisk:
    """os.write, with no space left from the ``at``-th call on."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int) -> None:
        self.calls, self.at, self.write = 0, at, os.write
        patch.setattr(_disk.os, "write", self)

    def __call__(self, descriptor: int, data: Any) -> int:
        self.calls += 1
        if self.calls > self.at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.write(descriptor, data)


@pytest.mark.parametrize("command", [TABLE, ("train", *TABLE[4:])], ids=["table", "digits"])
def test_a_disk_that_is_full_at_any_write(
    capsys: pytest.CaptureFixture[str], command: tuple[Any, ...]
) -> None:
    """The run says so, and goes on to the same end once there is room again."""
    with pytest.MonkeyPatch.context() as patch:
        disk = FullDisk(patch, at=10**9)
        run(*command, "--run", "whole")
    whole = contents(Path("whole"))
    assert disk.calls >= 9  # config, checkpoint twice, history, model, report
    steps = range(disk.calls) if command is TABLE else (1, disk.calls - 1)
    for at in steps:
        folder = Path(f"r {at}")
        with pytest.MonkeyPatch.context() as patch:
            FullDisk(patch, at)
            text = error_of(capsys, *command, "--run", folder)
        assert "No space left on device" in text and f"{folder}/" in text
        if at == 0:  # not even the config could be written: there is no run
            assert not folder.exists() and "resume" not in text
            continue
        assert f"go on with: surefoot resume 'r {at}'" in text
        assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
        run("resume", folder, "--quiet")
        assert contents(folder) == whole


def test_a_prediction_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    run(*TABLE, "--run", "r")
    Path("out.csv").write_text("as it was")
    with pytest.MonkeyPatch.context() as patch:
        FullDisk(patch, at=0)
        text = error_of(capsys, "predict", "r", "t.csv", "--output", "out.csv")
    assert text == "surefoot: error: out.csv: No space left on device\n"
    assert Path("out.csv").read_text() == "as it was"
    assert "there is no folder no" in error_of(
        capsys, "predict", "r", "t.csv", "--output", "no/out.csv"
    )


@pytest.mark.parametrize("place", ["report_page", "_print_head", "save_model"])
def test_ctrl_c_outside_of_the_loop(
    capsys: pytest.CaptureFixture[str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*TABLE, "--run", "whole")

    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, place, interrupted)
        loud = [word for word in TABLE if word != "--quiet"]
        run(*loud, "--run", "r", code=130)
    assert capsys.readouterr().err == "surefoot: interrupted; go on with: surefoot resume r\n"
    run("resume", "r", "--quiet")
    assert contents(Path("r")) == contents(Path("whole"))


def test_a_run_that_was_killed_early_has_no_model_yet(capsys: pytest.CaptureFixture[str]) -> None:
    run(*TABLE, "--run", "r")
    for name in ("model.safetensors", "checkpoint.safetensors"):
        Path("r", name).unlink()
    for command in (("predict", "r", "t.csv"), ("evaluate", "r"), ("info", "r")):
        assert "r has no model yet; go on with: surefoot resume r" in error_of(capsys, *command)
    run("resume", "r", "--quiet")
    run("evaluate", "r")


def test_a_run_that_diverged_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = error_of(capsys, *TABLE, "--lr", "1e30")
    assert "training diverged" in text and "take a smaller --lr" in text
    assert os.listdir() == ["t.csv"]
