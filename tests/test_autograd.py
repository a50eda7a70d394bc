"""The tape: what is recorded, what backward gives, what it refuses, what it releases."""

from __future__ import annotations

import gc
import math
import weakref
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.nn import functional as F
from surefoot.testing import GradcheckError, assert_close, gradcheck, gradgradcheck


def leaf(*values: float) -> Any:
    return sf.tensor(list(values), dtype=sf.float64, requires_grad=True)


def array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy())


# -------------------------------------------------------------------------------- what .grad is


def test_grad_is_none_before_the_first_backward():
    x = leaf(1.0, 2.0)
    assert x.grad is None
    y = (x * x).sum()
    assert x.grad is None
    y.backward()
    assert_close(x.grad, np.array([2.0, 4.0]))


def test_gradients_accumulate_over_backwards():
    x = leaf(1.0, 2.0)
    for i in range(1, 4):
        (x * x).sum().backward()
        assert_close(x.grad, i * np.array([2.0, 4.0]))


def test_accumulated_gradient_does_not_alias_what_was_handed_in():
    x = leaf(1.0, 2.0)
    seed = sf.ones(2, dtype=sf.float64)
    (x + 0).backward(seed)
    (x + 0).backward(seed)
    assert_close(seed, np.ones(2))
    assert_close(x.grad, np.array([2.0, 2.0]))


def test_two_leaves_do_not_share_their_gradient():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward()
    x.grad.mul_(10.0)
    assert_close(y.grad, np.ones(2))


def test_grad_is_assignable_and_resettable():
    x = leaf(1.0, 2.0)
    x.grad = sf.tensor(np.array([5.0, 5.0]))
    (x * 2).sum().backward()
    assert_close(x.grad, np.array([7.0, 7.0]))
    x.grad = None
    (x * 2).sum().backward()
    assert_close(x.grad, np.array([2.0, 2.0]))


@pytest.mark.parametrize(
    "wrong", [sf.ones(3), sf.ones(2), sf.ones(2, dtype=sf.int64), 1.0, np.ones(2)],
    ids=["shape", "float32", "int64", "number", "array"],
)  # fmt: skip
def test_wrong_grad_is_refused(wrong: Any):
    x = leaf(1.0, 2.0)
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        x.grad = wrong
    assert x.grad is None


def test_only_floating_tensors_require_grad():
    for dtype in (sf.int64, sf.int32, sf.uint8, sf.bool):
        with pytest.raises((RuntimeError, TypeError), match="float"):
            sf.zeros(3, dtype=dtype, requires_grad=True)
        with pytest.raises((RuntimeError, TypeError), match="float"):
            sf.zeros(3, dtype=dtype).requires_grad_()


def test_requires_grad_spreads_and_leaves_are_known():
    x, y = leaf(1.0), sf.ones(1, dtype=sf.float64)
    assert x.is_leaf
    assert y.is_leaf
    assert not y.requires_grad
    z = x * y
    assert z.requires_grad
    assert not z.is_leaf
    assert z.grad_fn is not None
    assert x.grad_fn is None
    assert not (y * y).requires_grad
    assert (z > 0).requires_grad is False
    with pytest.raises(RuntimeError, match=r"detach\(\)"):
        z.requires_grad_(False)


def test_retain_grad_keeps_the_gradient_of_a_result():
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    z = (y * y).sum()
    z.backward()
    assert_close(y.grad, 2 * array(y))
    assert_close(x.grad, 6 * array(y))


# ---------------------------------------------------------------------------------------- graph


def test_shared_leaf_and_double_use_add_up():
    x = leaf(0.3, -0.7)
    a = x * x
    b = a * x + a.sin() + x
    (b * a).sum().backward()
    v = array(x)
    expected = 5 * v**4 + (2 * v * np.cos(v**2)) * v**2 + np.sin(v**2) * 2 * v + 3 * v**2
    assert_close(x.grad, expected)


def test_diamond_of_many_paths():
    """2^40 paths, 40 joins: backward visits each node once."""
    x = leaf(1.0)
    y = x
    for _ in range(40):
        y = y + y
    y.sum().backward()
    assert x.grad.item() == 2.0**40


def test_unused_branch_costs_nothing_and_changes_nothing():
    x = leaf(2.0)
    used = x * x
    unused = (x * 5).exp()
    used.sum().backward()
    assert x.grad.item() == 4.0
    assert unused.requires_grad


def test_second_output_unused():
    x = leaf(3.0, 1.0, 2.0)
    values, indices = x.sort()
    assert not indices.requires_grad
    (values * sf.tensor(np.array([1.0, 10.0, 100.0]))).sum().backward()
    assert_close(x.grad, np.array([100.0, 1.0, 10.0]))
    x.grad = None
    first, _, third = x.split(1)
    (first + 2 * third).sum().backward()
    assert_close(x.grad, np.array([1.0, 0.0, 2.0]))


def test_graph_is_freed_by_backward():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()


def test_freed_graph_shared_by_two_results():
    x = leaf(1.0, 2.0)
    h = (x * x).exp()
    a, b = h.sum(), (h * h).sum()
    a.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        b.backward()


def test_retain_graph_allows_another_backward():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_close(x.grad, np.array([4.0, 8.0]))


def test_backward_of_non_scalar_needs_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="one element"):
        (x * x).backward()
    (x * x).backward(sf.tensor(np.array([1.0, 10.0])))
    assert_close(x.grad, np.array([2.0, 40.0]))


def test_backward_refuses_a_gradient_of_other_shape():
    x = leaf(1.0, 2.0)
    with pytest.raises((RuntimeError, ValueError), match=r"\(3,\)"):
        (x * x).backward(sf.ones(3, dtype=sf.float64))


def test_backward_needs_a_graph():
    with pytest.raises(RuntimeError, match=r"requires_grad|does not require grad"):
        sf.ones(1).sum().backward()


def test_backward_of_a_one_element_tensor():
    x = leaf(3.0)
    (x * x).reshape(1, 1).backward()
    assert x.grad.item() == 6.0


def test_backward_on_a_leaf_itself():
    x = leaf(3.0)
    x.sum().backward()
    y = sf.tensor(2.0, requires_grad=True)
    y.backward()
    assert y.grad.item() == 1.0


def test_broadcast_gradient_has_the_shape_of_the_leaf():
    x = sf.ones((3, 1), dtype=sf.float64, requires_grad=True)
    y = sf.ones((4,), dtype=sf.float64, requires_grad=True)
    (x * y).sum().backward()
    assert_close(x.grad, np.full((3, 1), 4.0))
    assert_close(y.grad, np.full(4, 3.0))


def test_mixed_dtypes_give_each_leaf_its_own():
    x = sf.ones(3, requires_grad=True)
    y = sf.ones(3, dtype=sf.float64, requires_grad=True)
    (x * y * sf.arange(3)).sum().backward()
    assert x.grad.dtype == sf.float32
    assert y.grad.dtype == sf.float64
    assert_close(x.grad, np.arange(3.0, dtype=np.float32))


def test_gradient_through_dtype_change():
    x = sf.ones(3, requires_grad=True)
    (x.double() * 2).sum().backward()
    assert x.grad.dtype == sf.float32
    assert_close(x.grad, np.full(3, 2.0, np.float32))


# ------------------------------------------------------------------------------------ grad mode


def test_no_grad_records_nothing():
    x = leaf(1.0)
    with sf.no_grad():
        assert not sf.is_grad_enabled()
        y = x * x
        with sf.enable_grad():
            assert (x * x).requires_grad
        assert not sf.is_grad_enabled()
    assert sf.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_leaf


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), sf.no_grad():
        raise KeyError
    assert sf.is_grad_enabled()


def test_no_grad_decorates():
    @sf.no_grad()
    def product(x: Any) -> Any:
        """Doc."""
        return x * x

    assert not product(leaf(1.0)).requires_grad
    assert product.__name__ == "product"
    assert sf.is_grad_enabled()


def test_set_grad_enabled():
    x = leaf(1.0)
    with sf.set_grad_enabled(False):
        assert not (x * x).requires_grad
        with sf.set_grad_enabled(True):
            assert (x * x).requires_grad
    assert sf.is_grad_enabled()


def test_detach_shares_memory_and_cuts_the_graph():
    x = leaf(1.0, 2.0)
    d = x.detach()
    assert not d.requires_grad
    assert d.data_ptr() == x.data_ptr()
    y = (x * x.detach()).sum()
    y.backward()
    assert_close(x.grad, np.array([1.0, 2.0]))


def test_change_through_detach_is_noticed():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x.detach().add_(1.0)
    with pytest.raises(RuntimeError, match="version"):
        y.backward()


# ---------------------------------------------------------------------------------------- hooks


def test_hook_sees_and_replaces_the_gradient():
    x = leaf(1.0, 2.0)
    seen = []
    y = x * x
    y.register_hook(lambda g: seen.append(array(g).copy()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert_close(seen, [np.ones(2)])
    assert_close(x.grad, np.array([20.0, 40.0]))


def test_hook_on_a_leaf_changes_what_is_stored():
    x = leaf(1.0, 2.0)
    handle = x.register_hook(lambda g: -g)
    (x * x).sum().backward()
    assert_close(x.grad, np.array([-2.0, -4.0]))
    handle.remove()
    handle.remove()
    x.grad = None
    (x * x).sum().backward()
    assert_close(x.grad, np.array([2.0, 4.0]))


def test_hook_runs_once_on_the_summed_gradient():
    x = leaf(1.0)
    calls = []
    y = x * 2
    y.register_hook(lambda g: calls.append(g.item()))
    (y * 3 + y * 4).sum().backward()
    assert calls == [7.0]


def test_hooks_run_in_order_and_removed_ones_do_not():
    x = leaf(1.0)
    order = []
    handles = [x.register_hook(lambda g, i=i: order.append(i)) for i in range(4)]
    handles[1].remove()
    (x * 1).sum().backward()
    assert order == [0, 2, 3]


def test_error_in_a_hook_reaches_the_caller():
    x = leaf(1.0)

    def fail(grad: Any) -> None:
        raise KeyError("from the hook")

    y = x * x
    y.register_hook(fail)
    with pytest.raises(KeyError, match="from the hook"):
        y.sum().backward()
    assert x.grad is None
    z = (x * x).sum()
    z.backward()
    assert x.grad.item() == 2.0


def test_hook_may_not_change_the_shape():
    x = leaf(1.0, 2.0)
    y = x * x
    y.register_hook(lambda g: sf.ones(3, dtype=sf.float64))
    with pytest.raises((RuntimeError, ValueError)):
        y.sum().backward()


def test_hook_needs_a_tensor_that_requires_grad():
    with pytest.raises(RuntimeError, match="require"):
        sf.ones(2).register_hook(lambda g: g)


# --------------------------------------------------------------------------------- autograd.grad


def test_grad_returns_and_touches_no_leaf():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = (x * y).sum()
    gx, gy = sf.autograd.grad(z, [x, y])
    assert_close(gx, array(y))
    assert_close(gy, array(x))
    assert x.grad is None
    assert y.grad is None


def test_grad_of_a_result_in_between():
    x = leaf(1.0, 2.0)
    h = x * x
    (g,) = sf.autograd.grad((h * h).sum(), h)
    assert_close(g, 2 * array(h))


def test_grad_with_output_gradients_and_several_outputs():
    x = leaf(1.0, 2.0)
    a, b = x * 2, x * x
    weights = [sf.tensor(np.array([1.0, 0.0])), sf.tensor(np.array([0.0, 1.0]))]
    (g,) = sf.autograd.grad([a, b], x, weights)
    assert_close(g, np.array([2.0, 4.0]))


def test_grad_of_an_unused_input():
    x, y = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        sf.autograd.grad((x * x).sum(), [x, y])
    gx, gy = sf.autograd.grad((x * x).sum(), [x, y], allow_unused=True)
    assert gx.item() == 2.0
    assert gy is None


def test_grad_needs_inputs_that_require_grad():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="require"):
        sf.autograd.grad((x * x).sum(), sf.ones(1, dtype=sf.float64))


def test_grad_of_non_scalar_needs_output_gradients():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="one element"):
        sf.autograd.grad(x * x, x)


def test_grad_twice_without_retain_is_refused():
    x = leaf(1.0)
    y = (x * x).sum()
    sf.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="retain_graph"):
        sf.autograd.grad(y, x)


def test_create_graph_gives_higher_derivatives():
    x = leaf(1.3)
    y = x.sin()
    derivatives = []
    for _ in range(4):
        (y,) = sf.autograd.grad(y.sum(), x, create_graph=True)
        derivatives.append(y.item())
    assert_close(derivatives, [math.cos(1.3), -math.sin(1.3), -math.cos(1.3), math.sin(1.3)])


def test_gradient_penalty_reaches_the_weights():
    """The use of double backward in training: a loss that contains a gradient."""
    w = sf.tensor(np.array([[0.3, -0.2], [0.5, 0.1]]), requires_grad=True)

    def penalty(weight: Any) -> Any:
        x = sf.tensor(np.array([[1.0, 2.0]]), requires_grad=True)
        out = (x @ weight).tanh().sum()
        (g,) = sf.autograd.grad(out, x, create_graph=True)
        return (g * g).sum()

    assert gradcheck(penalty, [w])
    penalty(w).backward()
    assert w.grad is not None


FLAT = {
    "relu": sf.relu,
    "leaky_relu": F.leaky_relu,
    "abs": sf.abs,
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "hardsigmoid": F.hardsigmoid,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "threshold": lambda x: F.threshold(x, 0.1, 0.0),
    "prelu": lambda x: F.prelu(x, sf.tensor([0.2])),
    "maximum": lambda x: sf.maximum(x, sf.zeros(3, 4)),
    "max": lambda x: x.max(),
    "amax": lambda x: x.amax(1),
    "max of a dimension": lambda x: x.max(1)[0],
    "max_pool1d": lambda x: F.max_pool1d(x.unsqueeze(0), 2),
    "l1_loss": lambda x: F.l1_loss(x, sf.zeros(3, 4)),
    "hinge_loss": lambda x: F.hinge_embedding_loss(x, -sf.ones(3, 4)),
    "L1 norm": lambda x: sf.norm(x, 1),
}


@pytest.mark.parametrize("f", FLAT.values(), ids=FLAT)
def test_second_derivatives_of_piecewise_linear_functions_are_zero(f):
    """Zero, and not missing, also where nothing else keeps the first derivative in the graph."""
    x = sf.randn(3, 4, requires_grad=True)
    (g,) = sf.autograd.grad(f(x).sum(), x, create_graph=True)
    assert bool((g != 0).any())
    (g * x.detach()).sum().backward()
    assert x.grad.tolist() == sf.zeros(3, 4).tolist()


def test_without_create_graph_the_gradient_has_no_graph():
    x = leaf(1.0)
    (g,) = sf.autograd.grad((x * x).sum(), x)
    assert not g.requires_grad


def test_backward_refuses_create_graph_and_points_to_grad():
    x = leaf(1.0)
    with pytest.raises(NotImplementedError, match=r"autograd\.grad"):
        (x * x).sum().backward(create_graph=True)
    with pytest.raises(NotImplementedError, match=r"autograd\.grad"):
        sf.autograd.backward((x * x).sum(), create_graph=True)


def test_autograd_backward_takes_several_tensors():
    x = leaf(1.0, 2.0)
    a, b = (x * x).sum(), x * 3
    sf.autograd.backward([a, b], [None, sf.ones(2, dtype=sf.float64)])
    assert_close(x.grad, np.array([5.0, 7.0]))


# ------------------------------------------------------------------------------------- in-place

SAVES_INPUT = {
    "mul": lambda x: x * x,
    "sin": lambda x: x.sin(),
    "log": lambda x: x.log(),
    "square": lambda x: x.square(),
    "abs": lambda x: x.abs(),
    "matmul": lambda x: x.reshape(1, 2) @ x.reshape(2, 1),
}
SAVES_OUTPUT = {
    "exp": lambda x: x.exp(),
    "sigmoid": lambda x: x.sigmoid(),
    "tanh": lambda x: x.tanh(),
    "sqrt": lambda x: x.sqrt(),
    "softmax": lambda x: x.softmax(0),
}


@pytest.mark.parametrize("op", SAVES_INPUT)
def test_changed_saved_input_is_an_error_naming_op_and_versions(op: str):
    x = leaf(1.0, 2.0)
    h = x * 1.5
    version = h._version
    y = SAVES_INPUT[op](h).sum()
    h.add_(1.0)
    assert h._version == version + 1
    with pytest.raises(RuntimeError, match=r"in.place") as caught:
        y.backward()
    text = str(caught.value)
    assert op in text
    assert f"version {version}" in text
    assert str(version + 1) in text


@pytest.mark.parametrize("op", SAVES_OUTPUT)
def test_changed_saved_output_is_an_error(op: str):
    x = leaf(1.0, 2.0)
    y = SAVES_OUTPUT[op](x * 1.5)
    z = y.sum()
    y.mul_(2.0)
    with pytest.raises(RuntimeError, match=rf"(?s){op}.*version|version.*{op}"):
        z.backward()


def test_change_of_what_is_not_needed_is_allowed():
    x = leaf(1.0, 2.0)
    h = x * 1.5
    y = (h + 3).sum()
    h.mul_(7.0)
    y.backward()
    assert_close(x.grad, np.array([1.5, 1.5]))


def test_change_through_a_view_or_the_base_is_noticed():
    for change in (lambda base, view: base.add_(1.0), lambda base, view: view.add_(1.0)):
        x = sf.ones((2, 3), dtype=sf.float64, requires_grad=True)
        base = x * 2
        view = base[0]
        y = (view.exp() * base.sin()).sum()
        change(base, view)
        with pytest.raises(RuntimeError, match="version"):
            y.backward()


@pytest.mark.parametrize("write", ["item", "slice", "mask", "index", "copy_", "fill_", "zero_"])
def test_every_way_of_writing_counts(write: str):
    x = leaf(1.0, 2.0)
    h = x * 1.5
    y = h.exp().sum() + (h * h).sum()
    with sf.no_grad():
        if write == "item":
            h[0] = 3.0
        elif write == "slice":
            h[:1] = sf.zeros(1, dtype=sf.float64)
        elif write == "mask":
            h[sf.tensor([True, False])] = 0.0
        elif write == "index":
            h[sf.tensor([0])] = 0.0
        elif write == "copy_":
            h.copy_(sf.ones(2, dtype=sf.float64))
        elif write == "fill_":
            h.fill_(1.0)
        else:
            h.zero_()
    with pytest.raises(RuntimeError, match="version"):
        y.backward()


def test_inplace_is_recorded():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    y.mul_(3.0).add_(x)
    y[0] = 0.0
    (y * y).sum().backward()
    # y = (0, 4 x1): dy^2/dx1 = 32 x1
    assert_close(x.grad, np.array([0.0, 64.0]))


def test_inplace_on_a_view_reaches_the_base():
    """Values always; a gradient whose history would lack the change is refused, never wrong."""
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1.0
    view = base[1:]
    view.mul_(10.0)
    assert_close(base, np.array([1.0, 20.0, 30.0]))
    with pytest.raises(RuntimeError, match=r"shares memory"):
        base * base
    fresh = x * 1.0
    fresh[1:] = fresh[1:] * 10.0
    (fresh * fresh).sum().backward()
    assert_close(x.grad, np.array([2.0, 400.0, 600.0]))


def test_inplace_on_the_base_reaches_the_view():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1.0
    view = base[1:]
    base.mul_(10.0)
    assert_close(view, np.array([20.0, 30.0]))
    with pytest.raises(RuntimeError, match=r"shares memory"):
        view * view
    (base[1:] * base[1:]).sum().backward()
    assert_close(x.grad, np.array([0.0, 400.0, 600.0]))


def test_inplace_on_a_leaf_is_refused():
    x = leaf(1.0, 2.0)
    for change in (
        lambda: x.add_(1.0),
        lambda: x.__setitem__(0, 1.0),
        lambda: x.zero_(),
        lambda: x.copy_(sf.ones(2)),
        lambda: x[0].add_(1.0) and None,
        lambda: x.view(2, 1).mul_(2.0),
    ):
        with pytest.raises(RuntimeError, match="leaf"):
            change()
    assert_close(x, np.array([1.0, 2.0]))
    with sf.no_grad():
        x.add_(1.0)
    assert_close(x, np.array([2.0, 3.0]))
    assert x.is_leaf
    assert x.requires_grad


def test_inplace_with_an_operand_that_requires_grad():
    x = leaf(1.0, 2.0)
    y = sf.zeros(2, dtype=sf.float64)
    y.add_(x)
    assert y.requires_grad
    y.sum().backward()
    assert_close(x.grad, np.ones(2))


def test_optimizer_style_update_between_forward_and_backward_is_noticed():
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    with sf.no_grad():
        w -= 0.1
    with pytest.raises(RuntimeError, match="version"):
        loss.backward()


def test_written_expanded_memory_is_refused():
    x = sf.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match="expand"):
        x.add_(1.0)
    with pytest.raises(RuntimeError, match="expand"):
        x[0] = 1.0


# ------------------------------------------------------------------------------------- Function


class Cube(sf.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float = 1.0) -> Any:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * x * factor

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad * ctx.factor, None


def test_function_has_its_backward():
    x = leaf(1.0, -2.0)
    Cube.apply(x, 2.0).sum().backward()
    assert_close(x.grad, np.array([6.0, 24.0]))


def test_function_is_differentiable_twice():
    x = leaf(0.5, -0.7)
    fn = lambda v: Cube.apply(v, 1.5)  # noqa: E731
    assert gradcheck(fn, x)
    assert gradgradcheck(fn, x)


def test_function_of_several_tensors_and_outputs():
    class PlusMinus(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, scale: float, b: Any) -> Any:
            ctx.scale = scale
            assert ctx.needs_input_grad == (True, False, False)
            return a + scale * b, a - scale * b

        @staticmethod
        def backward(ctx: Any, plus: Any, minus: Any) -> Any:
            return plus + minus, None, None

    x, y = leaf(1.0, 2.0), sf.ones(2, dtype=sf.float64)
    plus, minus = PlusMinus.apply(x, 3.0, y)
    (plus * 2 + minus).sum().backward()
    assert_close(x.grad, np.array([3.0, 3.0]))


def test_function_with_wrong_number_of_gradients():
    class Wrong(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            return a * b

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    with pytest.raises(RuntimeError, match=r"Wrong.*1 gradients.*2 arguments"):
        Wrong.apply(leaf(1.0), leaf(2.0)).sum().backward()


def test_function_with_a_gradient_of_wrong_shape():
    class Wrong(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            return a * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return sf.ones(3, dtype=sf.float64)

    with pytest.raises((RuntimeError, ValueError), match=r"Wrong"):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_function_whose_backward_raises():
    class Fails(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            return a * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            raise ZeroDivisionError("in backward")

    with pytest.raises(ZeroDivisionError, match="in backward"):
        Fails.apply(leaf(1.0)).sum().backward()


def test_function_without_backward_is_an_error_not_zero():
    class Half(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            return a * 2

    with pytest.raises(NotImplementedError, match="backward"):
        Half.apply(leaf(1.0)).sum().backward()


def test_function_notices_a_changed_saved_tensor():
    x = leaf(1.0, 2.0)
    h = x * 1.0
    y = Cube.apply(h).sum()
    h.add_(1.0)
    with pytest.raises(RuntimeError, match="version"):
        y.backward()


def test_function_under_no_grad_records_nothing():
    with sf.no_grad():
        assert not Cube.apply(leaf(1.0)).requires_grad
    assert not Cube.apply(sf.ones(2)).requires_grad


def test_only_what_saved_tensors_is_freed_by_backward():
    a, b = leaf(1.0), leaf(2.0)
    z = (a + b).sum()
    z.backward()
    z.backward()
    assert a.grad.tolist() == [2.0]
    z = (a * b).sum()
    z.backward()
    with pytest.raises(RuntimeError, match=r"already freed.*retain_graph=True"):
        z.backward()


def test_function_that_saves_its_output_is_released():
    class Exp(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            out = a.exp()
            ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * ctx.saved_tensors[0]

    sf.empty_cache()
    gc.disable()
    try:
        before = sf.memory_stats()["allocated_bytes"]
        for _ in range(5):
            x = sf.zeros(1000, requires_grad=True)
            y = Exp.apply(x)
            y.sum().backward()
            del x, y
        assert sf.memory_stats()["allocated_bytes"] == before
    finally:
        gc.enable()


# ------------------------------------------------------------------------------ release, memory


CHAIN = 100_000


def test_long_chain_backward_and_release():
    x = leaf(1.0, 2.0)
    y = x
    for _ in range(CHAIN):
        y = y + 1e-6
    y.sum().backward()
    assert_close(x.grad, np.ones(2))
    del y


def test_long_chain_is_released_without_backward():
    x = leaf(1.0, 2.0)
    y = x
    for _ in range(CHAIN):
        y = y * 1.0
    del y
    gc.collect()


def test_long_inplace_chain():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    for _ in range(CHAIN):
        y.add_(1e-6)
    y.sum().backward()
    assert_close(x.grad, np.ones(2))


def test_long_chain_of_views_and_of_python_functions():
    x = leaf(1.0, 2.0)
    y = x
    for _ in range(10_000):
        y = y.view(2)
    y.sum().backward()
    for _ in range(10_000):
        y = Cube.apply(y, 1e-3)
    del y


def test_nothing_keeps_a_graph_alive():
    """Tensors die with their last name, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        h = (x * 2).exp()
        h.retain_grad()
        h.register_hook(lambda g: None)
        y = h.sum()
        y.backward(retain_graph=True)
        refs = [weakref.ref(t) for t in (x, h, y)]
        del x, h, y
        assert [r() for r in refs] == [None, None, None]
    finally:
        gc.enable()


def test_double_backward_leaves_no_cycle():
    gc.collect()
    gc.disable()
    try:
        before = sf.memory_stats()["allocated_bytes"]
        for _ in range(3):
            x = sf.ones(1000, requires_grad=True)
            (g,) = sf.autograd.grad((x.exp() * x).sum(), x, create_graph=True)
            (gg,) = sf.autograd.grad(g.sum(), x, create_graph=True)
            gg.sum().backward()
            del x, g, gg
        assert sf.memory_stats()["allocated_bytes"] == before
    finally:
        gc.enable()


def test_error_in_backward_leaves_no_memory_behind():
    gc.collect()
    before = sf.memory_stats()["allocated_bytes"]
    for _ in range(3):
        x = sf.ones(1000, requires_grad=True)
        y = x.exp()
        y.register_hook(lambda g: 1 / 0)
        z = y.sum()
        with pytest.raises(ZeroDivisionError):
            z.backward()
        del x, y, z
    gc.collect()
    assert sf.memory_stats()["allocated_bytes"] == before


def test_dropout_gradient_is_its_mask():
    x = sf.ones(1000, requires_grad=True)
    y = sf.nn.functional.dropout(x, 0.4, True)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()
    assert sf.nn.functional.dropout(x, 0.4, False).tolist() == x.tolist()


# ------------------------------------------------------------------------------------ gradcheck


class WrongSlope(sf.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x + y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        wrong = sf.tensor(np.array([2.0, 2.5]))  # the second slope is 2
        return x * wrong * grad, grad


@pytest.mark.parametrize("directional", [False, True])
def test_gradcheck_finds_and_names_a_wrong_slope(directional: bool):
    x, y = leaf(1.0, 3.0), leaf(0.5, 0.5)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(WrongSlope.apply, [x, y], directional=directional, name="wrong_slope")
    text = str(caught.value)
    assert "wrong_slope, output 0, argument 0" in text
    if not directional:
        assert "d output[1] / d input[1]" in text
        assert "expected 6" in text
        assert "got 7.5" in text
    assert not gradcheck(WrongSlope.apply, [x, y], raise_exception=False)


def test_gradcheck_finds_a_missing_gradient():
    class Forgets(sf.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x + 3 * y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad, None

    with pytest.raises(GradcheckError, match="argument 1"):
        gradcheck(Forgets.apply, [leaf(1.0), leaf(2.0)])


def test_gradgradcheck_finds_a_wrong_second_derivative():
    class Second(sf.autograd.Function):
        """The first derivative is right, its own graph is cut."""

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * (x * x).detach() * grad

    x = leaf(0.5, 1.5)
    assert gradcheck(Second.apply, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(Second.apply, x)


def test_gradcheck_wants_float64_and_something_to_check():
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda x: x * x, sf.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="requires grad"):
        gradcheck(lambda x: x * x, sf.ones(2, dtype=sf.float64))


def test_assert_close_says_where_and_how_far():
    with pytest.raises(AssertionError, match=r"1 of 4 .*\(1, 0\).*expected 3.0, got 3.5"):
        assert_close(np.array([[1.0, 2.0], [3.5, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    with pytest.raises(AssertionError, match="shape"):
        assert_close(sf.ones(2), sf.ones((2, 1)))
    with pytest.raises(AssertionError, match="dtype"):
        assert_close(sf.ones(2), sf.ones(2, dtype=sf.float64))
    with pytest.raises(AssertionError):
        assert_close(float("nan"), float("nan"))
    with pytest.raises(AssertionError, match="the loss"):
        assert_close([1.0, 2.0], [1.0, 2.1], msg="the loss")
    with pytest.raises(AssertionError):
        assert_close(np.array([2**60]), np.array([2**60 + 1]))
    with pytest.raises(ValueError, match="both"):
        assert_close(1.0, 1.0, rtol=1e-3)
    assert_close(float("nan"), float("nan"), equal_nan=True)
    assert_close(np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf]))
    assert_close(sf.ones(2), sf.ones(2, dtype=sf.float64), check_dtype=False)
    assert_close((sf.ones(2), 1.0), (np.ones(2, np.float32), 1.0))


def test_assert_close_default_tolerance_follows_the_dtype():
    assert_close(np.float32([1.0]), np.float32([1.0 + 8e-6]))
    with pytest.raises(AssertionError):
        assert_close(np.float64([1.0]), np.float64([1.0 + 8e-6]))
    with pytest.raises(AssertionError):
        assert_close(np.array([1]), np.array([2]))


def test_backward_from_a_large_tensor_with_its_gradient():
    """Large enough that the op itself gives the interpreter's lock back before backward does."""
    x = sf.ones(300, 300, requires_grad=True)
    (x * 2).backward(sf.ones(300, 300))
    assert float(x.grad.sum()) == 2 * 300 * 300
