"""Callbacks: when they are called, and early stopping."""

from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.train import Callback, EarlyStopping, Trainer
from surefoot.train.events import EVENTS


class Recorder(Callback):
    """Writes down every event, with the first weights and whether they have a gradient by then."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.moments: dict[str, tuple[bool, Any]] = {}


def _recording(event: str) -> Any:
    def method(self: Recorder, trainer: Trainer) -> None:
        weight = next(iter(trainer.model.parameters()))
        self.events.append(event)
        self.moments[event] = (weight.grad is not None, weight.detach().clone().numpy())

    return method


for name in EVENTS:
    setattr(Recorder, name, _recording(name))


class Scripted(Callback):
    """Overwrites a column with given values, one an epoch."""

    def __init__(self, values: list[float], column: str = "val_loss") -> None:
        self.values = iter(values)
        self.column = column

    def on_epoch_end(self, trainer: Trainer) -> None:
        trainer.state.row[self.column] = next(self.values)


def small_trainer(*callbacks: Callback) -> Trainer:
    model = nn.Sequential(nn.Linear(2, 2))
    return Trainer(
        model,
        nn.CrossEntropyLoss(),
        optim.SGD(model.parameters(), lr=0.1),
        callbacks=callbacks,
        seed=0,
    )


X = np.arange(8.0).reshape(4, 2)
Y = np.array([0, 1, 0, 1])


def test_seven_events_come_in_order() -> None:
    recorder = Recorder()
    small_trainer(recorder).fit((X, Y), (X, Y), epochs=2, batch_size=2, progress=False)
    batch = ["on_batch_begin", "on_backward_end", "on_batch_end"]
    epoch = ["on_epoch_begin", *batch, *batch, "on_epoch_end"]
    assert recorder.events == ["on_fit_begin", *epoch, *epoch, "on_fit_end"]
    assert len(EVENTS) == 7 and set(EVENTS) == set(recorder.events)


def test_backward_end_is_between_gradient_and_step() -> None:
    recorder = Recorder()
    small_trainer(recorder).fit((X, Y), epochs=1, batch_size=4, progress=False)
    moments = ("on_batch_begin", "on_backward_end", "on_batch_end")
    has_grad, weights = zip(*(recorder.moments[event] for event in moments), strict=True)
    assert has_grad == (False, True, True)
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[1], weights[2])


def test_a_callback_can_stop_the_run_after_a_batch() -> None:
    class StopAtOnce(Callback):
        def on_backward_end(self, trainer: Trainer) -> None:
            trainer.stop("enough")

    trainer = small_trainer(StopAtOnce())
    history = trainer.fit((X, Y), epochs=5, batch_size=1, progress=False)
    assert history.stop_reason == "enough"
    assert trainer.state.step == 1
    assert history.num_epochs == 0


def test_a_callback_may_add_to_the_row() -> None:
    trainer = small_trainer(Scripted([0.5, 0.25], "lr"))
    assert trainer.fit((X, Y), epochs=2, progress=False)["lr"] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("patience", "values", "epochs"),
    [
        (0, [3.0, 2.0, 2.5, 1.0, 1.0], 3),
        (0, [3.0, 2.0, 2.0, 2.0, 2.1], 5),
        (0, [3.0, float("nan"), 2.0], 2),
        (1, [3.0, 2.0, 2.5, 1.0, 1.0], 3),
        (2, [3.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0], 6),
        (2, [3.0, 2.0, float("nan"), 2.5, 1.0], 4),
    ],
)
def test_early_stopping_counts_epochs_that_do_not_improve(
    patience: int, values: list[float], epochs: int
) -> None:
    trainer = small_trainer(Scripted(values), EarlyStopping(patience))
    history = trainer.fit((X, Y), epochs=len(values), progress=False)
    assert history.num_epochs == epochs
    reason = "val_loss has not improved for " if patience else "val_loss is worse than in the epoch"
    assert history.stop_reason.startswith(reason)


def test_early_stopping_asks_for_more_than_min_delta() -> None:
    values = [3.0, 2.95, 2.91, 2.5]
    trainer = small_trainer(Scripted(values), EarlyStopping(2, min_delta=0.1))
    assert trainer.fit((X, Y), epochs=4, progress=False).num_epochs == 3


def test_early_stopping_can_look_for_the_highest() -> None:
    stopper = EarlyStopping(1, monitor="score", mode="max")
    trainer = small_trainer(Scripted([0.1, 0.3, 0.2, 0.9], "score"), stopper)
    assert trainer.fit((X, Y), epochs=4, progress=False).num_epochs == 3
    assert stopper.best_epoch == 2


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_restores_the_best_weights(restore: bool) -> None:
    weights: list[Any] = []

    class Keep(Callback):
        def on_epoch_end(self, trainer: Trainer) -> None:
            weights.append(next(iter(trainer.model.parameters())).detach().clone().numpy())

    stopper = EarlyStopping(2, restore_best=restore)
    trainer = small_trainer(Scripted([3.0, 1.0, 2.0, 2.0]), Keep(), stopper)
    trainer.fit((X, Y), epochs=4, progress=False)
    final = next(iter(trainer.model.parameters())).detach().numpy()
    np.testing.assert_array_equal(final, weights[1 if restore else 3])
    assert not np.array_equal(weights[1], weights[3])


def test_early_stopping_starts_anew_with_every_fit() -> None:
    stopper = EarlyStopping(1)
    trainer = small_trainer(Scripted([1.0, 2.0, 9.0, 8.0]), stopper)
    assert trainer.fit((X, Y), epochs=2, progress=False).num_epochs == 2
    history = trainer.fit((X, Y), epochs=2, progress=False)
    assert history.stop_reason == "finished"


def test_early_stopping_refuses_bad_settings() -> None:
    with pytest.raises(ValueError, match="patience must be at least 0"):
        EarlyStopping(-1)
    with pytest.raises(ValueError, match="min_delta must be at least 0"):
        EarlyStopping(min_delta=float("nan"))
    with pytest.raises(ValueError, match="mode must be one of 'min', 'max'"):
        EarlyStopping(mode="best")
    trainer = small_trainer(EarlyStopping(monitor="val_accuracy"))
    with pytest.raises(ValueError, match="nothing called 'val_accuracy' is measured; there is ep"):
        trainer.fit((X, Y), epochs=1, progress=False)


def test_any_object_with_some_of_the_methods_will_do() -> None:
    class Counter:
        batches = 0

        def on_batch_end(self, trainer: Trainer) -> None:
            self.batches += 1

    counter = Counter()
    trainer = small_trainer()
    trainer.callbacks.append(counter)
    trainer.fit((X, Y), epochs=1, batch_size=2, progress=False)
    assert counter.batches == 2


def test_an_unknown_event_method_is_not_called() -> None:
    class Odd(Callback):
        def on_tuesday(self, trainer: Trainer) -> None:
            raise AssertionError

    small_trainer(Odd()).fit((X, Y), epochs=1, progress=False)


def test_module_is_reachable_from_the_package() -> None:
    assert sf.train.Callback is Callback


def test_functions_make_a_callback() -> None:
    seen: list[int] = []
    callback = sf.train.LambdaCallback(on_batch_end=lambda trainer: seen.append(trainer.state.step))
    small_trainer(callback).fit((X, Y), epochs=2, batch_size=2, progress=False)
    assert seen == [1, 2, 3, 4]
    for bad in ({"on_tuesday": print}, {"on_fit_end": 3}):
        with pytest.raises(TypeError, match="expected a function for one of on_fit_begin"):
            sf.train.LambdaCallback(**bad)
