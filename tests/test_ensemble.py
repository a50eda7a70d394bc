"""Ensembles: what they combine, how their members differ, what a run leaves of them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import digits
from surefoot.ensemble import (
    Batched,
    Ensemble,
    SnapshotEnsemble,
    Snapshots,
    bagging,
    bootstrap,
    deep_ensemble,
    mc_dropout,
    member_seeds,
)
from surefoot.files import write_tensors
from surefoot.train import Callback, LRSchedule, Trainer

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
    with pytest.raises(ValueError, match="combine must be one of 'mean', 'probability', 'vote'"):
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
    with pytest.raises(ValueError, match="count must be at least 1"):
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
    with pytest.raises(ValueError, match="must be at least 1"):
        Snapshots(0)


# ---- weights, classes, uncertainty -----------------------------------------------------------

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 7, 4)) * 3
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 1.5])
adam = partial(optim.Adam, lr=0.01)


class Fixed(nn.Module):
    """Row i of a table for the input i."""

    def __init__(self, rows) -> None:
        super().__init__()
        self.rows = sf.tensor(rows)

    def forward(self, x):
        return self.rows.index_select(0, x[:, 0].long())


def entropy(p: np.ndarray, axis: int = -1) -> np.ndarray:
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis)


def shares(weights) -> np.ndarray:
    weights = np.ones(5) if weights is None else weights
    return weights / weights.sum()


ROWS = sf.arange(7.0).reshape(7, 1)


def ensemble_of(outputs: np.ndarray, combine: Any = "mean", weights: Any = None) -> Ensemble:
    return Ensemble([Fixed(rows) for rows in outputs], combine, weights).double()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_weighted_rules_and_their_spread_equal_numpy(weights: Any) -> None:
    w = shares(weights)[:, None, None]
    p, votes = softmax(LOGITS), np.eye(4)[LOGITS.argmax(-1)]
    for combine, parts in {"mean": LOGITS, "probability": p, "vote": votes}.items():
        net, mean = ensemble_of(LOGITS, combine, weights), (w * parts).sum(0)
        variance = (w * (parts - mean) ** 2).sum(0) / (1 - (w**2).sum())
        found = net(ROWS).numpy()
        np.testing.assert_allclose(np.exp(found) if combine == "probability" else found, mean)
        np.testing.assert_allclose(net.spread(ROWS).numpy(), variance**0.5, atol=1e-12)
        if combine == "mean":
            np.testing.assert_allclose(net.predict(ROWS, batch_size=3).numpy(), mean)
        else:
            assert net.predict(ROWS).tolist() == mean.argmax(-1).tolist()
            np.testing.assert_allclose(net.predict_proba(ROWS, batch_size=3).numpy(), mean)
            labels = LOGITS[0].argmax(-1)
            assert net.score(ROWS, labels) == pytest.approx((mean.argmax(-1) == labels).mean())
    net, right = ensemble_of(LOGITS, weights=weights), LOGITS[0]
    mean = (w * LOGITS).sum(0)
    r2 = 1 - ((mean - right) ** 2).sum() / ((right - right.mean(0)) ** 2).sum()
    flat = ensemble_of(LOGITS[:, :, :1], weights=weights)
    r2 = 1 - ((mean - right)[:, 0] ** 2).sum() / ((right[:, 0] - right[:, 0].mean()) ** 2).sum()
    assert flat.score(ROWS, right[:, :1]) == pytest.approx(r2)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
@pytest.mark.parametrize("combine", ["probability", "vote"])
@pytest.mark.parametrize("kind", ["logits", "log_probabilities"])
def test_uncertainty_of_classes_equals_numpy(kind: str, combine: str, weights: Any) -> None:
    p, w = softmax(LOGITS), shares(weights)
    mean = np.einsum("m,mnc->nc", w, p)
    expected = np.einsum("m,mn->n", w, entropy(p))
    most = np.einsum("m,mnc->nc", w, np.eye(4)[p.argmax(-1)]).max(-1)
    outputs = LOGITS if kind == "logits" else np.log(p)
    found = ensemble_of(outputs, combine, weights).uncertainty(ROWS, batch_size=2)
    np.testing.assert_allclose(found.entropy.numpy(), entropy(mean))
    np.testing.assert_allclose(found.expected_entropy.numpy(), expected)
    np.testing.assert_allclose(found.mutual_information.numpy(), entropy(mean) - expected)
    np.testing.assert_allclose(found.disagreement.numpy(), 1 - most, atol=1e-12)


def test_uncertainty_at_its_limits() -> None:
    certain = np.zeros((3, 1, 4))
    certain[:, :, 2] = 2000.0
    found = ensemble_of(certain, "probability").uncertainty(ROWS[:1])
    assert [measure.item() for measure in found] == [0.0, 0.0, 0.0, 0.0]
    apart = 2000.0 * np.eye(4)[:, None, :]
    found = ensemble_of(apart, "probability").uncertainty(ROWS[:1])
    assert found.mutual_information.item() == pytest.approx(np.log(4))
    assert found.expected_entropy.item() == 0.0 and found.disagreement.item() == 0.75


def test_a_tie_goes_to_the_lower_class() -> None:
    three = np.array([[[0.0, 1.0]], [[1.0, 0.0]], [[1.0, 0.0]]])
    net = ensemble_of(three, "vote", [0.3, 0.1, 0.2])  # not equal in binary
    assert net.predict_proba(ROWS[:1]).numpy() == pytest.approx(0.5)
    net = ensemble_of(three, "vote", [3, 1, 2])
    assert net.predict_proba(ROWS[:1]).tolist() == [[0.5, 0.5]]
    assert net.predict(ROWS[:1]).item() == 0


def test_it_is_a_module_and_keeps_the_modes() -> None:
    net = Ensemble([nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5)) for _ in range(2)])
    x = sf.ones(4, 2)
    assert net.predict(x).tolist() == net.predict(x.numpy()).tolist()  # no dropout
    assert all(module.training for module in net.modules())
    net(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert not net.predict(x).requires_grad


def test_clear_errors() -> None:
    linear, other = nn.Linear(2, 3), nn.Linear(2, 4)
    with pytest.raises(TypeError, match="pass a list"):
        Ensemble(linear)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int"):
        Ensemble([linear, 3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="models 0 and 1 are the same object"):
        Ensemble([linear, linear])
    with pytest.raises(ValueError, match=r"model 1 gives .*5, 4.*5, 3"):
        Ensemble([linear, other])(sf.ones(5, 2))
    for weights in ([1.0], [1.0, -1.0], [0.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="weights"):
            Ensemble([linear, nn.Linear(2, 3)], weights=weights)
    for combine in ("probability", "vote"):
        with pytest.raises(ValueError, match="Values of a regression"):
            Ensemble([nn.Linear(2, 1)], combine)(sf.ones(5, 2))  # type: ignore[arg-type]
    for method in ("predict_proba", "uncertainty"):
        with pytest.raises(ValueError, match=f"{method} is for classes"):
            getattr(Ensemble([linear]), method)(sf.ones(5, 2))
    with pytest.raises(ValueError, match="differ in shape"):
        Ensemble([linear]).score(sf.ones(5, 2), sf.ones(5))


# ---- seeds and samples ----------------------------------------------------------------------


def test_bootstrap_is_fixed_by_its_seed_and_leaves_out_a_third() -> None:
    sample = bootstrap(20000, 3).numpy()
    assert sample.tolist() == bootstrap(20000, 3).tolist() != bootstrap(20000, 4).tolist()
    assert sample.tolist() != bootstrap(20000, 3, member=1).tolist()
    assert sample.min() >= 0 and sample.max() < 20000
    counts = np.bincount(sample, minlength=20000)
    # counts are Poisson(1): mean 1, variance 1, P(0) = 1/e; bounds of 4 standard errors
    assert counts.sum() == 20000
    assert abs((counts == 0).mean() - np.exp(-1)) < 4 * 0.0035
    assert abs(counts.var() - 1) < 0.06
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        bootstrap(0)


def test_seeds_of_members_differ_and_grow() -> None:
    assert len(set(member_seeds(1, 50))) == 50
    assert member_seeds(1, 50)[:7] == member_seeds(1, 7) != member_seeds(2, 7)


# ---- training --------------------------------------------------------------------------------


def classes(rows: int = 50) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).normal(size=(rows, 6)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)


def mlp(i: int = 0) -> nn.Module:
    return nn.models.MLP(6, [12, 8], 3)


OPTIMIZERS = {
    "adam": adam,
    "sgd": partial(optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adamw": partial(optim.AdamW, lr=0.02),
}


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("size", [16, None])
def test_batched_training_equals_training_one_by_one(rule: str, size: int | None) -> None:
    """And one by one is what a Trainer makes of a member's seed."""
    options = {"loss": nn.CrossEntropyLoss(), "optimizer": OPTIMIZERS[rule], "epochs": 5}
    nets = {
        batched: deep_ensemble(
            mlp, classes(), 4, seed=3, batch_size=size, batched=batched, **options
        )
        for batched in (True, False)
    }
    for mine, theirs in zip(nets[True].parameters(), nets[False].parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), atol=2e-5)
    seed = member_seeds(3, 4)[2]
    sf.manual_seed(seed)
    model = mlp()
    trainer = Trainer(model, options["loss"], OPTIMIZERS[rule](model.parameters()), seed=seed)
    trainer.fit(classes(), epochs=5, batch_size=size, progress=False)
    for mine, theirs in zip(model.parameters(), nets[False].models[2].parameters(), strict=True):
        assert mine.tolist() == theirs.tolist()


def test_batched_training_with_pictures_schedule_and_another_loss_equals_one_by_one() -> None:
    x = RNG.normal(size=(40, 3, 2)).astype(np.float32)
    y = x.sum((1, 2))[:, None]
    scaled = nn.Standardize(6).fit(x.reshape(40, 6))

    def make(i: int) -> nn.Module:
        own = nn.Standardize(6, mean=scaled.mean.numpy(), std=scaled.std.numpy())
        return nn.Sequential(
            nn.Flatten(), own, nn.Linear(6, 9, bias=False), nn.Tanh(), nn.Linear(9, 1)
        )

    def fit(batched: bool, loss: Any) -> Ensemble:
        return deep_ensemble(
            make, (x, y), 3, loss=loss, optimizer=adam, epochs=4, batch_size=7, batched=batched,
            schedule=optim.lr_scheduler.CosineAnnealingLR,
        )  # fmt: skip

    def log_cosh(output: sf.Tensor, target: sf.Tensor) -> sf.Tensor:
        assert output.shape == target.shape
        return (output - target).cosh().log().mean()

    for loss in (nn.MSELoss(), log_cosh):
        together, apart = (
            fit(True, loss).spread(sf.tensor(x)),
            fit(False, loss).spread(sf.tensor(x)),
        )
        np.testing.assert_allclose(together.numpy(), apart.numpy(), atol=1e-5)


def test_classes_that_count_differently_are_averaged_for_each_member() -> None:
    x, y = classes()
    for loss in (
        nn.CrossEntropyLoss(weight=sf.tensor([1.0, 5.0, 0.2])),
        nn.CrossEntropyLoss(ignore_index=1),
    ):
        nets = [
            deep_ensemble(mlp, (x, y), 3, loss=loss, optimizer=adam, epochs=3, batched=batched)
            for batched in (True, False)
        ]
        for mine, theirs in zip(*(net.parameters() for net in nets), strict=True):
            np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), atol=2e-5)


def test_seeds_repeat_and_the_callers_random_numbers_stay() -> None:
    fit = partial(deep_ensemble, mlp, classes(), 3, loss=nn.CrossEntropyLoss(), epochs=2)
    before = sf.get_rng_state().tolist()
    first, again, other = fit(seed=1), fit(seed=1), fit(seed=2)
    assert sf.get_rng_state().tolist() == before
    weights = [[p.tolist() for p in net.parameters()] for net in (first, again, other)]
    assert weights[0] == weights[1] != weights[2]
    a, b = first.models[0], first.models[1]
    assert a[0].weight.tolist() != b[0].weight.tolist()


def test_what_cannot_be_stacked_is_trained_one_by_one() -> None:
    x, y = classes()
    loss = nn.CrossEntropyLoss()

    def dropping(i: int) -> nn.Module:
        return nn.models.MLP(6, [8], 3, dropout=0.2)

    def frozen(i: int) -> nn.Module:
        net = mlp()
        net[0].weight.requires_grad_(False)
        return net

    def penalised(i: int) -> nn.Module:
        net = mlp()
        sf.regularize.attach(net, sf.regularize.L2(0.1))
        return net

    def groups(parameters: Any) -> optim.Optimizer:
        first, *rest = parameters
        return optim.SGD([{"params": [first], "lr": 0.1}, {"params": rest}], lr=0.01)

    fit = partial(deep_ensemble, train=(x, y), count=2, loss=loss, epochs=1)
    for make, optimizer, reason in (
        (dropping, adam, "Dropout has no batched form"),
        (frozen, adam, "frozen"),
        (penalised, adam, "regularizers"),
        (mlp, optim.LBFGS, "all numbers together"),
        (mlp, groups, "several groups"),
    ):
        with pytest.raises(ValueError, match=reason):
            fit(make, optimizer=optimizer, batched=True)
        assert len(fit(make, optimizer=optimizer).models) == 2
    with pytest.raises(ValueError, match="other layers"):
        Batched([mlp(), nn.models.MLP(6, [12, 9], 3)])
    with pytest.raises(ValueError, match="shared=True"):
        Batched([mlp(), mlp()])(sf.ones(5, 6))


def trainer_of(model: nn.Module, seed: int) -> Trainer:
    return Trainer(model, nn.CrossEntropyLoss(), adam(model.parameters()), seed=seed)


def test_out_of_bag_outputs_are_those_of_models_that_did_not_see_the_row() -> None:
    x, y = classes(40)
    bag = bagging(
        lambda i: trainer_of(mlp(), i), (x, y), 3, combine="probability", epochs=1, progress=False
    )
    with sf.no_grad():
        p = softmax(bag.member_outputs(sf.tensor(x)).numpy().astype(np.float64))
    expected = np.full((40, 3), np.nan)
    for row in range(40):
        unseen = [m for m in range(3) if row not in bag.samples[m].tolist()]
        if unseen:
            expected[row] = p[unseen, row].mean(0)
    np.testing.assert_allclose(np.exp(bag.oob_output.numpy()), expected, atol=1e-6)
    rows = ~np.isnan(expected[:, 0])
    assert 0 < rows.sum() < 40  # with three models some rows are in every bag
    right = (expected[rows].argmax(-1) == y[rows]).mean()
    assert bag.oob_score == pytest.approx(right)
    assert [s.tolist() for s in bag.samples] == [bootstrap(40, 0, i).tolist() for i in range(3)]


def test_training_refuses_bad_input() -> None:
    x, y = classes()
    fit = partial(deep_ensemble, mlp, loss=nn.CrossEntropyLoss())
    with pytest.raises(TypeError, match="pair"):
        fit(x)
    with pytest.raises(ValueError, match="one target per row"):
        fit((x, y[:-1]))
    with pytest.raises(ValueError, match="count must be at least 1"):
        fit((x, y), 0)
    with pytest.raises(ValueError, match="batch_size"):
        fit((x, y), batch_size=0)
    with pytest.raises(TypeError, match="must return a Module"):
        deep_ensemble(lambda i: None, (x, y), loss=nn.CrossEntropyLoss())  # type: ignore[arg-type]
    one = mlp()
    with pytest.raises(ValueError, match="same model twice"):
        deep_ensemble(lambda i: one, (x, y), loss=nn.CrossEntropyLoss())


# ---- snapshots -------------------------------------------------------------------------------


class Rates:
    """Notes the rate and the weights after every step."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.weights: list[object] = []

    def on_backward_end(self, trainer: Trainer) -> None:
        self.rates.append(trainer.optimizer.param_groups[0]["lr"])

    def on_batch_end(self, trainer: Trainer) -> None:
        self.weights.append([p.tolist() for p in trainer.model.parameters()])


def snapshot_run(cycles: int = 3, keep: int | None = None, epochs: int = 5) -> Any:
    sf.manual_seed(0)
    model, seen, snapshots = (
        mlp(),
        Rates(),
        SnapshotEnsemble(cycles, 0.01, keep),
    )
    trainer = Trainer(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.5),
        callbacks=[seen, snapshots], seed=1,
    )  # fmt: skip
    history = trainer.fit(classes(), epochs=epochs, batch_size=16, progress=False)
    return trainer, seen, snapshots, history


def test_snapshots_are_taken_at_the_minima_of_the_rate() -> None:
    trainer, seen, snapshots, history = snapshot_run()
    steps, ends = 20, [6, 13, 20]  # 50 rows in 4 batches, 5 epochs
    expected, begin = [], 0
    for end in ends:
        t = np.arange(end - begin) / (end - begin)
        expected += list(0.01 + 0.49 * (1 + np.cos(np.pi * t)) / 2)
        begin = end
    np.testing.assert_allclose(seen.rates, expected, rtol=1e-12)
    rises = [i for i in range(1, steps) if seen.rates[i] > seen.rates[i - 1]]
    assert rises == ends[:-1]
    net = snapshots.ensemble("probability")
    kept = [[p.tolist() for p in model.parameters()] for model in net.models]
    assert kept == [seen.weights[end - 1] for end in ends]
    assert trainer.optimizer.param_groups[0]["lr"] == 0.5
    np.testing.assert_allclose(history["lr"], [seen.rates[i] for i in (3, 7, 11, 15, 19)])
    last = snapshot_run(keep=2)[2].ensemble()
    assert [p.tolist() for p in last.parameters()] == [p for model in kept[1:] for p in model]
    trainer.fit(classes(), epochs=3, batch_size=16, progress=False)
    assert len(snapshots.models) == 3 and max(seen.rates[steps:]) == 0.5


def test_snapshots_resume_from_a_checkpoint(tmp_path: Path) -> None:
    class Save:
        def on_epoch_end(self, trainer: Trainer) -> None:
            if trainer.state.epoch == 3:
                trainer.save(tmp_path / "run.safetensors")

    def fit(resume: Path | None = None) -> Any:
        sf.manual_seed(0)
        model, snapshots = mlp(), SnapshotEnsemble(3)
        optimizer = optim.SGD(model.parameters(), lr=0.5)
        callbacks = [snapshots] if resume else [snapshots, Save()]
        trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks, seed=1)
        trainer.fit(classes(), epochs=5, batch_size=16, progress=False, resume=resume)
        return [p.tolist() for p in snapshots.ensemble().parameters()]

    assert fit() == fit(resume=tmp_path / "run.safetensors")


def test_snapshots_refuse_what_they_cannot_do() -> None:
    with pytest.raises(ValueError, match="cycles must be at least 1"):
        SnapshotEnsemble(0)
    with pytest.raises(ValueError, match="30 cycles in 20 steps"):
        snapshot_run(cycles=30)
    with pytest.raises(ValueError, match="at least one model"):
        SnapshotEnsemble(2).ensemble()
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = LRSchedule(optim.lr_scheduler.CosineAnnealingLR(optimizer))
    loss = nn.CrossEntropyLoss()
    trainer = Trainer(model, loss, optimizer, callbacks=[SnapshotEnsemble(2)], schedule=schedule)
    with pytest.raises(ValueError, match="leave out schedule"):
        trainer.fit(classes(), epochs=2, progress=False)


# ---- dropout ---------------------------------------------------------------------------------


def test_mc_dropout_has_the_moments_of_the_masks() -> None:
    """y = sum_i w_i m_i x_i / (1 - p): mean w.x, variance p / (1 - p) sum (w_i x_i)^2."""
    net = nn.Sequential(nn.Dropout(0.25), nn.Linear(8, 1, bias=False)).double()
    net.eval()
    x = RNG.normal(size=(3, 8))
    w = net[1].weight.detach().numpy()[0]
    found = mc_dropout(net, x, 4000, seed=5)
    variance = 0.25 / 0.75 * ((w * x) ** 2).sum(1)
    np.testing.assert_allclose(found.spread.numpy()[:, 0], variance**0.5, rtol=0.06)
    error = np.abs(found.output.numpy()[:, 0] - x @ w)
    assert (error < 4 * np.sqrt(variance / 4000)).all()
    assert not any(module.training for module in net.modules())


def test_mc_dropout_repeats_and_leaves_batch_norm_in_eval_mode() -> None:
    net = nn.models.MLP(6, [8], 3, norm="batch", dropout=0.5)
    x, _ = classes(5)
    before = sf.get_rng_state().tolist()
    first = mc_dropout(net, x, 10, combine="vote", seed=1)
    assert first.spread.tolist() == mc_dropout(net, x, 10, combine="vote", seed=1).spread.tolist()
    assert sf.get_rng_state().tolist() == before
    assert net[1].num_batches_tracked.item() == 0 and net.training
    free = [mc_dropout(net, x, 10).spread.tolist() for _ in range(2)]
    assert free[0] != free[1]
    for plain in (mlp(), nn.Dropout(0.0)):
        with pytest.raises(ValueError, match="no dropout"):
            mc_dropout(plain, x)
    with pytest.raises(ValueError, match="samples"):
        mc_dropout(net, x, 0)


# ---- files -----------------------------------------------------------------------------------


def test_an_ensemble_travels_in_one_file(tmp_path: Path) -> None:
    x, _ = classes()
    net = Ensemble([mlp() for _ in range(3)], "vote", [1, 2, 3.5])
    sf.save_model(net, tmp_path / "net.safetensors", {"classes": ["a", "b", "c"]})
    loaded, info = sf.load_model(tmp_path / "net.safetensors")
    assert isinstance(loaded, Ensemble) and info["classes"] == ["a", "b", "c"]
    assert loaded.combine == "vote"
    assert loaded.predict_proba(x).tolist() == net.predict_proba(x).tolist()
    sf.save(net.state_dict(), tmp_path / "state.safetensors")
    other = Ensemble([mlp() for _ in range(3)], "vote")
    other.load_state_dict(sf.load(tmp_path / "state.safetensors"))
    assert other.predict_proba(x).tolist() == net.predict_proba(x).tolist()
    with pytest.raises(TypeError, match="cannot describe a Fixed"):
        sf.save_model(Ensemble([Fixed([[1.0]])]), tmp_path / "fixed.safetensors")


def test_a_file_with_a_bad_ensemble_is_refused(tmp_path: Path) -> None:
    for described in (
        {"ensemble": [[]], "combine": "median"},
        {"ensemble": [], "combine": "mean"},
        {"ensemble": [[]]},
        {"ensemble": 3, "combine": "mean"},
    ):
        path = tmp_path / "bad.safetensors"
        write_tensors(path, {"weights": sf.ones(1)}, {"surefoot.model": json.dumps(described)})
        with pytest.raises(ValueError, match="does not describe a usable model"):
            sf.load_model(path)


# ---- what it is for --------------------------------------------------------------------------


def digit_rows() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    images, labels = digits()
    rows = (images.reshape(-1, 64) / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(rows))  # writers follow one another
    train, test = order[:300], order[900:]
    return (rows[train], labels[train]), (rows[test], labels[test])


def alone(net: Ensemble, test: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.mean([Ensemble([m], "vote").score(*test) for m in net.models]))


@pytest.mark.parametrize("combine", ["probability", "vote"])
def test_the_ensemble_beats_its_average_member_on_digits(combine: Any) -> None:
    train, test = digit_rows()
    net = deep_ensemble(
        lambda i: nn.models.MLP(64, [16], 10), train, 7, loss=nn.CrossEntropyLoss(),
        optimizer=adam, epochs=10, combine=combine,
    )  # fmt: skip
    assert net.score(*test) > alone(net, test) + 0.01


def test_bagging_scores_new_digits_as_its_out_of_bag_rows_say() -> None:
    train, test = digit_rows()

    def make(i: int) -> Trainer:
        sf.manual_seed(i)
        return trainer_of(nn.models.MLP(64, [16], 10), i)

    bag = bagging(make, train, 15, combine="probability", epochs=10, progress=False)
    assert bag.score(*test) > alone(bag, test) + 0.01
    assert abs(bag.oob_score - bag.score(*test)) < 0.05
    mistakes = bag.predict(test[0]).numpy() != test[1]
    doubt = bag.uncertainty(test[0]).entropy.numpy()
    assert doubt[mistakes].mean() > 1.5 * doubt[~mistakes].mean()


def test_snapshots_beat_their_average_member_on_digits() -> None:
    train, test = digit_rows()
    sf.manual_seed(0)
    model = nn.models.MLP(64, [16], 10)
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    snapshots = SnapshotEnsemble(cycles=5)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=[snapshots], seed=0)
    trainer.fit(train, epochs=20, progress=False)
    net = snapshots.ensemble("probability")
    assert net.score(*test) > alone(net, test)
