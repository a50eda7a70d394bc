"""The ready architectures: shapes, sizes, names, gradients, files, bad arguments."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn import models
from surefoot.nn.models import MLP, LeNet, LSTMClassifier, ResNet, TabularMLP
from surefoot.train import summary


def conv(into: int, out: int, kernel: int, bias: bool) -> int:
    return out * into * kernel**2 + out * bias


def resnet_size(widths: tuple[int, ...], blocks: tuple[int, ...]) -> int:
    """Parameters of a ResNet over 3 channels with 10 classes, counted by hand."""
    total, width = conv(3, widths[0], 3, False) + 2 * widths[0], widths[0]
    for stage, (size, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            total += conv(width, size, 3, False) + conv(size, size, 3, False) + 4 * size
            if block == 0 and (stage > 0 or width != size):
                total += conv(width, size, 1, False) + 2 * size
            width = size
    return total + 10 * width + 10


# model, input, output shape, parameters
CASES: list[tuple[nn.Module, tuple[int, ...], tuple[int, ...], int]] = [
    (MLP(6, [8, 5], 3), (4, 6), (4, 3), 6 * 8 + 8 + 8 * 5 + 5 + 5 * 3 + 3),
    (MLP(6, [], 3), (4, 6), (4, 3), 21),
    (MLP(6, [8], 3, norm="batch", dropout=0.5), (4, 6), (4, 3), 6 * 8 + 16 + 27),
    (MLP(6, [8], 3, norm="layer", activation="selu"), (4, 6), (4, 3), 6 * 8 + 16 + 27),
    (LeNet(), (2, 1, 28, 28), (2, 10), 61706),
    (
        LeNet(3, 7, image_size=13, activation="tanh", pooling="avg"),
        (2, 3, 13, 13),
        (2, 7),
        conv(3, 6, 5, True) + conv(6, 16, 5, True) + 17 * 120 + 121 * 84 + 85 * 7,
    ),
    (ResNet(), (2, 3, 16, 16), (2, 10), resnet_size((16, 32, 64), (3, 3, 3))),
    (
        ResNet(widths=(4, 6), blocks=(2, 1), zero_init_residual=True),
        (2, 3, 7, 9),
        (2, 10),
        resnet_size((4, 6), (2, 1)),
    ),
    (LSTMClassifier(8, 16, 4), (3, 5, 8), (3, 4), 4 * 16 * (8 + 16 + 2) + 17 * 4),
    (
        LSTMClassifier(8, 16, 4, num_layers=2, bidirectional=True, dropout=0.1),
        (3, 5, 8),
        (3, 4),
        2 * 4 * 16 * (8 + 16 + 2) + 2 * 4 * 16 * (32 + 16 + 2) + 33 * 4,
    ),
    (TabularMLP(2, [3, 7], [8], 3, embedding_dim=4), (5, 4), (5, 3), 40 + 10 * 8 + 8 + 27),
    (TabularMLP(0, [5], [], 2, dropout=0.5), (6, 1), (6, 2), 5 * 4 + 4 * 2 + 2),
    (TabularMLP(3, [], [4], 1, norm="batch"), (6, 3), (6, 1), 12 + 8 + 5),
]


def rows_for(model: nn.Module, shape: tuple[int, ...]) -> sf.Tensor:
    """Random inputs; codes of categories are whole numbers below their cardinality."""
    if not isinstance(model, TabularMLP):
        return sf.randn(*shape)
    codes = [sf.randint(0, n, (shape[0], 1)) for n in model.config["cardinalities"]]
    return sf.cat([sf.randn(shape[0], model.num_numbers), *(c.to(sf.float32) for c in codes)], 1)


IDS = [f"{type(case[0]).__name__}{i}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("model", "inputs", "output", "size"), CASES, ids=IDS)
def test_shape_and_size(
    model: nn.Module, inputs: tuple[int, ...], output: tuple[int, ...], size: int
) -> None:
    out = model(rows_for(model, inputs))
    assert tuple(out.shape) == output
    assert sum(p.numel() for p in model.parameters()) == size
    assert summary(model, inputs[1:]).num_parameters == size


@pytest.mark.parametrize(("model", "inputs", "output", "size"), CASES, ids=IDS)
def test_every_parameter_gets_a_gradient(
    model: nn.Module, inputs: tuple[int, ...], output: tuple[int, ...], size: int
) -> None:
    model.zero_grad()
    model(rows_for(model, inputs)).square().sum().backward()
    names = [name for name, p in model.named_parameters() if p.grad is None]
    assert not names


@pytest.mark.parametrize(("model", "inputs", "output", "size"), CASES, ids=IDS)
def test_a_saved_model_comes_back(
    model: nn.Module, inputs: tuple[int, ...], output: tuple[int, ...], size: int, tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    sf.save_model(model, path, {"made": "here"})
    loaded, info = sf.load_model(path)
    assert type(loaded) is type(model) and info == {"made": "here"}
    assert loaded.config == json.loads(json.dumps(model.config)) or loaded.config == model.config
    x = rows_for(model, inputs)
    assert loaded.eval()(x).tolist() == model.eval()(x).tolist()


def test_every_model_is_tested() -> None:
    assert {type(case[0]).__name__ for case in CASES} | {"BasicBlock"} == set(models.__all__)


def test_tabular_mlp_is_numbers_and_vectors_side_by_side() -> None:
    net = TabularMLP(2, [3, 4], [5], 2, embedding_dim=2)
    first, second = (table.weight.detach().numpy() for table in net.embeddings)
    numbers, codes = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32), [(2, 0), (0, 3)]
    x = np.concatenate([numbers, np.array(codes, np.float32)], axis=1)
    rows = [[*n, *first[a], *second[b]] for n, (a, b) in zip(numbers, codes, strict=True)]
    expected = net.mlp(sf.tensor(np.array(rows, np.float32)))
    assert net(sf.tensor(x)).tolist() == expected.tolist()
    assert not first[0].any() and not second[0].any() and first[1:].all()
    net(sf.tensor(x)).square().sum().backward()
    assert not net.embeddings[0].weight.grad.numpy()[0].any()  # stays 0
    widths = [table.embedding_dim for table in TabularMLP(0, [2, 50, 10**5], [], 1).embeddings]
    assert widths == [2, 14, 600]  # 1.6 * 2^0.56 = 2.4, 1.6 * 50^0.56 = 14.3, more than 600
    with pytest.raises(sf.ShapeError, match=r"must be \(N, 4\), 2 numbers and 2 codes"):
        net(sf.zeros(3, 5))
    with pytest.raises(IndexError):
        net(sf.tensor([[0.0, 0.0, 3.0, 0.0]]))
    for arguments in ((0, []), (-1, [2]), (1, [0])):
        with pytest.raises(ValueError, match="TabularMLP"):
            TabularMLP(*arguments, [3], 1)


def test_mlp_layers() -> None:
    kinds = [type(layer).__name__ for layer in MLP(4, [8, 6], 3, dropout=0.5, standardize=True)]
    block = ["Linear", "ReLU", "Dropout"]
    assert kinds == ["Standardize", *block, *block, "Linear"]
    kinds = [type(layer).__name__ for layer in MLP(4, [8], 3, activation="tanh", norm="batch")]
    assert kinds == ["Linear", "BatchNorm1d", "Tanh", "Linear"]


def test_mlp_weights_fit_the_activation() -> None:
    for activation, gain in (("relu", 2.0), ("selu", 1.0)):
        net = MLP(400, [300], 2, activation=activation)
        assert float(net[0].weight.var()) == pytest.approx(gain / 400, rel=0.05)


def test_resnet_names_are_torchvisions() -> None:
    names = list(ResNet(blocks=(1, 1, 1)).state_dict())
    for name in ("conv1.weight", "bn1.running_mean", "layer1.0.conv2.weight", "fc.bias"):
        assert name in names
    assert "layer2.0.downsample.0.weight" in names and "layer1.0.downsample.0.weight" not in names


def test_a_block_with_zero_residual_is_relu() -> None:
    net = ResNet(widths=(4,), blocks=(1,), zero_init_residual=True)
    x = sf.randn(2, 4, 5, 5)
    assert net.layer1(x).tolist() == sf.relu(x).tolist()


def test_padding_of_a_sequence_is_not_read() -> None:
    net = LSTMClassifier(3, 5, 2, bidirectional=True).eval()
    x = sf.randn(3, 6, 3)
    lengths = [2, 6, 4]
    out = net(x, lengths=lengths)
    for row, length in enumerate(lengths):
        alone = net(x[row : row + 1, :length])
        np.testing.assert_allclose(out[row].detach().numpy(), alone[0].detach().numpy(), 1e-5, 1e-6)
    other = x.clone()
    other[0, 2:] = 1e6
    assert net(other, lengths=lengths).tolist() == out.tolist()


def test_tokens_are_embedded() -> None:
    net = LSTMClassifier(4, 5, 2, vocabulary=7)
    assert tuple(net(sf.tensor([[0, 6, 3], [1, 2, 2]])).shape) == (2, 2)
    with pytest.raises(IndexError, match="7"):
        net(sf.tensor([[0, 7]]))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: MLP(0, [3], 2), "in_features must be at least 1, got 0"),
        (lambda: MLP(4, [3, -1], 2), r"hidden\[1\] must be at least 1, got -1"),
        (
            lambda: MLP(4, [3], 2, activation="rleu"),
            "activation must be one of 'relu'.*rleu",
        ),
        (lambda: MLP(4, [3], 2, norm="group"), "norm must be one of 'batch', 'layer'"),
        (lambda: LeNet(image_size=8), "image_size=8.*at least 12; pad the images"),
        (lambda: LeNet(pooling="mean"), "pooling must be one of 'max', 'avg', got 'mean'"),
        (lambda: ResNet(widths=(16, 32), blocks=(3,)), r"widths=\(16, 32\), blocks=\(3,\)"),
        (lambda: ResNet(widths=(16,), blocks=(0,)), r"blocks\[0\] must be at least 1"),
        (lambda: LSTMClassifier(3, 4, 0), "num_classes must be at least 1"),
        (lambda: LSTMClassifier(3, 4, 2)(sf.ones(5, 3)), r"\(5, 3\): must be \(N, T, input_size\)"),
        (
            lambda: LSTMClassifier(3, 4, 2, vocabulary=7)(sf.tensor([1])),
            r"\(1,\): must be \(N, T\)",
        ),
    ],
)
def test_bad_arguments(build: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build()


@pytest.mark.parametrize("build", [lambda: MLP(4, 8, 2), lambda: ResNet(blocks=3)])
def test_a_number_in_the_place_of_a_sequence(build: Any) -> None:
    with pytest.raises(TypeError, match=r"(hidden=8|blocks=3): must be a sequence"):
        build()
