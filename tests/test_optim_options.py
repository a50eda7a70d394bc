"""Options of the update rules: defaults, presets, limits, eps modes, and what they report."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from optim_table import ROWS, Row, rmsprop, root
from surefoot import optim
from surefoot.optim._state import State


def leaf(values: Any, dtype: str = "float64") -> sf.Tensor:
    return sf.tensor(np.asarray(values, dtype=dtype)).requires_grad_()


def array(tensor: sf.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


# torch 2.13, without what says how to run (foreach, capturable, differentiable, fused).
BASE = {"weight_decay": 0, "maximize": False}
ADAM = {**BASE, "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
COUPLED = {"decoupled_weight_decay": False}
RMS = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False}
TORCH = {
    "SGD": {**BASE, "lr": 1e-3, "momentum": 0, "dampening": 0, "nesterov": False},
    "ASGD": {**BASE, "lr": 0.01, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6},
    "Adagrad": {**BASE, "lr": 0.01, "lr_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10},
    "RMSprop": {**BASE, **RMS},
    "Adadelta": {**BASE, "lr": 1.0, "rho": 0.9, "eps": 1e-6},
    "Adam": {**ADAM, **COUPLED, "amsgrad": False},
    "AdamW": {**ADAM, "weight_decay": 0.01, "amsgrad": False, "decoupled_weight_decay": True},
    "Adamax": {**ADAM, "lr": 2e-3},
    "NAdam": {**ADAM, **COUPLED, "lr": 2e-3, "momentum_decay": 4e-3},
    "RAdam": {**ADAM, **COUPLED},
    "Rprop": {"lr": 0.01, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50), "maximize": False},
}
OURS = {"eps_mode", "bias_correction", "momentum_form"}  # options that torch does not have


@pytest.mark.parametrize("rule", TORCH)
def test_defaults_are_torch_s(rule: str) -> None:
    (group,) = getattr(optim, rule)([leaf([1.0])]).param_groups
    assert {k: v for k, v in group.items() if k not in OURS | {"params"}} == TORCH[rule]
    modes = {"Adadelta": "inside"}
    assert group.get("eps_mode", "outside") == modes.get(rule, "outside")
    assert group.get("bias_correction", True) is True
    assert group.get("momentum_form", "torch") == "torch"


def test_positional_arguments_stand_where_torch_has_them() -> None:
    w = [leaf([1.0])]
    assert optim.Adagrad(w, 0.1, 0.2, 0.3, 0.4, 0.5).defaults["eps"] == 0.5
    assert optim.RMSprop(w, 0.1, 0.2, 0.3, 0.4, 0.5, True).defaults["centered"] is True
    assert optim.Adadelta(w, 0.1, 0.2, 0.3, 0.4).defaults["weight_decay"] == 0.4
    assert optim.AdamW(w, 0.1, (0.2, 0.3), 0.4, 0.5, True).defaults["amsgrad"] is True
    assert optim.Adamax(w, 0.1, (0.2, 0.3), 0.4, 0.5).defaults["weight_decay"] == 0.5
    nadam = optim.NAdam(w, 0.1, (0.2, 0.3), 0.4, 0.5, 0.6, True).defaults
    assert nadam["momentum_decay"] == 0.6 and nadam["decoupled_weight_decay"] is True
    radam = optim.RAdam(w, 0.1, (0.2, 0.3), 0.4, 0.5, True).defaults
    assert radam["decoupled_weight_decay"] is True
    assert optim.ASGD(w, 0.1, 0.2, 0.3, 0.4, 0.5).defaults["weight_decay"] == 0.5
    assert optim.Rprop(w, 0.1, (0.2, 3.0), (0.4, 5.0)).defaults["step_sizes"] == (0.4, 5.0)


@pytest.mark.parametrize(
    ("rule", "options", "words"),
    [
        (optim.Adagrad, {"lr_decay": -1}, "lr_decay must be at least 0"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be"),
        (optim.Adagrad, {"eps_mode": "uncorrected"}, "eps_mode must be one of"),
        (optim.RMSprop, {"alpha": 1.0}, "alpha must be at least 0 and below 1"),
        (optim.RMSprop, {"momentum": -0.1}, "momentum must be"),
        (optim.Adadelta, {"rho": 1.5}, "rho must be at least 0 and below 1"),
        (optim.AdamW, {"weight_decay": -1}, "weight_decay must be"),
        (optim.AdamW, {"eps": float("nan")}, "eps must be"),
        (optim.Adamax, {"betas": (0.9, 1.0)}, r"betas\[1\]"),
        (optim.NAdam, {"momentum_decay": -1}, "momentum_decay must be"),
        (optim.RAdam, {"lr": -1}, "lr must be"),
        (optim.ASGD, {"lambd": -1}, "lambd must be"),
        (optim.ASGD, {"alpha": -1}, "alpha must be"),
        (optim.ASGD, {"t0": float("inf")}, "t0 must be"),
        (optim.Rprop, {"etas": (1.2, 0.5)}, "0 < eta- < 1 < eta+"),
        (optim.Rprop, {"step_sizes": (1.0, 0.5)}, "least, largest"),
        (optim.Lion, {"betas": (1.0, 0.5)}, r"betas\[0\]"),
        (optim.Adam, {"like": "jax"}, "like must be one of 'torch', 'keras'"),
    ],
)
def test_value_out_of_range_is_named(rule: Any, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rule([leaf([1.0])], **options)


@pytest.mark.parametrize("rule", sorted({row.rule for row in ROWS}))
def test_unknown_and_mistyped_options_are_type_errors(rule: str) -> None:
    make = getattr(optim, rule)
    with pytest.raises(TypeError, match="nesterow"):
        make([leaf([1.0])], nesterow=True)
    with pytest.raises(TypeError, match="lr must be a number"):
        make([leaf([1.0])], lr="fast")
    with pytest.raises(TypeError, match="maximize must be True or False"):
        make([leaf([1.0])], maximize="yes")


# Keras 3, straight from its formulas: two steps with gradients g1, g2 from w = 1.
G1, G2 = 0.5, -0.25


def keras_sgd() -> float:
    return 1 - 0.01 * G1 - 0.01 * G2


def keras_sgd_momentum() -> float:
    v = -0.01 * G1
    w = 1 + v
    v = 0.9 * v - 0.01 * G2
    return w + v


def keras_adagrad() -> float:
    a1 = 0.1 + G1 * G1
    a2 = a1 + G2 * G2
    return 1 - 0.001 * G1 / np.sqrt(a1 + 1e-7) - 0.001 * G2 / np.sqrt(a2 + 1e-7)


def keras_rmsprop() -> float:
    v1 = 0.1 * G1 * G1
    v2 = 0.9 * v1 + 0.1 * G2 * G2
    return 1 - 0.001 * G1 / np.sqrt(v1 + 1e-7) - 0.001 * G2 / np.sqrt(v2 + 1e-7)


def keras_adadelta() -> float:
    w, grad_sum, delta_sum = 1.0, 0.0, 0.0
    for g in (G1, G2):
        grad_sum = 0.95 * grad_sum + 0.05 * g * g
        delta = -np.sqrt(delta_sum + 1e-7) * g / np.sqrt(grad_sum + 1e-7)
        delta_sum = 0.95 * delta_sum + 0.05 * delta * delta
        w += 0.001 * delta
    return w


def keras_adam(weight_decay: float = 0.0) -> float:
    w, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate((G1, G2), 1):
        w -= w * weight_decay * 0.001
        alpha = 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m += (g - m) * 0.1
        v += (g * g - v) * 0.001
        w -= m * alpha / (np.sqrt(v) + 1e-7)
    return w


def keras_nadam() -> float:
    w, m, v, product = 1.0, 0.0, 0.0, 1.0
    for t, g in enumerate((G1, G2), 1):
        now, following = (0.9 * (1 - 0.5 * 0.96**i) for i in (t, t + 1))
        product *= now
        m += (g - m) * 0.1
        v += (g * g - v) * 0.001
        m_hat = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
        w -= m_hat * 0.001 / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    return w


def keras_lion() -> float:
    return 1 - 0.001 * np.sign(0.1 * G1) - 0.001 * np.sign(0.9 * 0.01 * G1 + 0.1 * G2)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda w: optim.SGD(w, like="keras"), keras_sgd()),
        (lambda w: optim.SGD(w, like="keras", momentum=0.9), keras_sgd_momentum()),
        (lambda w: optim.Adagrad(w, like="keras"), keras_adagrad()),
        (lambda w: optim.RMSprop(w, like="keras"), keras_rmsprop()),
        (lambda w: optim.Adadelta(w, like="keras"), keras_adadelta()),
        (lambda w: optim.Adam(w, like="keras"), keras_adam()),
        (lambda w: optim.AdamW(w, like="keras"), keras_adam(0.004)),
        (lambda w: optim.NAdam(w, like="keras"), keras_nadam()),
        (lambda w: optim.Lion(w, like="keras"), keras_lion()),
    ],
)
def test_keras_preset_makes_keras_steps(make: Any, expected: float) -> None:
    w = leaf([1.0])
    opt = make([w])
    for g in (G1, G2):
        w.grad = sf.tensor(np.array([g]))
        opt.step()
    assert array(w)[0] == pytest.approx(expected, rel=1e-14)


def test_preset_changes_only_what_is_not_given() -> None:
    w = [leaf([1.0])]
    given = optim.Adagrad(w, 0.3, eps=1e-3, like="keras").param_groups[0]
    assert (given["lr"], given["eps"]) == (0.3, 1e-3)
    assert (given["initial_accumulator_value"], given["eps_mode"]) == (0.1, "inside")
    same = optim.Adagrad(w, like="torch").param_groups[0]
    assert same["lr"] == 0.01 and same["eps_mode"] == "outside"


def test_explain_shows_the_preset(capsys: pytest.CaptureFixture) -> None:
    optim.RMSprop([leaf([1.0])], like="keras").explain()
    assert "0.001 * g / sqrt(v + 1e-07)" in capsys.readouterr().out


@pytest.mark.parametrize(("mode", "ratio"), [("inside", 0.010), ("outside", 0.990)])
def test_eps_mode_matters_where_gradients_are_small(mode: str, ratio: float) -> None:
    """At g = 1e-6 and eps = 1e-8, alpha = 0: the step as a share of lr."""
    w = leaf([0.0])
    w.grad = sf.tensor(np.array([1e-6]))
    optim.RMSprop([w], lr=1.0, alpha=0.0, eps=1e-8, eps_mode=mode).step()
    assert -array(w)[0] == pytest.approx(ratio, abs=5e-4)


def test_centered_variance_does_not_fall_below_zero() -> None:
    """A constant gradient: v - a * a goes to 0 and rounding makes it negative."""
    w = leaf([0.0, 0.0], "float32")
    opt = optim.RMSprop([w], lr=1e-6, alpha=0.5, centered=True)
    for _ in range(100):
        w.grad = sf.tensor(np.array([0.1, 1e3], dtype=np.float32))
        opt.step()
    assert np.isfinite(array(w)).all()


# What they report.


def test_effective_lr_of_adagrad_dies() -> None:
    w = leaf([1.0, 1.0])
    opt = optim.Adagrad([("w", w)], lr=0.1, lr_decay=0.5, eps=0.25)
    assert opt.effective_lr() == {}
    total = np.zeros(2)
    for t in range(5):
        g = np.array([1.0, 10.0])
        total += g * g
        w.grad = sf.tensor(g)
        before = array(w)
        opt.step()
        rates = array(opt.effective_lr()["w"])
        np.testing.assert_allclose(rates, 0.1 / (1 + 0.5 * t) / (np.sqrt(total) + 0.25), rtol=1e-14)
        np.testing.assert_allclose(before - array(w), rates * g, rtol=1e-12)
    assert rates[1] < 0.2 * rates[0]


@pytest.mark.parametrize(
    "row",
    [
        Row("Adam", {"betas": (0.0, 0.9)}),
        Row("Adam", {"betas": (0.0, 0.9), "amsgrad": True, "eps_mode": "inside", "eps": 0.1}),
        Row("Adam", {"betas": (0.0, 0.9), "eps_mode": "uncorrected", "eps": 0.1}),
        Row("AdamW", {"betas": (0.0, 0.9), "weight_decay": 0.0, "bias_correction": False}),
        Row("Adamax", {"betas": (0.0, 0.9)}),
        Row("NAdam", {"betas": (0.0, 0.9)}),
        Row("RAdam", {"betas": (0.0, 0.9)}),
        Row("RMSprop"),
        Row("RMSprop", {"centered": True, "eps": 0.1}),
        Row("Adagrad", {"initial_accumulator_value": 0.5}),
    ],
    ids=str,
)
def test_effective_lr_is_the_factor_of_the_gradient(row: Row) -> None:
    """Without an average of the gradient the step is the effective lr times the gradient."""
    rng = np.random.default_rng(0)
    w = leaf(rng.normal(size=(3, 2)))
    opt = row.optimizer([w], lr=0.01)
    for _ in range(12):
        g = rng.normal(size=(3, 2))
        w.grad = sf.tensor(g)
        before = array(w)
        opt.step()
        step = array(opt.effective_lr()[0]) * g
        np.testing.assert_allclose(before - array(w), step, rtol=1e-9)


def test_explain_reports_the_range_of_the_effective_lr(capsys: pytest.CaptureFixture) -> None:
    w = leaf([1.0, 1.0, 1.0])
    opt = optim.Adagrad([w], lr=0.1)
    opt.explain()
    assert "effective" not in capsys.readouterr().out
    w.grad = sf.tensor(np.array([1.0, 2.0, 10.0]))
    opt.step()
    assert opt.explain().endswith("effective lr: 0.01 to 0.1, median 0.05")


def test_reference_of_rmsprop_reads_as_the_paper() -> None:
    """The table's helper by hand: one step from nothing."""
    state: dict = {}
    p = rmsprop(np.array([1.0]), np.array([2.0]), state, lr=0.5, alpha=0.75, eps=0.0)
    assert p[0] == 0.0 and state["square_avg"][0] == 1.0
    assert root(np.array(9.0), 7.0, "inside") == 4.0 and root(np.array(9.0), 7.0, "outside") == 10.0


# The door to the core.


def test_every_row_of_the_core_is_some_rule_s(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    step = sf._core._update_
    monkeypatch.setattr(
        sf._core, "_update_", lambda rule, *rest: used.add(rule) or step(rule, *rest)
    )
    for row in ROWS:
        w = leaf([1.0])
        w.grad = sf.tensor(np.ones(1))
        row.optimizer([w], lr=0.1).step()
    table = Path(__file__).parents[1] / "csrc" / "kernels" / "update.def"
    assert used == set(re.findall(r"^SF_UPDATE\((\w+),", table.read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("momenta", ("s",), (1, 1, 1)), "no rule 'momenta'"),
        (("sgd", ("s",), (1,)), "0 lists of states needed, got 1"),
        (("momentum", (), (1, 1, 1)), "1 lists of states needed, got 0"),
        (("momentum", ("s",), (1,)), "5 coefficients needed, got 3"),
    ],
)
def test_core_refuses_other_lengths_than_the_row_s(arguments: Any, words: str) -> None:
    row, fields, coefficients = arguments
    (w,), state = remembered({"s": sf.tensor(np.ones(1))})
    with pytest.raises(ValueError, match=words):
        sf._core._update_(row, [w], [w.detach()], (1, 0), lambda t: coefficients, state, fields)
    with pytest.raises(ValueError, match="one gradient per parameter needed: 1, got 0"):
        sf._core._update_(row, [w], [], (1, 0), lambda t: coefficients, state, fields)
    assert array(w)[0] == 1.0


def remembered(*entries: dict) -> tuple[list[sf.Tensor], State]:
    """Parameters of 1.0, and a state that holds these entries for them."""
    params, state = [leaf([1.0]) for _ in entries], State()
    for i, (p, entry) in enumerate(zip(params, entries, strict=True)):
        state.register(p, i)
        state[i] = entry
    return params, state


def test_core_counts_steps_and_makes_states_after_a_step_that_succeeds() -> None:
    """A count may be any number; parameters without gradient are left out."""
    params, state = remembered({"n": 4}, {"n": 2.0, "s": sf.tensor(np.array([8.0]))}, {}, {})
    grads = [sf.tensor(np.ones(1)) for _ in params]
    seen: list[float] = []

    def coefficients(t: float) -> tuple[float, ...]:
        seen.append(t)
        return (1.0, 0.5, t)

    def start(field: str) -> float:
        assert field == "s"
        return 2.0

    def step(given: list[sf.Tensor] | None) -> None:
        head = (1.0, 0.0)
        sf._core._update_("momentum", params, given, head, coefficients, state, ("s",), start, "n")

    with pytest.raises(sf.ShapeError):
        step([*grads[:3], sf.ones(2)])
    assert state[0] == {"n": 4} and state[1]["n"] == 2.0 and state[2] == state[3] == {}
    for p, g in zip(params[:3], grads, strict=False):
        p.grad = g
    seen.clear()
    step(None)
    assert seen == [5, 3.0, 1]
    assert [state[i].get("n") for i in range(4)] == [5, 3.0, 1, None]
    assert type(state[0]["n"]) is int and state[3] == {}
    assert [array(state[i]["s"])[0] for i in range(3)] == [6.0, 7.0, 2.0]
    assert [array(p)[0] for p in params] == [-5.0, -6.0, -1.0, 1.0]
    state[0] = 5
    with pytest.raises(TypeError, match="state must be a dict"):
        step(None)


def test_what_a_parameter_remembers_may_be_changed_and_replaced() -> None:
    w, twin = leaf([1.0]), leaf([1.0])
    a, b = optim.Adam([w], lr=0.1), optim.Adam([twin], lr=0.1)
    for p, opt in ((w, a), (twin, b)):
        for _ in range(3):
            p.grad = sf.tensor(np.array([2.0]))
            opt.step()
    a.state[w] = dict(a.state[w])
    a.state[w]["exp_avg"] = a.state[w]["exp_avg"].clone()
    a.step(), b.step()
    assert array(w) == array(twin) and a.state[w]["step"] == 4
    a.state[w]["step"] = 0
    a.state[w]["exp_avg"].zero_()
    a.state[w]["exp_avg_sq"] = sf.zeros_like(w.detach())
    b.state.clear()
    a.step(), b.step()
    assert array(w) == array(twin) and a.state[w]["step"] == b.state[twin]["step"] == 1


@pytest.mark.parametrize("row", [Row("NAdam"), Row("AdamW", {"amsgrad": True})], ids=str)
def test_state_passes_through_a_file(row: Row, tmp_path: Path) -> None:
    def steps(w: sf.Tensor, opt: optim.Optimizer) -> bytes:
        for i in range(4):
            w.grad = sf.tensor(np.array([1.0 + i, -0.5]))
            opt.step()
        return array(w).tobytes()

    w = leaf([1.0, 2.0])
    opt = row.optimizer([("w", w)], lr=0.1)
    steps(w, opt)
    sf.save(opt.state_dict(), tmp_path / "opt.safetensors")
    v = leaf(array(w))
    other = row.optimizer([("w", v)], lr=0.3)
    other.load_state_dict(sf.load(tmp_path / "opt.safetensors"))
    assert steps(w, opt) == steps(v, other)


def test_numbers_of_a_state_must_be_numbers() -> None:
    w = leaf([1.0])
    opt = optim.NAdam([w])
    w.grad = sf.tensor(np.ones(1))
    opt.step()
    state = opt.state_dict()
    state["state"][0]["mu_product"] = "a"
    with pytest.raises(ValueError, match="mu_product must be a number"):
        opt.load_state_dict(state)
