"""The training loop: what it owns, what it counts, what it refuses."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, TensorDataset, augment
from surefoot.train import Callback, Metric, NonFiniteLossError, Trainer


def blobs(rows: int = 60, seed: int = 0) -> tuple[Any, Any]:
    """Two classes of points, far enough apart to be learned."""
    random = np.random.RandomState(seed)
    y = np.arange(rows) % 2
    x = random.randn(rows, 3).astype("float32") + 3.0 * y[:, None].astype("float32")
    return x, y


def classifier(hidden: int = 8) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, hidden), nn.ReLU(), nn.Linear(hidden, 2))


def new_trainer(model: nn.Module | None = None, lr: float = 0.1, **options: Any) -> Trainer:
    model = model or classifier()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, **{"seed": 0, **options})


def weights_of(model: nn.Module) -> list[Any]:
    return [p.detach().numpy().copy() for p in model.parameters()]


def assert_same_weights(left: nn.Module, right: nn.Module) -> None:
    for a, b in zip(weights_of(left), weights_of(right), strict=True):
        np.testing.assert_array_equal(a, b)


def test_learns_and_reports_every_epoch() -> None:
    trainer = new_trainer(metrics="accuracy")
    history = trainer.fit(blobs(), blobs(seed=1), epochs=8, batch_size=8, progress=False)
    assert list(history) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["epoch"] == list(range(1, 9))
    assert history["val_accuracy"][-1] > 0.9
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history.stop_reason == "finished"


def test_equals_the_loop_written_by_hand() -> None:
    sf.manual_seed(1)
    ours = classifier()
    by_hand = classifier()
    by_hand.load_state_dict(ours.state_dict())
    x, y = blobs(10)
    new_trainer(ours).fit((x, y), epochs=3, batch_size=4, shuffle=False, progress=False)

    optimizer, loss = optim.SGD(by_hand.parameters(), lr=0.1), nn.CrossEntropyLoss()
    for _ in range(3):
        for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
            optimizer.zero_grad()
            loss(by_hand(sf.tensor(x[rows])), sf.tensor(y[rows])).backward()
            optimizer.step()
    assert_same_weights(ours, by_hand)


def test_same_seed_same_history_and_weights() -> None:
    runs = []
    for _ in range(2):
        sf.manual_seed(5)
        model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        sf.rand(7)  # what was drawn before must not matter
        runs.append((new_trainer(model).fit(blobs(), epochs=3, progress=False), model))
    assert runs[0][0] == runs[1][0]
    assert_same_weights(runs[0][1], runs[1][1])


def test_same_bytes_in_three_runs_and_with_any_number_of_threads(tmp_path: Path) -> None:
    """With everything that draws, gathers or averages; the history as it lies on the disk."""
    runs = []
    for run, threads in enumerate((2, 2, 2, 1, 8)):
        sf.set_num_threads(threads)
        sf.manual_seed(5)
        model = nn.Sequential(nn.Linear(3, 300), nn.BatchNorm1d(300), nn.ReLU(), nn.Dropout(0.2))
        model.append(nn.Linear(300, 2))
        sf.rand(run)  # what was drawn before must not matter
        trainer = new_trainer(model, metrics="accuracy", clip=1.0, accumulate=2, ema=0.9)
        noise = augment.GaussianNoise(0.1)
        history = trainer.fit(
            blobs(600), blobs(90), epochs=2, batch_size=100, augment=noise, progress=False
        )
        history.to_jsonl(tmp_path / "history")
        on_disk = (tmp_path / "history").read_bytes()
        runs.append((on_disk, [w.tobytes() for w in weights_of(model)]))
    assert all(run == runs[0] for run in runs)


def test_without_a_seed_the_run_follows_manual_seed() -> None:
    histories = []
    for seed in (3, 3, 4):
        sf.manual_seed(seed)
        histories.append(new_trainer(seed=None).fit(blobs(), epochs=2, progress=False))
    assert histories[0] == histories[1] != histories[2]


def test_shuffle_changes_with_the_epoch_and_covers_every_row() -> None:
    seen: list[list[float]] = []

    class Watch(Callback):
        def on_epoch_begin(self, trainer: Trainer) -> None:
            seen.append([])

        def on_batch_begin(self, trainer: Trainer) -> None:
            seen[-1].extend(trainer.state.inputs[:, 0].tolist())

    x = np.arange(30.0, dtype="float32").reshape(10, 3)
    trainer = new_trainer(lr=1e-6, callbacks=[Watch()])
    trainer.fit((x, np.arange(10) % 2), epochs=2, batch_size=3, progress=False)
    assert seen[0] != seen[1]
    assert sorted(seen[0]) == sorted(seen[1]) == x[:, 0].tolist()


def test_a_second_fit_goes_on_with_epochs_and_order() -> None:
    sf.manual_seed(2)
    twice, once = classifier(), classifier()
    once.load_state_dict(twice.state_dict())
    trainer = new_trainer(twice)
    first = trainer.fit(blobs(), epochs=1, progress=False)
    second = trainer.fit(blobs(), epochs=2, progress=False)
    whole = new_trainer(once).fit(blobs(), epochs=3, progress=False)
    assert first["epoch"] == [1] and second["epoch"] == [2, 3]
    assert first["loss"] + second["loss"] == whole["loss"]
    assert_same_weights(twice, once)


def test_batches_count_by_their_items() -> None:
    """The last, smaller batch must not weigh as much as the others."""
    x, y = blobs(10)
    trainer = new_trainer(metrics=["accuracy"])
    whole = trainer.evaluate((x, y), batch_size=10)
    parts = trainer.evaluate((x, y), batch_size=4)
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-6)
    assert parts["accuracy"] == pytest.approx(whole["accuracy"])
    summed = Trainer(trainer.model, nn.CrossEntropyLoss(reduction="sum"), trainer.optimizer)
    assert summed.evaluate((x, y), batch_size=4)["loss"] == pytest.approx(whole["loss"], rel=1e-6)


def test_modes_are_set_and_given_back() -> None:
    modes: list[bool] = []

    class Spy(nn.Module):
        def forward(self, x: Any) -> Any:
            modes.append(self.training)
            return x

    model = nn.Sequential(Spy(), nn.Linear(3, 2), nn.Dropout(0.5))
    model[2].training = False
    trainer = new_trainer(model)
    trainer.fit(blobs(4), blobs(4), epochs=1, batch_size=4, progress=False)
    assert modes == [True, False]
    assert [m.training for m in model] == [True, True, False]
    trainer.predict(blobs(4)[0])
    trainer.evaluate(blobs(4))
    assert modes[2:] == [False, False]
    assert [m.training for m in model] == [True, True, False]


def test_predict_gives_rows_in_order_without_graph() -> None:
    trainer = new_trainer()
    x, _ = blobs(10)
    output = trainer.predict(x, batch_size=3)
    assert tuple(output.shape) == (10, 2) and not output.requires_grad
    with sf.no_grad():
        expected = trainer.model(sf.tensor(x))
    np.testing.assert_allclose(output.numpy(), expected.numpy(), rtol=1e-6)


def test_numpy_float64_is_taken_in_the_models_dtype() -> None:
    x, y = blobs()
    trainer = new_trainer()
    trainer.fit((x.astype("float64"), y), epochs=1, progress=False)
    assert trainer.predict(x.astype("float64")).dtype == sf.float32


@pytest.mark.parametrize("form", ["dataset", "loader", "list"])
def test_other_forms_of_data(form: str) -> None:
    x, y = (sf.tensor(part) for part in blobs(12))
    dataset = TensorDataset(x, y)
    data = {
        "dataset": dataset,
        "loader": DataLoader(dataset, batch_size=5),
        "list": [(x[:5], y[:5]), (x[5:10], y[5:10]), (x[10:], y[10:])],
    }[form]
    trainer = new_trainer()
    history = trainer.fit(data, data, epochs=2, batch_size=5, shuffle=False, progress=False)
    reference = new_trainer()
    assert trainer.state.step == 6
    assert history["val_loss"][-1] == pytest.approx(trainer.evaluate((x, y))["loss"], rel=1e-6)
    assert reference.seed == trainer.seed


def test_metrics_may_be_functions_objects_and_named() -> None:
    class Rows(Metric):
        name = "rows"

        def reset(self) -> None:
            self.seen = 0

        def update(self, output: Any, target: Any) -> None:
            assert not output.requires_grad
            self.seen += len(target)

        def compute(self) -> float:
            return float(self.seen)

    def top(output: Any, target: Any) -> Any:
        return output.max()

    trainer = new_trainer(metrics=["accuracy", top, Rows()])
    result = trainer.evaluate(blobs(10))
    assert list(result) == ["loss", "accuracy", "top", "rows"]
    assert result["rows"] == 10
    assert list(new_trainer(metrics={"acc": "accuracy"}).evaluate(blobs(4))) == ["loss", "acc"]


def test_metrics_that_cannot_be() -> None:
    with pytest.raises(
        ValueError, match="no metric is called 'acuracy'; known: accuracy, auc, f1, mae"
    ):
        new_trainer(metrics="acuracy")
    with pytest.raises(ValueError, match="metric name 'accuracy' is taken"):
        new_trainer(metrics=["accuracy", "accuracy"])
    with pytest.raises(TypeError, match="a metric is a name, a function or a Metric"):
        new_trainer(metrics=[3])
    with pytest.raises(ValueError, match=r"\[accuracy\] output \(4,\) with target \(4, 1\)"):
        sf.train.accuracy(sf.zeros(4), sf.zeros(4, 1))


def test_best_weights_are_those_of_the_lowest_validation_loss() -> None:
    model = nn.Linear(3, 2)
    nn.init.zeros_(model.weight)
    trainer = new_trainer(model)
    kept = []

    class Keep(Callback):
        def on_epoch_end(self, trainer: Trainer) -> None:
            kept.append(weights_of(trainer.model))

    trainer.callbacks.append(Keep())
    x, y = blobs()
    history = trainer.fit((x, y), (x, 1 - y), epochs=4, progress=False)  # learning makes it worse
    assert history.best_epoch() == 0
    assert trainer.best is not None and trainer.best.epoch == 1
    trainer.restore_best()
    for a, b in zip(weights_of(trainer.model), kept[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_restore_best_before_fit_says_so() -> None:
    with pytest.raises(RuntimeError, match="call fit first"):
        new_trainer().restore_best()


def test_a_loss_that_is_not_finite_stops_the_run_with_good_weights() -> None:
    class Poison(Callback):
        def on_batch_begin(self, trainer: Trainer) -> None:
            if trainer.state.epoch == 3 and trainer.state.batch == 2:
                trainer.state.inputs = trainer.state.inputs * float("nan")

    trainer = new_trainer(callbacks=[Poison()])
    with pytest.raises(NonFiniteLossError, match=r"loss \(nan\).* epoch 3, batch 2; ") as caught:
        trainer.fit(blobs(), blobs(), epochs=5, batch_size=20, progress=False)
    assert "weights of epoch 2" in caught.value.event
    assert caught.value.remedy.startswith("The inputs of the batch hold NaN or infinity")
    assert caught.value.history["epoch"] == [1, 2]
    assert trainer.evaluate(blobs())["loss"] == trainer.history["val_loss"][-1]


def test_a_first_loss_that_is_not_finite_leaves_the_first_weights() -> None:
    trainer = new_trainer()
    before = weights_of(trainer.model)
    x, y = blobs()
    x[3, 1] = np.inf
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, .*first weights"):
        trainer.fit((x, y), epochs=5, progress=False)
    for a, b in zip(before, weights_of(trainer.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_rate_that_is_too_high_is_named_with_what_to_write() -> None:
    """lr = 10 on a slope of 8/3: the loss grows 660-fold a step, until float32 ends."""
    sf.manual_seed(0)
    x = 4 * sf.rand(100, 1) - 2
    model = nn.Linear(1, 1)
    trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=10.0))
    with pytest.raises(NonFiniteLossError, match=r"steps with lr=10 .*: write lr=1, ask") as caught:
        trainer.fit((x, 3 * x), epochs=30, batch_size=None, progress=False)
    losses = caught.value.history["loss"]
    assert 10 < len(losses) < 20 and losses[5] > 1e10 * losses[0]
    best = trainer.evaluate((x, 3 * x))["loss"]  # the weights behind the lowest loss are back
    assert best == pytest.approx(losses[1], rel=1e-5)


def test_a_loss_that_never_was_finite_is_not_the_rate_s() -> None:
    x, y = blobs()
    trainer = new_trainer()
    trainer.loss = lambda output, targets: (output * 0).sum().log()
    with pytest.raises(NonFiniteLossError, match="look for a logarithm of 0"):
        trainer.fit((x, y), epochs=1, progress=False)


def test_a_last_step_into_infinity_is_seen() -> None:
    """One step with an infinite gradient, after the only loss of the run."""

    class Burst(Callback):
        def on_backward_end(self, trainer: Trainer) -> None:
            weight = next(iter(trainer.model.parameters()))
            weight.grad = weight.grad * float("inf")

    trainer = new_trainer(callbacks=[Burst()])
    before = weights_of(trainer.model)
    with pytest.raises(NonFiniteLossError, match="a weight is not finite at epoch 1"):
        trainer.fit(blobs(), epochs=1, batch_size=60, progress=False)
    for a, b in zip(before, weights_of(trainer.model), strict=True):
        np.testing.assert_array_equal(a, b)


class PressCtrlC(Callback):
    """Sends the process SIGINT in the middle of a batch."""

    def __init__(self, epoch: int, batch: int, times: int = 1) -> None:
        self.when = (epoch, batch)
        self.times = times
        self.finished: list[tuple[int, int]] = []

    def on_backward_end(self, trainer: Trainer) -> None:
        if (trainer.state.epoch, trainer.state.batch) == self.when:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)

    def on_batch_end(self, trainer: Trainer) -> None:
        self.finished.append((trainer.state.epoch, trainer.state.batch))


def test_ctrl_c_finishes_the_batch_and_returns_the_history() -> None:
    presser = PressCtrlC(2, 1)
    trainer = new_trainer(callbacks=[presser])
    handler = signal.getsignal(signal.SIGINT)
    history = trainer.fit(blobs(), epochs=5, batch_size=20, progress=False)
    assert history.stop_reason == "interrupted"
    assert history["epoch"] == [1]
    assert presser.finished[-1] == (2, 1)
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_twice_stops_at_once() -> None:
    presser = PressCtrlC(2, 1, times=2)
    handler = signal.getsignal(signal.SIGINT)
    history = new_trainer(callbacks=[presser]).fit(blobs(), epochs=5, batch_size=20, progress=False)
    assert history.stop_reason == "interrupted"
    assert presser.finished[-1] == (1, 3)
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_error_in_a_callback_comes_through_and_modes_are_restored() -> None:
    class Broken(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            raise KeyError("mine")

    trainer = new_trainer(callbacks=[Broken()])
    trainer.model.eval()
    with pytest.raises(KeyError, match="mine"):
        trainer.fit(blobs(), epochs=1, progress=False)
    assert trainer.history.stop_reason == "KeyError"
    assert not trainer.model.training


def test_the_last_batch_is_let_go() -> None:
    trainer = new_trainer()
    trainer.fit(blobs(), epochs=1, progress=False)
    assert trainer.state.output is None and trainer.state.loss is None


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ((np.zeros((3, 3)), np.zeros(2, "int64")), ValueError, r"\(3, 3\) and targets \(2,\)"),
        ((np.zeros((0, 3)), np.zeros(0, "int64")), ValueError, "no rows"),
        ((np.float32(1.0), np.zeros(2, "int64")), TypeError, "pair"),
        (iter([]), TypeError, "iterator"),
        ([], ValueError, "no rows"),
        (3, TypeError, "not int"),
        ([(np.zeros((2, 3)),)], TypeError, "pair"),
        ((np.zeros((2, 3)), np.array(["a", "b"])), TypeError, r"numpy\.unique\(targets"),
    ],
)
def test_data_that_cannot_be(data: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        new_trainer().fit(data, epochs=1, progress=False)


def test_a_validation_set_of_another_width_is_found_before_training() -> None:
    trainer = new_trainer()
    x, y = blobs()
    with pytest.raises(
        ValueError, match=r"validation inputs have shape \(2,\), those of training \(3,"
    ):
        trainer.fit((x, y), (x[:, :2], y), epochs=1, progress=False)
    with pytest.raises(ValueError, match="rows of the validation targets"):
        trainer.fit((x, y), (x, y[:, None]), epochs=1, progress=False)
    assert trainer.state.step == 0


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ],
)
def test_settings_that_cannot_be(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        new_trainer().fit(blobs(), progress=False, **options)


def test_a_loss_of_many_numbers_says_what_to_write() -> None:
    model = classifier()
    trainer = Trainer(
        model,
        nn.CrossEntropyLoss(reduction="none"),
        optim.SGD(model.parameters(), lr=0.1),
    )
    with pytest.raises(ValueError, match=r"shape \(32,\): expected one number; use reduction='me"):
        trainer.fit(blobs(), epochs=1, progress=False)
    with pytest.raises(ValueError, match="expected one number"):
        trainer.evaluate(blobs())
