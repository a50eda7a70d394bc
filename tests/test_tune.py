"""Search for hyper-parameters: methods, storage, workers, pruning, failures and bad input."""

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim, tune
from surefoot.data import digits
from surefoot.train import NonFiniteLossError, Trainer

SPACE = {
    "x": tune.Uniform(-5, 5, points=3),
    "n": tune.Int(-4, 4, step=4),
    "kind": ["a", "b"],
    "lr": tune.LogUniform(1e-4, 1.0, points=2),
}


def bowl(trial):
    """Least, 0, at x = 1.5, n = 0, kind = "b", lr = 0.01."""
    off = (trial["x"] - 1.5) ** 2 + trial["n"] ** 2 + math.log10(trial["lr"] / 0.01) ** 2
    return off + (trial["kind"] == "a")


def search(objective=bowl, space=SPACE, **options):
    return tune.search(objective, space, **{"progress": False, "seed": 0, **options})


def params(result):
    return [trial.params for trial in result.trials]


# The best of 60 random trials is 1.2 in the median of seeds.
@pytest.mark.parametrize(
    ("method", "trials", "bound"),
    [("random", 60, 4.0), ("tpe", 60, 0.5), ("gp", 25, 0.05), ("genetic", 60, 0.5)],
)
def test_methods_find_the_bottom_of_a_bowl(method, trials, bound):
    result = search(method=method, trials=trials)
    assert len(result.trials) == trials
    assert result.best_value == bowl(result.best_params) < bound
    assert result.best_value == min(trial.value for trial in result.trials)
    for trial in result.trials:
        assert -5 <= trial.params["x"] <= 5 and trial.params["n"] in (-4, 0, 4)
        assert 1e-4 <= trial.params["lr"] <= 1 and trial.params["kind"] in ("a", "b")


@pytest.mark.parametrize("method", ["tpe", "gp", "genetic"])
def test_maximize_is_minimize_of_the_negative(method):
    up = search(lambda trial: -bowl(trial), method=method, trials=14, direction="maximize")
    down = search(method=method, trials=14)
    assert up.best_value == -down.best_value
    assert params(up) == params(down)


def test_grid_is_the_product_in_order():
    result = search(method="grid")
    points = [
        {"x": x, "n": n, "kind": kind, "lr": lr}
        for x in (-5.0, 0.0, 5.0)
        for n in (-4, 0, 4)
        for kind in ("a", "b")
        for lr in (1e-4, 1.0)
    ]
    assert params(result) == points
    with pytest.raises(ValueError, match="36 points, not 10"):
        search(method="grid", trials=10)


def test_a_grid_is_covered_whatever_was_tried_before(tmp_path):
    space = {"n": tune.Int(0, 9)}
    options = {"space": space, "storage": tmp_path / "trials"}
    search(lambda p: p["n"], method="random", trials=4, **options)
    result = search(lambda p: p["n"], method="grid", **options)
    assert {trial.params["n"] for trial in result.trials} == set(range(10))


@pytest.mark.parametrize("method", ["random", "tpe", "gp", "genetic"])
def test_seed_repeats_also_in_parts(method, tmp_path):
    whole = search(method=method, trials=13)
    assert search(method=method, trials=13).trials[-1].value == whole.trials[-1].value
    for count in (3, 11, 13):
        part = search(method=method, trials=count, storage=tmp_path / "trials", seed=None)
        if count == 3:
            assert part.seed != 0  # drawn, and kept in the file
            whole = search(method=method, trials=13, seed=part.seed)
        assert len(part.trials) == count
    assert part.table == whole.table
    assert params(search(method=method, trials=3, seed=1)) != params(whole)[:3]


def test_every_trial_starts_with_the_same_random_numbers_and_leaves_none():
    sf.manual_seed(5)
    expected = sf.rand(1).item()
    sf.manual_seed(5)
    drawn = search(lambda trial: sf.rand(1).item(), method="random", trials=3, seed=7)
    assert sf.rand(1).item() == expected
    sf.manual_seed(7)
    assert {trial.value for trial in drawn.trials} == {sf.rand(1).item()}


def test_options_may_be_anything():
    space = {
        "layer": tune.Choice([nn.ReLU, nn.Tanh]),
        "sizes": [(8,), (8, 4)],
        "flag": [True, None],
    }
    result = search(lambda p: len(p["sizes"]) + (p["layer"] is nn.ReLU), space, method="grid")
    assert result.best_params == {"layer": nn.Tanh, "sizes": (8,), "flag": True}
    assert result.table[-1]["layer"] == "Tanh" and result.table[-1]["sizes"] == "(8, 4)"


def test_pruning_stops_a_poor_trial():
    def objective(trial):
        for step in range(1, 11):
            trial.report(trial["x"] ** 2 + 1 / step, step)
            if trial.should_prune():
                raise tune.TrialPruned
        return trial["x"] ** 2

    space = {"x": [0.0, 1.0, 2.0, 3.0, 0.5, 5.0, 4.0]}
    result = search(objective, space, method="grid", pruner="median")
    assert [trial.state for trial in result.trials] == ["complete"] * 5 + ["pruned"] * 2
    assert result.trials[5].curve == {1: 26.0} and result.trials[5].value == 26.0
    assert len(result.trials[4].curve) == 10 and result.best_params == {"x": 0.0}
    assert result.table[5]["steps"] == 1
    unpruned = search(objective, space, method="grid")
    assert {trial.state for trial in unpruned.trials} == {"complete"}
    for pruner in ("halving", "hyperband"):
        states = [t.state for t in search(objective, space, method="grid", pruner=pruner).trials]
        assert len(states) == 7 and "complete" in states


def test_failures_are_recorded_and_the_search_goes_on():
    def objective(trial):
        if trial["x"] == 0:
            return math.nan
        if trial["x"] == 1:
            raise NonFiniteLossError("the loss is nan", "Stop", sf.train.History())
        if trial["x"] == 2:
            trial.report(math.inf, 1)
        return -math.inf if trial["x"] == 3 else trial["x"]

    result = search(objective, {"x": [0, 1, 2, 3, 4]}, method="grid")
    assert [trial.state for trial in result.trials] == ["failed"] * 4 + ["complete"]
    errors = [trial.error for trial in result.trials]
    assert errors[0] == "the value is nan"
    assert errors[1] == "NonFiniteLossError: [Trainer] the loss is nan. Stop"
    assert "step 1" in errors[2] and errors[3] == "the value is -inf" and errors[4] is None
    assert result.best_value == 4 and "4 failed" in str(result)
    everything = search(lambda trial: math.nan, {"x": [0, 1]}, method="grid")
    with pytest.raises(ValueError, match=r"none of the 2 trials .* the value is nan"):
        everything.best_params
    for method in ("tpe", "gp", "genetic"):  # half of the range fails
        half = search(lambda p: math.nan if p["x"] < 0 else bowl(p), method=method, trials=25)
        assert half.best_value < 8 and len(half.trials) == 25


def test_other_errors_end_the_search_and_do_not_count(tmp_path):
    file = tmp_path / "trials"

    def broken(trial):
        if trial.number == 2:
            raise NameError("no such name")
        return bowl(trial)

    with pytest.raises(NameError):
        search(broken, trials=4, storage=file)
    result = search(trials=4, storage=file)
    assert [trial.number for trial in result.trials] == [0, 1, 3, 4]
    assert params(result) == params(search(trials=4))
    caught = search(broken, trials=4, catch=(NameError,))
    assert caught.trials[2].error == "NameError: no such name"


def test_a_file_keeps_its_search(tmp_path):
    file = tmp_path / "trials"
    search(trials=3, storage=file)
    called = []
    result = search(lambda trial: called.append(1) or 0.0, trials=5, storage=file)
    assert len(called) == 2 and len(result.trials) == 5
    before = file.read_bytes()
    assert len(search(trials=5, storage=file).trials) == 5
    assert file.read_bytes() == before
    with pytest.raises(ValueError, match=r"another space: kind was .*\['a', 'b'\].* not there"):
        search(space={k: v for k, v in SPACE.items() if k != "kind"}, storage=file)
    with pytest.raises(ValueError, match="direction='minimize', not 'maximize'"):
        search(storage=file, direction="maximize")
    (tmp_path / "letter").write_text("Dear reader")
    with pytest.raises(ValueError, match="no file of a search"):
        search(storage=tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "Dear reader"


def test_an_unfinished_line_is_cut_off(tmp_path):
    file = tmp_path / "trials"
    whole = search(trials=4)
    search(trials=2, storage=file)
    with open(file, "ab") as out:
        out.write(b'{"op_code":6,"tri')
    assert search(trials=4, storage=file).table == whole.table
    assert all(json.loads(line) for line in file.read_text().splitlines())


def test_sqlite(tmp_path):
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    search(method="random", trials=2, storage=url, workers=2)
    assert (
        search(method="random", trials=4, storage=url).table
        == search(method="random", trials=4).table
    )


KILLED = """
import os, signal, sys
from surefoot import tune

def objective(trial):
    if trial.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return trial["x"] ** 2

tune.search(objective, {"x": [3, 2, 1, 0]}, method="grid", storage=sys.argv[1], progress=False)
"""


def test_a_killed_search_goes_on(tmp_path):
    file = tmp_path / "trials"
    command = [sys.executable, "-c", KILLED, str(file)]
    path = str(Path(sf.__file__).parents[1])
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path})
    assert killed.returncode == -signal.SIGKILL
    result = search(lambda p: p["x"] ** 2, {"x": [3, 2, 1, 0]}, method="grid", storage=file)
    assert [trial.params["x"] for trial in result.trials] == [3, 2, 1, 0]
    assert [trial.number for trial in result.trials] == [0, 1, 3, 4]


MANY = """
import json, os, signal, sys, threading, time
from surefoot import tune

def objective(trial):
    for step in range(1, 4):
        trial.report((trial["x"] - 1) ** 2 + 1 / step, step)
    time.sleep(0.01)
    return (trial["x"] - 1) ** 2

def end():
    time.sleep(float(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=end, daemon=True).start()
space = {"x": tune.Uniform(-5, 5), "kind": ["a", "b"]}
result = tune.search(objective, space, trials=60, seed=3, storage=sys.argv[1], progress=False)
print(json.dumps([{k: v for k, v in row.items() if k != "trial"} for row in result.table]))
"""


@pytest.mark.slow
def test_killed_at_any_instant_a_search_ends_as_the_unbroken_one(tmp_path):
    path = str(Path(sf.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": path}

    def run(file, lifetime):
        command = [sys.executable, "-c", MANY, str(tmp_path / file), str(lifetime)]
        return subprocess.run(command, check=False, capture_output=True, env=env)

    draw = np.random.default_rng(0)
    for _ in range(6):  # less than the 0.6 s that the trials take in all
        killed = run("parts", draw.uniform(0.0, 0.1))
        assert killed.returncode == -signal.SIGKILL
    resumed, unbroken = run("parts", 300), run("whole", 300)
    assert resumed.returncode == unbroken.returncode == 0
    assert resumed.stdout == unbroken.stdout != b""


def test_ctrl_c_ends_the_search_and_keeps_what_was_done(tmp_path):
    def objective(trial):
        if trial.number == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return fit(trial)

    result = search(objective, WIDTHS, method="random", trials=5, storage=tmp_path / "trials")
    assert result.stop_reason == "interrupted" and len(result.trials) == 2

    def between(trial):  # while a Trainer runs, it ends at a batch and returns
        model = nn.Linear(64, 10)
        report = tune.Report(trial)
        stop = sf.train.LambdaCallback(on_batch_end=lambda _: os.kill(os.getpid(), signal.SIGINT))
        rule = optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model, nn.CrossEntropyLoss(), rule, callbacks=[report, stop])
        trainer.fit((X, Y), epochs=1, progress=False)
        return 0.0

    again = search(between, WIDTHS, method="random", trials=5, storage=tmp_path / "trials")
    assert again.stop_reason == "interrupted" and len(again.trials) == 2


def test_two_workers_share_the_trials(tmp_path):
    file = tmp_path / "trials"

    def objective(trial):
        return float(os.getpid())

    space = {"a": tune.Int(0, 5), "b": [True, False]}
    result = search(objective, space, method="grid", workers=2, storage=file)
    points = [(a, b) for a in range(6) for b in (True, False)]
    assert sorted((p["a"], not p["b"]) for p in params(result)) == [(a, not b) for a, b in points]
    assert os.getpid() not in {trial.value for trial in result.trials}
    one, two = search(method="random", trials=8), search(method="random", trials=8, workers=2)
    assert sorted(map(str, params(one))) == sorted(map(str, params(two)))
    assert two.best_params == one.best_params
    for method in ("tpe", "gp", "genetic"):
        assert len(search(method=method, trials=12, workers=2).trials) == 12


def test_ctrl_c_reaches_workers():
    def objective(trial):
        if trial.number == 2:
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(60)
        return 0.0

    began = time.monotonic()
    result = search(objective, method="random", trials=1000, workers=2)
    assert result.stop_reason == "interrupted" and time.monotonic() - began < 30
    assert 2 not in [trial.number for trial in result.trials]


def test_ctrl_c_while_workers_start(monkeypatch):
    start = multiprocessing.context.ForkProcess.start

    def interrupted(process):
        os.kill(os.getpid(), signal.SIGINT)
        start(process)

    monkeypatch.setattr(multiprocessing.context.ForkProcess, "start", interrupted)
    result = search(
        lambda trial: time.sleep(0.01) or 0.0, method="random", trials=10_000, workers=2
    )
    assert result.stop_reason == "interrupted"


def test_errors_in_workers_arrive(tmp_path):
    def broken(trial):
        raise NameError("no such name")

    with pytest.raises(RuntimeError, match=r"NameError: no such name"):
        search(broken, trials=4, workers=2)

    def killed(trial):
        os.kill(os.getpid(), signal.SIGKILL)

    file = tmp_path / "trials"
    with pytest.raises(RuntimeError, match="killed"):
        search(killed, trials=4, workers=2, storage=file)
    assert len(search(trials=4, workers=2, storage=file).trials) == 4


def test_timeout():
    result = search(trials=5, timeout=0.0)
    assert result.stop_reason == "timeout" and result.trials == () and str(result) == "no trials"


images, labels = digits()
X = sf.tensor(images[:300].reshape(300, 64)).to(sf.float32) / 16
Y = sf.tensor(labels[:300])
WIDTHS = {"hidden": tune.Int(8, 32, log=True), "lr": tune.LogUniform(0.01, 100.0)}


def build(trial):
    model = nn.Sequential(nn.Linear(64, trial["hidden"]), nn.ReLU(), nn.Linear(trial["hidden"], 10))
    rule = optim.SGD(model.parameters(), lr=trial["lr"], momentum=0.9)
    return Trainer(model, nn.CrossEntropyLoss(), rule, metrics=["accuracy"])


def fit(trial):
    trainer = build(trial)
    trainer.fit((X[:200], Y[:200]), epochs=1, progress=False)
    return trainer.evaluate((X[200:], Y[200:]))["loss"]


def test_trainers_are_built_fitted_and_pruned():
    data = {"train": (X[:200], Y[:200]), "validation": (X[200:], Y[200:]), "epochs": 4}
    options = {"method": "random", "trials": 12, "pruner": "median", **data}
    result = search(build, WIDTHS, **options)
    states = [trial.state for trial in result.trials]
    assert "pruned" in states and "complete" in states and len(states) == 12
    best = result.best_trial
    assert best.value == min(best.curve.values()) and list(best.curve) == [1, 2, 3, 4]
    sf.manual_seed(result.seed)
    again = build(tune.Trial(result.best_params))
    history = again.fit((X[:200], Y[:200]), (X[200:], Y[200:]), epochs=4, progress=False)
    assert min(history["val_loss"]) == result.best_value
    assert history["val_accuracy"][-1] > 0.6
    assert search(build, WIDTHS, **options).table == result.table


def test_trainers_by_accuracy_with_epochs_and_batches_in_the_space():
    space = {"hidden": [16], "lr": [0.1], "epochs": [1, 2], "batch_size": [None, 20]}
    result = search(
        build, space, method="grid", train=(X, Y), monitor="accuracy", direction="maximize"
    )
    assert [len(trial.curve) for trial in result.trials] == [1, 1, 2, 2]
    assert result.best_params["epochs"] == 2 and result.best_params["batch_size"] == 20
    with pytest.raises(TypeError, match="returns a Trainer, not int"):
        search(lambda trial: 1, space, method="grid", train=(X, Y))
    with pytest.raises(TypeError, match="pass train="):
        search(build, space, method="grid")


def test_importance_tells_what_matters():
    space = {"x": tune.Uniform(-1, 1), "kind": ["a", "b"], "idle": tune.Int(0, 9)}
    result = search(lambda p: 3 * p["x"] + (p["kind"] == "a"), space, method="random", trials=60)
    shares = result.importance()
    assert list(shares)[:2] == ["x", "kind"]
    assert shares["x"] > 0.6 and shares["idle"] < 0.2 and max(shares.values()) <= 1
    with pytest.raises(ValueError, match="4 complete trials"):
        search(trials=3).importance()


def test_results_print_and_plot(capsys):
    from rich.console import Console

    result = search(trials=6)
    Console(width=120).print(result)
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*SPACE, "complete", "best")), printed
    assert str(result).startswith("6 complete; best ")
    search(trials=2, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("trial 2/2  ") and "best" in lines[1]
    pytest.importorskip("matplotlib")
    assert len(result.plot().axes) == 1 + len(SPACE)


def test_frame():
    pandas = pytest.importorskip("pandas")
    frame = search(trials=3).to_frame()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 3
    assert list(frame) == ["trial", "state", "value", "steps", *SPACE, "error"]


BAD = [
    (lambda: search(space={}), ValueError, "the space is empty"),
    (lambda: search(space=[1]), TypeError, "a space is a dict"),
    (lambda: search(space={"x": 3}), TypeError, "'x' is 3: expected Uniform"),
    (lambda: search(space={"value": [1]}), ValueError, "column of the table"),
    (lambda: search(space={1: [1]}), TypeError, "name is a text"),
    (lambda: tune.Uniform(2, 1), ValueError, "low <= high, not 2 and 1"),
    (lambda: tune.Uniform(0, math.inf), ValueError, "finite"),
    (lambda: tune.Uniform(0, 1, points=1), ValueError, "2 points"),
    (lambda: tune.LogUniform(0, 1), ValueError, "low above 0"),
    (lambda: tune.Int(0, 10, log=True), ValueError, "low >= 1"),
    (lambda: tune.Int(0.5, 10), TypeError, "whole numbers"),
    (lambda: tune.Int(0, 10, step=0), ValueError, "step 1 or more"),
    (lambda: tune.Choice([]), ValueError, "at least one"),
    (lambda: tune.Choice([1, True]), ValueError, "equal"),
    (lambda: tune.Choice("relu"), ValueError, "a list of options"),
    (lambda: tune.width_rule(0, 10), ValueError, "inputs must be at least 1"),
    (lambda: search(method="annealing"), ValueError, "'grid', 'random', 'tpe', 'gp', 'genetic'"),
    (
        lambda: search(direction="min"),
        ValueError,
        "must be one of 'minimize', 'maximize'",
    ),
    (lambda: search(pruner="best"), ValueError, "pruner is 'median'"),
    (lambda: search(trials=0), ValueError, "trials must be at least 1"),
    (lambda: search(workers=0), ValueError, "workers must be at least 1"),
    (lambda: search(objective=3), TypeError, "function of the trial"),
    (lambda: search(lambda trial: "good", trials=1), TypeError, "returns a number, not str"),
    (lambda: search(lambda trial: trial["depth"], trials=1), KeyError, "no 'depth'; there is x"),
    (
        lambda: search(space={"x": tune.Uniform(0, 1)}, method="grid"),
        ValueError,
        r"how many values Uniform\(0, 1\) has",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD, ids=[words for *_, words in BAD])
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_report_twice_is_an_error():
    def objective(trial):
        trial.report(1.0, 1)
        trial.report(2.0, 1)

    with pytest.raises(ValueError, match="step 1 was reported"):
        search(objective, trials=1)


def test_without_optuna_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[tune\]'") as raised:
        search()
    assert "\n" not in str(raised.value)


def test_optuna_keeps_its_log_level():
    import optuna

    before = optuna.logging.get_verbosity()
    search(trials=1)
    assert optuna.logging.get_verbosity() == before


DOMAINS = [
    tune.Uniform(-2, 3),
    tune.LogUniform(1e-5, 10),
    tune.Int(-3, 9, step=3),
    tune.Int(1, 100, log=True),
    tune.Choice(["a", None, 2.5]),
    tune.Uniform(2, 2),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
def test_places_in_the_unit_cube_and_values_agree(domain):
    rng = np.random.default_rng(0)
    seen = []
    for place in rng.random((300, domain.width)):
        value = domain.decode(place)
        seen.append(value)
        back = domain.encode(value)
        assert all(0 <= x <= 1 for x in back)
        again = domain.decode(back)
        assert again == value or math.isclose(again, value, rel_tol=1e-9)
        stored = domain.distribution()
        assert stored._contains(stored.to_internal_repr(value))
    if isinstance(domain, tune.Choice) or getattr(domain, "step", 1) > 1:
        counts = [seen.count(value) for value in domain.grid()]
        assert min(counts) > 0.6 * 300 / len(counts)  # all alike


def test_width_rule_lies_between_the_layers():
    assert tune.width_rule(64, 10).grid() == list(range(10, 65))
    assert tune.width_rule(1, 5).spec() == "Int(1, 5, log=True)"
