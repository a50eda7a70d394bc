"""From gradients to steps: clipping, gathering, closures, averages."""

import itertools
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.optim import lr_scheduler as ls
from surefoot.train import EMA, SWA, Callback, EarlyStopping, LRSchedule, Trainer

X = np.random.RandomState(0).randn(22, 3)
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.1


def net(seed: int = 0) -> nn.Sequential:
    sf.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def trained(
    epochs: int = 2,
    batch_size: int | None = 4,
    data: Any = (X, Y),
    loss: Any = None,
    **options: Any,
) -> Trainer:
    model = options.pop("model", None) or net()
    rule = options.pop("rule", lambda p: optim.SGD(p, lr=0.1))
    trainer = Trainer(model, loss or nn.MSELoss(), rule(model.parameters()), seed=0, **options)
    settings = {"epochs": epochs, "batch_size": batch_size, "shuffle": False}
    trainer.fit(data, (X, Y), progress=False, **settings)
    return trainer


def weights(trainer: Trainer) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in trainer.model.parameters()])


class Watch(Callback):
    """The norm of all gradients and the size of the weights' change, per step."""

    def __init__(self) -> None:
        self.grads: list[np.ndarray] = []
        self.moves: list[np.ndarray] = []

    def on_backward_end(self, trainer: Trainer) -> None:
        grads = [p.grad.numpy().ravel() for p in trainer.model.parameters() if p.grad is not None]
        self.grads.append(np.concatenate(grads).copy())
        self.before = weights(trainer).copy()

    def on_batch_end(self, trainer: Trainer) -> None:
        if trainer.state.updated:
            self.moves.append(weights(trainer) - self.before)


@pytest.mark.parametrize(
    ("clip", "formula"),
    [
        (0.3, lambda g: g * min(1, 0.3 / (np.linalg.norm(g) + 1e-6))),
        (("norm", 0.3), lambda g: g * min(1, 0.3 / (np.linalg.norm(g) + 1e-6))),
        (("value", 0.05), lambda g: np.clip(g, -0.05, 0.05)),
    ],
)
def test_clipping_is_between_backward_and_step(clip: Any, formula: Any) -> None:
    watch = Watch()
    trained(clip=clip, callbacks=[watch])
    assert any(np.linalg.norm(g - formula(g)) > 1e-3 for g in watch.grads), "nothing to clip"
    for grad, move in zip(watch.grads, watch.moves, strict=True):
        np.testing.assert_allclose(move, -0.1 * formula(grad), rtol=1e-9, atol=1e-15)


def test_clipping_within_the_step_leaves_the_run_as_it_was() -> None:
    """An optimizer with a step of its own is clipped before it: the same bits."""

    class Before(optim.Adam):
        def step(self, closure: Any = None) -> Any:  # type: ignore[override]
            return super().step(closure)

    options = {"clip": 0.3, "accumulate": 2}
    within = trained(rule=lambda p: optim.Adam(p, lr=0.01), **options)
    before = trained(rule=lambda p: Before(p, lr=0.01), **options)
    assert within.optimizer.last_norm is not None and before.optimizer.last_norm is None
    np.testing.assert_array_equal(weights(within), weights(before))
    assert within.history["loss"] == before.history["loss"]


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan"), ("sum", 1.0), ("value", -1.0)])
def test_clips_that_cannot_be(clip: Any) -> None:
    with pytest.raises(ValueError, match="clip is a number above 0"):
        trained(clip=clip)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("known", [True, False], ids=["length known", "length unknown"])
def test_gathered_batches_are_one_batch(reduction: str, known: bool) -> None:
    """Also with a penalty, batches of unequal size and a rest at the end of the epoch."""
    sizes = [5, 2, 4, 4, 1, 4, 2]  # gathered by three: 11, 9 and 2 rows
    edges = np.cumsum([0, *sizes])
    parts = [(X[a:b], Y[a:b]) for a, b in itertools.pairwise(edges)]

    class Unsized:
        def __iter__(self) -> Any:
            return iter(parts)

    whole = [(X[:11], Y[:11]), (X[11:20], Y[11:20]), (X[20:], Y[20:])]
    options = {
        "loss": nn.MSELoss(reduction=reduction),
        "rule": lambda p: optim.Adam(p, lr=0.01),
        "regularize": sf.regularize.L2(0.1),
    }
    gathered = trained(data=parts if known else Unsized(), accumulate=3, **options)
    expected = trained(data=whole, **options)
    assert gathered.state.step == expected.state.step == 6
    np.testing.assert_allclose(weights(gathered), weights(expected), rtol=1e-9)
    np.testing.assert_allclose(gathered.history["loss"], expected.history["loss"], rtol=0.1)


def test_a_schedule_counts_steps_not_batches() -> None:
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = ls.OneCycleLR(optimizer, 0.2, cycle_momentum=False)
    trainer = Trainer(
        model, nn.MSELoss(), optimizer, seed=0, accumulate=4, schedule=LRSchedule(schedule, "step")
    )
    trainer.fit((X, Y), epochs=3, batch_size=4, progress=False)  # 6 batches are 2 steps
    assert schedule.total_steps == schedule.last_epoch == trainer.state.step == 6


def test_a_bare_schedule_counts_epochs() -> None:
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    schedules = [ls.CosineAnnealingLR(optimizer), ls.SutskeverMomentum(optimizer)]
    trainer = Trainer(model, nn.MSELoss(), optimizer, seed=0, schedule=schedules)
    history = trainer.fit((X, Y), epochs=4, progress=False)
    assert history["lr"] == pytest.approx([0.05 * (1 + np.cos(np.pi * t / 4)) for t in range(4)])
    assert schedules[1].last_epoch == 4
    with pytest.raises(TypeError, match="int is no schedule"):
        Trainer(model, nn.MSELoss(), optimizer, schedule=3)


@pytest.mark.parametrize(
    ("accumulate", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_accumulate_that_cannot_be(accumulate: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"accumulate must be (at least 1|an integer)"):
        trained(accumulate=accumulate)


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (1, 22), (22, 1), (100, 1), (4, 6)])
def test_full_batch_single_rows_and_between(batch_size: int | None, steps: int) -> None:
    assert trained(epochs=1, batch_size=batch_size).state.step == steps


def by_hand(optimizer: Any, model: nn.Module, backward: bool, steps: int) -> None:
    x, y, loss = sf.tensor(X), sf.tensor(Y), nn.MSELoss()

    def closure() -> Any:
        value = loss(model(x), y)
        if backward:
            optimizer.zero_grad()
            value.backward()
        return value

    for _ in range(steps):
        optimizer.step(closure)


RULES = {
    "LBFGS": (lambda p: optim.LBFGS(p, max_iter=4, line_search_fn="strong_wolfe"), True),
    "LineSearchGD": (lambda p: optim.LineSearchGD(p), False),
    "lookahead": (lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov="lookahead"), True),
}


@pytest.mark.parametrize("rule", RULES)
def test_optimizers_with_a_closure_run_as_by_hand(rule: str, tmp_path: Any) -> None:
    make, backward = RULES[rule]
    trainer = trained(epochs=5, batch_size=None, rule=make)
    model = net()
    by_hand(make(model.parameters()), model, backward, 5)
    expected = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    np.testing.assert_array_equal(weights(trainer), expected)
    assert trainer.history["loss"][-1] < trainer.history["loss"][0] / 2
    assert trainer.state.step == 5

    first = trained(epochs=3, batch_size=None, rule=make)
    first.save(tmp_path / "run")
    resumed = Trainer(net(), nn.MSELoss(), make(model.parameters()))
    resumed.optimizer = make(resumed.model.parameters())
    resumed = Trainer(resumed.model, nn.MSELoss(), resumed.optimizer)
    resumed.fit(
        (X, Y), (X, Y), epochs=5, batch_size=None, shuffle=False, resume=tmp_path / "run",
        progress=False,
    )  # fmt: skip
    np.testing.assert_array_equal(weights(resumed), expected)
    assert resumed.history == trainer.history


def test_a_penalty_is_part_of_what_a_closure_minimizes() -> None:
    strong = sf.regularize.L2(10.0)
    trainer = trained(epochs=5, batch_size=None, rule=RULES["LBFGS"][0], regularize=strong)
    assert np.abs(weights(trainer)[:12]).max() < 0.05


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rule": RULES["LBFGS"][0], "accumulate": 2}, "cannot be gathered"),
        ({"rule": RULES["LineSearchGD"][0], "clip": 1.0}, "no clip with it"),
    ],
)
def test_what_a_closure_rules_out(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        trained(**options)


@pytest.mark.parametrize("rule", RULES)
def test_a_closure_that_diverges_gives_the_best_weights_back(rule: str) -> None:
    model = net()
    before = [p.detach().clone().numpy() for p in model.parameters()]
    bad = np.where(np.arange(22)[:, None] == 3, np.nan, X)
    with pytest.raises(sf.train.NonFiniteLossError):
        trained(model=model, rule=RULES[rule][0], data=(bad, Y))
    for parameter, first in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.detach().numpy(), first)


class AfterSteps(Callback):
    """The weights after every step, as training goes on with."""

    def __init__(self, event: str = "on_batch_end") -> None:
        self.rows: list[np.ndarray] = []
        setattr(self, event, lambda trainer: self.rows.append(weights(trainer).copy()))


@pytest.mark.parametrize("warmup", [True, False])
def test_moving_average(warmup: bool) -> None:
    steps, ends = AfterSteps(), AfterSteps("on_epoch_end")
    trainer = trained(ema=EMA(0.8, warmup=warmup), callbacks=[steps, ends])
    average = steps.rows[0]
    for t, now in enumerate(steps.rows[1:], start=1):
        decay = min(0.8, (1 + t) / (10 + t)) if warmup else 0.8
        average = decay * average + (1 - decay) * now
    np.testing.assert_allclose(weights(trainer), average, rtol=1e-12)
    np.testing.assert_allclose(ends.rows[-1], average, rtol=1e-12)
    plain = AfterSteps()
    trained(callbacks=[plain])
    np.testing.assert_array_equal(plain.rows, steps.rows)
    assert trainer.evaluate((X, Y))["loss"] == pytest.approx(trainer.history["val_loss"][-1])
    assert trainer.best is not None and trainer.best.epoch == 2
    trainer.restore_best()
    np.testing.assert_allclose(weights(trainer), average, rtol=1e-12)


def test_moving_average_by_number_and_every_so_often() -> None:
    trainer = trained(ema=0.5)
    assert trainer.ema is not None and trainer.ema.count == 12
    assert trained(ema=EMA(0.5, every=3)).ema.count == 4
    for bad in ({"decay": 1.5}, {"every": 0}):
        with pytest.raises(ValueError, match=r"\[EMA\]"):
            EMA(**bad)


def test_early_stopping_keeps_averaged_weights() -> None:
    stopper = EarlyStopping(5)
    trainer = trained(epochs=3, ema=0.9, callbacks=[stopper])
    assert stopper.best_epoch == 3
    loss = trainer.evaluate((X, Y))["loss"]
    assert loss == pytest.approx(min(trainer.history["val_loss"]))


def test_a_diverged_run_is_not_averaged() -> None:
    model = net()
    first = [p.detach().clone().numpy() for p in model.parameters()]
    bad = [(X[:8], Y[:8]), (X[8:] * np.nan, Y[8:])]
    with pytest.raises(sf.train.NonFiniteLossError):
        trained(model=model, data=bad, ema=0.9)
    for parameter, value in zip(model.parameters(), first, strict=True):
        np.testing.assert_array_equal(parameter.detach().numpy(), value)


@pytest.mark.parametrize(("start", "first"), [(3, 3), (0.5, 3), (1, 1), (0.99, 4)])
def test_equal_mean_of_the_last_epochs(start: float, first: int) -> None:
    ends = AfterSteps("on_epoch_end")
    trainer = trained(epochs=4, callbacks=[ends, SWA(start)])
    np.testing.assert_allclose(
        weights(trainer), np.mean(ends.rows[first - 1 :], axis=0), rtol=1e-12
    )


def test_equal_mean_renews_normalisation() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1)).double()
    trained(model=model, epochs=2, batch_size=None, callbacks=[SWA(1)])
    np.testing.assert_allclose(model[0].running_mean.numpy(), X.mean(axis=0), rtol=1e-9)


def test_averages_are_in_the_checkpoint(tmp_path: Any) -> None:
    def trainer(*more: Callback) -> Trainer:
        model = net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        callbacks = [*more, SWA(2)]
        return Trainer(
            model, nn.MSELoss(), optimizer, seed=0, ema=0.9, callbacks=callbacks, accumulate=4
        )

    class Save(Callback):
        def on_batch_end(self, trainer: Trainer) -> None:
            if trainer.state.epoch == 3 and trainer.state.batch == 1:  # gathered, no step yet
                trainer.save(tmp_path / "run")

    whole, broken, resumed = trainer(), trainer(Save()), trainer()
    expected = whole.fit((X, Y), epochs=4, batch_size=4, progress=False)
    broken.fit((X, Y), epochs=4, batch_size=4, progress=False)
    history = resumed.fit((X, Y), epochs=4, batch_size=4, progress=False, resume=tmp_path / "run")
    assert history == expected
    np.testing.assert_array_equal(weights(resumed), weights(whole))
