"""Update rules against their NumPy references, and what optimizers promise besides."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from optim_table import CLOSURE_RULES, PARABOLA, REFERENCES, ROSENBROCK, ROWS, Row
from surefoot.optim import SGD, Adam

each_row = pytest.mark.parametrize("row", ROWS, ids=str)
STEPS = 40


def leaf(values: Any, dtype: str = "float64") -> sf.Tensor:
    return sf.tensor(np.asarray(values, dtype=dtype)).requires_grad_()


def array(tensor: sf.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


def bits(tensors: list[sf.Tensor]) -> list[bytes]:
    return [array(tensor).tobytes() for tensor in tensors]


def test_every_exported_optimizer_has_a_row() -> None:
    names = [name for name in sf.optim.__all__ if isinstance(getattr(sf.optim, name), type)]
    rules = set(names) - {"Optimizer", *CLOSURE_RULES}
    assert rules == {row.rule for row in ROWS} == set(REFERENCES) == set(ROSENBROCK)


# The rules.


def rosenbrock(x: sf.Tensor) -> sf.Tensor:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def ill_conditioned(x: sf.Tensor) -> sf.Tensor:
    return 0.5 * (sf.tensor(np.logspace(-3, 3, 7)) * x * x).sum()


def network(w1: sf.Tensor, b1: sf.Tensor, w2: sf.Tensor) -> sf.Tensor:
    rng = np.random.default_rng(1)
    x, y = sf.tensor(rng.normal(size=(16, 3))), sf.tensor(rng.normal(size=(16, 2)))
    error = sf.tanh(x @ w1 + b1) @ w2 - y
    return (error * error).mean()


def starts(problem: Callable[..., sf.Tensor]) -> list[np.ndarray]:
    if problem is rosenbrock:
        return [np.array([-1.2, 1.0])]
    if problem is ill_conditioned:
        return [np.linspace(-2, 3, 7)]
    rng = np.random.default_rng(2)
    return [rng.normal(size=shape) for shape in ((3, 5), (5,), (5, 2))]


PROBLEMS = {rosenbrock: 1e-4, ill_conditioned: 5e-4, network: 1e-2}  # with a fitting lr


def follow(row: Row, problem: Callable[..., sf.Tensor], dtype: str, compare: Callable) -> None:
    """Runs the rule; compares each step with the reference taken from the very same state."""
    lr = PROBLEMS[problem]
    params = [leaf(start, dtype) for start in starts(problem)]
    opt = row.optimizer(params, lr=lr)
    states: list[dict] = [{} for _ in params]
    for _ in range(STEPS):
        opt.zero_grad()
        loss = problem(*(p.double() for p in params))
        (-loss if row.options.get("maximize") else loss).backward()
        before = [(array(p).astype(float), array(p.grad).astype(float)) for p in params]
        opt.step()
        for p, (old, grad), state in zip(params, before, states, strict=True):
            compare(array(p), row.reference(old, grad, state, lr=lr), old)
            for name, value in opt.state[p].items():
                if not isinstance(value, sf.Tensor):
                    assert value == pytest.approx(state[name], rel=1e-15)
                else:
                    compare(array(value), state[name], state[name])
                    state[name] = array(value).astype(float)
            assert set(state) == set(opt.state[p])
    assert np.isfinite(loss.item())


@each_row
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_step_equals_the_reference_in_float64(row: Row, problem: Callable) -> None:
    def compare(got: np.ndarray, expected: np.ndarray, old: Any) -> None:
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * np.abs(old).max())

    follow(row, problem, "float64", compare)


@each_row
def test_step_equals_the_reference_in_float32(row: Row) -> None:
    def compare(got: np.ndarray, expected: np.ndarray, old: Any) -> None:
        assert got.dtype == np.float32
        scale = np.abs(expected) + np.abs(old) + np.abs(expected).max()
        assert (np.abs(got - expected) <= 1e-6 * scale).all()

    follow(row, network, "float32", compare)


def rosenbrock_gradient(x: np.ndarray) -> list[np.ndarray]:
    inner = x[1] - x[0] ** 2
    return [np.array([-2 * (1 - x[0]) - 400 * x[0] * inner, 200 * inner])]


def ill_conditioned_gradient(x: np.ndarray) -> list[np.ndarray]:
    return [np.logspace(-3, 3, 7) * x]


def network_gradient(w1: np.ndarray, b1: np.ndarray, w2: np.ndarray) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(16, 3)), rng.normal(size=(16, 2))
    hidden = np.tanh(x @ w1 + b1)
    error = 2 * (hidden @ w2 - y) / y.size
    inner = error @ w2.T * (1 - hidden**2)
    return [x.T @ inner, inner.sum(0), hidden.T @ error]


GRADIENTS = {
    rosenbrock: rosenbrock_gradient,
    ill_conditioned: ill_conditioned_gradient,
    network: network_gradient,
}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_gradients_of_the_references(problem: Callable) -> None:
    params = [leaf(start) for start in starts(problem)]
    problem(*params).backward()
    for p, expected in zip(params, GRADIENTS[problem](*starts(problem)), strict=True):
        np.testing.assert_allclose(array(p.grad), expected, rtol=1e-12)


@each_row
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
def test_300_steps_equal_the_reference(row: Row, problem: Callable) -> None:
    """Each side follows its own gradients; noise, the same on both, keeps them from vanishing."""
    rng, gradient, lr = np.random.default_rng(3), GRADIENTS[problem], PROBLEMS[problem]
    sign = -1 if row.options.get("maximize") else 1
    expected = starts(problem)
    params = [leaf(start) for start in expected]
    states: list[dict] = [{} for _ in params]
    opt = row.optimizer(params, lr=lr)
    for _ in range(300):
        noise = [rng.normal(size=p.shape) for p in expected]
        for p, g, n in zip(params, gradient(*map(array, params)), noise, strict=True):
            p.grad = sf.tensor(sign * g + n)
        opt.step()
        for i, (g, n) in enumerate(zip(gradient(*expected), noise, strict=True)):
            expected[i] = row.reference(expected[i], sign * g + n, states[i], lr=lr)
    for p, wanted in zip(params, expected, strict=True):
        assert np.isfinite(wanted).all()
        np.testing.assert_allclose(array(p), wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


@each_row
def test_rule_solves_the_parabola(row: Row) -> None:
    x = leaf([5.0, -2.0, 0.5])
    opt = row.optimizer([x], **{"lr": 0.05, **PARABOLA.get(row.rule, {})})
    if "weight_decay" in opt.param_groups[0]:
        opt.param_groups[0]["weight_decay"] = 0.0
    for _ in range(600):
        opt.zero_grad()
        loss = ((x - 3) ** 2).sum() / 2
        (-loss if row.options.get("maximize") else loss).backward()
        opt.step()
    np.testing.assert_allclose(array(x), 3, atol=0.03)


@pytest.mark.parametrize("rule", ROSENBROCK)
def test_rule_solves_rosenbrock(rule: str) -> None:
    x = leaf([-1.2, 1.0])
    opt = getattr(sf.optim, rule)([x], **ROSENBROCK[rule])
    for _ in range(5000):
        (gradient,) = rosenbrock_gradient(array(x))
        x.grad = sf.tensor(gradient)
        opt.step()
    assert rosenbrock(x).item() < 1e-2


def test_lookahead_is_nesterov_after_the_change_of_variable() -> None:
    lr, mu = 1e-3, 0.9
    torch_form, lookahead = leaf([-1.2, 1.0]), leaf([-1.2, 1.0])
    a = SGD([torch_form], lr=lr, momentum=mu, nesterov=True)
    b = SGD([lookahead], lr=lr, momentum=mu, nesterov="lookahead")

    def closure() -> sf.Tensor:
        b.zero_grad()
        loss = rosenbrock(lookahead)
        loss.backward()
        return loss

    for _ in range(40):
        a.zero_grad()
        rosenbrock(torch_form).backward()
        a.step()
        b.step(closure)
        ahead = array(lookahead) - lr * mu * array(b.state[lookahead]["momentum_buffer"])
        np.testing.assert_allclose(ahead, array(torch_form), rtol=1e-10)
    with pytest.raises(ValueError, match="closure"):
        b.step()


def test_momentum_forms_have_the_textbook_first_steps() -> None:
    """Constant gradient 1, lr 1: positions after three steps."""
    expected = {
        "torch": [-1, -2.95, -5.8025],
        "classical": [-1, -2.95, -5.8025],
        "ema": [-0.05, -0.1475, -0.290125],
    }
    for form, positions in expected.items():
        x = leaf([0.0])
        opt = SGD([x], lr=1.0, momentum=0.95, momentum_form=form)
        x.grad = sf.tensor(np.ones(1))
        for position in positions:
            opt.step()
            np.testing.assert_allclose(array(x), position, rtol=1e-12)


# Steps on all kinds of parameters.


@each_row
def test_bits_do_not_depend_on_threads_or_grouping(row: Row) -> None:
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=n).astype(np.float32) for n in (100_001, 7, 1, 40_000)]
    grads = [rng.normal(size=start.shape).astype(np.float32) for start in starts]

    def run(threads: int, one_by_one: bool) -> list[bytes]:
        sf.set_num_threads(threads)
        params = [leaf(start, "float32") for start in starts]
        groups = [{"params": [p]} for p in params] if one_by_one else params
        opt = row.optimizer(groups, lr=0.1)
        for _ in range(3):
            for p, grad in zip(params, grads, strict=True):
                p.grad = sf.tensor(grad)
            opt.step()
        return [array(p).tobytes() for p in params]

    first = run(1, False)
    assert first == run(2, False) == run(3, False) == run(2, True)


@each_row
def test_strided_parameters_and_gradients(row: Row) -> None:
    rng = np.random.default_rng(0)
    start, grad = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    plain = leaf(start)
    whole = sf.tensor(np.zeros((4, 12)))
    strided = whole[:, ::2].t()
    strided.copy_(sf.tensor(start))
    strided.requires_grad_()
    for p in (plain, strided):
        opt = row.optimizer([p], lr=0.1)
        for _ in range(3):
            p.grad = sf.tensor(np.ascontiguousarray(grad.T)).t()
            opt.step()
    assert not strided.is_contiguous()
    assert array(strided).tobytes() == array(plain).tobytes()
    assert not array(whole)[:, 1::2].any()


def test_dtypes_mix_and_sizes_may_be_zero() -> None:
    params = [leaf([1.0], "float32"), leaf([1.0]), leaf(np.zeros((0, 3))), leaf(2.0)]
    opt = SGD(params, lr=0.5)
    for p in params:
        p.grad = sf.ones_like(p.detach())
    opt.step()
    assert [array(p).sum() for p in params] == [0.5, 0.5, 0.0, 1.5]


def test_step_leaves_gradients_alone_and_skips_those_without() -> None:
    used, unused = leaf([1.0, 2.0]), leaf([3.0])
    opt = Adam([used, unused], weight_decay=0.1)
    used.grad = sf.tensor(np.array([1.0, -1.0]))
    opt.step()
    assert array(used.grad).tolist() == [1.0, -1.0]
    assert array(unused).tolist() == [3.0] and unused.grad is None
    assert not opt.state[unused]


def test_late_parameters_start_their_own_count() -> None:
    """A parameter whose first gradient comes later has its first step then."""
    for row in (Row("SGD", {"momentum": 0.9, "dampening": 0.5}), Row("Adam")):
        early, late = leaf([1.0]), leaf([1.0])
        opt = row.optimizer([early, late], lr=0.1)
        for p in (early, late):
            p.grad = sf.tensor(np.array([2.0]))
        late.grad = None
        opt.step()
        first = array(early)
        late.grad = sf.tensor(np.array([2.0]))
        opt.step()
        assert array(late) == first


def test_step_counts_as_in_place_change() -> None:
    w = leaf([2.0])
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError):
        loss.backward()


def test_gradient_of_another_shape_is_refused_and_nothing_changes() -> None:
    for row in (Row("SGD", {"momentum": 0.9}), Row("Adam")):
        good, bad = leaf([1.0]), leaf([1.0, 2.0])
        opt = row.optimizer([good, bad], lr=0.1)
        good.grad = sf.tensor(np.ones(1))
        try:
            bad.grad = sf.tensor(np.ones(3))
        except (ValueError, RuntimeError):
            continue  # refused even earlier
        with pytest.raises((ValueError, RuntimeError)):
            opt.step()
        assert array(good).tolist() == [1.0] and not opt.state[good]


def test_closure_is_called_with_gradients_on_and_its_result_returned() -> None:
    w = leaf([3.0])
    opt = SGD([w], lr=0.5)

    def closure() -> sf.Tensor:
        opt.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with sf.no_grad():
        assert opt.step(closure).item() == 9.0
    assert array(w).tolist() == [0.0]


def test_state_answers_for_a_parameter_as_for_its_key() -> None:
    w, other = leaf([1.0, 2.0]), leaf([1.0])
    opt = Adam([w, other])
    assert w not in opt.state
    assert opt.state.get(w, "none") == "none"
    w.sum().backward()
    opt.step()
    assert w in opt.state
    assert 0 in opt.state
    assert opt.state.get(w) is opt.state[w]
    assert other not in opt.state
    assert leaf([1.0]) not in opt.state


def test_zero_grad() -> None:
    w = leaf([3.0])
    opt = SGD([w])
    opt.zero_grad(set_to_none=False)
    assert w.grad is None
    (w * w).sum().backward()
    opt.zero_grad(set_to_none=False)
    assert array(w.grad).tolist() == [0.0]
    opt.zero_grad()
    assert w.grad is None


# Groups and options.


def test_groups_have_their_own_options_and_are_live() -> None:
    a, b = leaf([1.0]), leaf([1.0])
    opt = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    assert [group["lr"] for group in opt.param_groups] == [0.1, 0.5]
    for p in (a, b):
        p.grad = sf.tensor(np.ones(1))
    opt.step()
    opt.param_groups[0]["lr"] = 0.4
    opt.step()
    np.testing.assert_allclose([array(a)[0], array(b)[0]], [0.5, 0.0], atol=1e-15)


def test_default_options_are_torch_s() -> None:
    (group,) = SGD([leaf([1.0])]).param_groups
    torch_s = {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}
    assert torch_s.items() <= group.items() and group["maximize"] is False
    (group,) = Adam([leaf([1.0])]).param_groups
    torch_s = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
    assert torch_s.items() <= group.items()
    assert group["amsgrad"] is False and group["maximize"] is False


@pytest.mark.parametrize(
    ("rule", "options", "words"),
    [
        (SGD, {"lr": -0.1}, "lr must be at least 0"),
        (SGD, {"lr": float("nan")}, "lr must be"),
        (SGD, {"lr": float("inf")}, "lr must be"),
        (SGD, {"momentum": -1}, "momentum must be at least 0"),
        (SGD, {"weight_decay": -1}, "weight_decay must be"),
        (SGD, {"nesterov": True}, "nesterov needs momentum > 0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening == 0"),
        (SGD, {"momentum_form": "heavy"}, "momentum_form must be one of"),
        (SGD, {"momentum_form": "ema", "momentum": 0.9, "dampening": 0.1}, "dampening belongs"),
        (Adam, {"betas": (0.9, 1.0)}, r"betas\[1\] must be at least 0 and below 1"),
        (Adam, {"betas": (-0.1, 0.9)}, r"betas\[0\]"),
        (Adam, {"eps": -1e-8}, "eps must be"),
        (Adam, {"eps_mode": "between"}, "eps_mode must be one of"),
    ],
)
def test_value_out_of_range_is_named(rule: Any, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rule([leaf([1.0])], **options)
    with pytest.raises(ValueError, match=words):
        rule([{"params": [leaf([1.0])], **options}])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: SGD([]), ValueError, "empty"),
        (lambda: SGD(leaf([1.0])), TypeError, r"pass \[tensor\]"),
        (lambda: SGD({leaf([1.0])}), TypeError, "order"),
        (lambda: SGD([1.0]), TypeError, "must be a Tensor"),
        (lambda: SGD([leaf([1.0]) * 2]), ValueError, "not a leaf"),
        (lambda: SGD([sf.tensor([1, 2])]), ValueError, "float32 and float64"),
        (lambda: SGD([leaf([1.0])] * 2), ValueError, "twice"),
        (lambda: SGD([leaf([1.0])], rho=0.9), TypeError, "rho"),
        (lambda: SGD([{"params": [leaf([1.0])], "rho": 1}]), TypeError, "rho"),
        (lambda: SGD([{"lr": 1.0}]), TypeError, "'params'"),
        (lambda: SGD([leaf([1.0])], lr="0.1"), TypeError, "lr must be a number"),
        (lambda: SGD([leaf([1.0])], maximize=1), TypeError, "maximize"),
        (lambda: Adam([leaf([1.0])], betas=0.9), TypeError, "betas"),
        (lambda: SGD([("w", leaf([1.0])), ("w", leaf([1.0]))]), ValueError, "name 'w'"),
        (lambda: SGD([("w", leaf([1.0])), leaf([1.0])]), ValueError, "some have not"),
    ],
)
def test_bad_parameters_are_refused(call: Callable, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_parameter_may_not_be_added_twice() -> None:
    w = leaf([1.0])
    opt = SGD([w])
    with pytest.raises(ValueError, match="twice"):
        opt.add_param_group({"params": [w]})
    opt.add_param_group({"params": [leaf([2.0])], "lr": 0.5})
    assert [group["lr"] for group in opt.param_groups] == [1e-3, 0.5]


@each_row
def test_explain_prints_the_numbers_in_use(row: Row, capsys: pytest.CaptureFixture) -> None:
    opt = row.optimizer([leaf([1.0, 2.0])], lr=0.125)
    text = opt.explain()
    assert capsys.readouterr().out == text + "\n"
    assert text.startswith(f"{row.rule}, group 0: 1 tensor, 2 numbers")
    assert "0.125" in text
    assert ("-grad" in text) == row.options.get("maximize", False)
    decays = {"weight_decay", "lambd"} & set(opt.param_groups[0])
    assert ("* p" in text) == any(opt.param_groups[0][name] > 0 for name in decays)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("lr", "fast", r"\[SGD\] lr must be a number, got 'fast'"),
        ("lr", 10**400, r"\[SGD\] lr must be at least 0 and finite, got 1000"),
        ("momentum", "much", r"\[SGD\] momentum must be a number, got 'much'"),
    ],
)
def test_a_live_option_that_no_step_can_use_is_named(option: str, value: Any, words: str) -> None:
    w = leaf([1.0])
    opt = SGD([w], lr=0.1, momentum=0.5)
    opt.param_groups[0][option], w.grad = value, leaf([1.0]).detach()
    with pytest.raises((TypeError, ValueError), match=words):
        opt.step()
    assert array(w).tolist() == [1.0]


class Plain(sf.optim.Optimizer):
    """A rule of one's own: p -= lr g."""

    def _check(self, group: dict) -> None:
        pass

    def _update(self, group: dict, params: list, grads: list) -> None:
        for p, g in zip(params, grads, strict=True):
            p.detach().sub_(group["lr"] * g)


def test_subclass_needs_no_more_than_its_rule() -> None:
    w = leaf([1.0, 2.0])
    w.grad = sf.tensor(np.array([3.0, -4.0]))
    Plain([w], {"lr": 0.5}).step()
    assert array(w).tolist() == [-0.5, 4.0]


# Clipping within the step.


@each_row
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_within_the_step_has_the_bits_of_clipping_before_it(row: Row, dtype: str) -> None:
    """Two groups, strided tensors, a gradient that is missing, a norm that needs no clipping."""
    rng = np.random.default_rng(4)
    starts = [rng.normal(size=shape) for shape in ((6, 4), (40_001,), (3,), (2, 5))]
    grads = [[scale * rng.normal(size=s.shape) for s in starts] for scale in (1, 0.1, 1e-4, 1)]

    def run(within: bool, threads: int) -> list[Any]:
        sf.set_num_threads(threads)
        strided = sf.tensor(np.ascontiguousarray(starts[0].T.astype(dtype))).t().requires_grad_()
        params = [strided, *(leaf(start, dtype) for start in starts[1:])]
        opt = row.optimizer([{"params": params[:2]}, {"params": params[2:], "lr": 0.05}], lr=0.1)
        norms = []
        for i, given in enumerate(grads):
            for p, grad in zip(params, given, strict=True):
                p.grad = sf.tensor(np.ascontiguousarray(grad.T.astype(dtype))).t()
            params[i].grad = None
            if within:
                opt.step(max_norm=3.0)
                norms.append(opt.last_norm)
                for p, grad in zip(params, given, strict=True):
                    assert p.grad is None or (array(p.grad) == grad.astype(dtype)).all()
            else:
                norms.append(sf.nn.utils.clip_grad_norm_(params, 3.0))
                opt.step()
        states = [v for p in params for v in opt.state.get(p, {}).values()]
        tensors = [*params, *norms, *(v for v in states if isinstance(v, sf.Tensor))]
        assert min(n.item() for n in norms) < 3 < max(n.item() for n in norms)
        return bits(tensors)

    assert run(True, 1) == run(False, 1) == run(True, 3)


def test_clipping_within_the_step_of_mixed_dtypes() -> None:
    """The norm is of the wider dtype, its factor is rounded to each gradient's."""
    ends = []
    for within in (True, False):
        params = [leaf([1.0, 2.0], "float32"), leaf([3.0, 4.0])]
        for p in params:
            p.grad = p.detach() / 3
        opt = SGD(params, lr=0.5)
        if within:
            opt.step(max_norm=0.1)
        else:
            sf.nn.utils.clip_grad_norm_(params, 0.1)
            opt.step()
        ends.append(bits(params))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_norm_that_is_not_finite_does_what_it_does_before_the_step(bad: float) -> None:
    ends = []
    for within in (True, False):
        w, v = leaf([1.0, 2.0]), leaf([3.0])
        w.grad, v.grad = sf.tensor(np.array([bad, 1.0])), sf.tensor(np.array([2.0]))
        opt = SGD([w, v], lr=0.5)
        if within:
            opt.step(max_norm=1.0)
            assert not np.isfinite(opt.last_norm.item())
        else:
            sf.nn.utils.clip_grad_norm_([w, v], 1.0)
            opt.step()
        ends.append(np.concatenate([array(w), array(v)]))
    np.testing.assert_array_equal(*ends)
    assert np.isnan(ends[0]).tolist() == [True, *(np.isnan(bad) for _ in range(2))]


def test_rules_of_one_s_own_get_clipped_gradients() -> None:
    class Doubled(SGD):
        def _update(self, group: dict, params: list, grads: list) -> None:
            super()._update(group, params, [2 * g for g in grads])

    for make, factor in ((lambda p: Plain(p, {"lr": 1.0}), 1), (lambda p: Doubled(p, lr=1.0), 2)):
        w = leaf([1.0, 2.0])
        w.grad = sf.tensor(np.array([3.0, -4.0]))
        make([w]).step(max_norm=1.0)
        np.testing.assert_allclose(array(w), [1 - factor * 0.6, 2 + factor * 0.8], rtol=1e-5)
        assert array(w.grad).tolist() == [3.0, -4.0]


def test_lookahead_clips_the_gradient_at_the_other_point() -> None:
    ends = []
    for within in (True, False):
        w = leaf([-1.2, 1.0])
        opt = SGD([w], lr=1e-3, momentum=0.9, nesterov="lookahead")

        def closure() -> sf.Tensor:
            opt.zero_grad()  # noqa: B023
            loss = rosenbrock(w)  # noqa: B023
            loss.backward()
            if not within:  # noqa: B023
                sf.nn.utils.clip_grad_norm_([w], 50.0)  # noqa: B023
            return loss

        for _ in range(5):
            opt.step(closure, max_norm=50.0 if within else None)
        ends.append(bits([w]))
    assert ends[0] == ends[1]


def test_max_norm_may_be_infinite_but_not_negative() -> None:
    w = leaf([1.0])
    opt = SGD([w], lr=0.5)
    opt.step(max_norm=1.0)
    assert opt.last_norm is not None and opt.last_norm.item() == 0.0
    w.grad = sf.tensor(np.array([2.0]))
    opt.step(max_norm=np.inf)
    assert array(w)[0] == 0.0 and opt.last_norm.item() == 2.0
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match=r"\[SGD\] max_norm must be at least 0"):
            opt.step(max_norm=wrong)
    assert array(w)[0] == 0.0


# State.


def train(opt: sf.optim.Optimizer, params: list[sf.Tensor], steps: int) -> None:
    for _ in range(steps):
        opt.zero_grad()
        network(*params).backward()
        opt.step()


@each_row
@pytest.mark.parametrize("named", [True, False])
def test_saved_state_continues_to_the_same_bits(row: Row, named: bool) -> None:
    names = ["w1", "b1", "w2"]

    def fresh(values: list[np.ndarray]) -> tuple[list[sf.Tensor], sf.optim.Optimizer]:
        params = [leaf(value) for value in values]
        given = list(zip(names, params, strict=True)) if named else params
        return params, row.optimizer(given, lr=0.01)

    params, opt = fresh(starts(network))
    train(opt, params, 7)
    others, other = fresh([array(p) for p in params])
    other.load_state_dict(opt.state_dict())
    train(opt, params, 7)
    train(other, others, 7)
    assert bits(params) == bits(others)
    assert (set(opt.state) <= set(names)) == (named or not opt.state)


@each_row
@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles_go_on_with_the_same_bits(row: Row, again: Callable) -> None:
    params = [leaf(value) for value in starts(network)]
    opt = row.optimizer(params, lr=0.01)
    train(opt, params, 3)
    others, other = again((params, opt))
    train(opt, params, 3)
    middle = bits(others)
    train(other, others, 3)
    assert middle != bits(others) == bits(params)
    for mine, theirs in zip(others, params, strict=True):
        assert other.state[mine].keys() == opt.state[theirs].keys()


def test_a_shallow_copy_shares_groups_and_state() -> None:
    opt = Adam([leaf([1.0])])
    twin = copy.copy(opt)
    assert twin.state is opt.state
    assert twin.param_groups is opt.param_groups


def named_pair(order: str, dtype: str = "float64") -> dict[str, sf.Tensor]:
    return {name: leaf([ord(name), 1.0], dtype) for name in order}


def test_permuted_parameters_of_equal_shape_load_by_name() -> None:
    first, second = named_pair("ab"), named_pair("ba")
    saved = SGD(first.items(), lr=0.1, momentum=0.9)
    first["a"].grad, first["b"].grad = sf.tensor([1.0, 1.0]).double(), sf.zeros_like(first["b"])
    saved.step()
    loaded = SGD(second.items(), lr=0.5, momentum=0.5)
    loaded.load_state_dict(saved.state_dict())
    assert array(loaded.state["a"]["momentum_buffer"]).tolist() == [1.0, 1.0]
    assert array(loaded.state[second["b"]]["momentum_buffer"]).tolist() == [0.0, 0.0]
    assert loaded.param_groups[0]["lr"] == 0.1 and loaded.param_groups[0]["momentum"] == 0.9


def test_loading_copies() -> None:
    w = leaf([1.0])
    opt = SGD([w], momentum=0.9)
    w.grad = sf.tensor(np.ones(1))
    opt.step()
    other = SGD([leaf([1.0])], momentum=0.9)
    other.load_state_dict(opt.state_dict())
    opt.step()
    assert array(other.state[0]["momentum_buffer"]).tolist() == [1.0]


def edited(change: Callable[[dict], Any]) -> dict:
    """The state of Adam on a (2,) and b (2,) after a step, changed."""
    params = named_pair("ab")
    opt = Adam(params.items(), lr=0.1)
    for p in params.values():
        p.grad = sf.ones_like(p.detach())
    opt.step()
    state = opt.state_dict()
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["param_groups"][0].update(params=["a", "c"]), "c: in the state, not in"),
        (lambda s: s["param_groups"][0].update(params=["a"]), "b: in the optimizer, not in"),
        (lambda s: s["parameters"]["b"].update(shape=[3]), r"b: float64 \(3,\) in the state"),
        (lambda s: s["parameters"]["b"].update(dtype="float32"), "b: float32"),
        (lambda s: s["parameters"].clear(), "a: not described"),
        (lambda s: s["state"]["a"].update(exp_avg=sf.zeros(3)), "a: exp_avg has not the shape"),
        (lambda s: s["state"]["a"].update(rate=1.0), "a: unknown entry 'rate'"),
        (lambda s: s["param_groups"].append({}), "2 groups"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "lr must be"),
        (lambda s: s.update(rule="SGD"), "state of a SGD"),
        (lambda s: s.pop("state"), "'state'"),
    ],
)
def test_state_that_does_not_fit_changes_nothing(change: Callable, words: str) -> None:
    params = named_pair("ab")
    opt = Adam(params.items(), lr=0.5)
    with pytest.raises(ValueError, match=words):
        opt.load_state_dict(edited(change))
    assert opt.param_groups[0]["lr"] == 0.5 and not opt.state
    opt.load_state_dict(edited(lambda state: None))
    assert opt.param_groups[0]["lr"] == 0.1 and opt.state["a"]["step"] == 1
