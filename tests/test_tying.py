"""Weight tying: one Parameter in two places has one gradient, is counted once and saved once."""

import copy
from pathlib import Path

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.files import read_tensors
from surefoot.model_file import load_model, save_model
from surefoot.train import summary


class Tied(nn.Module):
    """An autoencoder whose two layers share one square weight."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(4, 4)
        self.act = nn.Tanh()
        self.up = nn.Linear(4, 4)
        self.up.weight = self.down.weight

    def forward(self, x: sf.Tensor) -> sf.Tensor:
        return self.up(self.act(self.down(x)))


X = np.random.default_rng(0).normal(size=(5, 4))


def test_the_gradient_is_the_sum_over_both_places() -> None:
    model = Tied().double()
    (model(sf.tensor(X)) ** 2).sum().backward()
    w = model.down.weight.detach().numpy()
    b, c = model.down.bias.detach().numpy(), model.up.bias.detach().numpy()
    h = np.tanh(X @ w.T + b)
    out = 2 * (h @ w.T + c)
    inner = (out @ w) * (1 - h**2)
    np.testing.assert_allclose(model.up.weight.grad.numpy(), out.T @ h + inner.T @ X, rtol=1e-10)


def test_it_is_counted_once() -> None:
    model = Tied()
    assert [name for name, _ in model.named_parameters()] == ["down.weight", "down.bias", "up.bias"]
    assert sum(p.numel() for p in model.parameters()) == 24
    assert summary(model, (4,)).num_parameters == 24
    assert sum(row.num_parameters for row in summary(model, (4,)).rows) == 24


@pytest.mark.parametrize("named", [False, True])
def test_it_is_stepped_once(named: bool) -> None:
    model = Tied()
    before = model.down.weight.detach().numpy().copy()
    opt = sf.optim.SGD(model.named_parameters() if named else model.parameters(), lr=0.5)
    assert sum(len(group["params"]) for group in opt.param_groups) == 3
    model.up.weight.grad = sf.ones(4, 4)
    opt.step()
    np.testing.assert_array_equal(model.down.weight.detach().numpy(), before - np.float32(0.5))


def test_casting_and_copying_keep_the_tie() -> None:
    model = copy.deepcopy(Tied().double())
    assert model.up.weight is model.down.weight
    assert model.up.weight.dtype == sf.float64


def test_it_is_saved_once(tmp_path: Path) -> None:
    model, apart = Tied(), Tied()
    apart.up.weight = nn.Parameter(apart.down.weight.detach().clone())
    sf.save(model.state_dict(), tmp_path / "tied")
    sf.save(apart.state_dict(), tmp_path / "apart")
    sizes = [(tmp_path / name).stat().st_size for name in ("tied", "apart")]
    assert sizes[0] < sizes[1]
    from safetensors.numpy import load_file

    assert list(load_file(tmp_path / "tied")) == ["down.bias", "down.weight", "up.bias"]


def test_it_comes_back_in_order_and_tied(tmp_path: Path) -> None:
    model, other = Tied(), Tied()
    sf.save({"model": model.state_dict(), "epoch": 3}, tmp_path / "x")
    state = sf.load(tmp_path / "x")["model"]
    assert list(state) == list(model.state_dict())
    assert state["up.weight"].data_ptr() == state["down.weight"].data_ptr()
    other.load_state_dict(state)
    assert other.up.weight is other.down.weight
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name].numpy(), value.numpy())


def test_a_model_file_keeps_the_tie(tmp_path: Path) -> None:
    layer = nn.Linear(4, 4)
    tied = nn.Linear(4, 4, bias=False)
    tied.weight = layer.weight
    save_model(nn.Sequential(layer, nn.Tanh(), tied, layer), tmp_path / "x")
    loaded, _ = load_model(tmp_path / "x")
    assert loaded[2].weight is loaded[3].weight is loaded[0].weight
    assert loaded[3].bias is loaded[0].bias
    assert len(list(loaded.parameters())) == 2
    np.testing.assert_array_equal(loaded[0].weight.detach().numpy(), layer.weight.detach().numpy())


def test_only_the_same_elements_are_shared(tmp_path: Path) -> None:
    base = sf.tensor(np.arange(6.0))
    tensors = {
        "a": base,
        "part": base[:3],
        "turned": base.reshape(2, 3).t(),
        "matrix": base.reshape(3, 2),
        "again": base.reshape(6),
        "empty": base[:0],
        "empty too": base[:0],
        "array": base.numpy(),
    }
    sf.save(tensors, tmp_path / "x")
    loaded = sf.load(tmp_path / "x")
    assert list(loaded) == list(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(loaded[name].numpy(), np.asarray(value))
    places = {name: loaded[name].data_ptr() for name in ("a", "again", "array", "part")}
    assert places["a"] == places["again"] == places["array"] != places["part"]
    _, metadata = read_tensors(tmp_path / "x")
    assert metadata == {}


@pytest.mark.parametrize(
    "note", ["{", "[]", '[["a"], {"a": "b"}]', "[[], {}]", '[[["a"]], {}]', '[["a"], 1]', "3"]
)
def test_a_damaged_note_is_an_error(tmp_path: Path, note: str) -> None:
    sf.save({"a": sf.ones(2)}, tmp_path / "x", metadata={"surefoot.shared": note})
    with pytest.raises(ValueError, match="shared"):
        sf.load(tmp_path / "x")


def test_training_keeps_the_tie() -> None:
    model = Tied()
    opt = sf.optim.Adam(model.parameters(), lr=0.01)
    x = X.astype("float32")
    trainer = sf.train.Trainer(model, nn.MSELoss(), opt, seed=0)
    history = trainer.fit((x, x), epochs=5, progress=False)
    trainer.restore_best()
    assert model.up.weight is model.down.weight
    assert history["loss"][-1] < history["loss"][0]
