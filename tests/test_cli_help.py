"""The help of every command: what it says, and that its examples run as they stand."""

import argparse
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surefoot import __version__
from surefoot.cli import build_parser, main
from surefoot.data import digits

pd = pytest.importorskip("pandas")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The command itself, under '', and its sub-commands."""
    whole = build_parser()
    (commands,) = [a for a in whole._actions if isinstance(a, argparse._SubParsersAction)]
    return {"": whole, **commands.choices}


def examples(name: str) -> list[str]:
    text = parsers()[name].epilog or ""
    return [line.split("#")[0].strip() for line in re.findall(r"^  (surefoot.*)$", text, re.M)]


EXAMPLES = [(name, line) for name in parsers() for line in examples(name)]


def rows(n: int) -> Any:
    rng = np.random.default_rng(n)
    frame = pd.DataFrame({"id": np.arange(n), "size": rng.uniform(40, 200, n)})
    frame["town"] = rng.choice(["Ulm", "Jena"], n)
    return frame.assign(price=2.5 * frame["size"] + rng.normal(0, 5, n))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the examples name."""
    folder = tmp_path_factory.mktemp("help")
    for name, size in (("houses", 120), ("new", 5), ("more", 20)):
        rows(size).to_csv(folder / f"{name}.csv", index=False)
    rng, images, labels = np.random.default_rng(0), *digits()
    age, patient = rng.uniform(20, 80, 90), np.arange(90) // 3
    visits = {"patient": patient, "age": age, "ill": np.where(age > 50, "yes", "no")}
    pd.DataFrame(visits).to_csv(folder / "visits.csv", index=False)
    load = {"day": pd.date_range("2024-01-01", periods=90), "heat": age, "load": 100 - age}
    pd.DataFrame(load).to_csv(folder / "load.csv", index=False)
    np.save(folder / "images.npy", images[:4])
    flat = images[:30].reshape(30, 64)
    np.savetxt(folder / "rows.csv", flat, "%d", delimiter=",")
    np.savez(folder / "more.npz", x=images[:30], y=labels[:30])
    pd.DataFrame(flat).assign(label=labels[:30]).to_csv(folder / "scans.csv", index=False)
    toml = re.findall(r"^  (\w+ = .*)$", parsers()["train"].epilog or "", re.M)
    (folder / "run.toml").write_text("\n".join(toml))
    (folder / "best.toml").write_text("lr = 0.002\nhidden = [20]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(sys.modules, "matplotlib.figure", None)
        quick = ["--epochs", "2", "--quiet"]
        assert main(["train", *quick]) == 0
        assert main(["train", "houses.csv", "--target", "price", *quick]) == 0
    return folder


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_examples_run(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    line: str,
) -> None:
    """As written, but for fewer epochs and trials."""
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # pictures take long
    if " tune" in line:
        pytest.importorskip("optuna")
    if "--config" in line:
        try:
            import tomllib  # noqa: F401
        except ImportError:
            pytest.importorskip("tomli")
    command = shlex.split(line)[1:]
    less = {"train": ["--epochs", "2"], "resume": ["--epochs", "3"]}
    less["tune"] = ["--epochs", "2", "--trials", "2"]
    code = main([*command, *less.get(command[0], [])])
    captured = capsys.readouterr()
    assert code == 0 or (code == 1 and command[0] == "lr-find"), captured.err
    assert captured.err == ""
    assert captured.out or "--output" in command


@pytest.mark.parametrize("name", list(parsers()))
def test_help_reads_well(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*name.split(), "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: surefoot")
    assert "examples:" in text and examples(name)
    assert "``" not in text and "%%" not in text and "%(" not in text
    parser = parsers()[name]
    for action in parser._actions:
        assert action.help, f"{name} {action.dest} says nothing"
    described = (parser.description or "").splitlines()
    assert described and max(map(len, described)) < 80


def test_every_command_has_an_example_of_its_own() -> None:
    for name in parsers():
        assert not name or any(line.split()[1] == name for line in examples(name)), name


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"surefoot {__version__}\n"
