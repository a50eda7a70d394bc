"""Gradient clipping: per parameter, in two steps, and what is done about inf and NaN."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)

RNG = np.random.default_rng(0)
GRADS = [RNG.normal(size=shape) * size for shape, size in (((3, 4), 5), ((4,), 0.01), ((2,), 1))]


def parameters(grads: list[np.ndarray] = GRADS) -> list[nn.Parameter]:
    out = [nn.Parameter(sf.tensor(np.ones_like(g))) for g in grads]
    for parameter, grad in zip(out, grads, strict=True):
        parameter.grad = sf.tensor(grad)
    return out


def norm(values: Any, p: float) -> float:
    return float(np.linalg.norm(np.ravel(values), p))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, np.inf])
def test_per_parameter_each_has_its_own_norm(p: float) -> None:
    params = parameters()
    total = clip_grad_norm_(iter(params), 2.0, p, per_parameter=True)
    assert total.item() == pytest.approx(norm(np.concatenate([g.ravel() for g in GRADS]), p))
    for parameter, grad in zip(params, GRADS, strict=True):
        expected = grad * min(1.0, 2.0 / (norm(grad, p) + 1e-6))
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-12)
    np.testing.assert_array_equal(params[1].grad.numpy(), GRADS[1])


@pytest.mark.parametrize("p", [1.0, 2.0, np.inf])
def test_norm_and_scaling_in_two_steps_are_the_one_call(p: float) -> None:
    once, twice = parameters(), parameters()
    clip_grad_norm_(once, 1.5, p)
    total = get_total_norm([parameter.grad for parameter in twice], p)
    clip_grads_with_norm_(twice, 1.5, total)
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())
    assert get_total_norm([], p).item() == 0.0
    assert get_total_norm(sf.tensor([-3.0]), p).item() == 3.0


BAD = [np.inf, -np.inf, np.nan]
FUNCTIONS: list[Callable[..., Any]] = [
    lambda params, **options: clip_grad_norm_(params, 1.0, **options),
    lambda params, **options: clip_grad_norm_(params, 1.0, per_parameter=True, **options),
    lambda params, **options: clip_grad_value_(params, 1.0, **options),
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("clip", FUNCTIONS, ids=["norm", "per_parameter", "value"])
def test_a_step_with_nonfinite_gradients_can_be_skipped(clip: Callable, bad: float) -> None:
    """Neither weights nor the optimizer's memory change; the next step is as if nothing was."""
    params, control = parameters(), parameters()
    optimizers = [sf.optim.Adam(p, lr=0.1) for p in (params, control)]
    for opt in optimizers:
        opt.step()
    params[0].grad[0, 1] = bad
    total = clip(params, skip_if_nonfinite=True)
    assert total is None or not np.isfinite(total.item())
    assert all(p.grad is None for p in params)
    optimizers[0].step()
    for group in (params, control):
        for parameter, grad in zip(group, GRADS, strict=True):
            parameter.grad = sf.tensor(-grad)
    for opt in optimizers:
        opt.step()
    for a, b in zip(params, control, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("clip", FUNCTIONS, ids=["norm", "per_parameter", "value"])
def test_finite_gradients_are_not_skipped(clip: Callable) -> None:
    params, plain = parameters(), parameters()
    clip(params, skip_if_nonfinite=True)
    clip(plain)
    for a, b in zip(params, plain, strict=True):
        np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("clip", FUNCTIONS, ids=["norm", "per_parameter", "value"])
def test_nonfinite_gradients_are_an_error_on_request(clip: Callable, bad: float) -> None:
    params = parameters()
    params[2].grad[0] = bad
    before = [p.grad.numpy().copy() for p in params]
    with pytest.raises(RuntimeError, match="skip_if_nonfinite=True"):
        clip(params, error_if_nonfinite=True)
    for parameter, grad in zip(params, before, strict=True):
        np.testing.assert_array_equal(parameter.grad.numpy(), grad)
    with pytest.raises(ValueError, match="not both"):
        clip(params, error_if_nonfinite=True, skip_if_nonfinite=True)


def test_value_makes_infinity_finite_and_leaves_nan() -> None:
    (p,) = parameters([np.array([np.inf, -np.inf, np.nan, 0.5])])
    clip_grad_value_(p, 1.0)
    np.testing.assert_array_equal(p.grad.numpy(), [1.0, -1.0, np.nan, 0.5])


def test_parameters_without_a_gradient_are_passed_over() -> None:
    params = [*parameters(), nn.Parameter(sf.zeros(2))]
    for clip in FUNCTIONS:
        clip(params)
        clip(params, skip_if_nonfinite=True)
    assert params[-1].grad is None


def test_bad_arguments_are_named() -> None:
    params = parameters()
    for make, word in (
        (lambda: clip_grads_with_norm_(params, -1.0, sf.tensor(1.0)), "max_norm"),
        (lambda: clip_grad_norm_(params, float("nan"), per_parameter=True), "max_norm"),
        (lambda: get_total_norm(params, 0.0), "norm_type"),
    ):
        with pytest.raises(ValueError, match=word):
            make()
    with pytest.raises(RuntimeError, match="get_total_norm"):
        get_total_norm([sf.tensor([np.nan])], error_if_nonfinite=True)
    with pytest.raises(TypeError, match=r"pass model.parameters\(\)"):
        clip_grad_norm_(nn.Linear(2, 2), 1.0)
