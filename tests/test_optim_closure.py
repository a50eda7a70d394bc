"""The rules that evaluate the loss themselves: LineSearchGD and LBFGS, against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from optim_table import CLOSURE_RULES
from surefoot.optim import LBFGS, LineSearchGD


def leaf(values: Any, dtype: str = "float64") -> sf.Tensor:
    return sf.tensor(np.asarray(values, dtype=dtype)).requires_grad_()


def array(tensor: sf.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


def rosenbrock(x: Any) -> Any:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_gradient(x: np.ndarray) -> np.ndarray:
    inner = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * inner, 200 * inner])


SCALES = np.logspace(-2, 2, 6)


def quadratic(x: Any) -> Any:
    scales = sf.tensor(SCALES) if isinstance(x, sf.Tensor) else SCALES
    return (scales * x * x).sum() / 2


def quadratic_gradient(x: np.ndarray) -> np.ndarray:
    return SCALES * x


PROBLEMS = {
    "rosenbrock": (rosenbrock, rosenbrock_gradient, np.array([-1.2, 1.0])),
    "quadratic": (quadratic, quadratic_gradient, np.linspace(-2, 3, 6)),
}
each_problem = pytest.mark.parametrize("name", PROBLEMS)


def with_backward(opt: sf.optim.Optimizer, loss_of: Callable[[], sf.Tensor]) -> Callable:
    def closure() -> sf.Tensor:
        opt.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


# Line search over a list.


@each_problem
def test_line_search_takes_the_best_length_of_the_list(name: str) -> None:
    loss_of, gradient, start = PROBLEMS[name]
    x, expected = leaf(start), start
    lrs = (1e-4, 1e-3, 0.01, 0.1, 0.5, 1.0, 5.0)
    opt = LineSearchGD([x], lrs)
    taken = set()
    for _ in range(40):
        tries = [expected, *(expected - lr * gradient(expected) for lr in lrs)]
        best = int(np.argmin([loss_of(p) for p in tries]))
        before = loss_of(expected)
        expected = tries[best]
        loss = opt.step(lambda: loss_of(x))
        assert loss.item() == pytest.approx(before, rel=1e-9)
        assert opt.last_lr == (0.0, *lrs)[best]
        np.testing.assert_allclose(array(x), expected, rtol=1e-9, atol=1e-12)
        expected = array(x)
        taken.add(best)
    assert len(taken) > 2


def test_line_search_stays_where_nothing_is_better() -> None:
    x = leaf([1e-3, -1e-3])
    opt = LineSearchGD([x], lrs=(10.0, 5.0))
    opt.step(lambda: (x * x).sum())
    assert array(x).tolist() == [1e-3, -1e-3] and opt.last_lr == 0.0


def test_line_search_passes_over_losses_that_are_not_numbers() -> None:
    x = leaf([0.5])
    opt = LineSearchGD([x], lrs=(10.0, 0.25))
    opt.step(lambda: -(sf.log(1 - x)).sum() - 2 * sf.log(x).sum())
    assert opt.last_lr in (0.0, 0.25) and 0 < array(x)[0] < 1


def test_line_search_skips_parameters_without_gradient() -> None:
    x, unused = leaf([1.0]), leaf([2.0])
    LineSearchGD([x, unused]).step(lambda: (x * x).sum())
    assert array(x).tolist() == [0.0] and array(unused).tolist() == [2.0]


def test_line_search_restores_the_parameters_when_the_closure_fails() -> None:
    x, calls = leaf([1.0]), []

    def closure() -> sf.Tensor:
        calls.append(array(x))
        if len(calls) == 3:
            raise KeyError("data")
        return (x * x).sum()

    opt = LineSearchGD([x])
    with pytest.raises(KeyError):
        opt.step(closure)
    assert array(x).tolist() == [1.0] and calls[2] != calls[0]
    assert opt.last_lr == 0.0


def test_line_search_refuses_a_closure_with_backward() -> None:
    x = leaf([1.0])
    opt = LineSearchGD([x])
    with pytest.raises(ValueError, match="leave backward to step"):
        opt.step(with_backward(opt, lambda: (x * x).sum()))
    with pytest.raises(ValueError, match="returned no tensor"):
        opt.step(lambda: 1.0)
    assert array(x).tolist() == [1.0]


# L-BFGS.


def dense_direction(places: list[np.ndarray], gradients: list[np.ndarray], memory: int) -> Any:
    """-H g with H as a matrix, by the update formula of BFGS from the latest scale."""
    g = gradients[-1]
    pairs = [
        (s, y)
        for s, y in zip(np.diff(places, axis=0), np.diff(gradients, axis=0), strict=True)
        if s @ y > 1e-10
    ][-memory:]
    if not pairs:
        return -g
    s, y = pairs[-1]
    eye = np.eye(len(g))
    h = (s @ y) / (y @ y) * eye
    for s, y in pairs:
        r = 1 / (s @ y)
        h = (eye - r * np.outer(s, y)) @ h @ (eye - r * np.outer(y, s)) + r * np.outer(s, s)
    return -h @ g


@each_problem
@pytest.mark.parametrize("memory", [100, 3])
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_directions_are_those_of_dense_bfgs(name: str, memory: int, search: Any) -> None:
    loss_of, gradient, start = PROBLEMS[name]
    x = leaf(start)
    opt = LBFGS([x], 1.0, max_iter=1, history_size=memory, line_search_fn=search, max_eval=25)
    places, gradients, lengths = [start], [gradient(start)], []
    for _ in range(12):
        opt.step(with_backward(opt, lambda: loss_of(x)))
        state = opt.state[x]
        if np.abs(gradients[-1]).max() < 1e-6:
            break
        expected = dense_direction(places, gradients, memory)
        np.testing.assert_allclose(array(state["d"]), expected, rtol=1e-7)
        np.testing.assert_allclose(array(x), places[-1] + state["t"] * expected, rtol=1e-7)
        lengths.append(state["t"])
        places.append(array(x))
        gradients.append(gradient(array(x)))
        slope = gradients[-2] @ expected
        if search:
            assert loss_of(places[-1]) <= loss_of(places[-2]) + 1e-4 * state["t"] * slope
            assert abs(gradients[-1] @ expected) <= -0.9 * slope
    assert len(places) > 5
    first = min(1.0, 1 / np.abs(gradients[0]).sum())
    if not search:
        assert lengths[0] == pytest.approx(first) and set(lengths[1:]) == {1.0}


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 1e-12), ("float32", 1e-6)])
def test_lbfgs_solves_rosenbrock_with_few_evaluations(dtype: str, limit: float) -> None:
    x = leaf([-1.2, 1.0], dtype)
    opt = LBFGS([x], max_iter=100, tolerance_change=1e-15, line_search_fn="strong_wolfe")
    calls = []

    def loss_of() -> sf.Tensor:
        calls.append(1)
        return rosenbrock(x)

    first = opt.step(with_backward(opt, loss_of))
    assert first.item() == pytest.approx(24.2, rel=1e-6)
    assert rosenbrock(x).item() < limit
    assert len(calls) == opt.state[x]["func_evals"] < 80


def test_lbfgs_solves_the_parabola_and_more_than_one_parameter() -> None:
    a, b, unused = leaf([[5.0, -2.0]]), leaf(0.5), leaf([7.0])
    opt = LBFGS([a, b, unused], lr=0.5, line_search_fn=None, max_iter=40)
    opt.step(with_backward(opt, lambda: ((a - 3) ** 2).sum() + 10 * (b + 1) ** 2))
    np.testing.assert_allclose(array(a), 3, atol=1e-3)
    np.testing.assert_allclose(array(b), -1, atol=1e-3)
    assert array(unused).tolist() == [7.0]


def test_lbfgs_keeps_within_its_limits() -> None:
    for limits, calls in (({"max_iter": 3}, 3), ({"max_iter": 50, "max_eval": 4}, 4)):
        x = leaf([-1.2, 1.0])
        opt = LBFGS([x], lr=1e-3, **limits)
        opt.step(with_backward(opt, lambda x=x: rosenbrock(x)))
        assert opt.state[x]["func_evals"] == calls
    x = leaf([-1.2, 1.0])
    opt = LBFGS([x], max_iter=50, max_eval=4, line_search_fn="strong_wolfe")
    opt.step(with_backward(opt, lambda: rosenbrock(x)))
    assert opt.state[x]["func_evals"] <= 5
    still = leaf([1.0, 1.0])
    opt = LBFGS([still])
    opt.step(with_backward(opt, lambda: rosenbrock(still)))
    assert opt.state[still]["func_evals"] == 1 and array(still).tolist() == [1.0, 1.0]


def test_line_search_comes_back_from_where_there_is_no_loss() -> None:
    """log is undefined beyond 1: trial losses there are NaN."""
    x = leaf([0.9])
    opt = LBFGS([x], lr=1.0, line_search_fn="strong_wolfe")
    opt.step(with_backward(opt, lambda: (-sf.log(1 - x) - 3 * sf.log(x)).sum()))
    np.testing.assert_allclose(array(x), 0.75, rtol=1e-6)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_state_continues_to_the_same_bits(search: Any, tmp_path: Any) -> None:
    def fresh(values: np.ndarray) -> tuple[sf.Tensor, LBFGS]:
        x = leaf(values)
        return x, LBFGS([("x", x)], 0.1, max_iter=3, line_search_fn=search, history_size=4)

    def train(x: sf.Tensor, opt: LBFGS) -> bytes:
        for _ in range(3):
            opt.step(with_backward(opt, lambda: rosenbrock(x)))
        return array(x).tobytes()

    x, opt = fresh(np.array([-1.2, 1.0]))
    train(x, opt)
    sf.save(opt.state_dict(), tmp_path / "lbfgs.safetensors")
    y, other = fresh(array(x))
    other.load_state_dict(sf.load(tmp_path / "lbfgs.safetensors"))
    assert train(x, opt) == train(y, other)
    bad = opt.state_dict()
    bad["state"]["x"]["d"] = sf.zeros(3)
    with pytest.raises(ValueError, match="d has not 2 numbers"):
        other.load_state_dict(bad)


# Both.


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda w: LineSearchGD(w, lrs=()), ValueError, "at least one"),
        (
            lambda w: LineSearchGD(w, lrs=(0.1, -1)),
            ValueError,
            r"lrs\[1\] must be positive, got -1",
        ),
        (lambda w: LineSearchGD(w, lrs=(0.1, 0)), ValueError, r"lrs\[1\] must be positive, got 0"),
        (lambda w: LineSearchGD(w, lrs=0.1), TypeError, "tuple"),
        (lambda w: LBFGS(w, lr=-1), ValueError, "lr must be"),
        (lambda w: LBFGS(w, max_iter=0), ValueError, "max_iter must be at least 1"),
        (lambda w: LBFGS(w, history_size=1.5), TypeError, "history_size must be an integer"),
        (lambda w: LBFGS(w, line_search_fn="armijo"), ValueError, "'strong_wolfe', None"),
        (lambda w: LBFGS(w, tolerance_grad=float("nan")), ValueError, "tolerance_grad"),
        (lambda w: LBFGS([*w, leaf([1.0], "float32")]), ValueError, "same dtype"),
        (lambda w: LBFGS([{"params": w}, {"params": [leaf(1.0)]}]), ValueError, "one group only"),
    ],
)
def test_bad_options_are_refused(make: Callable, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        make([leaf([1.0])])


@pytest.mark.parametrize("rule", CLOSURE_RULES)
def test_step_needs_a_closure(rule: str, capsys: pytest.CaptureFixture) -> None:
    opt = getattr(sf.optim, rule)([leaf([1.0])])
    with pytest.raises(ValueError, match=rf"\[{rule}\] call step\(closure\)"):
        opt.step()
    with pytest.raises(TypeError, match="takes no max_norm; where the closure"):
        opt.step(lambda: None, max_norm=1.0)
    assert opt.explain().startswith(f"{rule}, group 0: 1 tensor, 1 numbers\n  ")
    assert capsys.readouterr().out


def test_closure_of_lbfgs_must_return_one_number() -> None:
    for returned in (None, sf.zeros(2)):
        with pytest.raises(TypeError, match=r"\[LBFGS\] the closure returned .* one number"):
            LBFGS([leaf([1.0])]).step(lambda value=returned: value)


def test_defaults_are_torch_s() -> None:
    torch_s = {"lr": 1, "max_iter": 20, "max_eval": 25, "tolerance_grad": 1e-7}
    torch_s |= {"tolerance_change": 1e-9, "history_size": 100, "line_search_fn": None}
    assert LBFGS([leaf([1.0])]).defaults == torch_s
    assert LineSearchGD([leaf([1.0])]).defaults == {"lrs": (0.1, 0.5, 1.0, 5.0, 10.0)}
