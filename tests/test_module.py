"""Module: registration, walks, state, modes, hooks, text; containers; nn.utils."""

import copy
import gc
import inspect
import itertools
import pickle
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.testing import assert_close


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.scale = nn.Parameter(sf.ones(1))
        self.register_buffer("steps", sf.zeros(2))
        self.register_buffer("scratch", sf.zeros(2), persistent=False)
        self.head = nn.Linear(3, 2, bias=False)

    def forward(self, x: sf.Tensor) -> sf.Tensor:
        return self.head(self.body(x)) * self.scale


def names(pairs) -> list[str]:
    return [name for name, _ in pairs]


# ---- registration and walks ----------------------------------------------------------------------


def test_walks_have_torch_order_and_names() -> None:
    net = Net()
    params = ["scale", "body.0.weight", "body.0.bias", "head.weight"]
    assert names(net.named_parameters()) == params
    assert names(net.named_buffers()) == ["steps", "scratch"]
    assert names(net.named_children()) == ["body", "head"]
    assert names(net.named_modules()) == ["", "body", "body.0", "body.1", "head"]
    assert names(net.named_parameters(recurse=False)) == ["scale"]
    assert names(net.named_parameters(prefix="net")) == [f"net.{name}" for name in params]
    assert list(net.state_dict()) == [
        *("scale", "steps", "body.0.weight", "body.0.bias", "head.weight")
    ]
    assert len(list(net.parameters())) == 4
    assert len(list(net.buffers())) == 2
    assert list(net.children()) == [net.body, net.head]
    assert next(iter(net.modules())) is net


def test_shared_parameter_counts_once_but_stays_in_state_dict() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    net = nn.Sequential(a, b, a)
    assert names(net.named_parameters()) == ["0.weight", "0.bias", "1.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 6
    assert len(list(net.modules())) == 3
    assert len(net.state_dict()) == 6


def test_registered_views_are_read_only() -> None:
    net = Net()
    assert list(net._parameters) == ["scale"]
    assert list(net._modules) == ["body", "head"]
    with pytest.raises(TypeError):
        net._parameters["scale"] = None


@pytest.mark.parametrize("value", [lambda: nn.Parameter(sf.ones(1)), nn.ReLU])
def test_assignment_before_init_is_a_clear_error(value) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.thing = value()
            super().__init__()

    with pytest.raises(AttributeError, match=r"\[Early\].*'thing'.*super\(\).__init__\(\)"):
        Early()


def test_assignment_keeps_or_changes_the_kind() -> None:
    net = Net()
    net.scale = nn.Parameter(sf.zeros(1))
    assert names(net.named_parameters())[0] == "scale"
    with pytest.raises(TypeError, match="cannot assign a Tensor to parameter 'scale'"):
        net.scale = sf.ones(1)
    with pytest.raises(TypeError, match="cannot assign a int to module 'head'"):
        net.head = 3
    with pytest.raises(TypeError, match="buffer 'steps'"):
        net.steps = [1.0]
    net.steps = sf.ones(3)
    assert net.state_dict()["steps"].tolist() == [1.0, 1.0, 1.0]
    net.scale = None
    assert "scale" not in dict(net.named_parameters())
    net.scale = nn.Parameter(sf.ones(1))
    assert "scale" in dict(net.named_parameters())
    net.plain = 5
    net.plain = nn.Parameter(sf.ones(1))
    assert "plain" in net.state_dict()


def test_deleted_attributes_are_gone() -> None:
    net = Net()
    del net.scale, net.steps, net.body
    assert list(net.state_dict()) == ["head.weight"]
    with pytest.raises(AttributeError):
        net.scale
    with pytest.raises(AttributeError):
        del net.scale


BAD_NAMES = [
    ("", KeyError),
    ("a.b", KeyError),
    ("forward", KeyError),
    ("head", KeyError),
    (3, TypeError),
]


@pytest.mark.parametrize(("name", "error"), BAD_NAMES)
def test_bad_names_are_refused(name, error) -> None:
    with pytest.raises(error):
        Net().register_parameter(name, nn.Parameter(sf.ones(1)))


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a Parameter or None"):
        Net().register_parameter("p", sf.ones(1))
    with pytest.raises(TypeError, match=r"must be a Tensor or None"):
        Net().register_buffer("b", [1.0])
    with pytest.raises(TypeError, match=r"must be a Module or None"):
        Net().add_module("m", 3)
    with pytest.raises(TypeError, match=r"sf.tensor"):
        nn.Parameter([1.0])


def test_get_by_path() -> None:
    net = Net()
    assert net.get_submodule("body.0") is net.body[0]
    assert net.get_submodule("") is net
    assert net.get_parameter("body.0.bias") is net.body[0].bias
    assert net.get_buffer("steps") is net.steps
    with pytest.raises(AttributeError, match=r"body\.7"):
        net.get_submodule("body.7")
    with pytest.raises(AttributeError, match=r"body\.0\.gain"):
        net.get_parameter("body.0.gain")


def test_module_without_forward_says_so() -> None:
    class Silent(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"\[Silent\]"):
        Silent()(1)


# ---- parameters ----------------------------------------------------------------------------------


def test_parameter_shares_memory_and_is_a_leaf() -> None:
    data = sf.zeros(2, 3)
    p = nn.Parameter(data)
    assert isinstance(p, sf.Tensor)
    assert type(p) is nn.Parameter
    assert p.requires_grad
    assert p.is_leaf
    assert p.data_ptr() == data.data_ptr()
    assert not data.requires_grad
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert type(p + 1) is sf.Tensor


def test_parameter_keeps_its_identity_through_a_graph() -> None:
    net = nn.Linear(2, 1)
    before = [id(p) for p in net.parameters()]
    for _ in range(3):
        net(sf.ones(1, 2)).sum().backward()
        gc.collect()
    assert [id(p) for p in net.parameters()] == before
    assert all(type(p) is nn.Parameter for p in net.parameters())
    assert net.weight.grad.tolist() == [[3.0, 3.0]]


def test_parameters_can_be_keys() -> None:
    net = Net()
    assert len(dict.fromkeys(net.parameters(), 0)) == 4


def test_module_is_freed_without_the_collector() -> None:
    net = Net()
    net(sf.ones(1, 4)).sum().backward()
    seen = weakref.ref(net.scale)
    gc.disable()
    try:
        del net
        assert seen() is None
    finally:
        gc.enable()


# ---- modes, types, gradients ---------------------------------------------------------------------


def test_train_and_eval_reach_everything() -> None:
    net = Net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.body.train()
    assert net.body[0].training
    assert not net.training
    with pytest.raises(ValueError, match="mode='yes'"):
        net.train("yes")


def test_cast_keeps_parameters_and_converts_gradients() -> None:
    net = Net()
    net.register_buffer("count", sf.zeros((), dtype=sf.int64))
    net(sf.ones(1, 4)).sum().backward()
    before = list(net.parameters())
    assert net.double() is net
    assert all(p is q for p, q in zip(net.parameters(), before, strict=True))
    assert {str(p.dtype) for p in net.parameters()} == {str(sf.float64)}
    assert net.scale.grad.dtype == sf.float64
    assert net.steps.dtype == sf.float64
    assert net.count.dtype == sf.int64
    net(sf.ones(1, 4, dtype=sf.float64)).sum().backward()
    assert net.float().scale.dtype == sf.float32
    assert net.to(sf.float64).scale.dtype == sf.float64
    assert net.to(sf.ones(1)).scale.dtype == sf.float32
    assert net.to("cpu").cpu().scale.dtype == sf.float32
    with pytest.raises(TypeError, match="floating dtype"):
        net.to(sf.int64)


def test_data_keeps_the_tensor_and_old_graphs_refuse() -> None:
    p = nn.Parameter(sf.ones(3))
    twice, square = (p * 2).sum(), (p * p).sum()
    kept = id(p)
    p.data = sf.zeros(3)
    twice.backward()  # needs no value of p
    assert p.grad.tolist() == [2.0] * 3
    with pytest.raises(RuntimeError, match="data changed it in place"):
        square.backward()
    later = (p * 2).sum()
    with pytest.raises(sf.ShapeError, match="None first"):
        p.data = sf.zeros(5)
    p.grad = None
    p.data = sf.zeros(5, dtype=sf.float64)
    with pytest.raises(RuntimeError, match="run the forward pass again"):
        later.backward()
    (p * 3).sum().backward()
    assert p.grad.tolist() == [3.0] * 5
    assert (id(p), type(p), p.requires_grad) == (kept, nn.Parameter, True)
    with pytest.raises(sf.DtypeError, match="int64"):
        p.data = sf.tensor([1, 2])
    with pytest.raises(RuntimeError, match="only leaves"):
        (p * 2).data = sf.zeros(5)


def test_requires_grad_and_zero_grad() -> None:
    net = Net()
    net(sf.ones(1, 4)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(not p.grad.any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.body.requires_grad_(False)
    assert [p.requires_grad for p in net.parameters()] == [True, False, False, True]
    net(sf.ones(1, 4)).sum().backward()
    assert net.body[0].weight.grad is None
    assert net.head.weight.grad is not None


def test_apply_goes_children_first() -> None:
    seen = []
    net = Net()
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Linear", "Net"]


# ---- state ---------------------------------------------------------------------------------------


def test_state_dict_shares_memory_without_gradients() -> None:
    net = Net()
    state = net.state_dict(prefix="net.")
    assert not any(v.requires_grad for v in state.values())
    assert state["net.scale"].data_ptr() == net.scale.data_ptr()
    assert net.state_dict(keep_vars=True)["scale"] is net.scale


def test_load_state_dict_copies_and_converts() -> None:
    a, b = Net().double(), Net()
    result = b.load_state_dict(a.state_dict())
    assert result == ([], [])
    assert b.head.weight.dtype == sf.float32
    assert_close(b.head.weight.detach(), a.head.weight.detach().float(), rtol=0, atol=0)
    assert b.head.weight.requires_grad
    assert b.head.weight.data_ptr() != a.head.weight.data_ptr()


def test_failed_load_lists_everything_and_loads_nothing() -> None:
    net = Net()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = {k: v + 1 for k, v in net.state_dict().items()}
    del state["scale"]
    state["extra"] = sf.ones(1)
    state["head.weight"] = sf.ones(5, 3)
    state["steps"] = [0.0, 0.0]
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    for words in (
        "[Net.load_state_dict] nothing was loaded",
        "missing keys: 'scale'",
        "unexpected keys: 'extra'",
        "size mismatch for head.weight: (5, 3) given, the module has (2, 3)",
        "steps is a list: must be a Tensor",
    ):
        assert words in text
    for name, value in net.state_dict().items():
        assert_close(value, before[name], rtol=0, atol=0)


def test_loose_load_reports_names_and_still_checks_shapes() -> None:
    net = Net()
    result = net.load_state_dict({"scale": sf.zeros(1), "extra": sf.ones(1)}, strict=False)
    assert result.missing_keys == ["steps", "body.0.weight", "body.0.bias", "head.weight"]
    assert result.unexpected_keys == ["extra"]
    assert net.scale.tolist() == [0.0]
    with pytest.raises(RuntimeError, match=r"scale: \(2,\) given, the module has \(1,\)"):
        net.load_state_dict({"scale": sf.zeros(2)}, strict=False)
    with pytest.raises(TypeError, match="list"):
        net.load_state_dict([1])


def test_deepcopy_is_independent_and_keeps_sharing_inside() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    net = nn.Sequential(a, b)
    twin = copy.deepcopy(net)
    assert twin[0].weight is twin[1].weight
    with sf.no_grad():
        twin[0].weight.zero_()
    assert bool(net[0].weight.any())
    assert twin[0].weight.requires_grad


def test_shallow_copy_shares_parameters_but_not_names() -> None:
    net = Net()
    twin = copy.copy(net)
    twin.more = nn.Parameter(sf.ones(1))
    assert twin.scale is net.scale
    assert "more" not in net.state_dict()
    assert "more" in twin.state_dict()


def test_pickle_keeps_values_kinds_and_sharing() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    net = nn.Sequential(a, nn.ReLU(), b).eval()
    twin = pickle.loads(pickle.dumps(net))
    assert repr(twin) == repr(net)
    assert not twin.training
    assert type(twin[0].weight) is nn.Parameter
    assert twin[0].weight is twin[2].weight
    assert_close(twin[0].weight.detach(), a.weight.detach(), rtol=0, atol=0)


def test_an_unpickled_network_computes_the_same() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    twin = pickle.loads(pickle.dumps(net))
    x = sf.ones(2, 3)
    assert_close(twin(x).detach(), net(x).detach(), rtol=0, atol=0)


def test_hooks_that_come_with_a_pickle_are_not_displaced() -> None:
    net = nn.utils.prune.identity(nn.Linear(3, 2), "weight")
    twin = pickle.loads(pickle.dumps(net))
    (key,) = twin._hooks.by_kind["forward_pre"]
    numbers = itertools.count(key)  # as in a new process, where the count begins anew
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("surefoot.nn._hooks._ids", numbers)
        twin.register_forward_pre_hook(lambda module, args: None)
    assert len(twin._hooks.by_kind["forward_pre"]) == 2
    assert nn.utils.prune.is_pruned(twin)


# ---- hooks ---------------------------------------------------------------------------------------


def test_forward_hooks_see_and_replace() -> None:
    net, calls = nn.Linear(2, 2), []
    pre = net.register_forward_pre_hook(lambda m, args: (args[0] * 2.0,))
    post = net.register_forward_hook(lambda m, args, out: calls.append((args[0].tolist(), out)))
    x = sf.ones(1, 2)
    out = net(x)
    assert calls[0][0] == [[2.0, 2.0]]
    assert calls[0][1] is out
    pre.remove()
    replaced = net.register_forward_hook(lambda m, args, out: out * 0.0)
    assert net(x).tolist() == [[0.0, 0.0]]
    replaced.remove()
    post.remove()
    post.remove()
    assert net._hooks is None
    assert_close(net(x).detach(), net.forward(x).detach(), rtol=0, atol=0)
    assert len(calls) == 2


def test_hooks_with_kwargs_order_and_context() -> None:
    class Keyed(nn.Module):
        def forward(self, x: int, times: int = 1) -> int:
            return x * times

    net, order = Keyed(), []
    net.register_forward_pre_hook(lambda m, a, k: (a, {"times": 5}), with_kwargs=True)
    net.register_forward_hook(lambda m, a, k, out: order.append(("second", k)), with_kwargs=True)
    net.register_forward_hook(lambda m, a, out: order.append("first"), prepend=True)
    assert net(2, times=3) == 10
    assert order == ["first", ("second", {"times": 5})]
    with net.register_forward_hook(lambda m, a, out: -out):
        assert net(2) == -10
    assert net(2) == 10
    with pytest.raises(TypeError, match="callable"):
        net.register_forward_hook(3)


def test_backward_hook_sees_both_ends() -> None:
    net, seen = nn.Linear(2, 1, bias=False), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x = sf.ones(3, 2, requires_grad=True)
    (net(x) * 2.0 + x.sum() * 5.0).sum().backward()
    (grad_input,), (grad_output,) = seen[0]
    assert grad_output.tolist() == [[2.0]] * 3
    assert_close(grad_input, (net.weight.detach() * 2.0).expand(3, 2))
    assert_close(x.grad, grad_input + 15.0)
    assert net.weight.grad.tolist() == [[6.0, 6.0]]


def test_backward_hooks_replace_gradients() -> None:
    net = nn.Linear(2, 1, bias=False)
    handle = net.register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.0,))
    x = sf.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]]
    handle.remove()
    net.zero_grad()
    net.register_full_backward_pre_hook(lambda m, go: (go[0] * 7.0,))
    net(x).sum().backward()
    assert net.weight.grad.tolist() == [[7.0, 7.0]]


def test_backward_hook_without_input_gradient_still_runs() -> None:
    net, seen = nn.Linear(2, 1), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    net(sf.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]


def test_backward_hook_with_two_inputs_and_two_outputs() -> None:
    class Cross(nn.Module):
        def forward(self, a: sf.Tensor, b: sf.Tensor) -> tuple[sf.Tensor, sf.Tensor]:
            return a * b, a + b

    net, seen = Cross(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    a = sf.tensor(np.array([2.0]), requires_grad=True)
    b = sf.tensor(np.array([3.0]), requires_grad=True)
    product, total = net(a, b)
    (product * 10.0 + total).sum().backward()
    assert len(seen) == 1
    assert [g.tolist() for g in seen[0][0]] == [[31.0], [21.0]]
    assert [g.tolist() for g in seen[0][1]] == [[10.0], [1.0]]
    assert (a.grad.tolist(), b.grad.tolist()) == ([31.0], [21.0])


# ---- text ----------------------------------------------------------------------------------------


def test_repr_is_nested() -> None:
    assert repr(Net()) == (
        "Net(\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=4, out_features=3, bias=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        "  (head): Linear(in_features=3, out_features=2, bias=False)\n"
        ")"
    )


# ---- containers ----------------------------------------------------------------------------------


def test_sequential_is_a_list_of_modules() -> None:
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b)
    assert net.append(c) is net
    assert list(net) == [a, b, c]
    assert net[-1] is c
    assert len(net[:2]) == 2
    assert net[:2][0] is a
    assert (net[:1] + net[1:])[2] is c
    net.insert(1, nn.Tanh())
    assert names(net.named_children()) == ["0", "1", "2", "3"]
    assert net[3] is c
    del net[1]
    assert list(net) == [a, b, c]
    assert net.pop(1) is b
    net.extend([b])
    assert list(net) == [a, c, b]
    net[2] = nn.Sigmoid()
    assert isinstance(net[2], nn.Sigmoid)
    assert a in net
    assert b not in net
    with pytest.raises(IndexError, match="index 3 with 3 elements"):
        net[3]
    with pytest.raises(TypeError, match="element 1 is a function"):
        nn.Sequential(a, lambda x: x)


def test_sequential_takes_names() -> None:
    net = nn.Sequential(OrderedDict(first=nn.Linear(2, 3), act=nn.ReLU()))
    assert list(net.state_dict()) == ["first.weight", "first.bias"]
    assert names(net[1:].named_children()) == ["act"]
    assert net.act is net[1]


def test_module_list() -> None:
    net = nn.ModuleList([nn.Linear(1, 1)])
    net += [nn.ReLU(), nn.Tanh()]
    assert [type(m).__name__ for m in net[1:]] == ["ReLU", "Tanh"]
    assert len(net + nn.ModuleList([nn.Tanh()])) == 4
    net.insert(0, nn.Sigmoid())
    assert list(net.state_dict()) == ["1.weight", "1.bias"]
    with pytest.raises(TypeError, match="element 4 is a str"):
        net.append("relu")


def test_module_dict() -> None:
    net = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    net["c"] = nn.Tanh()
    net.update([("d", nn.Tanh())])
    assert list(net.keys()) == ["a", "b", "c", "d"]
    assert "a" in net
    assert "training" not in net
    assert isinstance(net.pop("c"), nn.Tanh)
    del net["d"]
    assert [name for name, _ in net.items()] == ["a", "b"]
    assert len(list(net.values())) == len(net) == 2
    for key in ("c", "training"):
        with pytest.raises(KeyError):
            net[key]
        with pytest.raises(KeyError):
            del net[key]
    net.clear()
    assert len(net) == 0


def test_parameter_containers() -> None:
    listed = nn.ParameterList([sf.ones(2)])
    listed.append(nn.Parameter(sf.zeros(1)))
    listed[0] = sf.zeros(3)
    assert [p.numel() for p in listed] == [3, 1]
    assert listed[-1].numel() == 1
    assert type(listed[0]) is nn.Parameter
    with pytest.raises(IndexError):
        listed[2]
    named = nn.ParameterDict({"a": sf.ones(2)})
    named["b"] = sf.zeros(1)
    assert list(named.keys()) == ["a", "b"]
    assert named.pop("a").numel() == 2
    assert "a" not in named
    assert names(named.items()) == ["b"]
    with pytest.raises(KeyError):
        named["training"]
    with pytest.raises(TypeError, match="must be a Tensor"):
        named["c"] = 3


# ---- nn.utils ------------------------------------------------------------------------------------


def with_grads(*grads: list[float]) -> list[nn.Parameter]:
    params = []
    for grad in grads:
        p = nn.Parameter(sf.zeros(len(grad)))
        p.grad = sf.tensor(np.array(grad, dtype=np.float32))
        params.append(p)
    return params


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf])
def test_clip_grad_norm(p: float) -> None:
    values = [[3.0, -4.0], [12.0]]
    flat = np.concatenate(values)
    norm = np.linalg.norm(flat, p)
    params = with_grads(*values)
    params.append(nn.Parameter(sf.zeros(1)))  # without a gradient
    assert nn.utils.clip_grad_norm_(params, 2.0, p).item() == pytest.approx(norm, rel=1e-6)
    clipped = np.concatenate([q.grad.numpy() for q in params[:2]])
    np.testing.assert_allclose(clipped, flat * (2.0 / (norm + 1e-6)), rtol=1e-5)


def test_clip_grad_norm_leaves_small_gradients_and_checks_arguments() -> None:
    (p,) = with_grads([0.3, 0.4])
    before = p.grad.clone()
    assert nn.utils.clip_grad_norm_(p, 1.0).item() == pytest.approx(0.5)
    assert_close(p.grad, before, rtol=0, atol=0)
    assert nn.utils.clip_grad_norm_([nn.Parameter(sf.zeros(1))], 1.0).item() == 0.0
    with pytest.raises(ValueError, match="max_norm must be at least 0, got -1"):
        nn.utils.clip_grad_norm_(p, -1)
    with pytest.raises(ValueError, match="norm_type must be positive, got 0"):
        nn.utils.clip_grad_norm_(p, 1.0, 0)


def test_clip_grad_norm_refuses_nonfinite_gradients_on_request() -> None:
    params = with_grads([1.0, np.inf], [2.0])
    with pytest.raises(RuntimeError, match="nothing was clipped"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[1].grad.tolist() == [2.0]


def test_clip_grad_norm_of_mixed_dtypes() -> None:
    params = [nn.Parameter(sf.zeros(1)), nn.Parameter(sf.zeros(1, dtype=sf.float64))]
    params[0].grad, params[1].grad = sf.ones(1) * 3.0, sf.ones(1, dtype=sf.float64) * 4.0
    assert nn.utils.clip_grad_norm_(params, 1.0).item() == pytest.approx(5.0)
    assert [p.grad.dtype for p in params] == [sf.float32, sf.float64]


def test_clip_grad_value() -> None:
    (p,) = with_grads([0.5, -3.0, 2.0])
    nn.utils.clip_grad_value_([p], 1.0)
    assert p.grad.tolist() == [0.5, -1.0, 1.0]
    with pytest.raises(ValueError, match="clip_value must be at least 0, got -1"):
        nn.utils.clip_grad_value_([p], -1)


def test_parameters_go_to_a_vector_and_back() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (11,)
    vector.sum().backward()
    assert net[0].weight.grad.tolist() == [[1.0] * 3] * 2
    before = list(net.parameters())
    nn.utils.vector_to_parameters(sf.arange(11).float(), net.parameters())
    assert net[1].bias.tolist() == [10.0]
    assert net[0].weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert all(p is q for p, q in zip(net.parameters(), before, strict=True))
    with pytest.raises(ValueError, match=r"\(10,\).*\(11,\)"):
        nn.utils.vector_to_parameters(sf.zeros(10), net.parameters())
    with pytest.raises(ValueError, match="no parameters"):
        nn.utils.parameters_to_vector([])


def test_call_takes_what_forward_takes_and_can_be_overridden() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Any, *more: Any, by: float = 1.0) -> Any:
            return x * by, more

    class Counted(Scaled):
        calls = 0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return super().__call__(*args, **kwargs)

    net = Counted()
    handle = net.register_forward_pre_hook(lambda module, args: (args[0] + 1, *args[1:]))
    assert net(2, 5, by=3.0) == (9.0, (5,))
    handle.remove()
    assert net(2, by=3.0) == (6.0, ())
    assert nn.Module.__call__(net, 2) == (2.0, ())
    assert net.calls == 2
    assert pickle.loads(pickle.dumps(nn.ReLU()))(sf.tensor([-1.0])).tolist() == [0.0]
    net.forward = lambda x: -x
    assert net(4) == -4
    with pytest.raises(NotImplementedError, match=r"\[Module\] has no forward"):
        nn.Module()(1)


def test_a_module_has_the_signature_of_its_forward() -> None:
    assert list(inspect.signature(nn.Linear(2, 3)).parameters) == ["x"]
    assert list(inspect.signature(nn.Linear).parameters)[:2] == ["in_features", "out_features"]

    class Own(nn.ReLU):
        def __call__(self, first: Any, second: Any) -> Any:
            return super().__call__(first + second)

    assert list(inspect.signature(Own()).parameters) == ["first", "second"]
