"""The surefoot command: the main job, its options, its errors, its exit codes."""

import csv
import importlib.util
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.cli import main
from surefoot.data import digits
from surefoot.model_file import load_model, save_model

COMMAND = [sys.executable, "-m", "surefoot.cli"]
# The package under test, whatever folder the command runs in.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(sf.__file__).parents[1]),
    "PYTHONUNBUFFERED": "1",
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go to runs/ where the command is called; pictures, which take long, are left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Output and model file of `surefoot train` as a user runs it."""
    folder = tmp_path_factory.mktemp("run")
    done = subprocess.run(
        [*COMMAND, "train"],
        cwd=folder,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stderr == ""
    return done.stdout, folder / "runs" / "digits-1" / "model.safetensors"


def test_train_shows_what_it_does(trained: tuple[str, Path]) -> None:
    text, path = trained
    assert "1257 to train" in text or "1258 to train" in text
    for word in ("Standardize", "Linear", "(N, 256)", "parameters: 19,210"):
        assert word in text
    epochs = re.findall(
        r"^epoch +(\d+)/200  loss \S+  accuracy \S+  val_loss \S+  val_accuracy \S+ ", text, re.M
    )
    assert epochs == [str(n) for n in range(1, len(epochs) + 1)] and len(epochs) > 20
    best = re.search(r"^best epoch: (\d+) of (\d+) ", text, re.M)
    assert best is not None and best[2] == str(len(epochs))
    again = re.search(r"^refit: (\d+) epochs on 15(27|28) rows$", text, re.M)
    assert again is not None and int(again[1]) == max(int(best[1]), 21)  # 1000 steps at least
    assert "model saved: runs/digits-1/model.safetensors" in text
    assert "report: runs/digits-1/report.html" in text
    assert {file.name for file in path.parent.iterdir()} == {
        *("config.json", "history.jsonl", "checkpoint.safetensors", "model.safetensors"),
        "report.html",
    }


def test_the_report_of_the_digits(trained: tuple[str, Path]) -> None:
    page = (trained[1].parent / "report.html").read_text(encoding="utf-8")
    with_pictures = importlib.util.find_spec("matplotlib") is not None
    assert page.count("data:image/png;base64,") == (2 if with_pictures else 0)
    for words in ("classification of digit in digits", "actual \\ predicted", "(N, 256)"):
        assert words in page
    assert "<h2>Columns</h2>" not in page and "refit)" in page


def test_a_report_without_matplotlib_says_how_to_get_pictures() -> None:
    assert main(quick("--quiet", "--run", "r")) == 0
    page = Path("r", "report.html").read_text(encoding="utf-8")
    assert "pip install &#x27;surefoot[plot]&#x27;" in page and "val_loss" in page
    assert "data:image" not in page


def test_the_held_out_digits_score_as_the_training_said(
    trained: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = [line for line in trained[0].splitlines() if line.startswith("test ")]
    assert len(said) == 3
    for model in (trained[1], trained[1].parent):
        assert main(["evaluate", str(model)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("digits, held out for test: 2")
        assert lines[1:4] == said and lines[4].startswith("0: ") and len(lines) == 14


def test_evaluate_takes_csv_and_npz(
    trained: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = digits()
    rows = images[:200].reshape(200, 64)
    np.savez("more.npz", x=images[:200], y=labels[:200])
    names = [*(f"pixel{i}" for i in range(64)), "digit"]
    table = np.column_stack([rows, labels[:200]])
    for file, header in (("more.csv", names), ("scans.csv", [*names[:64], "label"])):
        np.savetxt(file, table, "%d", delimiter=",", header=",".join(header), comments="")
    model, found = str(trained[1]), []
    for extra in (["more.npz"], ["more.csv"], ["scans.csv", "--target", "label"]):
        assert main(["evaluate", model, *extra]) == 0
        first, *rest = capsys.readouterr().out.splitlines()
        assert first == f"{extra[0]}: 200 rows, classification of digit"
        found.append(rest)
    assert found[0] == found[1] == found[2]
    net, _ = load_model(trained[1])
    hits = net.eval()(sf.tensor(rows.astype(np.float32))).argmax(dim=1).numpy() == labels[:200]
    assert found[0][0] == f"test accuracy: {hits.mean():.3f}"
    assert "'digit'" in error_of(capsys, "evaluate", model, "scans.csv")
    np.savez("odd.npz", x=images[:3], y=np.array([1, 10, 2]))
    text = error_of(capsys, "evaluate", model, "odd.npz")
    assert "row 2: the target 10 is none of the model's classes: 0, 1, 2" in text
    np.savez("bare.npz", images=images[:3])
    assert "no array 'x'" in error_of(capsys, "evaluate", model, "bare.npz")
    assert "ends in .npz or .csv" in error_of(capsys, "evaluate", model, "more.npy")
    Path("alone.safetensors").write_bytes(trained[1].read_bytes())
    assert "DATA" in error_of(capsys, "evaluate", "alone.safetensors")
    assert main(quick("--quiet", "--test-share", "0", "--validation-share", "0", "--run", "r")) == 0
    capsys.readouterr()
    assert "held no rows out" in error_of(capsys, "evaluate", "r")


def test_a_model_of_numbers_predicts_and_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    net = nn.Sequential(nn.Linear(2, 1))
    save_model(net, "line.safetensors")
    x = np.array([[1.0, 2.0], [3.0, 5.0], [0.5, 0.25]], dtype=np.float32)
    expected = net(sf.tensor(x)).detach().numpy()[:, 0]
    np.savez("rows.npz", x=x, y=expected + np.array([0.5, -0.5, 0.5], np.float32))
    assert main(["predict", "line.safetensors", "rows.npz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    np.testing.assert_allclose(np.array(lines, dtype=float), expected, rtol=1e-6)
    assert main(["evaluate", "line.safetensors", "rows.npz"]) == 0
    text = capsys.readouterr().out
    assert "rows.npz: 3 rows, regression\n" in text
    assert "test RMSE: 0.500\n" in text and "test MAE: 0.500\n" in text
    assert "predicts a number" in error_of(
        capsys, "predict", "line.safetensors", "rows.npz", "--probabilities"
    )


def test_predict_quotes_names_and_takes_images() -> None:
    net = nn.models.LeNet(1, 2, image_size=12)
    save_model(net, "m.safetensors", {"classes": ["no, never", "yes"]})
    np.save("x.npy", np.random.default_rng(0).normal(size=(5, 1, 12, 12)))
    assert main(["predict", "m.safetensors", "x.npy", "--output", "out.csv"]) == 0
    names = [row[0] for row in csv.reader(Path("out.csv").read_text().splitlines())]
    x = sf.tensor(np.load("x.npy").astype(np.float32))
    expected = net.eval()(x).argmax(dim=1).tolist()
    assert names == [("no, never", "yes")[i] for i in expected]


def test_train_reaches_the_promised_accuracy(trained: tuple[str, Path]) -> None:
    match = re.search(r"^test accuracy: (\d\.\d{3})$", trained[0], re.M)
    assert match is not None
    assert float(match[1]) >= 0.97


def test_the_saved_model_says_what_it_is(trained: tuple[str, Path]) -> None:
    model, info = load_model(trained[1])
    assert [type(layer).__name__ for layer in model] == [
        *("Standardize", "Linear", "ReLU", "Dropout", "Linear")
    ]
    assert info["classes"] == list(range(10)) and info["scores"]["test"]["accuracy"] >= 0.97


def saved_images(folder: Path, name: str, rows: Any) -> Path:
    path = folder / name
    if path.suffix == ".npy":
        np.save(path, rows)
    else:
        np.savetxt(path, rows.reshape(len(rows), -1), delimiter=",", fmt="%g")
    return path


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
def test_predict_prints_a_class_per_row(
    trained: tuple[str, Path], tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = digits()
    path = saved_images(tmp_path, name, images)
    assert main(["predict", str(trained[1]), str(path)]) == 0
    found = np.array([int(line) for line in capsys.readouterr().out.splitlines()])
    assert (found == labels).mean() > 0.98


def test_predict_takes_rows_images_single_images_and_headers(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, _ = digits()
    header = ",".join(f"pixel{i}" for i in range(64))
    np.savetxt(
        tmp_path / "header.csv",
        images[:3].reshape(3, 64),
        delimiter=",",
        header=header,
        comments="",
    )
    paths = [
        (tmp_path / "header.csv", 3),
        (saved_images(tmp_path, "images.npy", images[:3]), 3),
        (saved_images(tmp_path, "rows.npy", images[:3].reshape(3, 64)), 3),
        (saved_images(tmp_path, "floats.npy", images[:3].astype(">f8")), 3),
        (saved_images(tmp_path, "one.npy", images[0]), 1),
        (saved_images(tmp_path, "flat.npy", images[0].ravel()), 1),
    ]
    first = []
    for path, count in paths:
        assert main(["predict", str(trained[1]), str(path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == count
        first.append(lines[0])
    assert set(first) == {first[0]}


def test_predict_writes_probabilities_to_a_file(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved_images(tmp_path, "x.npy", digits()[0][:5])
    out = tmp_path / "out.csv"
    options = ["--probabilities", "--output", str(out)]
    assert main(["predict", str(trained[1]), str(path), *options]) == 0
    assert capsys.readouterr().out == ""
    table = np.loadtxt(out, delimiter=",")
    assert table.shape == (5, 11)
    np.testing.assert_allclose(table[:, 1:].sum(1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(table[:, 1:].argmax(1), table[:, 0])


def error_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """Run a command that must fail with exit code 2 and one line; return that line."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("surefoot: error: ")
    return captured.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.npy", np.zeros((2, 65)), ["rows have 65 values", "needs 64", "x.npy"]),
        ("x.npy", np.zeros((2, 8, 9)), ["rows have 72 values", "(2, 8, 9)", "needs 64"]),
        ("x.npy", np.float64(3), ["array of numbers"]),
        ("x.npy", np.array(["a", "b"]), ["array of numbers"]),
        ("x.npy", np.full((3, 64), np.nan), ["row 1", "not a finite number"]),
        ("x.npy", np.full((3, 64), 1e300), ["row 1", "not a finite number"]),
        ("x.npy", np.zeros((0, 64)), ["no rows"]),
        ("x.npy", b"\x93NUMPY nonsense", ["not a usable .npy file"]),
        ("x.npy", b"", ["not a usable .npy file"]),
        ("x.csv", b"1,2,3\n", ["rows have 3 values", "needs 64"]),
        ("x.csv", b"1,2\n3\n", ["1 cells in line 2", "expected 2 as in the first line"]),
        ("x.csv", b"1,2\n3,four\n", ["'four' in line 2, column 2", "a finite number"]),
        ("x.csv", b"1,2\n3,inf\n", ["'inf' in line 2, column 2", "a finite number"]),
        ("x.csv", b"a,b\n3,nan\n", ["'nan' in line 2, column 2 (b)", "a finite number"]),
        ("x.csv", b"", ["an empty file"]),
        ("x.csv", b"a,b\n", ["no rows"]),
        ("x.csv", b"\xff\xfe\x00", ["not UTF-8"]),
        ("x.csv.gz", b"\x1f\x8bnonsense", ["a damaged gzip file"]),
        ("x.txt", b"1", [".npy, .npz or .csv"]),
    ],
)
def test_predict_names_what_is_wrong_with_the_input(
    trained: tuple[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: Any,
    words: list[str],
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    text = error_of(capsys, "predict", trained[1], path)
    for word in [*words, str(path)]:
        assert word in text


class Trap:
    """Unpickled, this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_predict_runs_no_code_from_its_files(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    np.save(tmp_path / "x.npy", np.array([Trap(ran)], dtype=object), allow_pickle=True)
    (tmp_path / "y.npy").write_bytes(pickle.dumps(Trap(ran)))
    (tmp_path / "m.safetensors").write_bytes(pickle.dumps(Trap(ran)))
    for name in ("x.npy", "y.npy"):
        assert "not a usable .npy file" in error_of(capsys, "predict", trained[1], tmp_path / name)
    text = error_of(capsys, "predict", tmp_path / "m.safetensors", tmp_path / "x.npy")
    assert "not a usable safetensors file" in text
    assert not ran.exists()


def test_predict_names_what_is_wrong_with_the_model(
    trained: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = saved_images(tmp_path, "x.npy", digits()[0][:2])
    short = tmp_path / "short.safetensors"
    short.write_bytes(trained[1].read_bytes()[:5000])
    assert "short.safetensors is not a usable" in error_of(capsys, "predict", short, rows)
    sf.save({"w": sf.zeros(2)}, tmp_path / "bare.safetensors")
    text = error_of(capsys, "predict", tmp_path / "bare.safetensors", rows)
    assert "does not say which model" in text
    missing = tmp_path / "none.safetensors"
    assert f"{missing}: No such file" in error_of(capsys, "predict", missing, rows)
    assert "none.npy: No such file" in error_of(
        capsys, "predict", trained[1], tmp_path / "none.npy"
    )


def test_predict_refuses_layers_that_do_not_fit_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = saved_images(tmp_path, "x.npy", digits()[0][:2])
    odd = nn.Sequential(nn.Linear(64, 3), nn.Linear(4, 2))
    save_model(odd, tmp_path / "odd.safetensors")
    text = error_of(capsys, "predict", tmp_path / "odd.safetensors", rows)
    assert "its layers do not fit together" in text


def quick(*options: Any) -> list[str]:
    return ["train", "--epochs", "2", "--hidden", "16", *(str(option) for option in options)]


def test_train_options_and_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.safetensors"
    options = ["--quiet", "--batch-size", 64, "--lr", 0.01, "--seed", 3, "--output", path]
    options += ["--patience", 5, "--dropout", 0.1, "--class-weights", "balanced", "--refit"]
    assert main(quick(*options)) == 0
    assert re.fullmatch(r"test accuracy: 0\.\d{3}\n", capsys.readouterr().out)
    model, _ = load_model(path)
    assert tuple(model[1].weight.shape) == (16, 64)


def test_same_seed_same_file(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        assert main(quick("--quiet", "--seed", seed, "--output", path)) == 0
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other


def test_a_resumed_run_ends_in_the_same_folder(capsys: pytest.CaptureFixture[str]) -> None:
    whole, broken = Path("whole"), Path("broken")
    options = ["train", "--quiet", "--hidden", "16"]
    assert main([*options, "--epochs", "4", "--run", "whole"]) == 0
    assert main([*options, "--epochs", "2", "--run", "broken"]) == 0
    assert main(["resume", "broken", "--epochs", "4", "--quiet"]) == 0
    for file in whole.iterdir():
        assert (broken / file.name).read_bytes() == file.read_bytes(), file.name
    (broken / "checkpoint.safetensors").unlink()
    capsys.readouterr()
    assert main(["resume", "broken"]) == 0
    assert "begins anew" in capsys.readouterr().out
    assert (broken / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    config = (broken / "config.json").read_text()
    (broken / "config.json").write_text(config.replace("16", "8"))
    assert "! 1.weight: float32 (16, 64) in the file" in error_of(
        capsys, "resume", "broken", "--quiet"
    )
    (broken / "config.json").write_text(config)
    checkpoint = broken / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    assert "not a usable safetensors file" in error_of(capsys, "resume", "broken", "--quiet")


def test_same_file_for_any_number_of_threads(tmp_path: Path) -> None:
    files = []
    for threads in (1, 2, 3):
        sf.set_num_threads(threads)
        path = tmp_path / str(threads)
        # Layers wide enough to be worth several threads.
        wide = ["--hidden", "1000", "300", "--epochs", "1", "--batch-size", "200"]
        assert main(["train", *wide, "--quiet", "--output", str(path)]) == 0
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]


def test_avx2_and_avx512_give_the_same_file(tmp_path: Path) -> None:
    isas = [isa for isa in ("avx2", "avx512") if isa in sf._core._available_isas()]
    for isa in isas:
        environment = {**ENVIRONMENT, "SUREFOOT_ISA": isa}
        command = [*COMMAND, *quick("--quiet", "--output", isa)]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120)
    assert len({(tmp_path / isa).read_bytes() for isa in isas}) <= 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "."], "is a folder"),
        (["--output", "no/such/folder/x"], "there is no folder no/such/folder"),
        (["--lr", "1e30"], "training diverged"),
    ],
)
def test_train_refuses_with_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in error_of(capsys, *quick("--quiet", *options))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--epochs", "0"], "expected an integer above 0, not '0'"),
        (["train", "--batch-size", "1.5"], "expected an integer above 0, not '1.5'"),
        (["train", "--lr", "nan"], "expected a number above 0, not 'nan'"),
        (["train", "--lr", "fast"], "expected a number above 0, not 'fast'"),
        (["train", "--hidden", "-4"], "--hidden"),
        (["train", "--seed", "-1"], "--seed"),
        (["train", "--speed", "9"], "unrecognized arguments: --speed"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "COMMAND"),
        (["predict"], "MODEL"),
    ],
)
def test_bad_arguments_exit_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_info_prints_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert sf.__version__ in text
    assert re.search(r"threads +\d+", text)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m surefoot.cli train --epochs 50 --hidden 4 | head -n 1'
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        check=True,
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[1] in ("1", "141")  # rich or main noticed it first


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_never_came_costs_the_output_only(unbuffered: str) -> None:
    command = f'"{sys.executable}" -m surefoot.cli {" ".join(quick("--quiet", "--run", "r"))}'
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        check=True,
        env={**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("141\n", "")
    assert Path("r", "model.safetensors").exists() and Path("r", "report.html").exists()


def test_ctrl_c_saves_and_exits_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "train", "--epochs", "100000", "--patience", "100000"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch") and " 2/" in line:
                break
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == "surefoot: interrupted; go on with: surefoot resume runs/digits-1\n"
    assert "stopped: interrupted" in out and "test accuracy: " in out
    folder = tmp_path / "runs" / "digits-1"
    assert load_model(folder / "model.safetensors")[1]["classes"] == list(range(10))
    epochs = len((folder / "history.jsonl").read_text().splitlines())
    assert main(["resume", str(folder), "--epochs", str(epochs + 2), "--quiet"]) == 0
    assert len((folder / "history.jsonl").read_text().splitlines()) == epochs + 2
