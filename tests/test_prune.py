"""Pruning: what goes, that it stays gone through retraining, and the report."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn.utils import prune

Array = np.ndarray
W = np.random.default_rng(0).normal(size=(6, 8)).astype("float32")


def layer(values: Array = W) -> nn.Linear:
    out = nn.Linear(values.shape[1], values.shape[0])
    with sf.no_grad():
        out.weight.copy_(sf.tensor(values))
    return out


def mask_of(module: Any, name: str = "weight") -> Array:
    return getattr(module, f"{name}_mask").numpy().copy()


def smallest(w: Array, count: int) -> Array:
    mask = np.ones(w.size, "float32")
    mask[np.argsort(abs(w).ravel())[:count]] = 0
    return mask.reshape(w.shape)


def slices(w: Array, count: int, n: float, axis: int) -> Array:
    norms = np.linalg.norm(w, n, axis=1 - axis)
    mask = np.ones_like(w)
    gone = np.argsort(norms)[:count]
    mask[gone if axis == 0 else (slice(None), gone)] = 0
    return mask


HALF = (np.arange(48).reshape(6, 8) % 2).astype("float32")


@dataclass(frozen=True)
class Row:
    function: str
    args: tuple[Any, ...]
    mask: Callable[[Array], Array] | None = None  # None: random
    left: int = 48  # ones in the mask

    def apply(self, module: nn.Module, name: str = "weight") -> nn.Module:
        return getattr(prune, self.function)(module, name, *self.args)

    def __str__(self) -> str:
        return f"{self.function}{str(self.args)[:30]}"


ROWS = [
    Row("identity", (), np.ones_like),
    Row("l1_unstructured", (0.25,), lambda w: smallest(w, 12), 36),
    Row("l1_unstructured", (7,), lambda w: smallest(w, 7), 41),
    Row("l1_unstructured", (0.0,), np.ones_like),
    Row("l1_unstructured", (1.0,), np.zeros_like, 0),
    Row("ln_structured", (0.5, 2, 0), lambda w: slices(w, 3, 2, 0), 24),
    Row("ln_structured", (3, 1, 1), lambda w: slices(w, 3, 1, 1), 30),
    Row("ln_structured", (2, np.inf, -1), lambda w: slices(w, 2, np.inf, 1), 36),
    Row("custom_from_mask", (sf.tensor(HALF),), lambda w: HALF, 24),
    Row("random_unstructured", (0.25,), left=36),
    Row("random_structured", (2, 0), left=32),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def test_every_exported_function_has_a_row() -> None:
    functions = {name for name in prune.__all__ if name.islower()}
    others = {"global_unstructured", "is_pruned", "remove", "sparsity"}
    assert functions - others == {row.function for row in ROWS}
    assert sf.prune.__all__ == prune.__all__
    assert all(getattr(sf.prune, name) is getattr(prune, name) for name in prune.__all__)


@each_row
def test_mask(row: Row) -> None:
    module = layer()
    assert row.apply(module) is module
    mask = mask_of(module)
    assert mask.sum() == row.left
    assert set(np.unique(mask)) <= {0.0, 1.0}
    if row.mask is not None:
        np.testing.assert_array_equal(mask, row.mask(W))
    np.testing.assert_array_equal(module.weight.detach().numpy(), W * mask)
    np.testing.assert_array_equal(module.weight_orig.detach().numpy(), W)


@each_row
def test_names_and_kinds_are_those_of_torch(row: Row) -> None:
    module = row.apply(layer())
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight_orig"]
    assert [name for name, _ in module.named_buffers()] == ["weight_mask"]
    assert list(module.state_dict()) == ["bias", "weight_orig", "weight_mask"]


@each_row
def test_mask_is_kept_through_retraining(row: Row) -> None:
    module = layer()
    row.apply(module)
    opt = sf.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    x, mask = sf.tensor(np.random.default_rng(1).normal(size=(5, 8)).astype("float32")), None
    for _ in range(4):
        opt.zero_grad()
        output = module(x)
        mask = mask_of(module)
        (output**2).sum().backward()
        assert (module.weight_orig.grad.numpy()[mask == 0] == 0).all()
        opt.step()
        module(x)
        assert (module.weight.detach().numpy()[mask == 0] == 0).all()
    changed = module.weight.detach().numpy() != W
    assert changed[mask == 1].all()


@each_row
def test_remove_makes_it_permanent(row: Row) -> None:
    module = layer()
    parameter = module.weight
    row.apply(module)
    masked = W * mask_of(module)
    assert prune.is_pruned(module)
    prune.remove(module, "weight")
    assert not prune.is_pruned(module)
    assert module.weight is parameter
    np.testing.assert_array_equal(module.weight.detach().numpy(), masked)
    assert list(module.state_dict()) == ["bias", "weight"]
    assert module._hooks is None
    with pytest.raises(ValueError, match="not pruned"):
        prune.remove(module, "weight")


def test_amounts_are_of_what_is_left() -> None:
    module = layer()
    prune.l1_unstructured(module, "weight", 0.5)
    prune.l1_unstructured(module, "weight", 0.5)
    expected = smallest(W, 36)
    np.testing.assert_array_equal(mask_of(module), expected)
    prune.ln_structured(module, "weight", 1, 2, 0)
    norms = np.linalg.norm(W * expected, axis=1)
    norms[norms == 0] = np.inf
    expected[np.argmin(norms)] = 0
    np.testing.assert_array_equal(mask_of(module), expected)
    prune.custom_from_mask(module, "weight", sf.tensor(HALF))
    np.testing.assert_array_equal(mask_of(module), expected * HALF)


def test_slices_that_are_gone_do_not_count() -> None:
    module = layer()
    prune.ln_structured(module, "weight", 2, 2, 0)
    prune.ln_structured(module, "weight", 0.5, 2, 0)  # 2 of the 4 left
    np.testing.assert_array_equal(mask_of(module), slices(W, 4, 2, 0))
    with pytest.raises(ValueError, match="3 of 2 slices"):
        prune.random_structured(module, "weight", 3, 0)


def test_scores_instead_of_values() -> None:
    scores = np.random.default_rng(5).uniform(size=W.shape).astype("float32")
    module = layer()
    prune.l1_unstructured(module, "weight", 10, importance_scores=sf.tensor(scores))
    np.testing.assert_array_equal(mask_of(module), smallest(scores, 10))
    module = layer()
    prune.ln_structured(module, "weight", 2, 2, 1, importance_scores=sf.tensor(scores))
    np.testing.assert_array_equal(mask_of(module), slices(scores, 2, 2, 1))


def net() -> nn.Sequential:
    return nn.Sequential(layer(), nn.Tanh(), nn.Linear(6, 4))


def test_global_pruning_weighs_all_layers_together() -> None:
    model = net()
    with sf.no_grad():
        model[2].weight.mul_(0.01)
    pairs = [(model[0], "weight"), (model[2], "weight")]
    prune.l1_unstructured(model[0], "weight", 8)
    flat = np.concatenate([p.detach().numpy().ravel() for p in (model[0].weight, model[2].weight)])
    prune.global_unstructured(iter(pairs), prune.L1Unstructured, amount=0.5)
    left = np.flatnonzero(flat)
    gone = left[np.argsort(abs(flat[left]))[:32]]  # half of the 64 left
    mask = (flat != 0).astype("float32")
    mask[gone] = 0
    np.testing.assert_array_equal(mask_of(model[0]).ravel(), mask[:48])
    np.testing.assert_array_equal(mask_of(model[2]).ravel(), mask[48:])
    assert mask_of(model[2]).sum() < 3  # the small layer pays


def test_global_pruning_counts_a_shared_weight_once() -> None:
    first, second, last = layer(), layer(), nn.Linear(6, 4)
    second.weight = first.weight
    with sf.no_grad():
        last.weight.fill_(100.0)
    pairs = [(first, "weight"), (last, "weight"), (second, "weight")]
    gone = smallest(W, 20)
    for _ in range(2):  # the second time finds the masks of the first
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=20)
        np.testing.assert_array_equal(mask_of(first), gone)
        np.testing.assert_array_equal(mask_of(second), gone)
        assert mask_of(last).all()
        assert first.weight_orig is second.weight_orig
        gone = smallest(W, 40)


def test_global_pruning_by_scores_and_at_random() -> None:
    model = net()
    pairs = [(model[0], "weight"), (model[2], "weight")]
    scores = {pairs[0]: sf.full((6, 8), 5.0)}
    prune.global_unstructured(pairs, prune.L1Unstructured, importance_scores=scores, amount=24)
    assert mask_of(model[0]).all()
    assert not mask_of(model[2]).any()
    model = net()
    pairs = [(model[0], "weight"), (model[2], "weight")]
    prune.global_unstructured(pairs, prune.RandomUnstructured, amount=20)
    assert mask_of(model[0]).sum() + mask_of(model[2]).sum() == 52


def test_random_pruning_follows_the_seed() -> None:
    masks = []
    for seed in (1, 1, 2):
        sf.manual_seed(seed)
        masks.append(mask_of(prune.random_unstructured(layer(), "weight", 0.5)))
    assert (masks[0] == masks[1]).all()
    assert (masks[0] != masks[2]).any()


def test_filters_of_four_dimensions() -> None:
    module = nn.Module()
    w = np.random.default_rng(2).normal(size=(4, 3, 2, 2))
    module.kernel = nn.Parameter(sf.tensor(w))
    prune.ln_structured(module, "kernel", 1, 1, 1)
    gone = np.argmin(abs(w).sum((0, 2, 3)))
    expected = np.ones_like(w)
    expected[:, gone] = 0
    np.testing.assert_array_equal(mask_of(module, "kernel"), expected)


def test_two_parameters_of_one_layer() -> None:
    module = layer()
    prune.l1_unstructured(module, "bias", 2)
    prune.l1_unstructured(module, "weight", 2)
    prune.remove(module, "bias")
    assert prune.is_pruned(module)
    assert [name for name, _ in module.named_parameters()] == ["weight_orig", "bias"]


def test_state_goes_through_a_file(tmp_path: Path) -> None:
    module, other = prune.l1_unstructured(layer(), "weight", 0.5), layer(-2 * W)
    sf.save(module.state_dict(), tmp_path / "x")
    prune.identity(other, "weight").load_state_dict(sf.load(tmp_path / "x"))
    x = sf.ones(2, 8)
    np.testing.assert_array_equal(other(x).detach().numpy(), module(x).detach().numpy())


def test_a_pruned_layer_can_be_copied_and_cast() -> None:
    module = prune.l1_unstructured(layer(), "weight", 0.5)
    x = sf.ones(2, 8)
    for _ in range(2):  # before a forward, and after one
        copied = copy.deepcopy(module)
        np.testing.assert_array_equal(copied(x).detach().numpy(), module(x).detach().numpy())
        prune.remove(copied, "weight")
        assert prune.is_pruned(module)
    assert module.double()(x.double()).dtype == sf.float64


def test_amounts_may_be_numpy_numbers() -> None:
    for amount, left in ((np.int64(3), W.size - 3), (np.float32(0.5), W.size // 2)):
        module = prune.l1_unstructured(layer(), "weight", amount)
        assert module.weight_mask.sum().item() == left


def test_a_method_of_ones_own() -> None:
    class Every(prune.BasePruningMethod):
        def __init__(self, step: int) -> None:
            self.step = step

        def compute_mask(self, t: sf.Tensor, default_mask: sf.Tensor) -> sf.Tensor:
            mask = default_mask.clone()
            mask[:: self.step] = 0.0
            return mask

    module = Every.apply(layer(), "weight", step=2)
    assert mask_of(module).sum() == 24
    Every.apply(module, "weight", 2)
    assert mask_of(module).sum() == 12


def test_sparsity_report() -> None:
    model = net()
    prune.l1_unstructured(model[0], "weight", 0.25)
    report = prune.sparsity(model)
    assert [(row.name, row.zeros, row.elements) for row in report.rows] == [
        ("0.weight", 12, 48),
        ("2.weight", 0, 24),
    ]
    assert report["0.weight"] == 0.25
    assert report.total == pytest.approx(12 / 72)
    assert "16.7%" in str(report)
    prune.remove(model[0], "weight")
    assert prune.sparsity(model).rows == report.rows
    model[2].weight = nn.Parameter(sf.zeros(4, 6))
    assert prune.sparsity(model).total == pytest.approx(36 / 72)
    with pytest.raises(KeyError, match=r"0\.weight"):
        report["1.weight"]
    assert prune.sparsity(nn.ReLU()).total == 0


def test_penalties_work_on_pruned_weights() -> None:
    module = prune.l1_unstructured(layer(), "weight", 0.5)
    rule = sf.regularize.L2(0.5)
    sf.regularize.attach(module, rule, "weight")
    module(sf.ones(1, 8))
    expected = 0.5 * ((W * mask_of(module)) ** 2).sum()
    assert sf.regularize.penalty(module).item() == pytest.approx(float(expected), rel=1e-5)
    sf.regularize.apply_(module, 0.1, sf.regularize.L1(1.0, proximal=True))
    np.testing.assert_allclose(
        module.weight_orig.detach().numpy(), np.sign(W) * np.maximum(abs(W) - 0.1, 0), rtol=1e-5
    )


def test_train_prune_retrain() -> None:
    """Row 63 of the plan: a net gets sparse and stays good."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 10)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
    for stage in range(2):
        opt = sf.optim.Adam(model.parameters(), lr=0.02)
        trainer = sf.train.Trainer(model, nn.CrossEntropyLoss(), opt, "accuracy", seed=0)
        history = trainer.fit((x, y), epochs=15, progress=False)
        if stage == 0:
            pairs = [(model[0], "weight"), (model[2], "weight")]
            prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.75)
    assert prune.sparsity(model).total == 0.75
    assert history["accuracy"][-1] > 0.95


def test_bad_arguments_are_named() -> None:
    bad: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: prune.l1_unstructured(layer(), "weight", 1.5), ValueError, "amount"),
        (lambda: prune.l1_unstructured(layer(), "weight", -1), ValueError, "amount"),
        (lambda: prune.l1_unstructured(layer(), "weight", float("nan")), ValueError, "amount"),
        (lambda: prune.l1_unstructured(layer(), "weight", 49), ValueError, "49 of 48"),
        (lambda: prune.l1_unstructured(layer(), "weight", True), TypeError, "amount"),
        (lambda: prune.l1_unstructured(layer(), "kernel", 1), AttributeError, "it has weight"),
        (lambda: prune.l1_unstructured(nn.ReLU(), "weight", 1), AttributeError, "it has none"),
        (lambda: prune.ln_structured(layer(), "weight", 1, 2, 2), ValueError, "dim=2"),
        (lambda: prune.ln_structured(layer(), "bias", 1, 2, 0), ValueError, "2 dimensions"),
        (lambda: prune.custom_from_mask(layer(), "weight", sf.ones(3)), ValueError, "agree"),
        (lambda: prune.custom_from_mask(layer(), "weight", HALF), TypeError, "Tensor"),
        (
            lambda: prune.custom_from_mask(layer(), "weight", sf.full((6, 8), 0.5)),
            ValueError,
            "ones and zeros",
        ),
        (lambda: prune.global_unstructured([], prune.L1Unstructured, amount=1), ValueError, "no"),
        (
            lambda: prune.global_unstructured(
                [(layer(), "weight")], prune.LnStructured, amount=1, n=2
            ),
            TypeError,
            "unstructured",
        ),
    ]
    for make, error, word in bad:
        with pytest.raises(error, match=word):
            make()


def test_a_failed_call_leaves_the_layer_alone() -> None:
    module = layer()
    with pytest.raises(ValueError, match="amount"):
        prune.l1_unstructured(module, "weight", 100)
    assert list(module.state_dict()) == ["weight", "bias"]
    assert not prune.is_pruned(module)
