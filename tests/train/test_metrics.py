"""Metrics: streamed over batches they equal the formula over all rows."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim, train
from surefoot.train import Metric, Trainer

RANDOM = np.random.RandomState(3)
CLASSES = RANDOM.randint(0, 4, 57)
SCORES = (RANDOM.randn(57, 4) + 1.5 * np.eye(4)[CLASSES]).astype("float32")
LABELS = (RANDOM.rand(57) > 0.4).astype("float32")
CHANCES = np.round(RANDOM.rand(57) * 0.7 + 0.3 * LABELS, 1).astype("float32")  # with many ties
VALUES = 1000.0 + RANDOM.randn(57, 2) * [1.0, 3.0]
GUESSES = VALUES + RANDOM.randn(57, 2) * [0.5, 5.0]


def streamed(
    metric: Metric, output: Any, target: Any, edges: tuple[int, ...] = (0, 20, 21, 57)
) -> float:
    metric.reset()
    for i in range(len(edges) - 1):
        rows = slice(edges[i], edges[i + 1])
        metric.update(sf.tensor(output[rows]), sf.tensor(target[rows]))
    return metric.compute()


def per_class(predicted: np.ndarray, actual: np.ndarray, classes: int) -> np.ndarray:
    """Columns: precision, recall, F1, rows; straight from the definitions."""
    rows = []
    for c in range(classes):
        hit = float(np.sum((predicted == c) & (actual == c)))
        taken, there = float(np.sum(predicted == c)), float(np.sum(actual == c))
        precision = hit / taken if taken else 0.0
        recall = hit / there if there else 0.0
        both = precision + recall
        rows.append([precision, recall, 2 * precision * recall / both if both else 0.0, there])
    return np.array(rows)


@pytest.mark.parametrize("column", range(3), ids=["precision", "recall", "f1"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "binary"])
def test_precision_recall_and_f1(column: int, average: str) -> None:
    metric = [train.Precision, train.Recall, train.F1][column](average)
    if average == "binary":
        table = per_class(CHANCES > 0.5, LABELS, 2)
        assert streamed(metric, CHANCES, LABELS) == pytest.approx(table[1, column], rel=1e-12)
        assert streamed(metric, CHANCES[:, None], LABELS[:, None]) == metric.compute()
        return
    predicted = SCORES.argmax(axis=1)
    table = per_class(predicted, CLASSES, 4)
    expected = {
        "macro": table[:, column].mean(),
        "weighted": np.average(table[:, column], weights=table[:, 3]),
        "micro": np.mean(predicted == CLASSES),
    }[average]
    assert streamed(metric, SCORES, CLASSES) == pytest.approx(expected, rel=1e-12)


def test_a_class_that_never_occurs_is_left_out_and_one_never_found_counts_nothing() -> None:
    scores, classes = (
        np.eye(4)[[0, 0, 1]],
        np.array([0, 2, 1]),
    )  # 3 is in neither, 2 never predicted
    assert streamed(train.Precision(), scores, classes, (0, 3)) == pytest.approx((0.5 + 1 + 0) / 3)
    assert streamed(train.Recall(), scores, classes, (0, 3)) == pytest.approx((1 + 1 + 0) / 3)


def test_top_k() -> None:
    for k in (1, 2, 4, 9):
        ranks = np.argsort(-SCORES, axis=1)[:, :k]
        expected = np.mean([c in row for c, row in zip(CLASSES, ranks, strict=True)])
        assert streamed(train.TopK(k), SCORES, CLASSES) == pytest.approx(expected)


def test_auc_counts_pairs_and_halves_ties() -> None:
    high, low = CHANCES[LABELS == 1], CHANCES[LABELS == 0]
    pairs = np.subtract.outer(high, low)
    assert np.sum(pairs == 0) > 20
    expected = (np.sum(pairs > 0) + 0.5 * np.sum(pairs == 0)) / pairs.size
    assert streamed(train.AUC(), CHANCES, LABELS) == expected
    two = np.stack([np.zeros(57), CHANCES], axis=1)
    assert streamed(train.AUC(), two, LABELS.astype("int64")) == expected
    assert math.isnan(streamed(train.AUC(), CHANCES, LABELS * 0))
    assert math.isnan(streamed(train.AUC(), CHANCES * np.nan, LABELS))
    with pytest.raises(ValueError, match="targets are 0 and 1"):
        streamed(train.AUC(), CHANCES, LABELS * 2)


def test_confusion_matrix() -> None:
    matrix = train.ConfusionMatrix()
    value = streamed(matrix, SCORES, CLASSES)
    predicted = SCORES.argmax(axis=1)
    for actual in range(4):
        for taken in range(4):
            count = np.sum((CLASSES == actual) & (predicted == taken))
            assert matrix.counts[actual][taken] == count
    assert value == pytest.approx(np.mean(predicted == CLASSES))
    with pytest.raises(IndexError, match="outside 0 to 3"):
        matrix.update(sf.zeros(1, 4), sf.tensor([4]))
    with pytest.raises(ValueError, match="3 classes, before it were 4"):
        matrix.update(sf.zeros(1, 3), sf.tensor([0]))


ERRORS: dict[str, tuple[Callable[[], Metric], Callable[[Any, Any], Any]]] = {
    "mae": (train.MAE, lambda f, y: np.mean(np.abs(f - y))),
    "mse": (train.MSE, lambda f, y: np.mean((f - y) ** 2)),
    "rmse": (train.RMSE, lambda f, y: np.sqrt(np.mean((f - y) ** 2))),
    "r2": (
        train.R2,
        lambda f, y: np.mean(1 - ((f - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_regression(name: str) -> None:
    make, formula = ERRORS[name]
    expected = formula(GUESSES, VALUES)
    assert streamed(make(), GUESSES, VALUES) == pytest.approx(expected, rel=1e-11)
    assert streamed(make(), GUESSES, VALUES, (0, 57)) == pytest.approx(expected, rel=1e-11)
    with pytest.raises(ValueError, match=r"\(3, 1\) with target \(3,\): the shapes must be equal"):
        make().update(sf.zeros(3, 1), sf.zeros(3))


def test_r2_far_from_zero_and_of_constants() -> None:
    """As a difference of squares the spread would be lost: 1e8 against 1."""
    y = 1e8 + np.arange(57.0) % 3
    f = y + 0.5
    expected = 1 - 57 * 0.25 / ((y - y.mean()) ** 2).sum()
    assert streamed(train.R2(), f, y) == pytest.approx(expected, rel=1e-9)
    ones = np.ones(57)
    assert streamed(train.R2(), ones, ones) == 1.0
    assert streamed(train.R2(), ones + 1, ones) == 0.0


NAMES = ["accuracy", "auc", "f1", "precision", "recall", "top2"]


def test_by_name_in_a_trainer_and_without_rows() -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    matrix = train.ConfusionMatrix()
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, [*NAMES, matrix])
    data = RANDOM.randn(20, 2).astype("float32"), np.arange(20) % 2
    assert list(trainer.evaluate(data)) == ["loss", *NAMES]
    assert np.sum(matrix.counts) == 20
    model = nn.Linear(2, 1)
    trainer = Trainer(model, nn.MSELoss(), optimizer, list(ERRORS))
    values = trainer.evaluate((data[0], data[0][:, :1]))
    assert values["mse"] == pytest.approx(values["loss"], rel=1e-6)
    for name in [*NAMES, *ERRORS]:
        assert math.isnan(train.metrics.resolve_metrics(name)[0].compute())


def test_accuracy_of_one_score_a_row() -> None:
    accuracy = train.accuracy(sf.tensor(CHANCES), sf.tensor(LABELS))
    assert accuracy == pytest.approx(np.mean((CHANCES > 0.5) == LABELS))
    assert train.accuracy(sf.tensor([[-1.0], [2.0]]), sf.tensor([[0.0], [1.0]]), 0.0) == 1.0


@pytest.mark.parametrize(
    "metric", [train.F1(), train.AUC(), train.R2(), train.TopK(2), train.MAE()]
)
def test_half_way_its_state_goes_on_elsewhere(metric: Metric, tmp_path: Any) -> None:
    regression = isinstance(metric, (train.R2, train.MAE))
    output, target = (GUESSES, VALUES) if regression else (SCORES[:, :2], CLASSES % 2)
    expected = streamed(metric, output, target)
    metric.reset()
    metric.update(sf.tensor(output[:20]), sf.tensor(target[:20]))
    sf.save(metric.state_dict(), tmp_path / "m")
    other = type(metric)()
    other.load_state_dict(sf.load(tmp_path / "m"))
    for rows in (slice(20, 21), slice(21, 57)):
        other.update(sf.tensor(output[rows]), sf.tensor(target[rows]))
    assert other.compute() == expected


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: train.F1("mean"), "average must be one of 'macro', 'micro'"),
        (lambda: train.TopK(0), "k must be at least 1"),
        (lambda: streamed(train.F1("binary"), SCORES, CLASSES), "average='binary' with 4 classes"),
        (lambda: streamed(train.F1(), SCORES, SCORES), r"\[F1\] output \(20, 4\) with target"),
        (lambda: streamed(train.TopK(), CHANCES, LABELS), r"\[TopK\] output \(20,\)"),
        (lambda: streamed(train.AUC(), SCORES, CLASSES), r"\[AUC\] output \(20, 4\)"),
    ],
)
def test_what_cannot_be(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
