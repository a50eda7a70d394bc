"""Networks as scikit-learn's estimators."""

import pickle
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim

sklearn = pytest.importorskip("sklearn")

from sklearn import datasets  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from surefoot.estimators import Classifier, Regressor  # noqa: E402

STOCHASTIC = "batches of repeated rows are not those of weighted rows"


@parametrize_with_checks(
    [Classifier(max_iter=25), Regressor(max_iter=25)],
    expected_failed_checks=lambda _: {"check_sample_weight_equivalence_on_dense_data": STOCHASTIC},
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def wine() -> tuple[Any, Any]:
    X, y = datasets.load_wine(return_X_y=True)
    return X, np.array(["a", "b", "c"])[y]


def small(X: Any, y: Any, **options: Any) -> Classifier:
    return Classifier((16,), max_iter=30, random_state=0, **options).fit(X, y)


def test_searches_of_scikit_learn() -> None:
    X, y = wine()
    net = Classifier(max_iter=15, random_state=0)
    grid = {"hidden_layer_sizes": [(4,), (32,)], "learning_rate_init": [1e-6, 1e-2]}
    found = GridSearchCV(net, grid, cv=3).fit(X, y)
    assert found.best_params_["learning_rate_init"] == 1e-2 and found.best_score_ > 0.9
    space = {"classifier__dropout": [0.0, 0.3], "classifier__batch_size": [8, 16, None]}
    pipeline = make_pipeline(StandardScaler(), net)
    random = RandomizedSearchCV(pipeline, space, n_iter=2, cv=2, random_state=0).fit(X, y)
    assert random.best_estimator_.score(X, y) > 0.9
    folds = KFold(3, shuffle=True, random_state=0)
    net = Regressor(max_iter=60, random_state=0)
    assert cross_val_score(net, X[:, 1:], X[:, 0], cv=folds).mean() > 0.3


def test_a_clone_is_unfitted_and_learns_the_same() -> None:
    X, y = wine()
    first = small(X, y)
    second = clone(first)
    assert second.get_params() == first.get_params() and not hasattr(second, "model_")
    assert second.set_params(hidden_layer_sizes=16).fit(X, y).history_ == first.history_
    np.testing.assert_array_equal(second.predict_proba(X), first.predict_proba(X))


def test_a_pickle_predicts_the_same() -> None:
    X, y = wine()
    net = small(X, y)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))


def test_random_numbers_of_the_program_stay() -> None:
    X, y = wine()
    sf.manual_seed(3)
    expected = sf.rand(4).tolist()
    sf.manual_seed(3)
    small(X, y)
    assert sf.rand(4).tolist() == expected


def test_model_loss_optimizer_and_callbacks_of_ones_own() -> None:
    X, y = wine()
    epochs: list[int] = []
    callback = sf.train.LambdaCallback(on_epoch_end=lambda t: epochs.append(t.state.epoch))
    net = small(
        X,
        y,
        model=lambda width, classes: nn.Sequential(
            nn.BatchNorm1d(width), nn.Linear(width, 8), nn.Tanh(), nn.Linear(8, classes)
        ),
        loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9),
        learning_rate_init=0.05,
        callbacks=[callback],
    )
    assert isinstance(net.model_[2], nn.Tanh) and net.score(X, y) > 0.95
    assert epochs == list(range(1, net.n_iter_ + 1))


def test_early_stopping_and_a_validation_set() -> None:
    X, y = wine()
    net = Classifier((16,), early_stopping=True, n_iter_no_change=3, tol=0.0, random_state=0)
    net.fit(X, y)
    assert len(net.history_["val_loss"]) == net.n_iter_ < 200
    assert net.history_.stop_reason.startswith("EarlyStopping") or net.n_iter_ < 200
    net = small(X[::2], y[::2], n_iter_no_change=1000)
    with_set = clone(net).fit(X[::2], y[::2], eval_set=(X[1::2], y[1::2]))
    assert "val_loss" in with_set.history_ and "val_loss" not in net.history_
    assert with_set.history_["loss"] == net.history_["loss"]


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_rows_of_weight_0_do_not_count_and_equal_weights_change_nothing(kind: str) -> None:
    X, y = datasets.load_wine(return_X_y=True)
    net: Any = Classifier if kind == "classes" else Regressor
    net = net((8,), max_iter=5, random_state=0)
    y = y if kind == "classes" else X[:, 0]
    counted = np.arange(len(X)) % 3 > 0
    part = clone(net).fit(X[counted], y[counted], sample_weight=np.full(counted.sum(), 2.0))
    weighed = clone(net).fit(X, y, sample_weight=np.where(counted, 2.0, 0.0))
    if kind == "classes":  # the mean of targets is that of all rows
        np.testing.assert_array_equal(weighed.predict_proba(X), part.predict_proba(X))
    plain = clone(net).fit(X[counted], y[counted])
    np.testing.assert_allclose(part.loss_curve_, plain.loss_curve_, rtol=1e-4)
    heavy = clone(net).fit(X, y, sample_weight=np.where(y > y.mean(), 50.0, 1.0))
    assert heavy.predict(X).mean() > plain.predict(X).mean()


def test_numbers_of_several_targets() -> None:
    X, _ = wine()
    net = Regressor(max_iter=60, random_state=0).fit(X, X[:, :2])
    assert net.predict(X).shape == (178, 2) and net.score(X, X[:, :2]) > 0.9


@pytest.mark.parametrize(
    ("net", "call", "words"),
    [
        (Classifier(), lambda n, X, y: n.fit(X, np.zeros(len(X), int)), "one class, 0"),
        (Classifier(), lambda n, X, y: n.fit(X, y, eval_set=(X, y + 1)), "the class 3"),
        (Classifier(), lambda n, X, y: n.fit(X, y, eval_set=(X[:, 1:], y)), "12 features"),
        (
            Classifier(),
            lambda n, X, y: n.fit(X, y, sample_weight=-np.ones(len(X))),
            "sample_weight",
        ),
        (
            Classifier(early_stopping=True, validation_fraction=2),
            lambda n, X, y: n.fit(X, y),
            "validation_fraction must be between 0 and 1, not 2",
        ),
        (
            Classifier(early_stopping=True),
            lambda n, X, y: n.fit(X[57:61], y[57:61]),
            "of 4 samples none can be held out",
        ),
        (Classifier(activation="relux"), lambda n, X, y: n.fit(X, y), "activation"),
        (Classifier(), lambda n, X, y: n.fit(np.where(X > 1, np.nan, X), y), "NaN"),
        (
            Regressor(),
            lambda n, X, y: n.fit(X, np.array(["a"] * len(X))),
            "could not convert|dtype",
        ),
    ],
)
def test_mistakes_are_named(net: Any, call: Any, words: str) -> None:
    X, y = datasets.load_wine(return_X_y=True)
    with pytest.raises(ValueError, match=words):
        call(net, X, y)
