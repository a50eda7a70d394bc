"""Models that rebuild themselves from a file."""

import json
from pathlib import Path
from typing import Any

import pytest

import surefoot as sf
from surefoot import nn
from surefoot.files import write_tensors
from surefoot.model_file import load_model, save_model


def test_a_model_comes_back_whole(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Standardize(4).fit(sf.rand(10, 4)),
        nn.Linear(4, 8),
        nn.Tanh(),
        nn.Dropout(0.25),
        nn.Linear(8, 8, bias=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8, 2),
        nn.Sigmoid(),
    )
    save_model(model, tmp_path / "m.safetensors", {"classes": ["a", "b"]})
    loaded, info = load_model(tmp_path / "m.safetensors")
    assert info == {"classes": ["a", "b"]}
    assert [type(layer) for layer in loaded] == [type(layer) for layer in model]
    assert loaded[3].p == 0.25 and loaded[4].bias is None
    x = sf.rand(5, 4)
    assert loaded.eval()(x).tolist() == model.eval()(x).tolist()


def test_layers_and_architectures_nest(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3, stride=(2, 1), padding=1), nn.BatchNorm2d(2), nn.ReLU()),
        nn.models.LeNet(2, 5, image_size=12),
        nn.LayerNorm(5),
    ).double()
    x = sf.randn(3, 1, 23, 12, dtype=sf.float64)
    expected = model(x).detach()  # moves the running statistics, once
    model.eval()
    sf.save_model(model, tmp_path / "m.safetensors")
    loaded, _ = sf.load_model(tmp_path / "m.safetensors")
    assert loaded.eval()(x).dtype == sf.float64 == expected.dtype
    assert loaded(x).tolist() == model(x).tolist()
    assert loaded[0][0].stride == (2, 1)


def test_sizes_that_no_tensor_has_may_be_large(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 3, dilation=2048, padding=5000), nn.AvgPool1d(3000))
    sf.save_model(model, tmp_path / "m.safetensors")
    assert str(load_model(tmp_path / "m.safetensors")[0]) == str(model)


def test_layers_keep_their_own_dtype(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2).double())
    sf.save_model(model, tmp_path / "m.safetensors")
    loaded, _ = load_model(tmp_path / "m.safetensors")
    assert [p.dtype for p in loaded.parameters()] == [p.dtype for p in model.parameters()]
    assert loaded[1].weight.tolist() == model[1].weight.tolist()


def test_a_changed_architecture_is_not_saved_as_it_was(tmp_path: Path) -> None:
    model, x = nn.models.MLP(4, [8], 2), sf.rand(3, 4)
    model[1] = nn.Tanh()
    sf.save_model(model, tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors")[0](x).tolist() == model(x).tolist()
    net = nn.models.LSTMClassifier(2, 3, 2, dropout=0.5)
    net.dropout = nn.Dropout(0.1)
    with pytest.raises(TypeError, match="LSTMClassifier that was changed"):
        save_model(net, tmp_path / "m.safetensors")
    pruned = nn.Sequential(nn.Linear(4, 8))
    nn.utils.prune.l1_unstructured(pruned[0], "weight", 0.5)
    with pytest.raises(TypeError, match=r"'0\.weight' is not what"):
        save_model(pruned, tmp_path / "m.safetensors")


def test_loading_draws_no_random_numbers(tmp_path: Path) -> None:
    models = nn.models.MLP(2, [3], 4), nn.models.LeNet(), nn.models.ResNet(blocks=(1, 1, 1))
    for model in (*models, nn.models.LSTMClassifier(2, 3, 2, vocabulary=5)):
        sf.save_model(model, tmp_path / "m.safetensors")
        sf.manual_seed(0)
        expected = sf.rand(3).tolist()
        sf.manual_seed(0)
        loaded, _ = load_model(tmp_path / "m.safetensors")
        assert sf.rand(3).tolist() == expected
        for name, tensor in model.state_dict().items():
            assert loaded.state_dict()[name].tolist() == tensor.tolist()
    fresh = nn.Linear(3, 3, init="torch")
    assert fresh.weight.tolist() != nn.Linear(3, 3, init="torch").weight.tolist()


@pytest.mark.parametrize("info", [{"a": sf.ones(1)}, [1]])
def test_info_that_json_cannot_hold_is_refused(tmp_path: Path, info: Any) -> None:
    with pytest.raises(TypeError, match=r"\[save_model\] info must be a dict"):
        save_model(nn.Sequential(nn.ReLU()), tmp_path / "m.safetensors", info)


def test_a_layer_that_cannot_be_described_is_refused(tmp_path: Path) -> None:
    class ReLU(nn.ReLU):
        pass

    with pytest.raises(TypeError, match=r"cannot describe a ReLU; known layers: Stand.*ResNet"):
        save_model(nn.Sequential(ReLU()), tmp_path / "m.safetensors")


LINEAR = {"layer": "Linear", "in_features": 4, "out_features": 2, "bias": True}


@pytest.mark.parametrize(
    "layers",
    [
        "[",
        "3",
        json.dumps([{"layer": "Linear"}]),
        json.dumps([{"layer": "os.system", "command": "true"}]),
        json.dumps([{**LINEAR, "in_features": 10**12}]),
        json.dumps([{**LINEAR, "in_features": "4"}]),
        json.dumps([{**LINEAR, "bias": False}]),
        json.dumps([LINEAR, LINEAR]),
        json.dumps([{"layer": ["Linear"]}]),
        json.dumps([{"layer": "Dropout", "p": 7}, LINEAR]),
        json.dumps({"model": "MLP", "in_features": 4, "hidden": [10**9], "out_features": 2}),
        json.dumps({"model": "MLP", "in_features": 4, "hidden": [], "outputs": 2}),
        json.dumps({"model": "Sequential"}),
        json.dumps(
            [{"layer": "Embedding", "num_embeddings": 2, "embedding_dim": 4, "padding_idx": 1.5}]
        ),
        json.dumps(
            {
                "model": "LSTMClassifier",
                "input_size": 4,
                "hidden_size": 9,
                "num_classes": 2,
                "num_layers": 1000,
            }
        ),
        json.dumps({"model": "ResNet", "widths": [4], "blocks": [1000]}),
        json.dumps(
            [{"layer": "Embedding", "num_embeddings": 2, "embedding_dim": 4, "_weight": []}]
        ),
    ],
)
def test_a_description_that_does_not_fit_is_an_error(tmp_path: Path, layers: str) -> None:
    path = tmp_path / "m.safetensors"
    tensors: dict[str, Any] = {"0.weight": sf.zeros(2, 4), "0.bias": sf.zeros(2)}
    write_tensors(path, tensors, {"surefoot.model": layers})
    with pytest.raises(ValueError, match="does not describe a usable model") as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_tensors_alone_are_no_model(tmp_path: Path) -> None:
    sf.save({"w": sf.zeros(2)}, tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="does not say which model"):
        load_model(tmp_path / "m.safetensors")
