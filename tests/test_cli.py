"""The surefoot command: the main job, its options, its errors, its exit codes."""

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
    return done.stdout, folder / "digits.safetensors"


def test_train_shows_what_it_does(trained: tuple[str, Path]) -> None:
    text, path = trained
    assert "1257 to train" in text or "1258 to train" in text
    for word in ("Standardize", "Linear", "(N, 256)", "parameters: 19,210"):
        assert word in text
    epochs = re.findall(
        r"^epoch +(\d+)/30  loss \S+  accuracy \S+  val_loss \S+  val_accuracy \S+ ", text, re.M
    )
    assert epochs == [str(n) for n in range(1, 31)]
    assert "model saved: digits.safetensors" in text
    assert path.is_file()


def test_train_reaches_the_promised_accuracy(trained: tuple[str, Path]) -> None:
    match = re.search(r"^test accuracy: (\d\.\d{3})$", trained[0], re.M)
    assert match is not None
    assert float(match[1]) >= 0.97


def test_the_saved_model_says_what_it_is(trained: tuple[str, Path]) -> None:
    model, info = load_model(trained[1])
    assert [type(layer).__name__ for layer in model] == [
        *("Standardize", "Linear", "ReLU", "Dropout", "Linear")
    ]
    assert info["classes"] == list(range(10)) and info["test_accuracy"] >= 0.97


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
        ("x.csv", b"1,2\n3\n", ["line 2", "1 values", "2"]),
        ("x.csv", b"1,2\n3,four\n", ["line 2", "'four' is not a number"]),
        ("x.csv", b"", ["no rows"]),
        ("x.csv", b"a,b\n", ["no rows"]),
        ("x.csv", b"\xff\xfe\x00", ["not a text file"]),
        ("x.txt", b"1", [".npy or .csv"]),
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


def test_a_resumed_run_ends_in_the_same_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, broken, run = (tmp_path / name for name in ("whole", "broken", "run"))
    options = ["train", "--quiet", "--hidden", "16"]
    assert main([*options, "--epochs", "4", "--output", str(whole)]) == 0
    saving = [*options, "--output", str(broken), "--checkpoint", str(run)]
    assert main([*saving, "--epochs", "2"]) == 0
    assert main([*saving, "--epochs", "4", "--resume"]) == 0
    assert broken.read_bytes() == whole.read_bytes()
    capsys.readouterr()
    assert "--resume needs --checkpoint" in error_of(capsys, *options, "--resume")
    missing = ["--checkpoint", str(tmp_path / "none"), "--resume"]
    assert "there is no checkpoint" in error_of(capsys, *options, *missing)
    wider = ["train", "--hidden", "8", "--checkpoint", str(run), "--resume", "--quiet"]
    assert "! 1.weight: float32 (16, 64) in the file" in error_of(capsys, *wider)
    assert "is a folder" in error_of(capsys, *options, "--checkpoint", str(tmp_path))
    run.write_bytes(run.read_bytes()[:-1])
    assert "not a usable safetensors file" in error_of(capsys, *saving, "--resume")


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


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["info"]])
def test_help_has_examples(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: surefoot")
    assert command == ["info"] or "examples:" in text


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


def test_ctrl_c_saves_and_exits_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "train", "--epochs", "100000", "--output", "m.safetensors"],
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
    assert err == ""
    assert "stopped: interrupted" in out and "test accuracy: " in out
    assert load_model(tmp_path / "m.safetensors")[1]["classes"] == list(range(10))
