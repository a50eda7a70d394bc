"""Attention beyond its rows: masks, who sees whom, dropout, laws of drawing, learning, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from attention_reference import multihead, sinusoids
from surefoot import nn
from surefoot.nn import functional as F
from surefoot.testing import assert_close, gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
N, L, E, H = 3, 5, 8, 2
PADDING = np.array([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
FUTURE = np.triu(np.ones((L, L), bool), 1)


def batch(*shape: int) -> sf.Tensor:
    return sf.tensor(RNG.normal(size=shape))


def attention(**options: Any) -> nn.MultiheadAttention:
    """Every parameter drawn, so that a bias that is left out is seen."""
    layer = nn.MultiheadAttention(E, H, batch_first=True, **options).double()
    with sf.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(0.0, 0.5)
    return layer


def state_of(layer: nn.Module) -> dict[str, Any]:
    return {name: value.numpy() for name, value in layer.state_dict().items()}


# ---- masks ---------------------------------------------------------------------------------------

MASKS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, np.zeros((L, L), bool)),
    "padding": ({"key_padding_mask": PADDING}, PADDING[:, None, None]),
    "future": ({"attn_mask": FUTURE}, FUTURE),
    "causal": ({"is_causal": True}, FUTURE),
    "described": ({"attn_mask": FUTURE, "is_causal": True}, FUTURE),
    "both": (
        {"attn_mask": FUTURE, "key_padding_mask": PADDING},
        FUTURE | PADDING[:, None, None],
    ),
    "causal and padding": (
        {"is_causal": True, "key_padding_mask": PADDING},
        FUTURE | PADDING[:, None, None],
    ),
    "added": ({"attn_mask": np.where(FUTURE, -np.inf, 0.0)}, FUTURE),
    "added and padding": (
        {"attn_mask": np.where(FUTURE, -np.inf, 0.0), "key_padding_mask": PADDING},
        FUTURE | PADDING[:, None, None],
    ),
    "by head": (
        {"attn_mask": np.stack([FUTURE, FUTURE.T] * N)},
        np.stack([FUTURE, FUTURE.T])[None],
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(name: str) -> None:
    options, hidden = MASKS[name]
    given = {k: sf.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    layer, x = attention(), batch(N, L, E)
    output, weights = layer(x, x, x, average_attn_weights=False, **given)
    expected, shares = multihead(state_of(layer), x.numpy(), x.numpy(), x.numpy(), H, hidden)
    np.testing.assert_allclose(output.detach().numpy(), expected, 1e-12, 1e-13)
    np.testing.assert_allclose(weights.detach().numpy(), shares, 1e-12, 1e-13)
    mean = layer(x, x, x, **given)[1]
    np.testing.assert_allclose(mean.detach().numpy(), shares.mean(1), 1e-12, 1e-13)
    plain, none = layer(x, x, x, need_weights=False, **given)
    assert none is None
    assert_close(plain, output, rtol=0, atol=0)


def test_layouts_agree() -> None:
    layer, x, y = attention(), batch(N, L, E), batch(N, 4, E)
    mask = sf.tensor(PADDING[:, :4])
    output, weights = layer(x, y, y, mask)
    layer.batch_first = False
    turned = [t.transpose(0, 1) for t in (x, y, y)]
    other, same = layer(*turned, mask)
    assert_close(other.transpose(0, 1), output, rtol=1e-13, atol=1e-13)
    assert_close(same, weights, rtol=1e-13, atol=1e-13)
    for padding in (mask[1], mask[1:2]):
        one, alone = layer(x[1], y[1], y[1], padding)
        assert_close(one, output[1], rtol=1e-13, atol=1e-13)
        assert_close(alone, weights[1], rtol=1e-13, atol=1e-13)


def test_joint_projection_is_that_of_three() -> None:
    """The same tensor as query, key and value takes another way through the layer."""
    layer, x = attention(), batch(N, L, E)
    together = layer(x, x, x)[0]
    apart = layer(x, x.clone(), x.clone())[0]
    assert_close(together, apart, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["none", "both", "added and padding"])
def test_keys_that_all_may_see(name: str) -> None:
    """A learned row and one of zeros, behind the projected keys and values."""
    options, hidden = MASKS[name]
    given = {k: sf.tensor(v) for k, v in options.items()}
    layer, x = attention(add_bias_kv=True, add_zero_attn=True), batch(N, L, E)
    output, weights = layer(x, x, x, average_attn_weights=False, **given)
    wide = np.broadcast_to(hidden, (N, H, L, L))
    wide = np.concatenate([wide, np.zeros((N, H, L, 2), bool)], -1)
    more = {"k": state_of(layer)["bias_k"], "v": state_of(layer)["bias_v"]}
    expected, shares = multihead(state_of(layer), *[x.numpy()] * 3, H, wide, more)
    np.testing.assert_allclose(weights.detach().numpy(), shares, 1e-12, 1e-13)
    np.testing.assert_allclose(output.detach().numpy(), expected, 1e-12, 1e-13)


@pytest.mark.parametrize("kind", ["bool", "added"])
def test_queries_that_see_nothing(kind: str) -> None:
    """Give 0, and gradients are finite, also of the second order."""
    allowed = np.array([[True, False], [False, False]])
    mask = sf.tensor(allowed if kind == "bool" else np.where(allowed, 0.0, -np.inf))

    def run(q: sf.Tensor, k: sf.Tensor, v: sf.Tensor) -> sf.Tensor:
        return F.scaled_dot_product_attention(q, k, v, mask)

    leaves = [batch(2, 2, 3).requires_grad_() for _ in range(3)]
    out = run(*leaves)
    assert out[:, 1].tolist() == [[0.0] * 3] * 2
    np.testing.assert_array_equal(out[:, 0].detach().numpy(), leaves[2][:, 0].detach().numpy())
    assert gradcheck(run, leaves)
    assert gradgradcheck(run, leaves)
    layer, x = attention(), batch(N, L, E).requires_grad_()
    output, weights = layer(x, x, x, key_padding_mask=sf.ones(N, L, dtype=sf.bool))
    assert_close(output, layer.out_proj.bias.expand(N, L, E), rtol=0, atol=0)
    assert weights.sum().item() == 0
    output.sum().backward()
    assert bool(sf.isfinite(x.grad).all())


def test_mask_that_learns() -> None:
    """A relative bias added to the scores has a gradient."""
    q, k, v = (batch(2, 3, 4).requires_grad_() for _ in range(3))
    bias = batch(3, 3).requires_grad_()
    assert gradcheck(F.scaled_dot_product_attention, (q, k, v, bias))


# ---- who sees whom -------------------------------------------------------------------------------


def moved_by(net: Callable[[sf.Tensor], sf.Tensor], x: sf.Tensor, at: int) -> list[bool]:
    """Which positions of the output (N, L, E) change with position `at` of the input."""
    other = x.clone()
    other[:, at] += 1
    difference = (net(x) - net(other)).abs().sum((0, 2))
    return [value > 0 for value in difference.tolist()]


def encoder(**options: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(E, H, 12, 0.0, batch_first=True, **options)
    return nn.TransformerEncoder(layer, 2).double()


@pytest.mark.parametrize("norm_first", [False, True])
def test_causal_encoder_sees_the_past_only(norm_first: bool) -> None:
    net, x = encoder(norm_first=norm_first), batch(N, L, E)
    assert moved_by(net, x, 2) == [True] * 5
    later = [False, False, True, True, True]
    assert moved_by(lambda x: net(x, is_causal=True), x, 2) == later
    mask = nn.Transformer.generate_square_subsequent_mask(L)
    assert moved_by(lambda x: net(x, mask), x, 2) == later
    assert_close(net(x, mask), net(x, is_causal=True), rtol=1e-13, atol=1e-13)


def test_padding_moves_nothing_but_itself() -> None:
    net, x = encoder(), batch(N, L, E)
    padding = sf.tensor(np.array([[False, True, False, False, True]] * N))
    alone = moved_by(lambda x: net(x, None, padding), x, 1)
    assert alone == [False, True, False, False, False]


def test_decoder_sees_its_past_and_the_whole_memory() -> None:
    net = nn.Transformer(E, H, 1, 2, 12, 0.0, batch_first=True).double()
    src, tgt = batch(N, 4, E), batch(N, L, E)
    decode = lambda t: net(src, t, tgt_is_causal=True)  # noqa: E731
    assert moved_by(decode, tgt, 3) == [False, False, False, True, True]
    assert moved_by(lambda s: net(s, tgt, tgt_is_causal=True)[:, :4], src, 3) == [True] * 4
    padded = sf.tensor(np.array([[False, False, True, False]] * N))
    hide = {"src_key_padding_mask": padded, "memory_key_padding_mask": padded}
    assert moved_by(lambda s: net(s, tgt, **hide)[:, :4], src, 2) == [False] * 4


# ---- dropout, laws, stacks -----------------------------------------------------------------------


def test_dropout_of_weights() -> None:
    layer, x = attention(dropout=0.25), batch(N, 40, E)
    weights = layer(x, x, x, average_attn_weights=False)[1]
    kept = layer.eval()(x, x, x, average_attn_weights=False)[1]
    dropped = (weights == 0).detach().numpy()
    assert abs(dropped.mean() - 0.25) < 0.02
    np.testing.assert_allclose(
        weights.detach().numpy()[~dropped], kept.detach().numpy()[~dropped] / 0.75, 1e-13
    )
    q = sf.ones(2, 3, 4)
    sf.manual_seed(3)
    first = F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    assert not bool((first == F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)).all())
    sf.manual_seed(3)
    assert_close(first, F.scaled_dot_product_attention(q, q, q, dropout_p=0.5), rtol=0, atol=0)


def test_parameters_are_drawn_by_their_laws() -> None:
    layer = nn.MultiheadAttention(60, 4)
    assert layer.in_proj_weight is not None
    bound = (6 / (4 * 60)) ** 0.5
    assert 0.98 * bound < layer.in_proj_weight.abs().max().item() <= bound
    assert 0.97 / 60**0.5 < layer.out_proj.weight.abs().max().item() <= 1 / 60**0.5
    assert layer.in_proj_bias.tolist() == [0.0] * 180
    assert layer.out_proj.bias.tolist() == [0.0] * 60
    for activation in ("relu", nn.GELU(), F.relu):
        block = nn.TransformerEncoderLayer(60, 4, 200, activation=activation)
        assert block.linear1.weight.std().item() == pytest.approx((2 / 60) ** 0.5, rel=0.05)
    block = nn.TransformerEncoderLayer(60, 4, 200, init="torch")
    assert block.linear1.weight.std().item() == pytest.approx((1 / 180) ** 0.5, rel=0.05)
    for name, value in nn.Transformer(20, 2, 1, 1, 30).named_parameters():
        if value.ndim > 1:
            bound = (6 / sum(value.shape)) ** 0.5
            assert 0.9 * bound < value.abs().max().item() <= bound, name


def test_layers_of_a_stack_are_copies() -> None:
    layer = nn.TransformerEncoderLayer(E, H, 12)
    net = nn.TransformerEncoder(layer, 3)
    assert len(list(net.parameters())) == 3 * len(list(layer.parameters()))
    weights = [one.linear1.weight for one in net.layers]
    assert len({w.data_ptr() for w in [*weights, layer.linear1.weight]}) == 4
    for w in weights:
        assert_close(w, layer.linear1.weight, rtol=0, atol=0)


# ---- positions -----------------------------------------------------------------------------------


def test_products_of_sinusoids_depend_on_the_distance() -> None:
    """What the paper chose them for."""
    table = nn.SinusoidalPositionalEncoding(6, 50)(sf.zeros(50, 6, dtype=sf.float64)).numpy()
    np.testing.assert_allclose(table, sinusoids(50, 6), 1e-13, 1e-13)
    products = table @ table.T
    for distance in (1, 7):
        np.testing.assert_allclose(np.diagonal(products, distance), products[0, distance], 1e-12)


@pytest.mark.parametrize(
    "layer", [nn.SinusoidalPositionalEncoding(4, 6), nn.LearnedPositionalEncoding(4, 6)]
)
def test_positions_refuse(layer: Any) -> None:
    assert layer(sf.zeros(6, 2, 4)).shape == (6, 2, 4)
    with pytest.raises(ValueError, match="length 7 is longer than max_len=6"):
        layer(sf.zeros(7, 2, 4))
    with pytest.raises(ValueError, match=r"\(5, 3\): must be.*d_model=4"):
        layer(sf.zeros(5, 3))


# ---- learning ------------------------------------------------------------------------------------


class Sorter(nn.Module):
    """Reads digits, and says at every place which digit stands there in ascending order."""

    def __init__(self, digits: int, length: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(digits, 32)
        self.place = nn.LearnedPositionalEncoding(32, length, batch_first=True)
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(32))
        self.head = nn.Linear(32, digits)

    def forward(self, x: sf.Tensor) -> sf.Tensor:
        return self.head(self.encoder(self.place(self.embed(x))))


def test_small_transformer_learns_to_sort() -> None:
    rng = np.random.default_rng(0)
    net = Sorter(10, 6)
    optimizer = sf.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(250):
        x = rng.integers(0, 10, (64, 6))
        optimizer.zero_grad()
        scores = net(sf.tensor(x)).reshape(-1, 10)
        F.cross_entropy(scores, sf.tensor(np.sort(x, 1).reshape(-1))).backward()
        optimizer.step()
    x = rng.integers(0, 10, (500, 6))
    with sf.no_grad():
        guess = net.eval()(sf.tensor(x)).argmax(-1).numpy()
    assert (guess == np.sort(x, 1)).mean() > 0.97


def test_gradients_have_the_same_bits_on_any_number_of_threads() -> None:
    x = sf.tensor(RNG.integers(0, 10, (64, 6)))
    seen = set()
    for threads in (1, 2, 3, 8):
        sf.set_num_threads(threads)
        sf.manual_seed(0)
        net = Sorter(10, 6)
        net(x).square().mean().backward()
        seen.add(b"".join(p.grad.numpy().tobytes() for p in net.parameters()))
    assert len(seen) == 1


# ---- errors --------------------------------------------------------------------------------------


def called(*shapes: tuple[int, ...], **options: Any) -> Callable[[], Any]:
    arrays = [sf.ones(*shape) for shape in shapes]
    arrays = arrays if len(arrays) == 3 else arrays * 3
    return lambda: nn.MultiheadAttention(8, 2)(*arrays, **options)


X = (5, 3, 8)
BAD = [
    (lambda: nn.MultiheadAttention(8, 3), ValueError, "embed_dim=8.*num_heads=3"),
    (lambda: nn.MultiheadAttention(8, 0), ValueError, "num_heads must be at least 1"),
    (lambda: nn.MultiheadAttention(8, 2, dropout=1.5), ValueError, r"dropout must be in \[0, 1\]"),
    (called((5, 3, 7)), ValueError, r"query \(5, 3, 7\) has 7 features, embed_dim=8"),
    (called(X, (5, 3, 6), X), ValueError, "key.*6 features, kdim=8"),
    (called(X, (4, 3, 8), X), ValueError, "same length"),
    (called(X, (5, 2, 8), (5, 2, 8)), ValueError, "all the same batch"),
    (called((8,)), ValueError, "3 dimensions, or 2"),
    (called(X, attn_mask=sf.ones(5, 4)), ValueError, r"\(5, 4\): must be \(5, 5\) or \(6, 5, 5\)"),
    (called(X, key_padding_mask=sf.ones(5, 3)), ValueError, r"\(5, 3\): must be \(3, 5\)"),
    (called(X, attn_mask=sf.ones(5, 5, dtype=sf.int64)), TypeError, "attn_mask is.*must be bool"),
    (
        lambda: nn.MultiheadAttention(8, 2)(np.ones(X), None, None),
        TypeError,
        "query must be.*ndarray",
    ),
    (called(X, attn_mask=np.ones((5, 5), bool)), TypeError, "attn_mask must be a Tensor"),
    (lambda: nn.TransformerEncoderLayer(8, 2, 0), ValueError, "dim_feedforward must be at least"),
    (
        lambda: nn.TransformerEncoderLayer(8, 2, activation=5),
        ValueError,
        "activation must.*5",
    ),
    (lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"), ValueError, "'relu', 'gelu'"),
    (
        lambda: nn.TransformerEncoderLayer(8, 2, dropout=-1.0),
        ValueError,
        "dropout must be.*-1.0",
    ),
    (lambda: nn.TransformerEncoder(nn.Identity(), 0), ValueError, "num_layers must be at least 1"),
    (lambda: nn.TransformerEncoderLayer(8, 2, batchfirst=True), TypeError, "batchfirst"),
    (lambda: nn.LearnedPositionalEncoding(8, 0), ValueError, "max_len must be at least 1"),
    (lambda: nn.Transformer.generate_square_subsequent_mask(3, "cuda"), ValueError, "'cpu'"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD)
def test_bad_argument(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
