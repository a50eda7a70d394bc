"""Checkpoints: a run that is taken up again ends in the bytes of the unbroken one."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import optim_table
import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, TensorDataset
from surefoot.optim import lr_scheduler as ls
from surefoot.train import Callback, EarlyStopping, LRSchedule, ModelCheckpoint, Trainer

EPOCHS, BATCHES = 3, 4
X = np.random.RandomState(0).randn(15, 3).astype("float32")  # 4 batches of 4, the last of 3
Y = (X.sum(axis=1) > 0).astype("int64")

Build = Callable[[], Trainer]


def network() -> nn.Sequential:
    sf.manual_seed(7)
    return nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.3), nn.Linear(5, 2)
    )


def rich_trainer(*callbacks: Callback, seed: int | None = 3) -> Trainer:
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    schedule = LRSchedule(ls.OneCycleLR(optimizer, 0.05), every="step")
    return Trainer(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        "accuracy",
        [*callbacks, schedule, EarlyStopping(2)],
        seed=seed,
    )


def fit(trainer: Trainer, data: Any = (X, Y), **options: Any) -> Any:
    options = {"epochs": EPOCHS, "batch_size": 4, "validation": (X, Y), **options}
    return trainer.fit(data, progress=False, **options)


def outcome(trainer: Trainer, folder: Path) -> bytes:
    """Everything that a run leaves, as the bytes of one file."""
    trainer.save(folder / "outcome")
    return (folder / "outcome").read_bytes()


class SaveAt(Callback):
    """Writes after a step, or after an epoch with its last step done."""

    def __init__(self, path: Path, step: int, event: str = "on_batch_end") -> None:
        self.path, self.step = path, step
        setattr(self, event, self._save)

    def _save(self, trainer: Trainer) -> None:
        if trainer.state.step == self.step:
            trainer.save(self.path)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_end"])
def test_resumed_anywhere_it_ends_in_the_same_bytes(
    tmp_path: Path, event: str, threads: int
) -> None:
    path = tmp_path / "run"
    whole = rich_trainer()
    sf.set_num_threads(2)
    history = fit(whole)
    expected = outcome(whole, tmp_path)
    stride = 1 if event == "on_batch_end" else BATCHES
    for step in range(stride, EPOCHS * BATCHES + 1, stride):
        first = rich_trainer()
        saver = SaveAt(path, step, event)
        first.callbacks.append(saver)
        fit(first)
        assert outcome(first, tmp_path) == expected, "saving changes nothing"
        sf.set_num_threads(threads)
        sf.manual_seed(99)  # what was drawn before must not matter
        second = rich_trainer()
        assert fit(second, resume=path) == history
        assert outcome(second, tmp_path) == expected, f"resumed after step {step}"
        assert second.state.step == EPOCHS * BATCHES


@pytest.mark.parametrize("row", optim_table.ROWS, ids=str)
def test_every_optimizer_goes_on(tmp_path: Path, row: optim_table.Row) -> None:
    def trainer() -> Trainer:
        model = network()
        optimizer = row.optimizer(model.named_parameters(), lr=0.02)
        optimizer.add_param_group({"params": [("extra", sf.zeros(2, requires_grad=True))]})
        optimizer.param_groups[1]["lr"] = 0.5
        return Trainer(model, nn.CrossEntropyLoss(), optimizer, seed=0)

    whole, first, second = trainer(), trainer(), trainer()
    fit(whole)
    first.callbacks.append(SaveAt(tmp_path / "run", 6))
    fit(first)
    fit(second, resume=tmp_path / "run")
    assert second.optimizer.param_groups[1]["lr"] == 0.5
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)


def loaders() -> dict[str, Callable[[], Any]]:
    data = TensorDataset(sf.tensor(X), sf.tensor(Y))
    parts = [slice(i, i + 4) for i in range(0, 15, 4)]
    return {
        "list": lambda: [(sf.tensor(X[part]), sf.tensor(Y[part])) for part in parts],
        "loader": lambda: DataLoader(data, 4, shuffle=True),
        "seeded loader": lambda: DataLoader(data, 4, shuffle=True, seed=1),
        "loader with generator": lambda: DataLoader(
            data, 4, shuffle=True, generator=sf.Generator().manual_seed(5)
        ),
        "drawing iterable": lambda: Drawing(),
        "in order": lambda: (X, Y),
    }


class Drawing:
    """Batches made of random numbers: those left out while resuming must not use up any."""

    def __iter__(self) -> Any:
        for _ in range(BATCHES):
            yield sf.randn(4, 3), sf.tensor([0, 1, 1, 0])


@pytest.mark.parametrize("form", loaders())
@pytest.mark.parametrize("step", [4, 6])
def test_the_place_in_any_data_is_found(tmp_path: Path, form: str, step: int) -> None:
    make = loaders()[form]
    whole, first, second = rich_trainer(), rich_trainer(), rich_trainer()
    first.callbacks.append(SaveAt(tmp_path / "run", step))
    for trainer, resume in ((whole, None), (first, None), (second, tmp_path / "run")):
        trainer.callbacks[:] = [c for c in trainer.callbacks if not isinstance(c, LRSchedule)]
        fit(trainer, make(), resume=resume, shuffle=False)
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)


@pytest.mark.parametrize("step", [4, 6])
@pytest.mark.parametrize("workers", [0, 2])
def test_augmented_batches_are_the_same_after_resuming(
    tmp_path: Path, step: int, workers: int
) -> None:
    data = TensorDataset(sf.tensor(X), sf.tensor(Y))
    noise = sf.data.augment.GaussianNoise(0.5)

    def loader() -> Any:
        return DataLoader(
            data, 4, shuffle=True, seed=1, transform=noise, num_workers=workers
        )  # fmt: skip

    whole, first, second = rich_trainer(), rich_trainer(), rich_trainer()
    first.callbacks.append(SaveAt(tmp_path / "run", step))
    own = {"augment": noise} if not workers else {}
    for trainer, resume in ((whole, None), (first, None), (second, tmp_path / "run")):
        fit(trainer, (X, Y) if own else loader(), resume=resume, **own)
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)
    other = rich_trainer()
    with pytest.raises(ValueError, match="! train data, augment: GaussianNoise"):
        fit(other, (X, Y) if own else DataLoader(data, 4, shuffle=True), resume=tmp_path / "run")


def test_a_second_fit_is_resumed_as_such(tmp_path: Path) -> None:
    whole, first = rich_trainer(), rich_trainer()
    fit(whole, epochs=2)
    expected = fit(whole)
    fit(first, epochs=2)
    first.callbacks.append(SaveAt(tmp_path / "run", 14))
    fit(first)
    second = rich_trainer()
    assert fit(second, resume=tmp_path / "run") == expected and expected["epoch"] == [3, 4, 5]
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)


def test_a_run_saved_before_it_began(tmp_path: Path) -> None:
    rich_trainer().save(tmp_path / "run")
    whole, resumed = rich_trainer(), rich_trainer()
    assert fit(resumed, resume=tmp_path / "run") == fit(whole)
    assert resumed.state.step == whole.state.step == EPOCHS * BATCHES


def test_tied_weights_are_resumed_as_one(tmp_path: Path) -> None:
    def trainer() -> Trainer:
        sf.manual_seed(2)
        model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3), nn.Linear(3, 2))
        model[2].weight = model[0].weight
        return Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), seed=0)

    whole, first, second = trainer(), trainer(), trainer()
    fit(whole)
    first.callbacks.append(SaveAt(tmp_path / "run", 6))
    fit(first)
    fit(second, resume=tmp_path / "run")
    assert second.model[2].weight is second.model[0].weight
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)


def test_a_longer_run_makes_its_schedule_longer(tmp_path: Path) -> None:
    def trainer() -> Trainer:
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        schedule = LRSchedule(ls.CosineAnnealingLR(optimizer))
        return Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=[schedule], seed=0)

    first, second = trainer(), trainer()
    fit(first, epochs=2)
    first.save(tmp_path / "run")
    rates = fit(second, epochs=4, resume=tmp_path / "run")["lr"]
    by_cosine = [0.5 * (1 + np.cos(np.pi * t / 4)) for t in (2, 3)]
    assert rates[2:] == pytest.approx(by_cosine)


def test_two_schedules_that_undo_each_other(tmp_path: Path) -> None:
    """The rate is the first one again, as if no schedule had written anything."""

    def trainer() -> Trainer:
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.25)
        schedules = [ls.ExponentialLR(optimizer, 0.5), ls.ExponentialLR(optimizer, 2.0)]
        return Trainer(model, nn.CrossEntropyLoss(), optimizer, seed=0, schedule=schedules)

    whole, first, second = trainer(), trainer(), trainer()
    history = fit(whole, epochs=5)
    fit(first, epochs=3)
    first.save(tmp_path / "run")
    assert fit(second, epochs=5, resume=tmp_path / "run") == history
    assert history["lr"] == [0.25] * 5
    assert outcome(second, tmp_path) == outcome(whole, tmp_path)


def test_a_run_that_was_stopped_stays_stopped(tmp_path: Path) -> None:
    class Stop(Callback):
        def on_epoch_end(self, trainer: Trainer) -> None:
            trainer.save(tmp_path / "run")
            trainer.stop("enough")

    trainer = rich_trainer(Stop())
    history = fit(trainer)
    again = rich_trainer()
    assert fit(again, resume=tmp_path / "run") == history
    assert again.history.stop_reason == "enough" and again.state.step == BATCHES


def test_ctrl_c_leaves_a_checkpoint_to_go_on_with(tmp_path: Path) -> None:
    class Press(Callback):
        def on_batch_begin(self, trainer: Trainer) -> None:
            if trainer.state.step == 5:
                os.kill(os.getpid(), signal.SIGINT)

    path = tmp_path / "run"
    history = fit(rich_trainer(Press(), ModelCheckpoint(path)))
    assert history.stop_reason == "interrupted" and history["epoch"] == [1]
    second, whole = rich_trainer(ModelCheckpoint(path)), rich_trainer(ModelCheckpoint(path))
    resumed = fit(second, resume=path)
    assert resumed == fit(whole) and second.state.step == whole.state.step == 12
    for a, b in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_names_with_numbers_and_how_many_stay(tmp_path: Path) -> None:
    saver = ModelCheckpoint(tmp_path / "run-{epoch}-{step:03d}", keep=2)
    fit(rich_trainer(saver))
    assert sorted(os.listdir(tmp_path)) == ["run-2-008", "run-3-012"]
    second = rich_trainer(ModelCheckpoint(tmp_path / "run-{epoch}-{step:03d}", keep=2))
    fit(second, epochs=4, resume=tmp_path / "run-2-008")
    assert sorted(os.listdir(tmp_path)) == ["run-3-012", "run-4-016"]


def test_only_the_best_and_only_every_so_often(tmp_path: Path) -> None:
    values = iter([3.0, 1.0, 2.0])

    class Script(Callback):
        def on_epoch_end(self, trainer: Trainer) -> None:
            trainer.state.row["score"] = next(values)

    fit(rich_trainer(Script(), ModelCheckpoint(tmp_path / "{epoch}", monitor="score")))
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]
    (tmp_path / "steps").mkdir()
    fit(rich_trainer(ModelCheckpoint(tmp_path / "steps" / "{step}", every=5, unit="step")))
    assert sorted(os.listdir(tmp_path / "steps")) == ["10", "5"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"every": 0}, "every must be at least 1"),
        ({"unit": "batch"}, "unit must be one of 'epoch', 'step'"),
        ({"keep": 2}, "keep is 1 or more and needs {epoch}"),
        ({"unit": "step", "monitor": "loss"}, "monitor goes with unit='epoch'"),
        ({"mode": "most"}, "mode must be one of 'min', 'max'"),
    ],
)
def test_settings_that_cannot_be(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ModelCheckpoint("run", **options)
    with pytest.raises(ValueError, match=r"may hold .epoch. and .step."):
        ModelCheckpoint("run-{date}", keep=1)


def saved_run(tmp_path: Path) -> Path:
    trainer = rich_trainer()
    fit(trainer)
    trainer.save(tmp_path / "run")
    return tmp_path / "run"


def test_a_file_of_another_model_is_refused_with_the_difference(tmp_path: Path) -> None:
    path = saved_run(tmp_path)
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 2)).double()
    other = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), seed=4)
    before = [p.detach().clone().numpy() for p in model.parameters()]
    with pytest.raises(ValueError, match="does not fit this run, nothing was loaded") as caught:
        fit(other, resume=path, batch_size=5)
    for line in (
        "! 0.weight: float32 (5, 3) in the file, float64 (6, 3) in the model",
        "- 4.bias: float32 (2,) in the file, not in the model",
        "! train data, batch_size: 4 in the file, 5 in the run",
        "- callback EarlyStopping: in the file, not in the run",
        "! seed: 3 in the file, 4 in the run",
    ):
        assert line in str(caught.value).splitlines() or "  " + line in str(caught.value)
    for now, then in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(now.detach().numpy(), then)


def test_validation_that_was_not_there_is_a_difference(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="- validation data: in the file, not in the run"):
        fit(rich_trainer(), validation=None, resume=saved_run(tmp_path))


def test_an_optimizer_that_differs_is_refused(tmp_path: Path) -> None:
    path = saved_run(tmp_path)
    trainer = rich_trainer()
    trainer.optimizer = optim.SGD(trainer.model.parameters(), lr=0.1)
    trainer.callbacks[0] = LRSchedule(
        ls.OneCycleLR(trainer.optimizer, 0.05, cycle_momentum=False), "step"
    )
    with pytest.raises(ValueError, match=r"\[SGD\] this is the state of a Adam"):
        fit(trainer, resume=path)
    part = rich_trainer()
    part.optimizer = optim.Adam(list(part.model.parameters())[:-1])
    part.callbacks[0] = LRSchedule(ls.OneCycleLR(part.optimizer, 0.05), "step")
    with pytest.raises(ValueError, match=r"- 4\.bias: in the file, not in group 0"):
        fit(part, resume=path)


def test_parameters_in_another_order_keep_their_own_state(tmp_path: Path) -> None:
    """Two of one shape, swapped in the optimizer's list: positions would mix up their moments."""

    def trainer(swap: bool) -> Trainer:
        sf.manual_seed(1)
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        a, b, c, d = model.parameters()
        order = [c, d, a, b] if swap else [a, b, c, d]
        return Trainer(model, nn.CrossEntropyLoss(), optim.Adam(order, lr=0.1), seed=0)

    data = X[:, :2], Y
    whole, first, second = trainer(False), trainer(False), trainer(True)
    fit(whole, data, validation=None)
    first.callbacks.append(SaveAt(tmp_path / "run", 6))
    fit(first, data, validation=None)
    fit(second, data, validation=None, resume=tmp_path / "run")
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*none; leave resume out"):
        fit(rich_trainer(), resume=tmp_path / "none")
    sf.save({"w": sf.zeros(2)}, tmp_path / "w")
    with pytest.raises(ValueError, match="is no checkpoint of a Trainer"):
        fit(rich_trainer(), resume=tmp_path / "w")
    from safetensors import numpy as other_writer

    other_writer.save_file({"w": np.zeros(2)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="its header is damaged"):
        fit(rich_trainer(), resume=tmp_path / "foreign")


def test_a_full_disk_ends_the_run_with_the_remedy(tmp_path: Path, monkeypatch: Any) -> None:
    path = saved_run(tmp_path)
    before = path.read_bytes()

    def full(*args: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    trainer = rich_trainer(ModelCheckpoint(path))
    with pytest.raises(OSError, match=r"not be written \(No space left on device\); an ear"):
        fit(trainer)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["run"]
    assert trainer.history["epoch"] == [1]


def test_a_state_that_no_file_can_hold_is_named(tmp_path: Path) -> None:
    class Odd(Callback):
        def state_dict(self) -> dict[str, Any]:
            return {"function": print}

        def load_state_dict(self, state: Any) -> None:
            raise AssertionError

    with pytest.raises(TypeError, match=r"callbacks\.Odd\.function"):
        rich_trainer(Odd()).save(tmp_path / "run")


NUMPY = {
    "PCG64": lambda: np.random.default_rng(5),
    "Philox": lambda: np.random.Generator(np.random.Philox(5)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(5)),
    "RandomState": lambda: np.random.RandomState(5),
}


@pytest.mark.parametrize("source", [*NUMPY, "global"])
@pytest.mark.parametrize("again", [False, True], ids=["rows", "drawn again"])
def test_numpys_numbers_go_on(tmp_path: Path, source: str, again: bool) -> None:
    """Also where the batches before the place are drawn again, with other numbers."""
    kept = np.random.get_state()

    def trainer(*callbacks: Callback) -> tuple[Trainer, Any]:
        np.random.seed(5)
        random = np.random if source == "global" else NUMPY[source]()
        made = rich_trainer(*callbacks)
        made.generators.append(random)

        def noisy(inputs: Any, targets: Any, **_: Any) -> Any:
            noise = random.normal(0.0, 0.5, tuple(inputs.shape)).astype("float32")
            return inputs + sf.tensor(noise), targets

        class Stream:
            def __len__(self) -> int:
                return BATCHES

            def __iter__(self) -> Any:
                for i in range(0, 15, 4):
                    yield noisy(sf.tensor(X[i : i + 4]), sf.tensor(Y[i : i + 4]))

        data = {"data": Stream()} if again else {"augment": noisy}
        return made, data

    try:
        whole, data = trainer(SaveAt(tmp_path / "run", 6))
        history = fit(whole, **data)
        expected = outcome(whole, tmp_path)
        resumed, data = trainer()
        resumed.generators[0].normal()  # its place now must not matter
        assert fit(resumed, **data, resume=tmp_path / "run") == history
        assert outcome(resumed, tmp_path) == expected
        with pytest.raises(ValueError, match=r"! generators: .* in the file, none in the run"):
            fit(rich_trainer(), **data, resume=tmp_path / "run")
    finally:
        np.random.set_state(kept)


def test_a_generator_that_is_none_of_numpys() -> None:
    with pytest.raises(TypeError, match=r"generators are np\.random\.Generator, .* not Random"):
        Trainer(network(), nn.MSELoss(), optim.SGD(network().parameters()), generators=[Random()])
