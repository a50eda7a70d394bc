"""Every row of layer_table.py: value, gradient, modes, state and text; and bad arguments."""

import copy

import numpy as np
import pytest

import surefoot as sf
from layer_table import ROWS, Row
from surefoot import nn
from surefoot.testing import assert_close, gradcheck

FORWARD = [row for row in ROWS if row.reference is not None]


def state_of(layer: nn.Module) -> dict[str, np.ndarray]:
    return {k: v.numpy().astype(np.float64) for k, v in layer.state_dict().items()}


def tensors(row: Row, dtype: sf.dtype = sf.float64) -> list[sf.Tensor]:
    made = [sf.tensor(x) for x in row.arrays()]
    return [x.to(dtype) if x.is_floating_point() else x for x in made]


def first(result: sf.Tensor | tuple[sf.Tensor, ...]) -> sf.Tensor:
    """What a row's reference gives: of a layer with several results the first."""
    return result[0] if isinstance(result, tuple) else result


def test_every_exported_layer_has_a_row() -> None:
    exported = {
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert {row.layer for row in ROWS} == exported - {"Module", "RNNBase"}


@pytest.mark.parametrize("row", FORWARD, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_value(row: Row, dtype: str) -> None:
    layer = row.build().eval().to(getattr(sf, dtype))
    inputs = tensors(row, getattr(sf, dtype))
    wide = [x.numpy().astype(np.float64) if x.is_floating_point() else x.numpy() for x in inputs]
    expected = row.reference(state_of(layer), *wide)
    out = first(layer(*inputs))
    assert out.dtype == getattr(sf, dtype)
    assert tuple(out.shape) == np.shape(expected)
    rtol, atol = (1e-5, 1e-6) if dtype == "float32" else (1e-12, 1e-13)
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol, atol)


@pytest.mark.parametrize("row", FORWARD, ids=str)
def test_layer_gradient(row: Row) -> None:
    layer = row.build().eval().double()
    inputs = tensors(row)
    wanted = [inputs[0].requires_grad_()] if inputs[0].is_floating_point() else []
    names = [name for name, _ in layer.named_parameters()]

    def run(*values: sf.Tensor) -> sf.Tensor:
        params = values[len(wanted) :]
        for name, param in zip(names, params, strict=True):
            path, _, last = name.rpartition(".")
            vars(layer.get_submodule(path))[last] = param  # as a plain tensor, for this call
        return first(layer(*values[: len(wanted)], *inputs[len(wanted) :]))

    assert gradcheck(run, (*wanted, *layer.parameters()))


@pytest.mark.parametrize("row", FORWARD, ids=str)
def test_layer_modes(row: Row) -> None:
    layer, inputs = row.build(), tensors(row, sf.float32)
    assert layer.training
    trained = first(layer(*inputs))
    evaluated = first(layer.eval()(*inputs))
    assert not layer.training
    same = bool((trained == evaluated).all())
    assert same is not row.random


@pytest.mark.parametrize("row", FORWARD, ids=str)
def test_layer_leaves_its_input_alone(row: Row) -> None:
    layer, inputs = row.build(), tensors(row, sf.float32)
    before = [x.clone() for x in inputs]
    layer(*inputs)
    for x, old in zip(inputs, before, strict=True):
        assert_close(x, old, rtol=0, atol=0)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_layer_state_names_are_torch_names(row: Row) -> None:
    assert tuple(row.build().state_dict()) == row.state


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_layer_state_goes_around(row: Row) -> None:
    layer, other = row.build(), row.build()
    with sf.no_grad():
        for value in layer.state_dict().values():
            value.normal_() if value.is_floating_point() else value.fill_(7)
    other.load_state_dict(layer.state_dict())
    for name, value in other.state_dict().items():
        assert_close(value, layer.state_dict()[name], rtol=0, atol=0)
    copied = copy.deepcopy(layer)
    for name, value in copied.state_dict().items():
        assert_close(value, layer.state_dict()[name], rtol=0, atol=0)
        assert value.data_ptr() != layer.state_dict()[name].data_ptr()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_layer_text(row: Row) -> None:
    text = repr(row.build())
    assert text.startswith(row.layer + "(")
    if row.text:
        assert text == f"{row.layer}({row.text})"


@pytest.mark.parametrize("row", [r for r in ROWS if r.reference is None], ids=str)
def test_container_without_forward_says_so(row: Row) -> None:
    with pytest.raises(NotImplementedError, match=row.layer):
        row.build()(sf.ones(2))


# ---- what the rows do not cover ------------------------------------------------------------------


def test_dropout_drops_the_share_and_keeps_the_mean() -> None:
    x = sf.ones(400, 250)
    y = nn.Dropout(0.2)(x).numpy()
    assert set(np.unique(y).tolist()) == {0.0, np.float32(1.25).item()}
    assert abs((y == 0).mean() - 0.2) < 6 * np.sqrt(0.2 * 0.8 / y.size)


def test_dropout_of_everything_is_zero_without_nan() -> None:
    layer, x = nn.Dropout(1.0), sf.ones(5, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.tolist() == [0.0] * 5
    assert x.grad.tolist() == [0.0] * 5


def test_dropout_gradient_uses_the_mask_of_the_forward() -> None:
    x = sf.ones(1000, requires_grad=True)
    y = nn.Dropout(0.3)(x)
    y.sum().backward()
    assert_close(x.grad, y.detach(), rtol=0, atol=0)


def test_dropout_repeats_with_the_seed_and_differs_between_calls() -> None:
    layer, x = nn.Dropout(), sf.ones(100)
    sf.manual_seed(3)
    first, second = layer(x), layer(x)
    sf.manual_seed(3)
    assert_close(layer(x), first, rtol=0, atol=0)
    assert bool((first != second).any())


INPLACE = [
    *(nn.ReLU(True), nn.ReLU6(True), nn.LeakyReLU(0.1, True), nn.RReLU(0.1, 0.3, True)),
    *(nn.ELU(1.0, True), nn.SELU(True), nn.CELU(1.0, True), nn.SiLU(True), nn.Mish(True)),
    *(nn.Hardtanh(-1.0, 1.0, True), nn.Hardsigmoid(True), nn.Hardswish(True)),
    nn.Threshold(0.1, 0.0, True),
    nn.Dropout(0.5, inplace=True),
]


@pytest.mark.parametrize("layer", INPLACE, ids=repr)
def test_inplace_layers_write_into_the_input(layer: nn.Module) -> None:
    x = sf.tensor(np.array([-1.0, 2.0, -3.0, 4.0], dtype=np.float32))
    y = layer(x)
    assert y.data_ptr() == x.data_ptr()
    assert_close(x, y, rtol=0, atol=0)


def test_inplace_is_said() -> None:
    assert repr(nn.Mish(inplace=True)) == "Mish(inplace=True)"
    assert repr(nn.LeakyReLU(0.1, True)) == "LeakyReLU(negative_slope=0.1, inplace=True)"


FUNCTIONS = {
    "relu": (), "relu6": (), "leaky_relu": (0.1,), "rrelu": (0.1, 0.3, False), "elu": (0.5,),
    "selu": (), "celu": (0.5,), "silu": (), "mish": (), "hardtanh": (-0.5, 0.5), "hardsigmoid": (),
    "hardswish": (), "threshold": (0.1, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_inplace_functions_write_into_the_input(name: str) -> None:
    values = np.array([-4.0, -1.0, 0.2, 7.0], dtype=np.float32)
    x, function = sf.tensor(values), getattr(nn.functional, name)
    expected = function(x, *FUNCTIONS[name])
    assert_close(x, sf.tensor(values), rtol=0, atol=0)
    y = function(x, *FUNCTIONS[name], inplace=True)
    assert y.data_ptr() == x.data_ptr()
    assert_close(x, expected, rtol=0, atol=0)


def test_random_slopes_are_those_of_the_gradient() -> None:
    """In [lower, upper), other ones for each element and call; 1 above zero."""
    x = sf.tensor(np.linspace(-2.0, 1.0, 3001)).requires_grad_()
    layer = nn.RReLU(0.25, 0.75)
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    below, slopes = x.detach().numpy() <= 0, x.grad.numpy()
    np.testing.assert_array_equal(y.detach().numpy(), slopes * x.detach().numpy())
    assert ((slopes[below] >= 0.25) & (slopes[below] < 0.75)).all()
    assert len(np.unique(slopes[below])) > 1900
    assert (slopes[~below] == 1).all()
    assert not np.array_equal(layer(x).detach().numpy(), y.detach().numpy())


def test_learned_slope_starts_at_a_quarter_and_learns() -> None:
    layer = nn.PReLU()
    layer(sf.tensor([-1.0, 2.0, -3.0])).sum().backward()
    assert layer.weight.tolist() == [0.25]
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [-4.0]


def test_leaky_relu_of_a_steep_slope_is_no_maximum() -> None:
    assert nn.LeakyReLU(2.0)(sf.tensor([-1.0, 1.0])).tolist() == [-2.0, 1.0]


def test_the_layer_before_an_activation_is_drawn_for_it() -> None:
    """He with the slope of the activation: variance 2 / ((1 + slope^2) fan_in)."""
    for activation, slope in ((nn.PReLU(), 0.25), (nn.RReLU(0.5, 1.5), 1.0), (nn.Mish(), 0.0)):
        linear = nn.Sequential(nn.Linear(400, 300), activation)[0]
        expected = (2 / (1 + slope**2) / 400) ** 0.5
        assert linear.weight.std().item() == pytest.approx(expected, rel=0.02)


def test_inplace_relu_has_the_gradient_of_relu() -> None:
    leaf = sf.tensor(np.array([-1.0, 2.0]), requires_grad=True)
    (nn.ReLU(inplace=True)(leaf * 3.0) * 2.0).sum().backward()
    assert leaf.grad.tolist() == [0.0, 6.0]


def test_relu_at_zero_and_nan() -> None:
    x = sf.tensor(np.array([0.0, np.nan]), requires_grad=True)
    y = nn.ReLU()(x)
    y[0].backward()
    assert np.isnan(y.detach().numpy()[1])
    assert x.grad.numpy()[0] == 0.0


BAD_ARGUMENTS = [
    (lambda: nn.Linear(0, 3), ValueError, "in_features must be at least 1, got 0"),
    (lambda: nn.Linear(3, -1), ValueError, "out_features must be at least 1"),
    (lambda: nn.Linear(3.5, 1), TypeError, "in_features must be an integer"),
    (lambda: nn.Linear(3, 1, init="hee_normal"), ValueError, "he_normal, lecun_uniform"),
    (lambda: nn.Linear(3, 1, init=7), TypeError, "init=7"),
    (lambda: nn.Linear(3, 1, biass=False), TypeError, "biass"),
    (lambda: nn.Dropout(1.5), ValueError, r"p must be in \[0, 1\], got 1.5"),
    (lambda: nn.Dropout(float("nan")), ValueError, r"in \[0, 1\], got nan"),
    (lambda: nn.Hardtanh(1.0, 1.0), ValueError, "min_val=1.0"),
    (lambda: nn.Softshrink(-1.0), ValueError, "lambd must be at least 0, got -1.0"),
    (lambda: nn.RReLU(0.5, 0.25), ValueError, "lower=0.5"),
    (lambda: nn.CELU(0.0), ValueError, "alpha=0"),
    (lambda: nn.PReLU(0), ValueError, "num_parameters must be at least 1"),
    (lambda: nn.Maxout(4, 2, k=0), ValueError, "k must be at least 1, got 0"),
    (lambda: nn.GELU("fast"), ValueError, "'none', 'tanh'"),
    (lambda: nn.MSELoss(reduction="avg"), ValueError, "'mean', 'sum', 'none'"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, "label_smoothing must be in .*2"),
    (lambda: nn.Softmax(), TypeError, "dim"),
    (lambda: nn.functional.dropout(sf.ones(2), 2.0), ValueError, r"in \[0, 1\], got 2.0"),
    (lambda: nn.functional.mse_loss(sf.ones(2), sf.ones(2), reduction="x"), ValueError, "'mean'"),
    (lambda: nn.Unflatten(1, (2, 3))(sf.ones(2, 4)), ValueError, r"\(2, 4\) has size 4"),
    (lambda: nn.Unflatten(2, (2, 2))(sf.ones(2, 4)), IndexError, "dim=2"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD_ARGUMENTS)
def test_bad_argument(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()


def test_cross_entropy_names_the_row_of_a_bad_label() -> None:
    y = sf.tensor(np.array([0, 1, 4]))
    with pytest.raises(IndexError, match="4"):
        nn.CrossEntropyLoss()(sf.zeros(3, 4), y)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss()])
def test_class_losses_refuse_a_column_of_labels(loss) -> None:
    with pytest.raises((ValueError, RuntimeError), match=r"\(3, 1\)"):
        loss(sf.zeros(3, 4), sf.tensor(np.array([[0], [1], [2]])))
