"""Embeddings beyond their rows: gradients by option, sums in index order, bags, limits, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(0, 7, (4, 9))


def table(rows: int = 7, width: int = 3) -> sf.Tensor:
    return sf.tensor(RNG.normal(size=(rows, width)), requires_grad=True)


def gradient(out: sf.Tensor, weight: sf.Tensor, incoming: np.ndarray) -> np.ndarray:
    (grad,) = sf.autograd.grad(out, weight, sf.tensor(incoming))
    return np.asarray(grad.numpy())


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_gradient_adds_rows(padding: int | None, by_frequency: bool) -> None:
    weight, g = table(), RNG.normal(size=(4, 9, 3))
    out = F.embedding(sf.tensor(NUMBERS), weight, padding, scale_grad_by_freq=by_frequency)
    expected = np.zeros((7, 3))
    np.add.at(expected, NUMBERS, g)
    if by_frequency:
        expected /= np.maximum(np.bincount(NUMBERS.ravel(), minlength=7), 1)[:, None]
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_array_equal(out.detach().numpy(), weight.detach().numpy()[NUMBERS])
    np.testing.assert_allclose(gradient(out, weight, g), expected, 1e-14, 1e-14)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize(("rows", "width"), [(97, 65), (50_001, 16), (3, 7)])
def test_sums_are_taken_in_index_order(rows: int, width: int, threads: int) -> None:
    """To the bit those of one loop over the numbers, whatever the threads; most rows repeat."""
    rng = np.random.default_rng(rows)
    numbers = np.minimum(rng.geometric(0.02, 9001) - 1, rows - 1)
    g = (rng.normal(size=(9001, width)) * 10.0 ** rng.integers(-4, 5, (9001, 1))).astype(np.float32)
    expected = np.zeros((rows, width), np.float32)
    np.add.at(expected, numbers, g)
    sf.set_num_threads(threads)
    weight = sf.zeros(rows, width, requires_grad=True)
    got = gradient(F.embedding(sf.tensor(numbers), weight), weight, g)
    assert got.tobytes() == expected.tobytes()


def test_second_derivative_goes_where_the_first_went() -> None:
    """With padding and frequencies, of which the value of the op knows nothing."""
    numbers = sf.tensor(NUMBERS)

    def squared(weight: sf.Tensor) -> sf.Tensor:
        return F.embedding(numbers, weight, 2, scale_grad_by_freq=True).square().sum()

    weight = table()
    (g,) = sf.autograd.grad(squared(weight), weight, create_graph=True)
    (gg,) = sf.autograd.grad(g.square().sum(), weight)
    counts = np.bincount(NUMBERS.ravel(), minlength=7)[:, None]
    scale = np.where((counts > 0) & (np.arange(7)[:, None] != 2), 2.0, 0.0)
    np.testing.assert_allclose(g.detach().numpy(), scale * weight.detach().numpy(), 1e-13)
    # The gradient passes the op once more, and is divided by the frequency once more.
    once_more = scale / np.maximum(counts, 1)
    np.testing.assert_allclose(gg.numpy(), 2 * once_more * g.detach().numpy(), 1e-13)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bag_derivatives(mode: str) -> None:
    numbers, offsets = sf.tensor(NUMBERS.ravel()), sf.tensor(np.array([0, 3, 3, 20]))

    def run(weight: sf.Tensor) -> sf.Tensor:
        return F.embedding_bag(numbers, weight, offsets, mode=mode, padding_idx=1)

    assert gradcheck(run, (table(),))
    assert gradgradcheck(run, (table(),))


def test_weighted_bag_has_gradients_of_its_weights() -> None:
    weights = sf.tensor(RNG.normal(size=(4, 9)), requires_grad=True)

    def run(weight: sf.Tensor, each: sf.Tensor) -> sf.Tensor:
        numbers = sf.tensor(NUMBERS)
        return F.embedding_bag(numbers, weight, mode="sum", per_sample_weights=each)

    assert gradcheck(run, (table(), weights))


def test_frequencies_of_the_largest() -> None:
    weight, numbers = table(3, 2), sf.tensor(np.array([[0, 0, 1]]))
    plain = F.embedding_bag(numbers, weight, mode="max")
    scaled = F.embedding_bag(numbers, weight, mode="max", scale_grad_by_freq=True)
    ones = np.ones((1, 2))
    by = np.array([[2.0], [1.0], [1.0]])
    np.testing.assert_allclose(gradient(scaled, weight, ones), gradient(plain, weight, ones) / by)


@pytest.mark.parametrize("p", [1.0, 2.0, float("inf")])
def test_max_norm_shortens_what_is_looked_up(p: float) -> None:
    weight = sf.tensor(RNG.normal(size=(6, 4)) * 3)
    before = weight.numpy().copy()
    weight[1] = weight[1] / 100  # short enough as it is
    before[1] /= 100
    version = weight._version
    out = F.embedding(sf.tensor(np.array([4, 1, 4, 2])), weight, max_norm=1.5, norm_type=p)
    after, length = weight.numpy(), np.linalg.norm(before, p, axis=1)
    np.testing.assert_allclose(np.linalg.norm(after[[4, 2]], p, axis=1), 1.5, 1e-6)
    np.testing.assert_allclose(after[4], before[4] * 1.5 / length[4], 1e-6)
    np.testing.assert_array_equal(after[[0, 1, 3, 5]], before[[0, 1, 3, 5]])
    np.testing.assert_array_equal(out.numpy(), after[[4, 1, 4, 2]])
    assert weight._version > version
    version = weight._version
    F.embedding(sf.tensor(np.array([4, 2])), weight, max_norm=1.6, norm_type=p)
    assert weight._version == version, "nothing was too long"


def test_max_norm_of_a_layer_that_learns() -> None:
    layer = nn.Embedding(5, 3, max_norm=0.5)
    numbers = sf.tensor(np.array([0, 3]))
    layer(numbers).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.numpy().sum() == 6
    assert (np.linalg.norm(layer.weight.detach().numpy()[[0, 3]], axis=1) < 0.5001).all()


def test_numbers_must_stay_until_backward() -> None:
    weight, numbers = table(), sf.tensor(np.array([1, 2]))
    out = F.embedding(numbers, weight)
    numbers[0] = 5
    with pytest.raises(RuntimeError, match=r"embedding.*changed it in place"):
        out.sum().backward()


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_from_pretrained_shares_memory(layer: Any) -> None:
    vectors = sf.tensor(np.arange(6.0).reshape(3, 2))
    state = sf.default_generator.get_state().tolist()
    frozen = layer.from_pretrained(vectors)
    assert sf.default_generator.get_state().tolist() == state, "nothing is drawn"
    assert not frozen.weight.requires_grad
    assert frozen.weight.dtype == sf.float64
    assert frozen.weight.data_ptr() == vectors.data_ptr()
    learning = layer.from_pretrained(vectors, freeze=False, padding_idx=1)
    assert learning.weight.requires_grad
    assert learning.padding_idx == 1
    assert learning.weight.tolist() == vectors.tolist(), "padding is kept as it is"
    with pytest.raises(ValueError, match=r"\(6,\): must be"):
        layer.from_pretrained(vectors.reshape(6))


def test_padding_starts_at_zero_and_stays() -> None:
    layer = nn.Embedding(50, 40, padding_idx=-1)
    weight = layer.weight.detach().numpy()
    assert (weight[49] == 0).all()
    assert abs(weight[:49].mean()) < 0.1
    assert abs(weight[:49].std() - 1) < 0.1
    layer(sf.tensor(np.array([49, 3]))).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad[49].tolist() == [0.0] * 40
    assert layer.weight.grad[3].tolist() == [1.0] * 40


@pytest.mark.parametrize(
    "make",
    [
        lambda: [
            nn.Embedding(9, 4, padding_idx=2, max_norm=3.0),
            nn.LearnedPositionalEncoding(4, 9),
        ],
        lambda: [nn.EmbeddingBag(9, 4, mode="max", padding_idx=2)],
    ],
)
def test_files_describe_embeddings(make: Any, tmp_path: Path) -> None:
    net = nn.Sequential(*make())
    sf.save_model(net, tmp_path / "net.safetensors")
    loaded, _ = sf.load_model(tmp_path / "net.safetensors")
    numbers = sf.tensor(NUMBERS)
    assert repr(loaded) == repr(net)
    assert_close(loaded(numbers), net(numbers), rtol=0, atol=0)


def test_int32_and_strided_numbers() -> None:
    weight = table()
    want = weight.detach().numpy()[NUMBERS.T[::2]]
    for numbers in (sf.tensor(NUMBERS), sf.tensor(NUMBERS.astype(np.int32))):
        assert_close(F.embedding(numbers.T[::2], weight).detach(), sf.tensor(want), rtol=0, atol=0)


def test_learns_which_words_are_good() -> None:
    sf.manual_seed(0)
    rng = np.random.default_rng(0)
    good = rng.normal(size=30)
    words = rng.integers(0, 30, (200, 12))
    y = sf.tensor(good[words].mean(1, keepdims=True).astype(np.float32))
    net = nn.Sequential(nn.EmbeddingBag(30, 8), nn.Linear(8, 1))
    optimizer = sf.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(150):
        optimizer.zero_grad()
        loss = F.mse_loss(net(sf.tensor(words)), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01 * float(y.var().item())


BAD = [
    (lambda: nn.Embedding(0, 3), ValueError, "num_embeddings must be at least 1"),
    (lambda: nn.Embedding(3, 2.5), TypeError, "embedding_dim must be an int.*2.5"),
    (
        lambda: nn.Embedding(3, 2, padding_idx=3),
        ValueError,
        "padding_idx must be at most 2, got 3",
    ),
    (lambda: nn.Embedding(3, 2, max_norm=-1.0), ValueError, "max_norm must be at least 0.*-1"),
    (lambda: nn.Embedding(3, 2, sparse=True), NotImplementedError, "step_rows"),
    (lambda: nn.EmbeddingBag(3, 2, mode="avg"), ValueError, "'sum', 'mean', 'max'"),
    (lambda: nn.Embedding(3, 2)(sf.tensor([1, 3])), IndexError, r"index 3 at \(1,\).*0 to 2"),
    (lambda: nn.Embedding(3, 2)(sf.ones(2)), TypeError, "float32.*input.long"),
    (lambda: nn.EmbeddingBag(3, 2)(sf.tensor([1, 2])), ValueError, "need offsets"),
    (lambda: nn.CosineSimilarity(eps=0.0), ValueError, "eps must be positive, got 0"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD)
def test_bad_argument(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
