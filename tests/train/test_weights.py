"""Weights of rows: the third part of the data."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, TensorDataset, augment
from surefoot.train import Callback, Trainer, lr_find

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((24, 3))
Y = RANDOM.integers(0, 2, 24)
W = RANDOM.integers(0, 4, 24)


def fitted(data: Any, rule: Any = optim.SGD, **options: Any) -> Any:
    """What a linear model has learned."""
    sf.manual_seed(0)
    model = nn.Linear(3, 2, dtype=sf.float64)
    fit = {"epochs": 3, "batch_size": 8, "shuffle": False, "progress": False}
    fit |= {name: options.pop(name) for name in ("augment", "batch_size") if name in options}
    trainer = Trainer(model, nn.CrossEntropyLoss(), rule(model.parameters(), lr=0.1), **options)
    history = trainer.fit(data, **fit)
    return model.weight.detach().numpy(), history


def by_hand() -> Any:
    sf.manual_seed(0)
    model = nn.Linear(3, 2, dtype=sf.float64)
    optimizer, loss_of = optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    x, y, w = map(sf.tensor, (X, Y, W))
    losses = []
    for _ in range(3):
        for i in range(0, 24, 8):
            rows = slice(i, i + 8)
            optimizer.zero_grad()
            loss = loss_of(model(x[rows]), y[rows], sample_weight=w[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model.weight.detach().numpy(), np.reshape(losses, (3, 3)).mean(1)


BATCHES = [(X[i : i + 8], Y[i : i + 8], W[i : i + 8]) for i in range(0, 24, 8)]


@pytest.mark.parametrize(
    "data",
    [
        lambda: (X, Y, W),
        lambda: TensorDataset(sf.tensor(X), sf.tensor(Y), sf.tensor(W)),
        lambda: DataLoader(TensorDataset(sf.tensor(X), sf.tensor(Y), sf.tensor(W)), 8),
        lambda: BATCHES,
    ],
    ids=["arrays", "data set", "loader", "batches"],
)
@pytest.mark.parametrize("callbacks", [[], [Callback()]], ids=["plain", "watched"])
def test_equals_the_loop_written_by_hand(data: Callable[[], Any], callbacks: list[Any]) -> None:
    weight, losses = by_hand()
    found, history = fitted(data(), callbacks=callbacks)
    np.testing.assert_array_equal(found, weight)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-12)
    assert not np.array_equal(fitted((X, Y))[0], weight)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (optim.SGD, {"accumulate": 3}),
        (partial(optim.SGD, momentum=0.9, nesterov="lookahead"), {}),
        (optim.LBFGS, {}),
        (optim.SGD, {"clip": 0.5}),
        (optim.SGD, {"augment": augment.GaussianNoise(0.0, 0.0)}),
    ],
    ids=["accumulate", "lookahead", "lbfgs", "clip", "augment"],
)
def test_weight_0_leaves_a_row_out_everywhere(rule: Any, options: dict[str, Any]) -> None:
    keep = np.tile([True, True, False, True], 6)  # as many in every batch
    found = fitted((np.where(keep[:, None], X, 9.0), Y, keep * 1.0), rule, **options)[0]
    rest = fitted((X[keep], Y[keep]), rule, batch_size=6, **options)[0]
    np.testing.assert_allclose(found, rest, rtol=1e-9)


def test_evaluation_and_validation_take_weights() -> None:
    model = nn.Linear(3, 2, dtype=sf.float64)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), "accuracy")
    output, y = model(sf.tensor(X)), sf.tensor(Y)
    loss = nn.CrossEntropyLoss()(output, y, sample_weight=sf.tensor(W)).item()
    found = trainer.evaluate((X, Y, W))
    assert found["loss"] == pytest.approx(loss, rel=1e-12)
    assert found["accuracy"] == trainer.evaluate((X, Y))["accuracy"]  # metrics know no weights
    history = trainer.fit((X, Y), (X, Y, W), epochs=1, progress=False)
    assert history["val_loss"][0] == trainer.evaluate((X, Y, W))["loss"]


def test_the_rate_is_sought_with_weights() -> None:
    def finding(data: Any) -> Any:
        sf.manual_seed(0)
        model = nn.Linear(3, 2, dtype=sf.float64)
        trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), seed=0)
        return lr_find(trainer, data, batch_size=None, steps=20)

    np.testing.assert_array_equal(finding((X, Y, np.ones(24))).losses, finding((X, Y)).losses)
    assert not np.array_equal(finding((X, Y, W)).losses, finding((X, Y)).losses)


def test_refuses_weights_that_fit_no_rows_and_losses_that_know_none() -> None:
    with pytest.raises(ValueError, match=r"sample_weight \(23,\).*weights \(N,\)"):
        fitted((X, Y, W[1:]))
    with pytest.raises(TypeError, match="or three with sample_weight"):
        fitted([(X, Y, W, W)])
    model = nn.Linear(3, 2, dtype=sf.float64)
    loss = lambda output, target: nn.functional.cross_entropy(output, target)  # noqa: E731
    trainer = Trainer(model, loss, optim.SGD(model.parameters()))
    with pytest.raises(TypeError, match="sample_weight"):
        trainer.fit((X, Y, W), progress=False)
