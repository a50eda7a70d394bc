"""The learning-rate finder gives an interval that holds or says why not; trials leave no trace."""

from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.train import NonFiniteLossError, Trainer, lr_find, lr_search
from surefoot.train.kept import all_kept
from surefoot.train.lr_find import judge

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(256, 8).astype("float32")
Y = (X[:, :3].sum(axis=1) + 0.3 * RANDOM.randn(256) > 0).astype("int64")


def classifier(rule: Any = None, data: Any = (X, Y)) -> tuple[Trainer, Any]:
    sf.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
    rule = rule or (lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
    return Trainer(model, nn.CrossEntropyLoss(), rule(model.parameters()), seed=0), data


@pytest.mark.parametrize("curvature", [0.1, 1.0, 10.0, 100.0])
def test_a_parabola_has_a_known_limit(curvature: float) -> None:
    """Gradient descent on h w^2 / 2 diverges for lr > 2 / h."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, 3.0)
    trainer = Trainer(
        model,
        lambda output, target: 0.5 * curvature * (output - target).square().mean(),
        optim.SGD(model.parameters(), lr=0.1),
        seed=0,
    )
    data = np.ones((4, 1)), np.zeros((4, 1))
    found = lr_find(trainer, data, batch_size=None, high=1000.0)
    limit = 2 / curvature
    assert found and found.low is not None and found.high is not None
    assert found.low <= found.suggestion <= found.high < limit
    assert found.high > limit / 10
    assert "the loss falls from" in str(found) and found.losses.shape == (3, 100)


def loss_after(trainer: Trainer, data: Any, lr: float) -> float:
    with all_kept(trainer.model, trainer.optimizer):
        trainer.optimizer.param_groups[0]["lr"] = lr
        run = Trainer(trainer.model, trainer.loss, trainer.optimizer, seed=1)
        try:
            return float(run.fit(data, epochs=4, batch_size=16, progress=False)["loss"][-1] or 0.0)
        except NonFiniteLossError:
            return np.inf


RULES: dict[str, Any] = {
    "momentum": None,
    "Adam": lambda p: optim.Adam(p),
    "RMSprop": lambda p: optim.RMSprop(p),
    "lookahead": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov="lookahead"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_suggestion_learns_and_rates_beyond_the_interval_do_not(rule: str) -> None:
    trainer, data = classifier(RULES[rule])
    found = lr_find(trainer, data, batch_size=16)
    assert found, str(found)
    assert found.low is not None and found.high is not None and found.suggestion is not None
    inside = loss_after(trainer, data, found.suggestion)
    assert inside < 0.5
    assert loss_after(trainer, data, 100 * found.high) > 1.3 * inside
    assert loss_after(trainer, data, found.low / 100) > 1.3 * inside


def state_of(trainer: Trainer) -> list[Any]:
    entries = trainer.optimizer.state_dict()
    kept = [p.detach().numpy().tobytes() for p in trainer.model.parameters()]
    kept += [
        None if p.grad is None else p.grad.numpy().tobytes() for p in trainer.model.parameters()
    ]
    kept += [m.training for m in trainer.model.modules()]
    kept += [sf.get_rng_state().numpy().tobytes(), str(entries["param_groups"])]
    for entry in entries["state"].values():
        kept += [v.numpy().tobytes() if isinstance(v, sf.Tensor) else v for v in entry.values()]
    return kept


def search(trainer: Trainer, data: Any) -> Any:
    return lr_search(trainer, data, lrs=(0.01, 0.1), epochs=1)


@pytest.mark.parametrize("trial", [lr_find, search])
def test_everything_is_as_before(trial: Any) -> None:
    trainer, data = classifier(lambda p: optim.Adam(p))
    trainer.fit(data, epochs=1, progress=False)
    trainer.model[2].training = False
    before = state_of(trainer)
    trial(trainer, data)
    assert state_of(trainer) == before
    with pytest.raises((TypeError, ValueError)):
        trial(trainer, (X, X.astype("int64")))
    assert state_of(trainer) == before


def test_two_calls_agree() -> None:
    trainer, data = classifier()
    first, second = lr_find(trainer, data), lr_find(trainer, data)
    np.testing.assert_array_equal(first.losses, second.losses)
    assert str(first) == str(second)


def test_nothing_to_learn_is_no_rate() -> None:
    """Noise alone: labels by chance, a few rows at a time; the lowest of many points is no fall."""
    model = nn.Linear(8, 2)
    nn.init.zeros_(model.weight)
    trainer = Trainer(
        model, lambda output, y: nn.functional.cross_entropy(output * 0 + sf.randn(2), y),
        optim.SGD(model.parameters(), lr=0.1), seed=0,
    )  # fmt: skip
    for seed in range(5):
        trainer.seed = seed
        found = lr_find(trainer, (X, Y), batch_size=4)
        assert not found and found.suggestion is None
        assert "does not fall at any rate" in str(found)


def test_too_low_too_high_and_not_a_number() -> None:
    trainer, data = classifier()
    assert "raise high" in lr_find(trainer, data, high=0.02).reason
    late = lr_find(trainer, data, low=1.0, high=1000.0)
    assert not late
    found = lr_find(trainer, (X * np.nan, Y))
    assert not found and "not finite at rates below" in found.reason


def test_repeats_that_disagree_are_no_verdict() -> None:
    lrs = np.geomspace(1e-6, 10, 100)

    def curve(lowest: int) -> Any:
        k = np.arange(100)
        return np.where(k < 20, 1.0, np.where(k < lowest, 1 - 0.008 * (k - 20), 3.0))

    together = judge(lrs, np.stack([curve(60), curve(61), curve(62)]))
    assert together and "falls from" in together.reason
    apart = judge(lrs, np.stack([curve(40), curve(61), curve(80)]))
    assert not apart and "the repeats disagree" in apart.reason
    cliff = np.where(np.arange(100) < 50, 1.0, 3.0)
    cliff[46:50] = 0.5
    assert "no room" in judge(lrs, np.stack([cliff] * 3)).reason


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"low": 0.0}, "0 < low < high"),
        ({"low": 2.0, "high": 1.0}, "0 < low < high"),
        ({"steps": 5}, "steps must be at least 20, got 5"),
        ({"repeats": 0}, "repeats must be at least 1"),
    ],
)
def test_settings_that_cannot_be(options: dict[str, Any], text: str) -> None:
    trainer, data = classifier()
    with pytest.raises(ValueError, match=text):
        lr_find(trainer, data, **options)
    searching, data = classifier(lambda p: optim.LineSearchGD(p))
    for trial in (lr_find, lr_search):
        with pytest.raises(ValueError, match="looks for its rate itself"):
            trial(searching, data)


def test_grid_then_finer_around_the_best() -> None:
    trainer, data = classifier()
    table = lr_search(trainer, data, data, epochs=2)
    rates = [lr for lr, _ in table.rows]
    losses = dict(table.rows)
    coarse = [1e-4, 1e-3, 1e-2, 0.1, 1.0]
    middle = min(coarse, key=lambda lr: losses[lr])
    assert rates == sorted({*coarse, *(middle * f for f in (0.5, 2.0, 3.0))})
    assert losses[table.best] == min(losses.values()) and "best: " in str(table)
    trainer.optimizer.param_groups[0]["lr"] = table.best
    again = trainer.fit(data, data, epochs=2, progress=False)
    assert again["val_loss"][-1] == losses[table.best], "a trial is what a run would be"


def test_a_grid_that_is_too_narrow_or_diverges() -> None:
    trainer, data = classifier()
    assert "the highest tried" in lr_search(trainer, data, lrs=(1e-4, 1e-3), epochs=1).reason
    bad = lr_search(trainer, (X * np.nan, Y), lrs=(0.1, 1.0), epochs=1)
    assert bad.best is None and "no rate leads to a finite loss" in bad.reason
    with pytest.raises(ValueError, match="lrs must be positive"):
        lr_search(trainer, data, lrs=(0.0, 1.0))


def test_plot_without_matplotlib_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    trainer, data = classifier()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[plot\]'"):
        lr_find(trainer, data).plot()
