"""Networks with scikit-learn's interface: in pipelines, cross-validation and grid searches.

The words here are scikit-learn's (``max_iter``, ``random_state``, a trailing ``_`` for what was
learned), elsewhere PyTorch's. Needs ``pip install 'surefoot[sklearn]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.data import split
from surefoot.regularize import L2
from surefoot.train import EarlyStopping, History, Trainer
from surefoot.train.feed import by_batches

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise ImportError(
        "surefoot.estimators needs scikit-learn 1.6 or later: pip install 'surefoot[sklearn]'"
    ) from error

__all__ = ["Classifier", "Regressor"]

Rows = NDArray[Any]
E = TypeVar("E", bound="_Estimator")

_ROWS = 1024  # predicted at a time


class _Estimator(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both have in common; see Classifier."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        model: Callable[[int, int], nn.Module] | None = None,
        loss: nn.Module | None = None,
        optimizer: Callable[..., optim.Optimizer] | None = None,
        learning_rate_init: float = 1e-3,
        alpha: float = 0.0,
        batch_size: int | None = 32,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        callbacks: Iterable[Any] = (),
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _learn(
        self, inputs: Rows, targets: Rows, sample_weight: Any, held_out: Any, loss: nn.Module
    ) -> None:
        """Train a new network; the program's own random numbers stay as they are."""
        before = _core.get_rng_state()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, inputs, ensure_non_negative=True)
            counted = weights > 0
            inputs, targets, weights = inputs[counted], targets[counted], weights[counted]
        if held_out is None and self.early_stopping:
            rows, others = self._cut(targets, seed)
            held_out = inputs[others], targets[others]
            inputs, targets = inputs[rows], targets[rows]
            weights = None if weights is None else weights[rows]
        try:
            _core.manual_seed(seed)
            self._fit(inputs, targets, weights, held_out, loss, seed)
        finally:
            _core.set_rng_state(before)

    def _fit(
        self, inputs: Rows, targets: Rows, weights: Any, held_out: Any, loss: Any, seed: int
    ) -> None:
        network = self._network(inputs)
        make = optim.Adam if self.optimizer is None else self.optimizer
        watched = "loss" if held_out is None else "val_loss"
        stop = EarlyStopping(self.n_iter_no_change, self.tol, held_out is not None, watched)
        trainer = Trainer(
            network,
            loss,
            make(network.parameters(), lr=self.learning_rate_init),
            callbacks=[stop, *self.callbacks],
            seed=seed,
            regularize=L2(self.alpha) if self.alpha else None,
        )
        self.history_: History = trainer.fit(
            (inputs, targets) if weights is None else (inputs, targets, weights),
            held_out,
            epochs=self.max_iter,
            batch_size=None if self.batch_size is None else min(self.batch_size, len(inputs)),
            progress=self.verbose,
        )
        self.model_ = network.eval()
        self.n_iter_ = self.history_.num_epochs
        self.loss_curve_ = list(self.history_["loss"])

    def _network(self, inputs: Rows) -> nn.Module:
        if self.model is not None:
            return self.model(inputs.shape[1], self._width)
        network = nn.models.MLP(
            inputs.shape[1],
            np.atleast_1d(self.hidden_layer_sizes).tolist(),
            self._width,
            activation=self.activation,
            dropout=self.dropout,
            standardize=True,
        )
        first = network[0]
        assert isinstance(first, nn.Standardize)
        first.fit(inputs)
        return network

    def _cut(self, targets: Rows, seed: int) -> tuple[Rows, Rows]:
        share = self.validation_fraction
        if not 0 < share < 1:
            raise ValueError(f"validation_fraction must be between 0 and 1, not {share}")
        classes = targets if targets.dtype.kind == "i" else None
        parts = split(targets, (1 - share, share), stratify=classes, seed=seed)
        training, others = (part.indices for part in parts)
        if not len(training) or not len(others):
            raise ValueError(
                f"early_stopping: of {len(targets)} samples none can be held out; pass eval_set "
                "to fit, or early_stopping=False"
            )
        return training, others

    def _output(self, X: Any) -> Tensor:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float32)
        return _core.cat(by_batches(type(self).__name__, self.model_, rows, _ROWS, self.model_))


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that tells classes apart, as a scikit-learn estimator.

    Args:
        hidden_layer_sizes, activation, dropout: of ``nn.models.MLP``, behind a layer that
            standardises the inputs.
        model: in their place, a function of (number of features, number of classes) that returns a
            Module.
        loss: default ``nn.CrossEntropyLoss()``.
        optimizer: a function of (parameters, lr=...) that returns an optimizer; default Adam.
        learning_rate_init: its lr.
        alpha: strength of ``regularize.L2``.
        batch_size: rows per step; None for all.
        max_iter: epochs at most. It ends when the loss has not fallen by more than ``tol`` for
            ``n_iter_no_change`` epochs; with ``early_stopping`` the loss of
            ``validation_fraction`` of the rows, held out, and the best weights are kept.
        callbacks: of ``train.Trainer``.
        random_state: fixes everything random; None draws it from NumPy.
        verbose: print a line per epoch.

    After ``fit`` there are ``model_``, ``history_``, ``classes_``, ``n_iter_`` and ``loss_curve_``.

    Example:
        >>> import numpy as np
        >>> from surefoot.estimators import Classifier
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array(["low", "low", "up", "up"])
        >>> Classifier((8,), random_state=0).fit(X, y).predict([[-3.0], [3.0]]).tolist()
        ['low', 'up']

    Differences from MLPClassifier: inputs are standardised inside, batches have 32 rows, and
    ``alpha`` is 0 by default and not divided by the number of samples.
    """

    def fit(self: E, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> E:
        """Train a new network on X (N, features) and labels y (N,).

        ``eval_set`` is a pair (X, y) to stop by. ``sample_weight`` (N,): the loss of a batch is
        the weighted mean over its rows.
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self._width = len(self.classes_)
        if self._width < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}: there is nothing to tell apart")
        held_out = None
        if eval_set is not None:
            rows = validate_data(self, eval_set[0], reset=False, dtype=np.float32)
            held_out = rows, self._numbers(eval_set[1])
        loss = nn.CrossEntropyLoss() if self.loss is None else self.loss
        self._learn(X, self._numbers(y), sample_weight, held_out, loss)
        return self

    def predict_proba(self, X: Any) -> Rows:
        """Probabilities (N, classes), in the order of ``classes_``."""
        return _core.softmax(self._output(X).double(), dim=1).numpy()

    def predict(self, X: Any) -> Rows:
        """The most likely class of each row."""
        places = self.predict_proba(X).argmax(axis=1)
        found: Rows = self.classes_[places]
        return found

    def _numbers(self, y: Any) -> Rows:
        labels = np.asarray(y)
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(f"eval_set has the class {unknown[0]}, which y does not have")
        return np.searchsorted(self.classes_, labels).astype(np.int64)


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts numbers, as a scikit-learn estimator; arguments as of Classifier.

    Targets (N,) or (N, outputs) are standardised inside; ``loss`` is ``nn.MSELoss()`` by default.
    After ``fit`` there are ``model_``, ``history_``, ``mean_`` and ``scale_`` of the targets,
    ``n_iter_`` and ``loss_curve_``.

    Example:
        >>> import numpy as np
        >>> from surefoot.estimators import Regressor
        >>> X = np.linspace(-1, 1, 100)[:, None]
        >>> y = 100 * X[:, 0] ** 2
        >>> bool(Regressor(random_state=0).fit(X, y).score(X, y) > 0.9)
        True

    Differences from MLPRegressor: those of Classifier, and targets are standardised.
    """

    def fit(self: E, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> E:
        """Train a new network on X (N, features) and numbers y; see Classifier.fit."""
        X, y = validate_data(self, X, y, dtype=np.float32, multi_output=True, y_numeric=True)
        y = np.asarray(y, dtype=np.float64)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._is_column = y.ndim == 1
        y = y.reshape(len(y), -1)
        self._width = y.shape[1]
        self.mean_, spread = y.mean(axis=0), y.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        held_out = None
        if eval_set is not None:
            rows = validate_data(self, eval_set[0], reset=False, dtype=np.float32)
            held_out = rows, self._scaled(np.asarray(eval_set[1], dtype=np.float64))
        self._learn(
            X,
            self._scaled(y),
            sample_weight,
            held_out,
            nn.MSELoss() if self.loss is None else self.loss,
        )
        return self

    def predict(self, X: Any) -> Rows:
        """Numbers (N,) or (N, outputs)."""
        found: Rows = self._output(X).numpy() * self.scale_ + self.mean_
        return found[:, 0] if self._is_column else found

    def _scaled(self, y: Rows) -> Rows:
        scaled = (y.reshape(len(y), -1) - self.mean_) / self.scale_
        return np.asarray(scaled, dtype=np.float32)
