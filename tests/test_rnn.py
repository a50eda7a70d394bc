"""Recurrent layers against plain NumPy loops: sizes, directions, packing, states, errors."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import surefoot as sf
from op_table import recurrent
from op_table.run import digest
from surefoot import nn
from surefoot.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)
from surefoot.testing import assert_close, gradcheck, gradgradcheck

KINDS = ["tanh", "relu", "lstm", "gru"]


def make(kind: str, *sizes: int, **options):
    options.setdefault("init", "torch")  # the fastest law: the numbers are replaced
    if kind in ("tanh", "relu"):
        options["nonlinearity"] = kind
    layer = {"lstm": nn.LSTM, "gru": nn.GRU}.get(kind, nn.RNN)(*sizes, **options).double()
    rng = np.random.default_rng(sum(sizes))
    with sf.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(sf.tensor(rng.normal(size=tuple(parameter.shape)) * 0.5))
    return layer


def names_of(layer) -> list[list[str]]:
    """Names of the parameters of each layer and direction."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if layer.bias else 2]
    suffixes = ["", "_reverse"] if layer.bidirectional else [""]
    return [[f"{k}_l{n}{s}" for k in kinds] for n in range(layer.num_layers) for s in suffixes]


def reference(kind: str, layer, sequences, h0, c0):
    """Every sequence by itself through all layers: outputs, last h, last c (each a list)."""
    weights = [[getattr(layer, n).detach().numpy() for n in names] for names in names_of(layer)]
    directions = 2 if layer.bidirectional else 1
    outs, last_h, last_c = [], [], []
    for b, steps in enumerate(sequences):
        hs, cs = [], []
        for n in range(layer.num_layers):
            parts = []
            for d in range(directions):
                k = n * directions + d
                out, h, c = recurrent.sequence(
                    kind, steps, h0[k, b], c0[k, b], weights[k], reverse=d == 1
                )
                parts.append(out)
                hs.append(h)
                cs.append(c)
            steps = np.concatenate(parts, -1)
        outs.append(steps)
        last_h.append(hs)
        last_c.append(cs)
    return outs, np.swapaxes(last_h, 0, 1), np.swapaxes(last_c, 0, 1)


def states(layer, batch: int, seed: int = 3):
    rng = np.random.default_rng(seed)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    return [rng.normal(size=(count, batch, layer.hidden_size)) for _ in range(2)]


def run(kind: str, layer, x, h0, c0):
    """The layer's output, last h and last c (None without one)."""
    given = (sf.tensor(h0), sf.tensor(c0)) if kind == "lstm" else sf.tensor(h0)
    out, last = layer(x, given)
    return (out, *last) if kind == "lstm" else (out, last, None)


# ---- values --------------------------------------------------------------------------------------

SIZES = [
    *((1 + h % 3, 1 + h % 17, 1 + h % 7, h) for h in range(1, 35)),
    *((2, 9, 2, h) for h in (47, 48, 63, 64, 65, 66)),
    *((3, 17, 40, 5), (2, 9, 35, 3), (4, 110, 3, 6)),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_hidden_size(kind) -> None:
    """Values and all gradients, for batches of 1 to 17 and 1 to 7 steps."""
    for inputs, batch, steps, hidden in SIZES:
        rng = np.random.default_rng(hidden)
        layer = make(kind, inputs, hidden)
        x = sf.tensor(rng.normal(size=(steps, batch, inputs))).requires_grad_()
        h0, c0 = states(layer, batch)
        out, h, c = run(kind, layer, x, h0, c0)
        values, last_h, last_c = reference(
            kind, layer, x.detach().numpy().transpose(1, 0, 2), h0, c0
        )
        label = f"{kind} {inputs} {batch} {steps} {hidden}"
        assert_close(out.detach(), np.stack(values, 1), 1e-11, 1e-12, msg=label)
        assert_close(h.detach(), last_h, 1e-11, 1e-12, msg=label)
        if c is not None:
            assert_close(c.detach(), last_c, 1e-11, 1e-12, msg=label)


@pytest.mark.parametrize("kind", KINDS)
def test_every_hidden_size_has_its_gradients(kind) -> None:
    """The fused backward against the graph of the formula in public ops."""
    for inputs, batch, steps, hidden in SIZES:
        rng = np.random.default_rng(hidden)
        layer = make(kind, inputs, hidden)
        x = sf.tensor(rng.normal(size=(steps, batch, inputs))).requires_grad_()
        h0, c0 = (sf.tensor(s).requires_grad_() for s in states(layer, batch))
        out, last = layer(x, (h0, c0) if kind == "lstm" else h0)
        outs = [out, *last] if kind == "lstm" else [out, last]
        leaves = [x, h0, *([c0] if kind == "lstm" else []), *layer.parameters()]
        weights = [sf.tensor(rng.normal(size=tuple(o.shape))) for o in outs]
        got = sf.autograd.grad(outs, leaves, weights, retain_graph=True)
        want = sf.autograd.grad(outs, leaves, weights, create_graph=True)
        for g, w in zip(got, want, strict=True):
            assert_close(g, w.detach(), 1e-9, 1e-10, msg=f"{inputs} {batch} {steps} {hidden}")


OPTIONS = list(itertools.product([1, 2, 3], [False, True], [False, True], [False, True]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "both", "batch_first", "bias"), OPTIONS)
def test_layers_and_directions(kind, layers, both, batch_first, bias) -> None:
    layer = make(*(kind, 3, 4, layers), bias=bias, bidirectional=both, batch_first=batch_first)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 2, 3))
    h0, c0 = states(layer, 2)
    given = sf.tensor(x.transpose(1, 0, 2).copy() if batch_first else x)
    out, h, c = run(kind, layer, given, h0, c0)
    values, last_h, last_c = reference(kind, layer, x.transpose(1, 0, 2), h0, c0)
    assert_close(out.detach(), np.stack(values, 0 if batch_first else 1), 1e-11, 1e-12)
    assert_close(h.detach(), last_h, 1e-11, 1e-12)
    if c is not None:
        assert_close(c.detach(), last_c, 1e-11, 1e-12)
    lengths = [5, 2]  # the same, packed
    packed = pack_padded_sequence(given, lengths, batch_first)
    out, h, c = run(kind, layer, packed, h0, c0)
    parts = [x[:n, i] for i, n in enumerate(lengths)]
    values, last_h, last_c = reference(kind, layer, parts, h0, c0)
    for got, want in zip(unpack_sequence(out), values, strict=True):
        assert_close(got.detach(), want, 1e-11, 1e-12)
    assert_close(h.detach(), last_h, 1e-11, 1e-12)
    if c is not None:
        assert_close(c.detach(), last_c, 1e-11, 1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_packed_equals_each_sequence_alone(kind, both) -> None:
    """In any order of lengths: outputs, last states and all gradients."""
    rng = np.random.default_rng(4)
    layer = make(kind, 3, 5, 2, bidirectional=both)
    lengths = [2, 7, 1, 4, 7, 3, 1, 5, 6, 2]
    leaves = [sf.tensor(rng.normal(size=(n, 3))).requires_grad_() for n in lengths]
    h0, c0 = states(layer, len(lengths))
    out, h, c = run(kind, layer, pack_sequence(leaves, enforce_sorted=False), h0, c0)
    assert isinstance(out, PackedSequence)
    alone = []
    for i, leaf in enumerate(leaves):
        first = [sf.tensor(s[:, i].copy()) for s in (h0, c0)]
        alone.append(layer(leaf, tuple(first) if kind == "lstm" else first[0]))
    for got, (want, _) in zip(unpack_sequence(out), alone, strict=True):
        assert_close(got.detach(), want.detach(), 1e-12, 1e-13)
    for k, state in enumerate([h] if c is None else [h, c]):
        for i, (_, last) in enumerate(alone):
            want = last[k] if kind == "lstm" else last
            assert_close(state[:, i].detach(), want.detach(), 1e-12, 1e-13)
    wanted = [*leaves, *layer.parameters()]
    padded, _ = pad_packed_sequence(out)
    packed_loss = padded.square().sum() + h.sum()
    alone_loss = sum(o.square().sum() + (s[0] if kind == "lstm" else s).sum() for o, s in alone)
    got = sf.autograd.grad([packed_loss], wanted)
    want = sf.autograd.grad([alone_loss], wanted)
    assert_close(got, want, 1e-10, 1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_a_deep_layer(kind) -> None:
    """First and second, through two layers, both directions and a packed batch."""
    layer = make(kind, 2, 2, 2, bidirectional=True)
    x = sf.tensor(np.random.default_rng(6).normal(size=(3, 2, 2))).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]

    def loss(x: sf.Tensor, *parameters: sf.Tensor):
        vars(layer).update(zip(names, parameters, strict=True))
        out, _ = layer(pack_padded_sequence(x, [3, 1]))
        return out.data

    leaves = [x, *layer.parameters()]
    assert gradcheck(loss, leaves, directional=True)
    assert gradgradcheck(loss, leaves, directional=True)


def test_a_weight_used_twice_gets_both_shares_of_second_derivatives() -> None:
    """The recurrent weight also feeds the input: no share is counted twice."""
    w = sf.tensor(np.random.default_rng(8).normal(size=(3, 3))).requires_grad_()
    h0 = sf.zeros(2, 3, dtype=sf.float64)

    def fn(w: sf.Tensor):
        x = sf.stack([w[:2], w[1:]])
        return sf.rnn_layer(x, h0, w, w)[0]

    assert gradcheck(fn, [w])
    assert gradgradcheck(fn, [w])


# ---- states and forms ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_without_a_batch(kind, batch_first) -> None:
    layer = make(kind, 3, 4, 2, bidirectional=True, batch_first=batch_first)
    x = sf.tensor(np.random.default_rng(2).normal(size=(5, 3)))
    h0, c0 = states(layer, 1)
    out, h, c = run(kind, layer, x, h0[:, 0].copy(), c0[:, 0].copy())
    batch = x.unsqueeze(0 if batch_first else 1)
    want, want_h, want_c = run(kind, layer, batch, h0, c0)
    assert_close(out, want.squeeze(0 if batch_first else 1), 0, 0)
    assert_close(h, want_h.squeeze(1), 0, 0)
    assert c is None or assert_close(c, want_c.squeeze(1), 0, 0) is None


@pytest.mark.parametrize("kind", KINDS)
def test_states_carry_over(kind) -> None:
    """Two halves with the state handed on are the whole."""
    layer = make(kind, 3, 4, 2)
    x = sf.tensor(np.random.default_rng(2).normal(size=(6, 2, 3)))
    whole, last = layer(x)
    first, middle = layer(x[:3])
    second, end = layer(x[3:], middle)
    assert_close(sf.cat([first, second]).detach(), whole.detach(), 1e-13, 1e-14)
    for got, want in zip(end, last, strict=True):
        assert_close(got.detach(), want.detach(), 1e-13, 1e-14)


@pytest.mark.parametrize(
    ("cell", "kind"), [("RNNCell", "tanh"), ("LSTMCell", "lstm"), ("GRUCell", "gru")]
)
def test_a_cell_is_one_step_of_the_layer(cell, kind) -> None:
    layer = make(kind, 3, 4)
    one = getattr(nn, cell)(3, 4).double()
    one.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = sf.tensor(np.random.default_rng(2).normal(size=(5, 2, 3)))
    want, _ = layer(x)
    state, outs = None, []
    for step in x.unbind(0):
        state = one(step, state)
        outs.append(state[0] if kind == "lstm" else state)
    assert_close(sf.stack(outs).detach(), want.detach(), 1e-13, 1e-14)
    single = one(x[0, 0])
    first = (single[0] if kind == "lstm" else single).detach()
    assert_close(first, want[0, 0].detach(), 1e-13, 1e-14)


def test_inference_gives_the_values_of_training() -> None:
    for kind, batch in itertools.product(KINDS, (3, 9, 20)):
        layer = make(kind, 5, 7)
        x = sf.tensor(np.random.default_rng(batch).normal(size=(4, batch, 5)))
        with sf.no_grad():
            without = layer(x)[0]
        assert_close(without, layer(x)[0].detach(), 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_backward_leaves_what_it_reads(kind) -> None:
    """A second pass over a kept graph gives the same numbers, in and out of the cache."""
    for inputs, batch, steps in ((3, 2, 4), (3, 9, 40)):
        layer = make(kind, inputs, 5)
        x = sf.tensor(np.random.default_rng(3).normal(size=(steps, batch, inputs)))
        out, _ = layer(x.requires_grad_())
        leaves = [x, *layer.parameters()]
        first = sf.autograd.grad([out.sum()], leaves, retain_graph=True)
        assert_close(sf.autograd.grad([out.sum()], leaves), first, 0, 0)


def test_changed_weights_are_refused_by_backward() -> None:
    layer = nn.LSTM(3, 4)
    out, _ = layer(sf.ones(2, 9, 3))
    with sf.no_grad():
        layer.weight_hh_l0.mul_(2.0)
    with pytest.raises(RuntimeError, match=r"lstm_layer.*mul_.*changed it in place"):
        out.sum().backward()


def test_dropout_stands_between_layers_only() -> None:
    sf.manual_seed(1)
    layer = nn.LSTM(3, 50, 2, dropout=0.5)
    x = sf.randn(4, 3, 3)
    first, second = layer(x)[0], layer(x)[0]
    assert not bool((first == second).all())
    assert bool((first != 0).all()), "the last layer's output is whole"
    sf.manual_seed(2)
    again = layer(x)[0]
    sf.manual_seed(2)
    assert_close(layer(x)[0].detach(), again.detach(), 0, 0)
    layer.eval()
    assert_close(layer(x)[0].detach(), layer(x)[0].detach(), 0, 0)


# ---- packing -------------------------------------------------------------------------------------


def test_packing_and_padding_go_around() -> None:
    rng = np.random.default_rng(7)
    for batch_first, trailing in itertools.product([False, True], [(), (3,), (2, 2)]):
        lengths = rng.integers(1, 6, size=7).tolist()
        parts = [sf.tensor(rng.normal(size=(n, *trailing))) for n in lengths]
        padded = pad_sequence(parts, batch_first, padding_value=-7.0)
        packed = pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
        assert packed.data.shape == (sum(lengths), *trailing)
        assert packed.batch_sizes.tolist() == [
            sum(n > t for n in lengths) for t in range(max(lengths))
        ]
        back, sizes = pad_packed_sequence(packed, batch_first, -7.0)
        assert sizes.tolist() == lengths
        assert_close(back, padded, 0, 0)
        for got, part in zip(unpad_sequence(back, lengths, batch_first), parts, strict=True):
            assert_close(got, part, 0, 0)
        longer, _ = pad_packed_sequence(packed, True, 0.0, total_length=9)
        assert longer.shape == (7, 9, *trailing)


def test_padding_on_the_left() -> None:
    parts = [sf.tensor([1.0, 2.0]), sf.tensor([3.0])]
    assert pad_sequence(parts, True, 9.0, "left").tolist() == [[1.0, 2.0], [9.0, 3.0]]


def test_order_of_packed_sequences() -> None:
    packed = pack_sequence([sf.ones(n) * i for i, n in enumerate((2, 3, 1, 3))], False)
    assert packed.sorted_indices.tolist() == [1, 3, 0, 2], "equal lengths keep their order"
    assert packed.unsorted_indices.tolist() == [2, 0, 3, 1]
    sorted_ones = pack_sequence([sf.ones(3), sf.ones(1)])
    assert sorted_ones.sorted_indices is None
    assert sorted_ones.double().data.dtype == sf.float64


def test_gradient_of_packing_leaves_the_padding_out() -> None:
    x = sf.ones(3, 2, requires_grad=True)
    padded, _ = pad_packed_sequence(pack_padded_sequence(x, [3, 1]), padding_value=5.0)
    (padded * sf.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum().backward()
    assert x.grad.tolist() == [[1.0, 2.0], [3.0, 0.0], [5.0, 0.0]]


# ---- parameters ----------------------------------------------------------------------------------


def test_names_and_shapes_of_parameters_are_torch_names() -> None:
    shapes = {
        k: tuple(v.shape) for k, v in nn.GRU(3, 5, 2, bidirectional=True).state_dict().items()
    }
    assert shapes == {
        f"{kind}_l{n}{suffix}": (15, *tail)
        for n, size in ((0, 3), (1, 10))
        for suffix in ("", "_reverse")
        for kind, tail in {
            "weight_ih": (size,),
            "weight_hh": (5,),
            "bias_ih": (),
            "bias_hh": (),
        }.items()
    }
    assert [len(w) for w in nn.LSTM(3, 5, 2, bias=False).all_weights] == [2, 2]


def test_initialisation() -> None:
    sf.manual_seed(0)
    lstm = nn.LSTM(300, 200, forget_bias=1.0)
    for gate in lstm.weight_hh_l0.detach().numpy().reshape(4, 200, 200):
        np.testing.assert_allclose(gate @ gate.T, np.eye(200), atol=1e-5)
    assert lstm.weight_ih_l0.std().item() == pytest.approx((2 / 500) ** 0.5, rel=0.02)
    total = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().numpy().reshape(4, 200)
    np.testing.assert_array_equal(total, np.array([0, 1, 0, 0])[:, None] * np.ones(200))
    assert nn.LSTM(3, 4).bias_ih_l0.tolist() == [0.0] * 16
    torch_like = nn.GRU(300, 100, init="torch")
    for parameter in torch_like.parameters():
        assert 0.095 < abs(parameter).max().item() <= 0.1
    forget = nn.LSTM(5, 8, init="torch", forget_bias=2.0)
    assert (forget.bias_ih_l0 + forget.bias_hh_l0)[8:16].tolist() == [2.0] * 8
    relu = nn.RNN(400, 300, nonlinearity="relu")
    assert relu.weight_ih_l0.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    named = nn.GRU(3, 40, init="ones")
    assert named.weight_hh_l0.mean().item() == 1.0
    assert nn.LSTMCell(3, 2, forget_bias=1.0).bias_ih.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_an_lstm_learns_to_remember() -> None:
    """The first of 12 numbers, asked for at the end."""
    sf.manual_seed(0)
    lstm, head = nn.LSTM(1, 16, forget_bias=1.0), nn.Linear(16, 1)
    optimizer = sf.optim.Adam([*lstm.parameters(), *head.parameters()], lr=0.01)
    x = sf.randn(12, 64, 1)
    for _ in range(300):
        optimizer.zero_grad()
        loss = (head(lstm(x)[0][-1]) - x[0]).square().mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02


# ---- the same bits -------------------------------------------------------------------------------

BITS = """
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from test_rnn import bits_of
print(bits_of())
"""


def bits_of() -> str:
    """A digest over outputs and gradients; products that are fused and merged, small and large."""
    arrays = []
    for kind, (inputs, hidden, batch, steps) in itertools.product(
        KINDS,
        [
            (3, 5, 1, 4),
            (32, 64, 33, 6),
            (300, 130, 9, 4),
            (17, 47, 70, 3),
            (40, 96, 6, 7),
            (5, 31, 9, 40),
            (6, 20, 130, 5),
        ],
    ):
        layer = make(kind, inputs, hidden, bidirectional=True).float()
        rng = np.random.default_rng(batch)
        x = sf.tensor(rng.normal(size=(steps, batch, inputs)).astype(np.float32)).requires_grad_()
        lengths = sorted(rng.integers(1, steps + 1, size=batch).tolist(), reverse=True)
        for given in (x, pack_padded_sequence(x, lengths)):
            out = layer(given)[0]
            out = out.data if isinstance(out, PackedSequence) else out
            grads = sf.autograd.grad([out.square().sum()], [x, *layer.parameters()])
            arrays += [out.detach().numpy(), *(g.numpy() for g in grads)]
    return digest(arrays)


def test_same_bits_for_any_number_of_threads() -> None:
    threads = sf.get_num_threads()
    try:
        found = set()
        for n in (1, 2, 3, 8):
            sf.set_num_threads(n)
            found.add(bits_of())
    finally:
        sf.set_num_threads(threads)
    assert len(found) == 1


def test_same_bits_on_avx2_and_avx512() -> None:
    if "avx512" not in sf._core._available_isas():
        pytest.skip("this machine has no AVX-512")
    code = BITS.format(tests=os.path.dirname(__file__))
    found = set()
    for isa in ("avx2", "avx512"):
        env = dict(os.environ, SUREFOOT_ISA=isa, PYTHONPATH=os.pathsep.join(sys.path))
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_second_derivatives_of_a_relu_layer_with_frozen_weights_are_zero() -> None:
    layer = nn.RNN(3, 4, nonlinearity="relu").requires_grad_(False)
    x = sf.randn(5, 2, 3, requires_grad=True)
    (g,) = sf.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    assert bool((g != 0).any())
    g.square().sum().backward()
    assert bool((x.grad == 0).all())


# ---- bad input -----------------------------------------------------------------------------------


def lstm() -> nn.LSTM:
    return nn.LSTM(3, 4, 2)


X = np.ones((5, 2, 3), np.float32)


def zeros(*shape: int) -> sf.Tensor:
    return sf.zeros(*shape)


BAD = [
    (lambda: nn.LSTM(0, 3), ValueError, "input_size must be at least 1"),
    (lambda: nn.GRU(3, 0), ValueError, "hidden_size must be at least 1"),
    (lambda: nn.GRU(3, 3, 0), ValueError, r"\[GRU\] num_layers must be at least 1"),
    (lambda: nn.RNN(3, 3, 2, dropout=1.5), ValueError, r"dropout must be in \[0, 1\].*1.5"),
    (lambda: nn.RNN(3, 3, nonlinearity="sin"), ValueError, "'tanh', 'relu'"),
    (lambda: nn.RNNCell(3, 3, nonlinearity="sin"), ValueError, "'tanh', 'relu'"),
    (lambda: nn.RNNBase(3, 4), NotImplementedError, "RNN, LSTM or GRU"),
    (lambda: nn.LSTM(3, 4, proj_size=2), NotImplementedError, "proj_size=2"),
    (lambda: nn.LSTM(3, 4, bias=False, forget_bias=1.0), ValueError, "bias=True"),
    (lambda: nn.LSTM(3, 4, forget_bias=float("nan")), ValueError, "forget_bias must be finite"),
    (lambda: nn.LSTMCell(3, 4, forget_bias=float("inf")), ValueError, "LSTMCell.*finite, got inf"),
    (lambda: nn.LSTM(3, 4, batchfirst=True), TypeError, "batchfirst"),
    (lambda: nn.LSTM(3, 4, init="ortogonal"), ValueError, "orthogonal"),
    (lambda: lstm()(zeros(5, 2, 4)), ValueError, r"\(5, 2, 4\) has 4 features, input_size=3"),
    (lambda: lstm()(zeros(5)), ValueError, r"\(5,\): must be \(steps, batch, input\)"),
    (lambda: lstm()(zeros(0, 2, 3)), ValueError, r"\(0, 2, 3\) has no steps"),
    (lambda: nn.GRU(3, 4, batch_first=True)(zeros(2, 0, 3)), ValueError, "no steps"),
    (lambda: lstm()(sf.tensor(X), zeros(2, 2, 4)), TypeError, r"pair \(h_0, c_0\), got Tensor"),
    (lambda: nn.GRU(3, 4)(sf.tensor(X), (zeros(1, 2, 4),) * 2), TypeError, "tensor h_0, got tuple"),
    (lambda: lstm()(sf.tensor(X), (zeros(2, 3, 4),) * 2), ValueError,
     r"h_0 \(2, 3, 4\): must be \(2, 2, 4\)"),
    (lambda: lstm()(sf.tensor(X), (zeros(2, 2, 4), zeros(1, 2, 4))), ValueError,
     r"c_0 \(1, 2, 4\): must be \(2, 2, 4\)"),
    (lambda: nn.GRU(3, 4)(zeros(5, 3), zeros(1, 1, 4)), ValueError,
     r"h_0 \(1, 1, 4\): must be \(1, 4\).*one sequence"),
    (lambda: nn.GRU(3, 4)(sf.tensor(np.ones((5, 2, 3), np.int64))), TypeError, "int64.*float"),
    (lambda: nn.GRU(3, 4)(pack_sequence([zeros(3, 2)])), ValueError, "2 features, input_size=3"),
    (lambda: nn.LSTMCell(3, 4)(zeros(2, 5)), ValueError, "5 features, input_size=3"),
    (lambda: nn.LSTMCell(3, 4)(zeros(2, 3), zeros(2, 4)), TypeError, r"pair \(h, c\), got Tensor"),
    (lambda: nn.GRUCell(3, 4)(zeros(2, 3), zeros(1, 4)), ValueError,
     r"hx \(1, 4\): must be \(2, 4\) for input \(2, 3\)"),
    (lambda: nn.GRUCell(3, 4)(zeros(1, 2, 3)), ValueError, r"\(batch, input\) or \(input,\)"),
    (lambda: pack_padded_sequence(zeros(5, 2, 3), [3, 4]), ValueError,
     r"lengths\[0\]=3 < lengths\[1\]=4.*enforce_sorted=False"),
    (lambda: pack_padded_sequence(zeros(5, 2, 3), [5, 0]), ValueError, r"lengths\[1\]=0.*1 to 5"),
    (lambda: pack_padded_sequence(zeros(5, 2, 3), [6, 1]), ValueError, r"lengths\[0\]=6.*1 to 5"),
    (lambda: pack_padded_sequence(zeros(5, 2, 3), [2.5, 1]), ValueError, r"2.5: must be an int"),
    (lambda: pack_padded_sequence(zeros(5, 2, 3), [5]), ValueError, "1 lengths for a batch of 2"),
    (lambda: pack_padded_sequence(zeros(5), [5]), ValueError, r"\(steps, batch, ...\)"),
    (lambda: pack_padded_sequence(zeros(5, 0, 3), []), ValueError, r"\(5, 0, 3\)"),
    (lambda: pack_sequence([zeros(3), zeros(0)]), ValueError, r"sequences\[1\] is empty"),
    (lambda: pack_sequence([zeros(1), zeros(2)]), ValueError, "enforce_sorted=False"),
    (lambda: pad_sequence([]), ValueError, "got none"),
    (lambda: pad_sequence([zeros(2, 3), zeros(2, 4)]), ValueError, r"\(2, 4\) beside \(2, 3\)"),
    (lambda: pad_sequence([zeros(2)], padding_side="up"), ValueError, "'left', 'right'"),
    (lambda: pad_packed_sequence(pack_sequence([zeros(3)]), total_length=2), ValueError,
     "total_length=2: the longest sequence has 3 steps"),
    (lambda: pad_packed_sequence(zeros(3)), TypeError, "PackedSequence, got Tensor"),
    (lambda: lstm()(sf.tensor(X), ([1.0], [2.0])), TypeError, "h_0 must be a Tensor, got list"),
    (lambda: lstm()(sf.tensor(X), (zeros(2, 2, 4), None)), TypeError, "c_0 must.*got NoneType"),
    (lambda: lstm()([1.0]), TypeError, r"\[LSTM\] input must be a Tensor, got list"),
    (lambda: nn.GRUCell(3, 4)(X[0]), TypeError, r"\[GRUCell\].*got ndarray"),
    *[(lambda given=given: pack_padded_sequence(zeros(5, 2, 3), given), ValueError, words)
      for given, words in [
          (["a", "b"], r"lengths\[0\]='a': must be an integer"),
          ([5, None], r"lengths\[1\]=None: must be an integer"),
          ([float("nan"), 1], r"lengths\[0\]=nan: must be an integer"),
          ([float("inf"), 1], r"lengths\[0\]=inf: must be an integer"),
          ([[5], [4]], r"lengths\[0\]=\[5\]: must be an integer")]],
    (lambda: pack_padded_sequence(zeros(5, 2, 3), 4), TypeError, "lengths=4.*for each sequence"),
    (lambda: pack_padded_sequence(X, [5, 4]), TypeError, "must be a Tensor, got ndarray"),
    (lambda: PackedSequence(zeros(4), sf.tensor([1, 3])), ValueError,
     r"batch_sizes\[1\]=3.*never grow"),
    (lambda: PackedSequence(zeros(4), sf.tensor([4, 0])), ValueError, r"batch_sizes\[1\]=0"),
    (lambda: PackedSequence(zeros(4), sf.tensor([2, 1])), ValueError, "add up to 3 rows"),
    (lambda: PackedSequence(zeros(4), sf.tensor([3.0, 1.0])), ValueError, r"\(2,\) of float32"),
    (lambda: PackedSequence(zeros(0), sf.zeros(0, dtype=sf.int64)), ValueError, r"\(0,\) of int64"),
    (lambda: PackedSequence(zeros(4), [3, 1]), TypeError, "batch_sizes must be a Tensor"),
    (lambda: PackedSequence(zeros(4), sf.tensor([3, 1]), sf.tensor([1, 0])), ValueError,
     r"sorted_indices \(2,\): must hold each number from 0 to 2"),
    (lambda: PackedSequence(zeros(4), sf.tensor([3, 1]), None, sf.tensor([0, 1, 7])), ValueError,
     "unsorted_indices.*from 0 to 2"),
    (lambda: pad_packed_sequence(pack_sequence([zeros(3)]), total_length=5.5), TypeError,
     "total_length must be an integer, got 5.5"),
    (lambda: pack_sequence([sf.tensor(1.0)]), ValueError, r"sequences\[0\] \(\)"),
    (lambda: pad_sequence([[1.0], [2.0]]), TypeError, r"sequences\[0\].*got list"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


def test_dropout_of_one_layer_warns() -> None:
    with pytest.warns(UserWarning, match=r"\[GRU\] dropout=0.5 with num_layers=1") as caught:
        nn.GRU(3, 4, dropout=0.5)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.GRU(3, 4, 2, dropout=0.5)


def test_nan_goes_through_relu() -> None:
    layer = make("relu", 1, 1)
    assert np.isnan(layer(sf.tensor(np.full((2, 1, 1), np.nan)))[0].detach().numpy()).all()
