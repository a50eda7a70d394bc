"""Ensembles: what they combine, how their members differ, what a run leaves of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.ensemble import Ensemble, Snapshots, bagging
from surefoot.train import Callback, Trainer

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(40, 3)
Y = np.sin(2 * X[:, :1]) + 0.3 * RANDOM.randn(40, 1)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_combinations_are_those_of_numpy() -> None:
    models = [nn.Linear(3, 4).double() for _ in range(5)]
    outputs = np.stack([model(sf.tensor(X)).detach().numpy() for model in models])
    chances, votes = softmax(outputs), np.eye(4)[outputs.argmax(axis=-1)]
    expected = {
        "mean": (outputs.mean(axis=0), outputs),
        "probability": (np.log(chances.mean(axis=0)), chances),
        "vote": (votes.mean(axis=0), votes),
    }
    for combine, (value, parts) in expected.items():
        both = Ensemble(models, combine)  # type: ignore[arg-type]
        np.testing.assert_allclose(both(sf.tensor(X)).detach().numpy(), value, rtol=1e-10)
        spread = parts.std(axis=0, ddof=1)
        np.testing.assert_allclose(both.spread(sf.tensor(X)).numpy(), spread, atol=1e-12)


def test_probabilities_that_vanish_stay_finite_and_learn() -> None:
    models = [nn.Linear(1, 2, bias=False) for _ in range(2)]
    for model in models:
        nn.init.constant_(model.weight, 0.0)
        model.weight.detach()[1] = 400.0
    both = Ensemble(models, "probability")
    loss = nn.functional.nll_loss(both(sf.ones(3, 1)), sf.tensor([0, 0, 0]))
    assert loss.item() == pytest.approx(400.0)
    loss.backward()
    assert models[0].weight.grad is not None and models[0].weight.grad.norm().item() > 0


def test_members_are_one_model() -> None:
    members = [nn.Linear(3, 2), nn.Linear(3, 2)]
    both = Ensemble(members)
    assert len(list(both.parameters())) == 4 and "models.0.weight" in both.state_dict()
    assert not both.eval().models[0].training
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
    with pytest.raises(ValueError, match="combine is 'mean', 'probability' or 'vote'"):
        Ensemble(members, "median")  # type: ignore[arg-type]


def build(i: int) -> Trainer:
    sf.manual_seed(100)  # equal weights: only the rows make the members differ
    model = nn.Sequential(nn.Linear(3, 30), nn.Tanh(), nn.Linear(30, 1)).double()
    return Trainer(model, nn.MSELoss(), optim.Adam(model.parameters(), lr=0.02), seed=0)


def test_bagging_draws_rows_and_lowers_the_variance() -> None:
    options: dict[str, Any] = {"epochs": 60, "batch_size": None, "progress": False}
    both = bagging(build, (X, Y), count=8, **options)
    again = bagging(build, (X, Y), count=8, **options)
    for a, b in zip(both.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    fresh = RANDOM.randn(500, 3)
    truth = np.sin(2 * fresh[:, :1])
    errors = [np.mean((m(sf.tensor(fresh)).detach().numpy() - truth) ** 2) for m in both.models]
    together = np.mean((both(sf.tensor(fresh)).detach().numpy() - truth) ** 2)
    assert together < 0.9 * np.mean(errors) and len(set(errors)) == 8
    far = both.spread(sf.tensor(10 + fresh)).mean().item()
    assert far > 2 * both.spread(sf.tensor(X)).mean().item()
    with pytest.raises(ValueError, match="count is 1 or more"):
        bagging(build, (X, Y), count=0)


def run(*callbacks: Callback, epochs: int = 6, **options: Any) -> Trainer:
    trainer = build(0)
    trainer.callbacks.extend(callbacks)
    trainer.fit((X, Y), epochs=epochs, batch_size=8, progress=False, **options)
    return trainer


def test_snapshots_are_the_weights_at_the_ends_of_cycles(tmp_path: Path) -> None:
    whole, kept = Snapshots(2), Snapshots(2, keep=2)
    trainer = run(whole, kept)
    assert len(whole.models) == 3 and len(kept.models) == 2
    by_hand = [run(epochs=epochs).model for epochs in (2, 4, 6)]
    for snapshot, model in zip(whole.models, by_hand, strict=True):
        for a, b in zip(snapshot.parameters(), model.parameters(), strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
        assert not snapshot.training

    saver = sf.train.LambdaCallback(
        on_batch_end=lambda t: t.save(tmp_path / "run") if t.state.step == 23 else None
    )
    run(Snapshots(2), saver)
    resumed = Snapshots(2)
    run(resumed, resume=tmp_path / "run")
    expected = whole.ensemble()(sf.tensor(X)).detach().numpy()
    np.testing.assert_array_equal(resumed.ensemble()(sf.tensor(X)).detach().numpy(), expected)
    assert trainer.model not in whole.models
    with pytest.raises(ValueError, match="every and keep are 1 or more"):
        Snapshots(0)
