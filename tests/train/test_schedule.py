"""Schedules within a training run: the unit, the length of the run, what is measured."""

import math

import numpy as np
import pytest

import surefoot as sf
from surefoot.optim import lr_scheduler as ls
from surefoot.train import Callback, LRSchedule, Trainer

X = np.arange(20.0).reshape(10, 2) / 10
Y = np.arange(10) % 2


def optimizer(model: sf.nn.Module, lr: float = 0.1) -> sf.optim.SGD:
    return sf.optim.SGD(model.parameters(), lr=lr, momentum=0.5)


def trainer(model: sf.nn.Module, opt: sf.optim.Optimizer, *callbacks: Callback) -> Trainer:
    return Trainer(model, sf.nn.CrossEntropyLoss(), opt, callbacks=callbacks, seed=0)


class Rates(Callback):
    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_batch_begin(self, trainer: Trainer) -> None:
        self.rates.append(trainer.optimizer.param_groups[0]["lr"])


def test_cosine_takes_its_length_from_the_epochs() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    schedule = ls.CosineAnnealingLR(opt)
    run = trainer(model, opt, LRSchedule(schedule))
    history = run.fit((X, Y), epochs=8, progress=False)
    assert schedule.T_max == 8
    expected = [0.05 * (1 + math.cos(math.pi * t / 8)) for t in range(8)]
    assert history["lr"] == pytest.approx(expected)
    run.fit((X, Y), epochs=4, progress=False)
    assert schedule.T_max == 12


def test_every_step_counts_batches() -> None:
    model, watch = sf.nn.Linear(2, 2), Rates()
    opt = optimizer(model)
    warm = ls.WarmupLR(opt, ls.CosineAnnealingLR(opt), total_iters=3, start_factor=0.25)
    run = trainer(model, opt, LRSchedule(warm, every="step"), watch)
    run.fit((X, Y), epochs=4, batch_size=4, progress=False)  # 3 batches an epoch, the last of 2
    cosine = [0.05 * (1 + math.cos(math.pi * t / 9)) for t in range(9)]
    assert watch.rates == pytest.approx([0.025, 0.05, 0.075, *cosine])


def test_one_cycle_needs_no_counting_by_hand() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    schedule = ls.OneCycleLR(opt, 0.5)
    trainer(model, opt, LRSchedule(schedule, every="step")).fit(
        (X, Y), epochs=5, batch_size=4, progress=False
    )
    assert schedule.total_steps == schedule.last_epoch == 15


def test_wrong_t_max_is_warned_of() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    run = trainer(model, opt, LRSchedule(ls.CosineAnnealingLR(opt, T_max=5)))
    with pytest.warns(UserWarning, match="T_max=5, but the run has 8 steps"):
        run.fit((X, Y), epochs=8, progress=False)


class Scripted(Callback):
    def __init__(self, values: list[float | None]) -> None:
        self.values = iter(values)

    def on_epoch_end(self, trainer: Trainer) -> None:
        trainer.state.row["val_loss"] = next(self.values)


def test_measuring_schedules_get_the_validation_loss() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model, lr=1.0)
    values = Scripted([0.5, 0.7, 0.6, 0.8])
    run = trainer(model, opt, values, LRSchedule(ls.HalveOnWorse(opt)))
    assert run.fit((X, Y), epochs=4, progress=False)["lr"] == [1.0, 1.0, 0.5, 0.5]
    assert opt.param_groups[0]["lr"] == 0.25


def test_a_measurement_that_is_missing_or_unknown_is_an_error() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    run = trainer(model, opt, Scripted([None]), LRSchedule(ls.ReduceLROnPlateau(opt)))
    with pytest.raises(ValueError, match="NaN"):
        run.fit((X, Y), epochs=1, progress=False)
    run = trainer(model, opt, LRSchedule(ls.ReduceLROnPlateau(opt), monitor="val_f1"))
    with pytest.raises(ValueError, match="val_f1"):
        run.fit((X, Y), epochs=1, progress=False)


def test_the_loss_of_each_batch_can_be_measured() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    schedule = ls.HalveOnWorse(opt)
    run = trainer(model, opt, LRSchedule(schedule, every="step", monitor="loss"))
    run.fit((X, Y), epochs=1, batch_size=4, progress=False)
    assert schedule.last_epoch == 3
    assert schedule.previous == run.state.loss_value


def test_batches_grow_and_the_run_knows_their_number() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    data = sf.data.TensorDataset(sf.tensor(X.astype(np.float32)), sf.tensor(Y))
    loader = sf.data.DataLoader(data, batch_size=2)

    class Numbers(Callback):
        seen: list[int | None] = []

        def on_epoch_begin(self, trainer: Trainer) -> None:
            self.seen.append(trainer.state.num_batches)

    growth = LRSchedule(ls.BatchSizeGrowth(loader, step_size=1))
    run = trainer(model, opt, growth, Numbers())
    run.fit(loader, epochs=3, progress=False)
    assert Numbers.seen == [5, 3, 2]
    assert run.state.step == 10


def test_bad_arguments_are_named() -> None:
    model = sf.nn.Linear(2, 2)
    opt, other = optimizer(model), optimizer(model)
    schedule = ls.StepLR(other, 1)
    with pytest.raises(ValueError, match="every"):
        LRSchedule(schedule, every="batch")
    with pytest.raises(TypeError, match="SGD is no schedule"):
        LRSchedule(opt)
    with pytest.raises(ValueError, match="not measured at every step"):
        LRSchedule(ls.HalveOnWorse(opt), every="step", monitor="val_loss")
    with pytest.raises(ValueError, match="another optimizer"):
        trainer(model, opt, LRSchedule(schedule)).fit((X, Y), epochs=1, progress=False)


def test_a_later_fit_takes_up_the_rate_of_the_longer_run() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    runner = trainer(model, opt, LRSchedule(ls.CosineAnnealingLR(opt)))
    data = (sf.tensor(X), sf.tensor(Y))
    model.double()
    runner.fit(data, epochs=2, progress=False)
    rates = runner.fit(data, epochs=2, progress=False)["lr"]
    wanted = [0.05 * (1 + math.cos(math.pi * t / 4)) for t in (2, 3)]
    assert rates[-2:] == pytest.approx(wanted)


def test_a_bare_schedule_is_no_callback() -> None:
    model = sf.nn.Linear(2, 2)
    opt = optimizer(model)
    with pytest.raises(TypeError, match=r"LRSchedule\(schedule\)"):
        trainer(model, opt, ls.StepLR(opt, 1))
    with pytest.raises(TypeError, match="see Callback"):
        trainer(model, opt, object())
