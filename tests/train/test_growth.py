"""Callbacks that log, freeze, grow and measure."""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, TensorDataset
from surefoot.train import (
    Callback,
    CSVLogger,
    Freeze,
    GradientNoiseScale,
    GrowBatchSize,
    LambdaCallback,
    PeakMemory,
    ProgressiveDepth,
    TensorBoard,
    Trainer,
)

X = np.random.RandomState(0).randn(24, 4).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")


def deep_net() -> nn.Sequential:
    sf.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(3)]
    return nn.Sequential(nn.Linear(4, 4), *blocks, nn.Linear(4, 2))


def new_trainer(*callbacks: Callback, **options: Any) -> Trainer:
    model = deep_net()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks, seed=0, **options)


def fit(trainer: Trainer, epochs: int = 6, **options: Any) -> Any:
    return trainer.fit((X, Y), epochs=epochs, batch_size=8, progress=False, **options)


def resumed_equals_whole(make: Any, path: Path, step: int) -> None:
    save = LambdaCallback(on_batch_end=lambda t: t.save(path) if t.state.step == step else None)
    whole, broken, resumed = make(), make(), make()
    expected = fit(whole)
    broken.callbacks.append(save)
    fit(broken)
    assert fit(resumed, resume=path) == expected
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
        assert a.requires_grad == b.requires_grad


def snapshots(trainer: Trainer) -> list[dict[str, np.ndarray]]:
    kept: list[dict[str, np.ndarray]] = []

    def keep(trainer: Trainer) -> None:
        named = trainer.model.named_parameters()
        kept.append({name: p.detach().clone().numpy() for name, p in named})

    trainer.callbacks.append(LambdaCallback(on_fit_begin=keep, on_epoch_end=keep))
    return kept


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_frozen_parameters_stand_still_until_their_epoch(tmp_path: Path) -> None:
    trainer = new_trainer(Freeze("0.*", "*.bias", until=4))
    kept = snapshots(trainer)
    fit(trainer)
    weights = {"1.0.weight", "2.0.weight", "3.0.weight", "4.weight"}
    assert changed(kept[0], kept[3]) == weights
    assert changed(kept[3], kept[4]) == set(kept[0])
    assert all(p.requires_grad for p in trainer.model.parameters())
    for step in (5, 9, 11):
        resumed_equals_whole(lambda: new_trainer(Freeze("0.*", until=4)), tmp_path / "run", step)


def test_freezing_for_good_leaves_things_as_they_were() -> None:
    trainer = new_trainer(Freeze("1.*"))
    next(trainer.model.parameters()).requires_grad_(False)
    fit(trainer, epochs=1)
    assert [p.requires_grad for p in trainer.model.parameters()] == [False] + [True] * 9
    with pytest.raises(ValueError, match=r"no parameter is called '9\.\*'; there is 0\.weight"):
        fit(new_trainer(Freeze("9.*")))
    with pytest.raises(ValueError, match="name what to freeze"):
        Freeze()


@pytest.mark.parametrize("freeze", [True, False])
def test_depth_grows_and_earlier_blocks_stay_fixed(freeze: bool, tmp_path: Path) -> None:
    def grow() -> ProgressiveDepth:
        return ProgressiveDepth(["1", "2", "3"], every=1, freeze=freeze)

    trainer = new_trainer(grow())
    kept = snapshots(trainer)
    assert fit(trainer)["depth"] == [1, 2, 3, 3, 3, 3]
    moved = [{name.split(".")[0] for name in changed(kept[i], kept[i + 1])} for i in range(6)]
    stages = [{"1"}, {"2"}, {"3"}] if freeze else [{"1"}, {"1", "2"}, {"1", "2", "3"}]
    for i, blocks in enumerate(stages):
        assert moved[i] == {"0", "4"} | blocks
    assert moved[3] == {"0", "1", "2", "3", "4"}
    assert all(p.requires_grad for p in trainer.model.parameters())
    for step in (2, 3, 7, 12):
        resumed_equals_whole(lambda: new_trainer(grow()), tmp_path / "run", step)


def test_a_waiting_block_is_not_there() -> None:
    outputs: list[np.ndarray] = []
    watch = LambdaCallback(
        on_epoch_begin=lambda t: outputs.append(t.model(sf.tensor(X)).detach().numpy())
    )
    trainer = new_trainer(ProgressiveDepth(["1", "2", "3"], every=2), watch)
    model = trainer.model
    shallow = nn.Sequential(model[0], model[1], model[4])(sf.tensor(X)).detach().numpy()
    fit(trainer, epochs=1)
    np.testing.assert_array_equal(outputs[0], shallow)


def test_blocks_that_cannot_wait() -> None:
    with pytest.raises(ValueError, match=r"a block makes \(8, 2\) of \(8, 4\)"):
        fit(new_trainer(ProgressiveDepth(["1", "4"], every=1)))
    for blocks, every in (("12", 1), ([], 1), (["1"], 0)):
        with pytest.raises(ValueError, match=r"\[ProgressiveDepth\]"):
            ProgressiveDepth(blocks, every)


def test_batches_grow(tmp_path: Path) -> None:
    sizes: list[int] = []
    watch = LambdaCallback(on_batch_begin=lambda t: sizes.append(len(t.state.inputs)))
    trainer = new_trainer(GrowBatchSize(every=2, max_size=20), watch)
    assert fit(trainer)["batch_size"] == [8, 8, 16, 16, 20, 20]
    assert sizes == [8, 8, 8] * 2 + [16, 8] * 2 + [20, 4] * 2
    for step in (4, 7, 9, 10, 11):
        resumed_equals_whole(lambda: new_trainer(GrowBatchSize(2)), tmp_path / "run", step)
    again = new_trainer(GrowBatchSize(every=2))
    fit(again, epochs=3)
    assert fit(again, epochs=2)["batch_size"] == [16, 32]
    loader = DataLoader(TensorDataset(sf.tensor(X), sf.tensor(Y)), 4)
    other = new_trainer(GrowBatchSize(every=1))
    assert other.fit(loader, epochs=3, progress=False)["batch_size"] == [4, 8, 16]
    with pytest.raises(TypeError, match="list has no batch_size"):
        new_trainer(GrowBatchSize()).fit([(X, Y)], epochs=1, progress=False)


def test_csv_file(tmp_path: Path) -> None:
    late = LambdaCallback(
        on_epoch_end=lambda t: t.state.row.update({"late": 1}) if t.state.epoch == 2 else None
    )
    path = tmp_path / "history.csv"
    history = fit(new_trainer(late, CSVLogger(path)), epochs=3)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["late"] for row in rows] == ["", "1", ""]
    assert [float(row["loss"]) for row in rows] == history["loss"]


def test_csv_file_of_a_resumed_run(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    save = LambdaCallback(
        on_epoch_end=lambda t: t.save(tmp_path / "run") if t.state.epoch == 2 else None
    )
    fit(new_trainer(CSVLogger(path), save), epochs=4)
    whole = path.read_text()
    fit(new_trainer(CSVLogger(path)), epochs=4, resume=tmp_path / "run")
    assert path.read_text() == whole and len(whole.splitlines()) == 5


def test_tensorboard_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[tensorboard\]'"):
        fit(new_trainer(TensorBoard("runs")))


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_events(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    history = fit(new_trainer(TensorBoard(tmp_path, every=9)), epochs=3)
    (path,) = tmp_path.iterdir()
    events = list(loader.LegacyEventFileLoader(str(path)).Load())
    points = [(e.step, v.tag, v.simple_value) for e in events for v in e.summary.value]
    losses = [(step, value) for step, tag, value in points if tag == "loss"]
    assert losses == [(i + 1, np.float32(value)) for i, value in enumerate(history["loss"])]
    assert [step for step, tag, _ in points if tag == "step/loss"] == [9]


def test_noise_scale_is_that_of_the_rows() -> None:
    """A model whose gradient is the mean of the rows: G and S are known."""
    random = np.random.RandomState(1)
    mean, std, rows, batch = np.array([2.0, 0.5]), np.array([1.0, 3.0]), 40_000, 10
    x = mean + random.randn(rows, 2) * std
    model = nn.Linear(2, 1, bias=False).double()
    callback = GradientNoiseScale(window=10)
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    trainer = Trainer(model, lambda output, _: output.mean(), optimizer, callbacks=[callback])
    history = trainer.fit((x, np.zeros(rows)), epochs=1, batch_size=batch, progress=False)
    expected = np.sum(std**2) / np.sum(mean**2)
    assert history["noise_scale"][0] == pytest.approx(expected, rel=0.05)


def test_noise_scale_within_a_window_is_resumed(tmp_path: Path) -> None:
    resumed_equals_whole(lambda: new_trainer(GradientNoiseScale(2)), tmp_path / "run", 4)
    with pytest.raises(ValueError, match="window must be at least 2"):
        GradientNoiseScale(1)


def test_peak_memory_grows_with_the_batch() -> None:
    x, y = np.zeros((2000, 50), "float32"), np.zeros((2000, 1), "float32")
    peaks = []
    for batch_size in (None, 200, 1):
        model = nn.Sequential(nn.Linear(50, 100), nn.Tanh(), nn.Linear(100, 1))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model, nn.MSELoss(), optimizer, callbacks=[PeakMemory()])
        rows = 2000 if batch_size != 1 else 20
        data = sf.tensor(x[:rows]), sf.tensor(y[:rows])
        peaks.append(
            trainer.fit(data, epochs=1, batch_size=batch_size, progress=False)["peak_mb"][0]
        )
    activations = 2000 * 100 * 4 / 1e6  # of the hidden layer, at least
    assert peaks[0] - peaks[1] > 0.9 * activations and peaks[1] > peaks[2] > 0
