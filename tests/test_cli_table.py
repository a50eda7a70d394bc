"""The surefoot command on tables: train, predict, evaluate, resume, lr-find, info, --config."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, train
from surefoot.cli import main
from surefoot.data import TableEncoder, read_table
from surefoot.model_file import load_model, save_model
from surefoot.train import History

pd = pytest.importorskip("pandas")

FILES = {"config.json", "history.jsonl", "checkpoint.safetensors", "model.safetensors"}
FILES |= {"report.html"}


def frame(n: int = 240, seed: int = 0) -> Any:
    """Numbers with gaps, a category that matters, one that does not, two targets."""
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(2, n))
    town = generator.choice(["Ulm", "Jena", "Rom"], n)
    lift = np.select([town == "Ulm", town == "Jena"], [2.0, -2.0], 0.0)
    price = 3 * a - b + lift + 0.1 * generator.normal(size=n)
    return pd.DataFrame(
        {
            "a": np.where(generator.random(n) < 0.1, np.nan, a),
            "b": b,
            "town": town,
            "fixed": 1,
            "who": np.arange(n) // 4,
            "price": price + 100.0,
            "dear": np.where(price > 0, "yes", "no, cheap"),
        }
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and two runs on it, one per task."""
    folder = tmp_path_factory.mktemp("tables")
    frame().to_csv(folder / "t.csv", index=False)
    frame(60, seed=1).drop(columns=["fixed", "who"]).to_csv(folder / "new.csv", index=False)
    options = ["--quiet", "--epochs", "30"]
    for target, other in (("dear", "price"), ("price", "dear")):
        command = ["train", str(folder / "t.csv"), "--target", target, "--drop", other, "who"]
        assert main([*command, *options, "--run", str(folder / target)]) == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: Any, code: int = 0) -> str:
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out


def error_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_a_run_says_what_it_does_and_leaves_a_folder(
    tables: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", tables / "t.csv", "--target", "dear", "--drop", "price", "--group", "who"]
    for number in (1, 2):
        text = run(capsys, *command, "--epochs", 3, "--output", "m.safetensors")
        assert f"report: runs/t-{number}/report.html" in text.replace("\\", "/")
        assert {path.name for path in Path("runs", f"t-{number}").iterdir()} == FILES
    assert "classification of dear, 2 classes; 3 columns as 6 numbers" in text
    assert "column 'fixed' is constant in the training rows: left out" in text
    assert re.search(r"^test accuracy: \d\.\d{3}$", text, re.M)
    assert "rows: 168 training, 36 validation, 36 test" in text
    assert Path("m.safetensors").read_bytes() == Path("runs/t-2/model.safetensors").read_bytes()
    first = {name: Path("runs/t-1", name).read_bytes() for name in FILES}
    again = {name: Path("runs/t-2", name).read_bytes() for name in FILES}
    assert first == again  # same seed, same bytes
    history = History.from_jsonl("runs/t-1/history.jsonl")
    assert history["epoch"] == [1, 2, 3] and "val_accuracy" in history


@pytest.mark.parametrize(
    ("target", "name", "least"), [("dear", "accuracy", 0.85), ("price", "R2", 0.8)]
)
def test_what_was_learned_holds_on_new_rows(
    tables: Path, capsys: pytest.CaptureFixture[str], target: str, name: str, least: float
) -> None:
    text = run(capsys, "evaluate", tables / target, tables / "new.csv")
    found = re.search(rf"^test {name}: (\S+)$", text, re.M)
    assert found is not None and float(found[1]) > least
    lines = run(capsys, "predict", tables / target, tables / "new.csv").splitlines()
    actual = pd.read_csv(tables / "new.csv")[target]
    if target == "dear":
        names = [line.strip('"') for line in lines]
        assert np.mean(names == actual) == pytest.approx(float(found[1]), abs=6e-4)
        assert "yes: " in text and "recall" in text
    else:
        errors = np.array(lines, dtype=float) - actual
        assert 1 - (errors**2).sum() / ((actual - actual.mean()) ** 2).sum() == pytest.approx(
            float(found[1]), abs=6e-4
        )


@pytest.mark.parametrize(("target", "words"), [("dear", "accuracy"), ("price", "RMSE")])
def test_evaluate_takes_a_single_row(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, words: str
) -> None:
    pd.read_csv(tables / "new.csv")[:1].to_csv(tmp_path / "one.csv", index=False)
    text = run(capsys, "evaluate", tables / target, tmp_path / "one.csv")
    assert "one.csv: 1 rows" in text and f"test {words}: " in text and "nan" not in text


def test_predict_takes_raw_rows(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tables / "dear" / "model.safetensors"
    path = tmp_path / "rows.csv"
    path.write_text("extra,town,b,a\n1,Ulm,0.5,\nx,Oslo,,2\n,,1,-3\n")  # gaps, order, new level
    text = run(capsys, "predict", model, path, "--probabilities")
    rows = [line.rsplit(",", 2) for line in text.splitlines()]
    assert len(rows) == 3 and all(abs(float(p) + float(q) - 1) < 1e-5 for _, p, q in rows)
    net, info = load_model(model)
    encoder = TableEncoder.from_json(info["table"])
    output = net.eval()(sf.tensor(encoder.inputs(encoder.read(path))))
    assert [row[0].strip('"') for row in rows] == encoder.decode(output)
    assert info["classes"] == ["no, cheap", "yes"]
    assert "--probabilities" in error_of(
        capsys, "predict", tables / "price", path, "--probabilities"
    )
    path.write_text("town,b\nUlm,1\n")
    assert "lacks 1 of the 3 columns that the model needs: 'a'" in error_of(
        capsys, "predict", model, path
    )
    path.write_text("town,b,a\nUlm,1,wide\n")
    assert "column 'a', row 1: found 'wide'" in error_of(capsys, "predict", model, path)
    path.write_text("town,b,a,dear\nUlm,1,2,perhaps\nUlm,1,2,yes\n")
    assert "'perhaps', which is none of the model's classes" in error_of(
        capsys, "evaluate", model, path
    )


def test_the_test_rows_teach_nothing(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other values in the late rows, which test, leave the model as it is."""
    early = frame().assign(day=np.arange(240)).drop(columns=["dear", "who"])
    late = early.copy()
    late.loc[204:, "a"] = 1e4
    late.loc[204:, "town"] = "Oslo"
    models = []
    for name, table in (("early", early), ("late", late)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        options = ["--time", "day", "--epochs", 3, "--run", tmp_path / name, "--quiet"]
        run(capsys, "train", tmp_path / f"{name}.csv", "--target", "price", *options)
        model, info = load_model(tmp_path / name / "model.safetensors")
        models.append((model.state_dict(), info["table"]))
    assert models[0][1] == models[1][1]
    for key, value in models[0][0].items():
        assert (value == models[1][0][key]).all()


def test_resume_ends_as_the_unbroken_run(
    tables: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["train", tables / "t.csv", "--target", "price", "--drop", "dear", "--quiet"]
    whole, broken = tmp_path / "whole", tmp_path / "broken {}"
    run(capsys, *command, "--epochs", 12, "--run", whole)
    run(capsys, *command, "--epochs", 7, "--run", broken)
    run(capsys, "resume", broken, "--epochs", 12, "--quiet")
    for name in ("model.safetensors", "history.jsonl", "config.json", "checkpoint.safetensors"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    (broken / "checkpoint.safetensors").unlink()
    assert "begins anew" in run(capsys, "resume", broken)
    assert (broken / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert "is no run folder" in error_of(capsys, "resume", tmp_path)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "sha256": "0"}))
    assert "t.csv has changed since the run began" in error_of(capsys, "resume", broken)
    (broken / "config.json").write_text("{}")
    assert "config.json is damaged" in error_of(capsys, "resume", broken)


@pytest.mark.parametrize("with_pictures", [True, False])
def test_the_report(
    tables: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    with_pictures: bool,
) -> None:
    if with_pictures:
        pytest.importorskip("matplotlib")
    else:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    strange = tmp_path / "<b>&.csv"
    strange.write_text((tables / "t.csv").read_text().replace("Rom", "<i>Rom"), encoding="utf-8")
    for target, other in (("dear", "price"), ("price", "dear")):
        options = ["--drop", other, "who", "--epochs", 2, "--quiet", "--run", tmp_path / target]
        run(capsys, "train", strange, "--target", target, *options)
        page = (tmp_path / target / "report.html").read_text(encoding="utf-8")
        assert page.count("data:image/png;base64,") == (2 if with_pictures else 0)
        assert "<b>" not in page and "<i>" not in page and "&lt;i&gt;Rom" in page
        assert "http" not in page
        words = ["recall", "actual \\ predicted"] if target == "dear" else ["RMSE", "quantile"]
        assert all(word in page for word in words)
        assert with_pictures or "val_loss" in page


def test_lr_find_and_info(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "lr-find", tables / "t.csv", "--target", "price", "--drop", "dear")
    assert re.match(r"lr \S+, between ", found)
    pd.DataFrame({"x": [0.0, 1.0] * 20, "y": ["a", "b", "b", "a"] * 10}).to_csv(
        tmp_path / "noise.csv", index=False
    )
    options = ["--target", "y", "--hidden", "--seed", 1]
    none = run(capsys, "lr-find", tmp_path / "noise.csv", *options, code=1)
    assert none.startswith("no rate: ")
    text = run(capsys, "info", tables / "price")
    for words in ("parameters", "target: price", "column town: category, 3 levels", "test R2: "):
        assert words in text
    assert "column a: number, gaps" in text and "note: column 'fixed' is constant" in text


def test_a_config_file_stands_for_options(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        f"table = '{tables / 't.csv'}'\ntarget = 'dear'\ndrop = ['price', 'who']\nhidden = [7]\n"
        "epochs = 2\nlearning-rate = 1\n"
    )
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    assert "no option is called 'learning-rate'" in error_of(capsys, "train", "--config", config)
    text = config.read_text().replace("learning-rate = 1", "class-weights = 'balanced'")
    config.write_text(text)
    with config.open("a") as stream:
        stream.write(f"run = '{tmp_path / 'a'}'\n")
    run(capsys, "train", "--config", config, "--epochs", 1, "--quiet")
    kept = json.loads((tmp_path / "a" / "config.json").read_text())
    assert (kept["epochs"], kept["hidden"], kept["class_weights"]) == (1, [7], "balanced")
    for line, words in [
        ("epochs = 0", "expected an integer above 0"),
        ("hidden = 5", "hidden is a list"),
        ("task = 'guess'", "is one of classification, regression"),
        ("quiet = 1", "is true or false"),
        ("lr = [1]", "is not expected here"),
        ("lr 1", "is not TOML"),
    ]:
        config.write_text(line)
        assert words in error_of(capsys, "train", "--config", config)
    assert "No such file" in error_of(capsys, "train", "--config", tmp_path / "none.toml")


def test_embedded_categories_come_back(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", tables / "t.csv", "--target", "price", "--drop", "dear", "who"]
    command += ["--category-encoding", "embed", "--epochs", 40]
    text = run(capsys, *command, "--run", tmp_path / "r")
    assert "3 columns as 3 numbers and 1 embedded" in text and "Embedding" in text
    found = re.search(r"^test R2: (\S+)$", text, re.M)
    assert found is not None and float(found[1]) > 0.8
    assert f"test R2: {found[1]}\n" in run(capsys, "evaluate", tmp_path / "r")
    assert "column town: category, 3 levels, embedded" in run(capsys, "info", tmp_path / "r")
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,town\n1,0.5,Oslo\n1,0.5,\n1,0.5,Ulm\n")
    oslo, gap, ulm = map(float, run(capsys, "predict", tmp_path / "r", rows).split())
    assert np.isfinite(oslo) and oslo == gap != ulm  # both unknown to training
    net, _ = load_model(tmp_path / "r" / "model.safetensors")
    assert type(net) is nn.models.TabularMLP
    run(capsys, *command, "--run", tmp_path / "broken", "--epochs", 12, "--quiet")
    run(capsys, "resume", tmp_path / "broken", "--epochs", 40, "--quiet")
    for name in ("model.safetensors", "history.jsonl"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "r" / name).read_bytes()


def test_parquet(
    tables: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    whole = pd.read_csv(tables / "t.csv").assign(town=lambda t: t["town"].astype("category"))
    whole.to_parquet("t.parquet")
    options = ["--target", "dear", "--drop", "price", "who", "--quiet", "--epochs", 30]
    run(capsys, "train", "t.parquet", *options, "--run", "p")
    kept = [load_model(path / "model.safetensors") for path in (Path("p"), tables / "dear")]
    assert kept[0][1]["table"] == kept[1][1]["table"]
    for name, value in kept[0][0].state_dict().items():
        assert (value == kept[1][0].state_dict()[name]).all()
    pd.read_csv(tables / "new.csv").to_parquet("new.parquet")
    for command in ("predict", "evaluate"):
        rows = [run(capsys, command, "p", path) for path in ("new.parquet", tables / "new.csv")]
        assert rows[0].splitlines()[1:] == rows[1].splitlines()[1:]
    Path("bad.parquet").write_bytes(Path("t.parquet").read_bytes()[:-9])
    assert "bad.parquet: found a file that cannot be read" in error_of(
        capsys, "predict", "p", "bad.parquet"
    )


def test_parquet_without_pyarrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    assert "parquet files need pyarrow: pip install 'surefoot[parquet]'" in error_of(
        capsys, "train", tmp_path / "t.parquet", "--target", "y"
    )


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", ["--target", "y"], "an empty file"),
        ("x,y\n1,a\n2,b\n", [], "which column of"),
        ("x,y\n1,a\n2,b\n", ["--target", "z"], "no column 'z'; there is x, y"),
        ("x,price\n1,a\n2,b\n", ["--target", "prise"], "did you mean 'price'"),
        ("x,y\n1,a\n2,a\n", ["--target", "y"], "'a' in all 2 rows"),
        ("x,y\n1,a\n2,\n3,b\n", ["--target", "y"], "leave them out with --drop-missing-target"),
        ("x,y\n1,\n2,\n", ["--target", "y"], "no value in any row of the target"),
        ("x,y\n,a\n,b\n", ["--target", "y"], "no value in any column of inputs"),
        ("x,y\n" + "1,a\n1,b\n" * 9, ["--target", "y"], "is constant or empty: 'x'"),
        ("x,y\n1,a\n2,b\n", ["--target", "y"], "too few for a validation part"),
        ("x,y\n1,a\n2,b\n", ["--target", "y", "--test-share", "0.9"], "leave no rows"),
        (
            "x,y\n" + "1,.5\n2,1.5\n" * 9,
            ["--target", "y", "--class-weights", "balanced"],
            "goes with",
        ),
        (
            "x,t,y\n" + "1,1,a\n" * 9 + "2,2,b\n" * 2 + "3,3,b\n",
            ["--target", "y", "--time", "t"],
            "the class 'a' alone",
        ),
    ],
)
def test_bad_tables_end_with_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    assert words in error_of(capsys, "train", "t.csv", *options)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]  # nothing half done


def test_other_bad_input(
    tables: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tables / "t.csv"
    assert "there is no such file" in error_of(capsys, "train", tmp_path / "n.csv", "--target", "y")
    assert "--target needs a table" in error_of(capsys, "train", "--target", "y")
    assert "is there already" in error_of(
        capsys, "train", table, "--target", "price", "--run", tables / "dear"
    )
    save_model(nn.models.MLP(2, [], 2), tmp_path / "bare.safetensors")
    assert "no column 'target'" in error_of(
        capsys, "evaluate", tmp_path / "bare.safetensors", table
    )
    save_model(nn.models.MLP(2, [], 2), tmp_path / "odd.safetensors", {"table": {"task": 1}})
    assert "describes no table" in error_of(capsys, "predict", tmp_path / "odd.safetensors", table)
    far = tmp_path / "far.csv"
    far.write_text("x,y\n" + "".join(f"{i},{i * 1.5}\n" for i in range(40)))
    options = ["--target", "y", "--lr", "1e30", "--quiet", "--run", tmp_path / "far"]
    assert "training diverged" in error_of(capsys, "train", far, *options)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "pip install 'surefoot[table]'" in error_of(capsys, "train", table, "--target", "price")


def test_ctrl_c_leaves_a_run_to_go_on_with(
    tables: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["train", tables / "t.csv", "--target", "price", "--drop", "dear", "--quiet"]
    run(capsys, *command, "--epochs", 6, "--run", tmp_path / "whole")

    class EarlyStopping(train.EarlyStopping):
        def on_batch_end(self, trainer: Any) -> None:
            if trainer.state.step == 20:
                trainer.stop("interrupted")  # what Ctrl-C calls

    with monkeypatch.context() as patch:
        patch.setattr("surefoot.cli.training.EarlyStopping", EarlyStopping)
        run(capsys, *command, "--epochs", 6, "--run", tmp_path / "broken", code=130)
    assert (tmp_path / "broken" / "model.safetensors").exists()
    run(capsys, "resume", tmp_path / "broken", "--quiet")
    for name in ("model.safetensors", "history.jsonl"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_final_network_learns_the_validation_rows_too(
    tables: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["train", tables / "t.csv", "--target", "price", "--drop", "dear", "who", "--quiet"]
    command += ["--epochs", 6]
    seen: list[tuple[int, int]] = []
    fit = train.Trainer.fit

    def watched(self: Any, rows: Any, *rest: Any, **options: Any) -> Any:
        seen.append((len(rows), options["epochs"]))
        return fit(self, rows, *rest, **options)

    monkeypatch.setattr(train.Trainer, "fit", watched)
    run(capsys, *command, "--run", tmp_path / "again")
    best = History.from_jsonl(tmp_path / "again" / "history.jsonl").best_epoch() + 1
    assert seen == [(168, 6), (204, best)]
    run(capsys, *command, "--run", tmp_path / "once", "--no-refit")
    assert len(seen) == 3
    kept = [load_model(tmp_path / name / "model.safetensors")[1] for name in ("again", "once")]
    assert kept[0]["scores"]["validation"] == kept[1]["scores"]["validation"]
    assert kept[0]["scores"]["test"] != kept[1]["scores"]["test"]
    held_out = run(capsys, "evaluate", tmp_path / "again")
    assert held_out.startswith(f"{tables / 't.csv'}, held out for test: 36 rows, regression of")
    for name, value in kept[0]["scores"]["test"].items():
        assert f"test {name}: {value:.3f}\n" in held_out
    text = run(capsys, "evaluate", tmp_path / "again", tables / "t.csv")
    assert text != run(capsys, "evaluate", tmp_path / "once", tables / "t.csv")
    config = tmp_path / "run.toml"
    config.write_text("refit = false")
    run(capsys, *command, "--config", config, "--run", tmp_path / "file")
    assert (tmp_path / "file" / "model.safetensors").read_bytes() == (
        tmp_path / "once" / "model.safetensors"
    ).read_bytes()


def test_the_stored_encoder_is_that_of_the_training_rows(tables: Path) -> None:
    info = load_model(tables / "price" / "model.safetensors")[1]
    table = read_table(tables / "t.csv", "price", drop=["dear", "who"])
    training = table.split((0.7, 0.15, 0.15), seed=0)[0]
    assert info["table"] == json.loads(json.dumps(TableEncoder("auto").fit(training).to_json()))


def test_f1_counts_a_class_that_is_only_predicted() -> None:
    """As train.F1 and scikit-learn: (1 + 2/3 + 0) / 3."""
    from surefoot.cli.scores import table_scores

    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": ["a", "b", "c", "a"]})
    encoder = TableEncoder().fit(read_table(frame, target="y"))
    table = read_table(frame.assign(y=["a", "b", "b", "a"]), target="y")
    found = table_scores(encoder, sf.tensor(np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]), table)
    assert found.values["F1"] == pytest.approx(5 / 9)
    assert [row[:2] for row in found.by_class] == [("a", 2), ("b", 2), ("c", 0)]
    np.testing.assert_allclose(
        [row[2:] for row in found.by_class], [(1, 1, 1), (1, 0.5, 2 / 3), (0, 0, 0)]
    )
