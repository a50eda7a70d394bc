"""Groups by kind and name, and steps of single rows."""

from typing import Any

import numpy as np
import pytest

import surefoot as sf
from optim_table import ROWS, Row
from surefoot import nn, optim


def leaf(values: Any, dtype: str = "float64") -> sf.Tensor:
    return sf.tensor(np.asarray(values, dtype=dtype)).requires_grad_()


def array(tensor: sf.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2))


def test_no_decay_groups_split_by_dimensions() -> None:
    net = model()
    groups = optim.no_decay_groups(net, 0.1)
    assert [[name for name, _ in g["params"]] for g in groups] == [
        ["0.weight", "3.weight"],
        ["0.bias", "1.weight", "1.bias", "3.bias"],
    ]
    opt = optim.SGD(groups, lr=0.5, weight_decay=0.7)
    assert [g["weight_decay"] for g in opt.param_groups] == [0.1, 0.0]
    before = {name: array(p) for name, p in net.named_parameters()}
    for p in net.parameters():
        p.grad = sf.zeros_like(p.detach())
    opt.step()
    for name, p in net.named_parameters():
        share = 0.95 if name in ("0.weight", "3.weight") else 1.0
        np.testing.assert_allclose(array(p), share * before[name], rtol=1e-6)


def test_no_decay_groups_leave_out_an_empty_group() -> None:
    (group,) = optim.no_decay_groups([("w", leaf(np.ones((2, 2))))], 0.1)
    assert group["name"] == "decay"
    (group,) = optim.no_decay_groups(nn.LayerNorm(3), 0.1)
    assert group["name"] == "no decay"


def test_groups_by_name_give_each_parameter_to_the_first_pattern() -> None:
    net = model()
    groups = optim.groups_by_name(net, {"*.bias": {"weight_decay": 0.0}, "0.*": {"lr": 1e-4}})
    opt = optim.AdamW(groups, lr=0.1, weight_decay=0.2)
    found = [(g["name"], g["param_names"], g["lr"], g["weight_decay"]) for g in opt.param_groups]
    assert found == [
        ("*.bias", ["0.bias", "1.bias", "3.bias"], 0.1, 0.0),
        ("0.*", ["0.weight"], 1e-4, 0.2),
        ("rest", ["1.weight", "3.weight"], 0.1, 0.2),
    ]


def test_patterns_and_parameters_that_cannot_be_grouped() -> None:
    with pytest.raises(ValueError, match=r"pattern '4\.\*'"):
        optim.groups_by_name(model(), {"4.*": {"lr": 1.0}})
    with pytest.raises(ValueError, match=r"pattern '0\.bias'"):
        optim.groups_by_name(model(), {"*": {}, "0.bias": {"lr": 1.0}})
    with pytest.raises(TypeError, match="named_parameters"):
        optim.no_decay_groups(model().parameters(), 0.1)
    with pytest.raises(TypeError, match="rho"):
        optim.SGD(optim.groups_by_name(model(), {"*": {"rho": 1.0}}))


def test_group_names_are_explained_and_do_not_hinder_loading(capsys: Any) -> None:
    opt = optim.Adam(optim.no_decay_groups(model(), 0.1))
    text = opt.explain()
    assert "Adam, group 0 'decay': 2 tensors" in text and "group 1 'no decay'" in text
    other = optim.Adam(optim.no_decay_groups(model(), 0.3))
    other.load_state_dict(opt.state_dict())
    assert [g["name"] for g in other.param_groups] == ["decay", "no decay"]
    assert other.param_groups[0]["weight_decay"] == 0.1
    assert capsys.readouterr().out


# Rows.

# Without a decay, which step() applies to all rows and step_rows to those it touches.
LAZY = [
    *(Row("SGD", {"momentum": 0.9}), Row("SGD"), Row("SGD", {"momentum_form": "ema"})),
    *(Row(rule) for rule in sorted({row.rule for row in ROWS} - {"SGD", "AdamW", "ASGD"})),
    Row("RMSprop", {"centered": True, "momentum": 0.5, "eps": 1e-3}),
    Row("Adagrad", {"initial_accumulator_value": 0.5, "lr_decay": 0.1}),
]


@pytest.mark.parametrize("row", LAZY, ids=str)
def test_rows_step_as_by_a_dense_step(row: Row) -> None:
    """The same rows touched each time: they move as in a dense step, no other number changes."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(6, 2, 3))
    dense, lazy = leaf(start), leaf(start)
    a, b = row.optimizer([dense], lr=0.01), row.optimizer([lazy], lr=0.01)
    indices = np.array([4, 1, 4, 2])
    for _ in range(5):
        grads = rng.normal(size=(4, 2, 3))
        full = np.zeros_like(start)
        np.add.at(full, indices, grads)
        dense.grad = sf.tensor(full)
        a.step()
        b.step_rows(lazy, sf.tensor(indices), sf.tensor(grads))
        touched, others = [1, 2, 4], [0, 3, 5]
        np.testing.assert_allclose(array(lazy)[touched], array(dense)[touched], rtol=1e-12)
        assert array(lazy)[others].tobytes() == start[others].tobytes()
        for name, value in b.state[lazy].items():
            mine, full_value = value, a.state[dense][name]
            if isinstance(value, sf.Tensor):
                mine, full_value = array(value)[touched], array(full_value)[touched]
            np.testing.assert_allclose(mine, full_value, rtol=1e-12)
    assert set(b.state) <= {0}


def test_untouched_rows_keep_their_memory() -> None:
    w = leaf(np.zeros((3, 1)))
    opt = optim.Adam([w], lr=0.1)
    opt.step_rows(w, sf.tensor([0]), leaf([[1.0]]))
    before = array(opt.state[w]["exp_avg"])
    opt.step_rows(w, sf.tensor([2]), leaf([[1.0]]))
    after = array(opt.state[w]["exp_avg"])
    assert after[0] == before[0] != 0 and before[2] == 0 != after[2] and after[1] == 0
    assert opt.state[w]["step"] == 2 and array(w)[1] == 0


def test_sparse_steps_mix_with_dense_ones() -> None:
    w = leaf(np.ones((4, 2)))
    opt = optim.Adagrad([w], lr=0.5)
    w.grad = sf.tensor(np.ones((4, 2)))
    opt.step()
    opt.step_rows(w, sf.tensor([3]), sf.tensor(np.full((1, 2), 2.0)))
    assert array(opt.state[w]["sum"])[:, 0].tolist() == [1, 1, 1, 5]


def test_row_step_is_an_in_place_change_and_an_empty_one_is_none() -> None:
    w = leaf(np.ones((4, 2)))
    version = w._version
    opt = optim.SGD([w], lr=0.5)
    opt.step_rows(w, sf.tensor(np.zeros(0, dtype=np.int64)), sf.tensor(np.zeros((0, 2))))
    assert w._version == version
    opt.step_rows(w, sf.tensor([1]), sf.tensor(np.ones((1, 2))))
    assert w._version > version


@pytest.mark.parametrize(
    ("indices", "grads", "error", "words"),
    [
        ([4], np.ones((1, 2)), IndexError, "row 4 of a parameter with 4 rows"),
        ([-1], np.ones((1, 2)), IndexError, "row -1"),
        ([1, 2], np.ones((1, 2)), ValueError, r"indices \(2,\), grad_rows \(1, 2\)"),
        ([[1]], np.ones((1, 2)), ValueError, r"indices \(1, 1\)"),
        ([1], np.ones((1, 3)), ValueError, "row shape"),
        ([1.0], np.ones((1, 2)), TypeError, "integers"),
        ([1], np.ones((1, 2), dtype=np.float32), TypeError, "dtype"),
    ],
)
def test_rows_that_do_not_fit_change_nothing(
    indices: Any, grads: np.ndarray, error: type, words: str
) -> None:
    w = leaf(np.ones((4, 2)))
    opt = optim.Adam([w])
    with pytest.raises(error, match=words):
        opt.step_rows(w, sf.tensor(indices), sf.tensor(grads))
    assert array(w).tolist() == np.ones((4, 2)).tolist() and not opt.state[w]
    assert set(opt.state) <= {0}
    with pytest.raises(RuntimeError, match="add_param_group"):
        opt.step_rows(leaf(np.ones((4, 2))), sf.tensor([1]), sf.tensor(np.ones((1, 2))))
