"""One row per layer: how to build it, what to feed it, and its forward in NumPy float64.

A reference takes the layer's state as a dict of arrays, then the inputs. To add a layer: its file,
its export, and a row in `ROWS`; `tests/test_layers.py` runs every row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import surefoot as sf
from attention_reference import below, block, multihead, sinusoids, stack
from attention_reference import gelu as gelu_of
from op_table import conv, losses, recurrent
from op_table.attention import cosine_ref, pairwise_ref
from op_table.embedding import bag_ref
from op_table.losses import cross_entropy_ref as ce
from op_table.losses import nll_ref as nll
from op_table.pool import adaptive_avg_ref, adaptive_max_ref, avg_ref, max_ref
from op_table.resample import (
    channels_ref,
    fold_ref,
    interpolate_ref,
    shuffle_ref,
    unfold_ref,
    unshuffle_ref,
)
from op_table.shape import pad_ref

Array = np.ndarray
State = dict[str, Array]


@dataclass(frozen=True)
class Row:
    layer: str  # name in surefoot.nn
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[tuple[int, ...], ...] = ((3, 4),)  # of the inputs
    reference: Callable[..., Array] | None = None  # None: the layer has no forward
    state: tuple[str, ...] = ()  # state_dict names, in torch's order
    inputs: tuple[Callable[[np.random.Generator], Array] | None, ...] = ()  # instead of a normal
    text: str = ""  # what stands in the brackets of repr
    random: bool = False  # differs from the reference in training mode
    kink: float | None = None  # inputs keep away from this point, where no derivative exists

    def __str__(self) -> str:
        shown = [str(a) for a in self.args] + [f"{k}={v}" for k, v in self.options.items()]
        return "-".join([self.layer, *(text for text in shown if len(text) < 24)])

    def build(self) -> sf.nn.Module:
        args = [arg() if callable(arg) else arg for arg in self.args]
        options = {k: v() if callable(v) else v for k, v in self.options.items()}
        return getattr(sf.nn, self.layer)(*args, **options)

    def arrays(self, seed: int = 0) -> list[Array]:
        rng = np.random.default_rng(seed)
        makers = self.inputs or (None,) * len(self.shapes)
        arrays = []
        for shape, maker in zip(self.shapes, makers, strict=True):
            x = rng.normal(size=shape) if maker is None else maker(rng)
            if self.kink is not None and maker is None:
                x = np.where(abs(x - self.kink) < 0.05, self.kink + 0.5, x)
            arrays.append(np.asarray(x))
        return arrays


def linear(state: State, x: Array) -> Array:
    return x @ state["weight"].T + state.get("bias", 0.0)


def convolution(**options: Any) -> Callable[[State, Array], Array]:
    return lambda state, x: conv.conv_ref(x, state["weight"], state.get("bias"), **options)


def transposed(**options: Any) -> Callable[[State, Array], Array]:
    return lambda state, x: conv.transposed_ref(x, state["weight"], state.get("bias"), **options)


def conv_rows() -> list["Row"]:
    """The convolutions as layers: options, shape of the input, text."""
    both = ("weight", "bias")
    rows = [
        Row("Conv1d", (2, 3, 3), {}, ((2, 2, 7),), convolution(), both,
            text="2, 3, kernel_size=(3,), stride=(1,)"),
        Row("ConvTranspose1d", (2, 3, 3), {}, ((2, 2, 5),), transposed(), both),
        Row("Conv2d", (2, 3, 3), {"bias": False}, ((2, 2, 4, 5),), convolution(), ("weight",),
            text="2, 3, kernel_size=(3, 3), stride=(1, 1), bias=False"),
        Row("Conv2d", (2, 3, 1), {"init": "torch"}, ((2, 4, 5),), convolution(), both),
        Row("ConvTranspose2d", (2, 3, 3), {"init": "he_normal"}, ((2, 4, 5),), transposed(), both),
    ]  # fmt: skip
    options: dict[str, Any] = {"stride": 2, "padding": (1, 0), "dilation": (1, 2), "groups": 2}
    text = "kernel_size=(3, 2), stride=(2, 2), padding=(1, 0), dilation=(1, 2), "
    rows.append(
        Row("Conv2d", (4, 2, (3, 2)), options, ((2, 4, 4, 5),), convolution(**options), both,
            text=f"4, 2, {text}groups=2"))  # fmt: skip
    options = {**options, "output_padding": (1, 0)}
    rows.append(
        Row("ConvTranspose2d", (4, 2, (3, 2)), options, ((2, 4, 3, 2),), transposed(**options),
            both, text=f"4, 2, {text}output_padding=(1, 0), groups=2"))  # fmt: skip
    for padding in ("same", "valid"):
        rows.append(Row("Conv2d", (2, 3, (2, 3)), {"padding": padding}, ((1, 2, 4, 4),),
                        convolution(padding=padding), both))  # fmt: skip
    return rows


def relu(state: State, x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def leaky(slope: float) -> Callable[[State, Array], Array]:
    return lambda state, x: np.where(x > 0, x, slope * x)


def prelu(state: State, x: Array) -> Array:
    slope = state["weight"].reshape(1, -1, *(1,) * (x.ndim - 2))
    return np.where(x > 0, x, slope * x)


def maxout(state: State, x: Array) -> Array:
    pieces = x @ state["linear.weight"].T + state.get("linear.bias", 0.0)
    return losses.maxout(pieces, pieces.shape[-1] // 5)


def elu(state: State, x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(x))


def selu(state: State, x: Array) -> Array:
    return 1.0507009873554804934 * elu(state, x, 1.6732632423543772848)


def gelu(state: State, x: Array) -> Array:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_tanh(state: State, x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def class_loss(reference: Callable[..., Array], **options: Any) -> Callable[..., Array]:
    """A loss over classes: weights from the state, sample weights as third input."""

    def call(state: State, x: Array, target: Array, *sample_weight: Array) -> Array:
        weights = {"sample_weight": sample_weight[0]} if sample_weight else {}
        return np.asarray(reference(x, target, state.get("weight"), **options, **weights))

    return call


def labels(shape: tuple[int, ...], classes: int, absent: int | None = None) -> Callable[..., Array]:
    def draw(rng: np.random.Generator) -> Array:
        y = rng.integers(0, classes, size=shape)
        if absent is not None:
            y.reshape(-1)[0] = absent
        return y

    return draw


def shares(rng: np.random.Generator) -> Array:
    y = rng.uniform(size=(6, 4))
    return y / y.sum(1, keepdims=True)


def class_weight() -> sf.Tensor:
    return sf.tensor(np.array([0.5, 1.0, 2.0, 0.25], dtype=np.float32))


def by_channel(v: Array, x: Array, dim: int = 1) -> Array:
    return v.reshape([-1 if d == dim % x.ndim else 1 for d in range(x.ndim)])


def channel_affine(state: State, y: Array) -> Array:
    if "weight" in state:
        y = y * by_channel(state["weight"], y)
    return y + by_channel(state["bias"], y) if "bias" in state else y


def batch_norm(state: State, x: Array) -> Array:
    """In eval mode: by the running statistics."""
    mean, var = by_channel(state["running_mean"], x), by_channel(state["running_var"], x)
    return channel_affine(state, (x - mean) / np.sqrt(var + 1e-5))


def normalized(axes: tuple[int, ...], eps: float = 1e-5) -> Callable[[State, Array], Array]:
    def norm(state: State, x: Array) -> Array:
        mean = x.mean(axes, keepdims=True)
        y = (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
        return y * state.get("weight", 1.0) + state.get("bias", 0.0)

    return norm


def rms_norm(state: State, x: Array) -> Array:
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    return y * state.get("weight", 1.0)


def group_norm(groups: int) -> Callable[[State, Array], Array]:
    def norm(state: State, x: Array) -> Array:
        y = normalized((2,))({}, x.reshape(x.shape[0], groups, -1)).reshape(x.shape)
        return channel_affine(state, y)

    return norm


def standardize(dim: int) -> Callable[[State, Array], Array]:
    return lambda state, x: (
        (x - by_channel(state["mean"], x, dim)) / by_channel(state["std"], x, dim)
    )


def recurrent_names(layers: int, *suffixes: str, bias: bool = True) -> tuple[str, ...]:
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if bias else 2]
    return tuple(f"{k}_l{n}{s}" for n in range(layers) for s in suffixes or ("",) for k in kinds)


def recurrent_layers(kind: str, layers: int, batch_first: bool = False, *suffixes: str,
                     bias: bool = True) -> Callable[..., Array]:  # fmt: skip
    """The outputs; states start at zero."""

    def call(state: State, x: Array) -> Array:
        names = recurrent_names(1, bias=bias)
        hidden = state["weight_hh_l0"].shape[1]
        zeros = np.zeros((x.shape[0 if batch_first else 1], hidden))
        for n in range(layers):
            outs = []
            for suffix in suffixes or ("",):
                weights = [state[name.replace("_l0", f"_l{n}{suffix}")] for name in names]
                out = recurrent.layer(kind, x, zeros, zeros, *weights, batch_first=batch_first,
                                      reverse=bool(suffix))  # fmt: skip
                outs.append(out[0])
            x = np.concatenate(outs, -1)
        return x

    return call


def recurrent_cell(kind: str, bias: bool = True) -> Callable[..., Array]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if bias else 2]

    def call(state: State, x: Array, h: Array | None = None) -> Array:
        zeros = np.zeros((len(x), state["weight_hh"].shape[1]))
        weights = [state[name] for name in names]
        h = zeros if h is None else h
        steps = [recurrent.cell(kind, *row, *weights) for row in zip(x, h, zeros, strict=True)]
        return np.array([step[0] for step in steps])

    return call


BOTH = ("", "_reverse")
CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
AFFINE = ("weight", "bias")
RUNNING = ("running_mean", "running_var", "num_batches_tracked")
KNOWN = {"mean": lambda: [1.0, 2.0, -3.0, 0.0], "std": lambda: [2.0, 0.5, 1.0, 10.0]}


def mlp() -> dict[str, sf.nn.Module]:
    return {"up": sf.nn.Linear(4, 6), "act": sf.nn.Tanh(), "down": sf.nn.Linear(6, 2)}


def mlp_reference(state: State, x: Array) -> Array:
    hidden = np.tanh(x @ state["up.weight"].T + state["up.bias"])
    return hidden @ state["down.weight"].T + state["down.bias"]


def positive(shape: tuple[int, ...]) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(0.3, 2, shape)


def loss(layer: str, reference: Callable[..., Array], draw: losses.Draw,
         *variants: dict[str, Any]) -> list[Row]:  # fmt: skip
    """Rows of a loss of the op table on (6, 4): its reductions and options, with sample weights."""
    made = draw(np.random.default_rng(5), (6, 4))
    fixed = [(lambda rng, array=array: array) for array in made]

    def row(options: dict[str, Any], weighted: bool) -> Row:
        def call(state: State, *inputs: Array) -> Array:
            rest = {k: state.get(k, v) for k, v in options.items() if k != "reduction"}
            each = np.asarray(reference(*inputs[: len(made)], **rest))
            return losses.reduced(each, options.get("reduction", "mean"), *inputs[len(made) :])

        state = tuple(k for k in ("weight", "pos_weight") if k in options)
        inputs = (*fixed, positive((6,))) if weighted else tuple(fixed)
        return Row(layer, (), options, ((),) * len(inputs), call, state, inputs)

    plain: list[dict[str, Any]] = [{"reduction": r} for r in ("mean", "sum", "none")]
    return [*(row(o, False) for o in plain), *(row(o, True) for o in ({}, *plain, *variants))]


def ctc_inputs() -> tuple[Any, ...]:
    x, targets, *lengths = losses.ctc_draw(np.random.default_rng(5), 7, 3, 4, 2)
    arrays = (x, np.minimum(targets, 2), *lengths)  # 0 and 3 may be blanks
    return tuple((lambda rng, array=array: array) for array in arrays)


CTC = ctc_inputs()


def embedding(state: State, x: Array) -> Array:
    return state["weight"][x]


def bag(**options: Any) -> Callable[..., Array]:
    return lambda state, x, *offsets: bag_ref(x, state["weight"], *offsets, **options)


ATTENTION = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
PARTS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
FEED_FORWARD = tuple(f"{name}.{what}" for name in ("linear1", "linear2") for what in AFFINE)


def block_state(*attentions: str, norms: int, bias: bool = True) -> tuple[str, ...]:
    names = [f"{a}.{name}" for a in attentions for name in ATTENTION] + list(FEED_FORWARD)
    names += [f"norm{i}.{what}" for i in range(1, norms + 1) for what in AFFINE]
    return tuple(name for name in names if bias or not name.endswith("bias"))


ENCODER = block_state("self_attn", norms=2)
DECODER = block_state("self_attn", "multihead_attn", norms=3)
SMALL = {"dim_feedforward": 5, "dropout": 0.0}


def encoder_layer() -> sf.nn.Module:
    return sf.nn.TransformerEncoderLayer(4, 2, 3, 0.0, "gelu", batch_first=True)


def decoder_layer() -> sf.nn.Module:
    return sf.nn.TransformerDecoderLayer(4, 2, 3, 0.0, "gelu", batch_first=True)


def transformer(state: State, src: Array, tgt: Array) -> Array:
    memory = stack(below(state, "encoder."), src, 2)
    return stack(below(state, "decoder."), tgt, 2, memory)


def numbered(prefix: str, names: tuple[str, ...], count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{i}.{name}" for i in range(count) for name in names)


def of_input(reference: Callable[..., Array], *args: Any, **rest: Any) -> Callable[..., Array]:
    """A layer without state, by the reference of its op."""
    return lambda state, x: np.asarray(reference(x, *args, **rest))


def spaced(*shape: int) -> Callable[[np.random.Generator], Array]:
    """No two elements closer than 0.05: maxima are certain."""
    count = math.prod(shape)
    return lambda rng: (rng.permutation(count).reshape(shape) - count / 2) * 0.05


def max_pool(dims: int, shape: tuple[int, ...], *args: Any, **options: Any) -> Row:
    reference = of_input(max_ref(dims), *args, **options)
    inputs = (spaced(*shape),)
    return Row(f"MaxPool{dims}d", args, options, (shape,), reference, inputs=inputs)


def pad(layer: str, shape: tuple[int, ...], padding: Any, mode: str = "constant",
        *value: float) -> Row:  # fmt: skip
    dims = 1 if layer.endswith("1d") else 2
    sides = (padding,) * (2 * dims) if isinstance(padding, int) else padding
    text = f"padding={sides}" + "".join(f", value={v}" for v in value)
    return Row(layer, (padding, *value), {}, (shape,), of_input(pad_ref, sides, mode, *value),
               text=text)  # fmt: skip


POOLING = [
    max_pool(1, (2, 3, 7), 2),
    max_pool(1, (3, 9), 3, 2, 1, ceil_mode=True),
    max_pool(2, (2, 3, 4, 6), 2),
    max_pool(2, (1, 2, 9, 7), (3, 2), 2, 1, dilation=2),
    Row("MaxPool2d", (3, 2, 1), {}, ((2, 7, 8),), of_input(max_ref(2), 3, 2, 1),
        inputs=(spaced(2, 7, 8),),
        text="kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False"),
    Row("AvgPool1d", (2,), {}, ((2, 3, 7),), of_input(avg_ref(1), 2),
        text="kernel_size=2, stride=2, padding=0"),
    Row("AvgPool1d", (3, 2, 1), {"count_include_pad": False}, ((3, 8),),
        of_input(avg_ref(1), 3, 2, 1, False, False)),
    Row("AvgPool2d", (2,), {}, ((2, 3, 4, 6),), of_input(avg_ref(2), 2)),
    Row("AvgPool2d", (3, 2, 1), {"ceil_mode": True, "divisor_override": 5}, ((1, 2, 6, 7),),
        of_input(avg_ref(2), 3, 2, 1, True, True, 5)),
    Row("AdaptiveMaxPool1d", (3,), {}, ((2, 2, 7),),
        of_input(lambda x, n: adaptive_max_ref(1)(x, n)[0], 3), inputs=(spaced(2, 2, 7),),
        text="output_size=3"),
    Row("AdaptiveMaxPool2d", ((2, None),), {}, ((1, 2, 5, 4),),
        of_input(lambda x, n: adaptive_max_ref(2)(x, n)[0], (2, 4)), inputs=(spaced(1, 2, 5, 4),)),
    Row("AdaptiveAvgPool1d", (3,), {}, ((2, 2, 7),), of_input(adaptive_avg_ref(1), 3)),
    Row("AdaptiveAvgPool2d", (1,), {}, ((2, 3, 5, 4),), of_input(adaptive_avg_ref(2), 1)),
    Row("AdaptiveAvgPool2d", ((None, 3),), {}, ((2, 5, 7),),
        of_input(adaptive_avg_ref(2), (5, 3)), text="output_size=(None, 3)"),
    pad("ZeroPad1d", (2, 3, 4), (2, 1)),
    pad("ZeroPad2d", (2, 3, 4), (1, 0, 2, 3)),
    pad("ConstantPad1d", (3, 4), 2, "constant", 1.5),
    pad("ConstantPad2d", (2, 3, 4, 2), (1, -1, 0, 2), "constant", -2.0),
    pad("ReflectionPad1d", (2, 3, 5), (4, 1), "reflect"),
    pad("ReflectionPad2d", (1, 2, 4, 5), 2, "reflect"),
    pad("ReplicationPad1d", (3, 4), 5, "replicate"),
    pad("ReplicationPad2d", (2, 3, 4), (1, 0, 2, 3), "replicate"),
    pad("CircularPad1d", (2, 3, 4), (4, 1), "circular"),
    pad("CircularPad2d", (1, 2, 3, 4), 1, "circular"),
    Row("Upsample", (7,), {"mode": "linear"}, ((2, 3, 4),),
        of_input(interpolate_ref, 7, mode="linear"), text="size=7, mode='linear'"),
    Row("Upsample", (), {"scale_factor": 1.5}, ((1, 2, 4, 6),),
        of_input(interpolate_ref, None, 1.5), text="scale_factor=1.5, mode='nearest'"),
    Row("UpsamplingNearest2d", ((3, 9),), {}, ((1, 2, 4, 6),), of_input(interpolate_ref, (3, 9))),
    Row("UpsamplingBilinear2d", (), {"scale_factor": 2}, ((2, 1, 3, 4),),
        of_input(interpolate_ref, None, 2, "bilinear", True)),
    Row("PixelShuffle", (2,), {}, ((2, 8, 2, 3),), of_input(shuffle_ref, 2),
        text="upscale_factor=2"),
    Row("PixelUnshuffle", (2,), {}, ((2, 4, 6),), of_input(unshuffle_ref, 2),
        text="downscale_factor=2"),
    Row("ChannelShuffle", (3,), {}, ((2, 6, 2),), of_input(channels_ref, 3), text="groups=3"),
    Row("Unfold", (2,), {"stride": 2, "padding": 1}, ((2, 3, 4, 5),),
        of_input(unfold_ref, 2, stride=2, padding=1),
        text="kernel_size=2, dilation=1, padding=1, stride=2"),
    Row("Fold", ((4, 5), 2), {"stride": 2, "padding": 1}, ((2, 12, 9),),
        of_input(fold_ref, (4, 5), 2, stride=2, padding=1)),
]  # fmt: skip

CLASSES = ((6, 4), (6,))
TARGET = (None, labels((6,), 4))

ROWS = [
    Row("Identity", reference=lambda state, x: x),
    Row("Identity", (54,), {"unused": True}, reference=lambda state, x: x),
    Row(
        "Linear",
        (4, 5),
        reference=linear,
        state=("weight", "bias"),
        text="in_features=4, out_features=5, bias=True",
    ),
    Row("Linear", (4, 5), {"bias": False}, reference=linear, state=("weight",)),
    Row("Linear", (4, 5), {"init": "torch"}, ((4,),), linear, ("weight", "bias")),
    Row("Linear", (4, 1), {"init": "he_normal"}, ((2, 3, 4),), linear, ("weight", "bias")),
    *conv_rows(),
    Row("Flatten", shapes=((3, 2, 4),), reference=lambda state, x: x.reshape(3, 8)),
    Row(
        "Flatten",
        (0, 1),
        shapes=((3, 2, 4),),
        reference=lambda state, x: x.reshape(6, 4),
        text="start_dim=0, end_dim=1",
    ),
    Row("Unflatten", (1, (2, -1)), reference=lambda state, x: x.reshape(3, 2, 2)),
    Row(
        "Unflatten",
        (-1, (1, 4)),
        reference=lambda state, x: x.reshape(3, 1, 4),
        text="dim=-1, unflattened_size=(1, 4)",
    ),
    Row("Dropout", reference=lambda state, x: x, random=True, text="p=0.5, inplace=False"),
    Row("Dropout", (0.0,), reference=lambda state, x: x),
    Row(
        "Dropout",
        (0.25,),
        {"scaling": "eval"},
        reference=lambda state, x: 0.75 * x,
        random=True,
        text="p=0.25, inplace=False, scaling='eval'",
    ),
    Row("Dropout1d", (0.5,), {}, ((8, 9, 5),), lambda state, x: x, random=True),
    Row("Dropout1d", (0.5,), {"scaling": "eval"}, ((9, 5),), lambda state, x: x / 2, random=True),
    Row(
        "Dropout2d",
        (0.5,),
        {},
        ((4, 9, 2, 3),),
        lambda state, x: x,
        random=True,
        text="p=0.5, inplace=False",
    ),
    Row("Dropout3d", (0.5,), {}, ((9, 3, 2, 3),), lambda state, x: x, random=True),
    Row(
        "AlphaDropout",
        (0.2,),
        {},
        ((9, 8),),
        lambda state, x: x,
        random=True,
        text="p=0.2, inplace=False",
    ),
    Row("FeatureAlphaDropout", (0.2,), {}, ((9, 8, 2),), lambda state, x: x, random=True),
    Row(
        "DropConnect",
        (4, 5),
        {},
        reference=linear,
        state=AFFINE,
        random=True,
        text="in_features=4, out_features=5, bias=True, p=0.5, inference='mean'",
    ),
    Row(
        "DropConnect",
        (4, 5, 0.2, False),
        {"per_sample": True, "activation": sf.nn.Tanh},
        reference=lambda state, x: np.tanh(linear(state, x)),
        state=("weight",),
        random=True,
    ),
    Row(
        "DropConnect",
        (4, 5, 0.25),
        {"scaling": "eval"},
        random=True,
        state=AFFINE,
        reference=lambda state, x: 0.75 * x @ state["weight"].T + state["bias"],
    ),
    Row("DropConnect", (4, 5, 0.0), reference=linear, state=AFFINE),
    Row(
        "BatchNorm1d",
        (4,),
        {},
        ((7, 4),),
        batch_norm,
        AFFINE + RUNNING,
        random=True,
        text="4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True",
    ),
    Row("BatchNorm1d", (4,), {"affine": False}, ((3, 4, 5),), batch_norm, RUNNING, random=True),
    Row(
        "BatchNorm1d",
        (4,),
        {"bias": False},
        ((7, 4),),
        batch_norm,
        ("weight", *RUNNING),
        random=True,
    ),
    Row("BatchNorm1d", (4,), {"track_running_stats": False}, ((7, 4),), normalized((0,)), AFFINE),
    Row(
        "BatchNorm2d",
        (4,),
        {"momentum": None},
        ((2, 4, 3, 2),),
        batch_norm,
        AFFINE + RUNNING,
        random=True,
    ),
    Row("BatchNorm3d", (4,), {}, ((2, 4, 1, 3, 2),), batch_norm, AFFINE + RUNNING, random=True),
    Row(
        "InstanceNorm1d",
        (4,),
        {},
        ((2, 4, 5),),
        normalized((2,)),
        text="4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False",
    ),
    Row(
        "InstanceNorm1d",
        (4,),
        {"track_running_stats": True},
        ((2, 4, 5),),
        batch_norm,
        RUNNING,
        random=True,
    ),
    Row("InstanceNorm2d", (4,), {}, ((4, 3, 2),), normalized((1, 2))),
    Row("InstanceNorm2d", (1,), {"affine": True}, ((2, 1, 3, 2),), normalized((2, 3)), AFFINE),
    Row("InstanceNorm3d", (4,), {}, ((2, 4, 1, 3, 2),), normalized((2, 3, 4))),
    Row(
        "LayerNorm",
        (4,),
        {},
        ((3, 4),),
        normalized((1,)),
        AFFINE,
        text="(4,), eps=1e-05, elementwise_affine=True, bias=True",
    ),
    Row(
        "LayerNorm",
        ((3, 4),),
        {"bias": False, "eps": 0.1},
        ((2, 3, 4),),
        normalized((1, 2), 0.1),
        ("weight",),
    ),
    Row("LayerNorm", (4,), {"elementwise_affine": False}, ((3, 4),), normalized((1,))),
    Row(
        "RMSNorm",
        (4,),
        {"eps": 1e-5},
        ((3, 4),),
        rms_norm,
        ("weight",),
        text="(4,), eps=1e-05, elementwise_affine=True",
    ),
    Row("RMSNorm", (4, 1e-5, False), {}, ((2, 3, 4),), rms_norm),
    Row(
        "GroupNorm",
        (2, 4),
        {},
        ((3, 4, 5),),
        group_norm(2),
        AFFINE,
        text="2, 4, eps=1e-05, affine=True, bias=True",
    ),
    Row("GroupNorm", (1, 4), {}, ((3, 4),), group_norm(1), AFFINE),
    Row("GroupNorm", (1, 4), {"bias": False}, ((3, 4),), group_norm(1), ("weight",)),
    Row("Standardize", (4,), KNOWN, ((3, 4),), standardize(-1), ("mean", "std"), text="4, dim=-1"),
    Row("Standardize", (4, 1), KNOWN, ((3, 4, 2),), standardize(1), ("mean", "std")),
    Row("RNN", (4, 3), {}, ((5, 2, 4),), recurrent_layers("tanh", 1), recurrent_names(1),
        text="4, 3"),
    Row("RNN", (4, 3, 2, "relu"), {"init": "torch", "bidirectional": True}, ((3, 2, 4),),
        recurrent_layers("relu", 2, False, *BOTH), recurrent_names(2, *BOTH),
        text="4, 3, num_layers=2, bidirectional=True, nonlinearity=relu"),
    Row("LSTM", (4, 3), {"forget_bias": 1.0}, ((5, 2, 4),), recurrent_layers("lstm", 1),
        recurrent_names(1), text="4, 3"),
    Row("LSTM", (4, 3, 2), {"bias": False, "batch_first": True, "bidirectional": True},
        ((2, 3, 4),), recurrent_layers("lstm", 2, True, *BOTH, bias=False),
        recurrent_names(2, *BOTH, bias=False),
        text="4, 3, num_layers=2, bias=False, batch_first=True, bidirectional=True"),
    Row("LSTM", (4, 8, 2), {"dropout": 0.5}, ((6, 3, 4),), recurrent_layers("lstm", 2),
        recurrent_names(2), random=True, text="4, 8, num_layers=2, dropout=0.5"),
    Row("GRU", (4, 3), {"init": "glorot_uniform"}, ((5, 2, 4),), recurrent_layers("gru", 1),
        recurrent_names(1), text="4, 3"),
    Row("GRU", (4, 3, 2), {"batch_first": True}, ((9, 3, 4),), recurrent_layers("gru", 2, True),
        recurrent_names(2), text="4, 3, num_layers=2, batch_first=True"),
    Row("RNNCell", (4, 3), {}, ((2, 4), (2, 3)), recurrent_cell("tanh"), CELL, text="4, 3"),
    Row("RNNCell", (4, 3, False, "relu"), {}, ((2, 4),), recurrent_cell("relu", False), CELL[:2],
        text="4, 3, bias=False, nonlinearity=relu"),
    Row("LSTMCell", (4, 3), {}, ((2, 4),), recurrent_cell("lstm"), CELL, text="4, 3"),
    Row("GRUCell", (4, 3), {}, ((2, 4), (2, 3)), recurrent_cell("gru"), CELL, text="4, 3"),
    Row("ReLU", reference=relu, kink=0.0),
    Row("ReLU6", shapes=((5, 7),), reference=lambda state, x: np.clip(x, 0, 6), kink=0.0),
    Row("LeakyReLU", reference=leaky(0.01), kink=0.0, text="negative_slope=0.01"),
    Row("LeakyReLU", (1.5,), reference=leaky(1.5), kink=0.0),
    Row("RReLU", reference=leaky((1 / 8 + 1 / 3) / 2), kink=0.0, random=True,
        text="lower=0.125, upper=0.3333333333333333"),
    Row("RReLU", (0.5, 1.5), reference=leaky(1.0), kink=0.0, random=True),
    Row("PReLU", reference=prelu, kink=0.0, state=("weight",), text="num_parameters=1"),
    Row("PReLU", (4, 1.5), reference=prelu, kink=0.0, state=("weight",)),
    Row("PReLU", (3,), {}, ((2, 3, 5),), prelu, ("weight",), kink=0.0),
    Row("Tanh", reference=lambda state, x: np.tanh(x)),
    Row("Sigmoid", reference=lambda state, x: 1 / (1 + np.exp(-x))),
    Row("LogSigmoid", reference=lambda state, x: -np.log1p(np.exp(-x))),
    Row("Softsign", reference=lambda state, x: x / (1 + abs(x)), kink=0.0),
    Row("Hardtanh", reference=lambda state, x: np.clip(x, -1, 1), kink=1.0,
        text="min_val=-1.0, max_val=1.0"),
    Row("Hardtanh", (-0.25, 2.0), reference=lambda state, x: np.clip(x, -0.25, 2), kink=-0.25),
    Row("Hardsigmoid", reference=lambda state, x: np.clip(x + 3, 0, 6) / 6, kink=3.0),
    Row("Hardswish", reference=lambda state, x: x * np.clip(x + 3, 0, 6) / 6, kink=3.0),
    Row("Softshrink", reference=lambda state, x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
        kink=0.5, text="0.5"),
    Row("Hardshrink", (0.75,), reference=lambda state, x: np.where(abs(x) > 0.75, x, 0), kink=0.75,
        text="0.75"),
    Row("Tanhshrink", reference=lambda state, x: x - np.tanh(x)),
    Row("Threshold", (0.1, 20.0), reference=lambda state, x: np.where(x > 0.1, x, 20), kink=0.1,
        text="threshold=0.1, value=20.0"),
    Row("ELU", reference=elu, kink=0.0, text="alpha=1.0"),
    Row("ELU", (1.7,), reference=lambda state, x: elu(state, x, 1.7), kink=0.0),
    Row("CELU", reference=elu, kink=0.0, text="alpha=1.0"),
    Row("CELU", (1.7,), reference=lambda state, x: 1.7 * elu(state, x / 1.7), kink=0.0),
    Row("SELU", reference=selu, kink=0.0),
    Row("SiLU", reference=lambda state, x: x / (1 + np.exp(-x))),
    Row("Mish", reference=lambda state, x: x * np.tanh(np.log1p(np.exp(x)))),
    Row("Softplus", reference=lambda state, x: np.log1p(np.exp(x)),
        text="beta=1.0, threshold=20.0"),
    Row("Softplus", (2.0, 1.0), kink=0.5,
        reference=lambda state, x: np.where(2 * x > 1, x, np.log1p(np.exp(2 * x)) / 2)),
    Row("GELU", reference=gelu, text="approximate='none'"),
    Row("GELU", ("tanh",), reference=gelu_tanh),
    Row("GLU", reference=lambda state, x: losses.glu(x), text="dim=-1"),
    Row("GLU", (0,), shapes=((2, 3),), reference=lambda state, x: losses.glu(x, 0)),
    Row("Maxout", (4, 5), reference=maxout, state=("linear.weight", "linear.bias")),
    Row("Maxout", (4, 5, 3), {"bias": False}, reference=maxout, state=("linear.weight",)),
    *POOLING,
    Row("Softmin", (1,), reference=lambda state, x: losses.softmax_ref(-x, 1), text="dim=1"),
    Row("Softmax", (1,), reference=lambda state, x: losses.softmax_ref(x, 1), text="dim=1"),
    Row(
        "Softmax",
        (0,),
        shapes=((3, 2, 4),),
        reference=lambda state, x: np.exp(losses.log_softmax_ref(x, 0)),
    ),
    Row("LogSoftmax", (1,), reference=lambda state, x: losses.log_softmax_ref(x, 1), text="dim=1"),
    Row("LogSoftmax", (-1,), reference=lambda state, x: losses.log_softmax_ref(x, -1)),
    Row("CrossEntropyLoss", (), {}, CLASSES, class_loss(ce), inputs=TARGET),
    Row("CrossEntropyLoss", (), {"weight": class_weight}, CLASSES, class_loss(ce),
        state=("weight",), inputs=TARGET),
    Row("CrossEntropyLoss", (), {"weight": class_weight}, (*CLASSES, (6,)), class_loss(ce),
        state=("weight",), inputs=(*TARGET, positive((6,)))),
    Row("CrossEntropyLoss", (), {"ignore_index": 2, "reduction": "sum"}, CLASSES,
        class_loss(ce, ignore_index=2, reduction="sum"), inputs=TARGET),
    Row("CrossEntropyLoss", (), {"label_smoothing": 0.1, "weight": class_weight}, CLASSES,
        class_loss(ce, label_smoothing=0.1), state=("weight",),
        inputs=(None, labels((6,), 4, absent=-100))),
    Row("CrossEntropyLoss", (), {"reduction": "none"}, ((2, 4, 3), (2, 3)),
        class_loss(ce, reduction="none"), inputs=(None, labels((2, 3), 4))),
    Row("CrossEntropyLoss", (), {}, ((6, 4), (6, 4)), class_loss(ce), inputs=(None, shares)),
    Row("NLLLoss", (), {}, CLASSES, class_loss(nll), inputs=TARGET),
    Row("NLLLoss", (), {"weight": class_weight, "ignore_index": 1}, (*CLASSES, (6,)),
        class_loss(nll, ignore_index=1), state=("weight",), inputs=(*TARGET, positive((6,)))),
    *loss("MSELoss", losses.mse, losses.pair),
    *loss("L1Loss", lambda x, y: abs(x - y), losses.apart()),
    *loss("HuberLoss", losses.huber, losses.apart(1.0, 0.5), {"delta": 0.5}),
    *loss("SmoothL1Loss", losses.smooth_l1, losses.apart(1.0, 0.5), {"beta": 0.5}),
    *loss("PoissonNLLLoss", losses.poisson, losses.rates, {"full": True},
          {"log_input": False, "eps": 0.01}),
    *loss("GaussianNLLLoss", losses.gaussian, losses.with_variance, {"full": True, "eps": 0.5}),
    *loss("BCELoss", losses.bce, losses.probabilities, {"weight": class_weight}),
    *loss("BCEWithLogitsLoss", losses.bce_logits, losses.logits, {"weight": class_weight},
          {"pos_weight": class_weight}),
    *loss("MultiLabelSoftMarginLoss", losses.multilabel, losses.logits, {"weight": class_weight}),
    *loss("KLDivLoss", losses.kl, losses.divergence, {"log_target": True},
          {"reduction": "batchmean"}),
    *loss("HingeLoss", losses.hinge, losses.signed(-1.0, 1.0, -0.5, 0.5),
          {"margin": 0.5, "squared": True}),
    *loss("HingeEmbeddingLoss", losses.hinge_embedding, losses.signed(0.5, 1.0), {"margin": 0.5}),
    *loss("SoftMarginLoss", lambda x, y: losses.softplus(-x * y), losses.signed()),
    *loss("MultiMarginLoss", losses.multi_margin, losses.separated,
          {"p": 2, "margin": 0.15, "weight": class_weight}),
    *loss("MultiLabelMarginLoss", losses.multilabel_margin, losses.label_lists),
    *(Row("CTCLoss", (), options, ((),) * 4,
          lambda state, *inputs, options=options: losses.ctc_ref(*inputs, **options), (), CTC)
      for options in ({}, {"reduction": "sum"}, {"reduction": "none", "blank": 3})),
    Row("CTCLoss", (), {"zero_infinity": True}, ((),) * 5,
        lambda state, *inputs: losses.ctc_ref(*inputs[:4], sample_weight=inputs[4]), (),
        (*CTC, positive((3,)))),
    *loss("MarginRankingLoss", losses.ranking, losses.ranked, {"margin": 0.5}),
    *loss("CosineEmbeddingLoss", losses.cosine_embedding, losses.angles, {"margin": 0.3}),
    *loss("TripletMarginLoss", losses.triplet, losses.triples,
          {"margin": 0.3, "p": 3.0, "eps": 1e-3, "swap": True}),
    Row("Embedding", (9, 4), {}, ((3, 5),), embedding, ("weight",), (labels((3, 5), 9),),
        text="9, 4"),
    Row("Embedding", (9, 4), {"padding_idx": -9}, ((3, 5),), embedding,
        ("weight",), (lambda rng: rng.integers(1, 9, (3, 5)),), text="9, 4, padding_idx=0"),
    Row("Embedding", (9, 4), {"max_norm": 50.0}, ((5,),), embedding, ("weight",),
        (labels((5,), 9),), text="9, 4, max_norm=50.0"),
    Row("EmbeddingBag", (9, 4), {}, ((3, 5),), bag(), ("weight",), (labels((3, 5), 9),),
        text="9, 4, mode='mean'"),
    Row("EmbeddingBag", (9, 4), {"mode": "sum", "padding_idx": 2}, ((7,), (3,)),
        bag(mode="sum", padding_idx=2), ("weight",),
        (labels((7,), 9), lambda rng: np.array([0, 4, 4])),
        text="9, 4, padding_idx=2, mode='sum'"),
    Row("EmbeddingBag", (9, 4), {"mode": "max", "include_last_offset": True}, ((7,), (3,)),
        bag(mode="max", include_last_offset=True), ("weight",),
        (labels((7,), 9), lambda rng: np.array([0, 2, 7]))),
    Row("CosineSimilarity", (), {}, ((3, 4), (3, 4)), lambda state, x, y: cosine_ref(x, y)),
    Row("CosineSimilarity", (-1,), {"eps": 9.0}, ((2, 3, 4), (4,)),
        lambda state, x, y: cosine_ref(x, y, -1, 9.0)),
    Row("PairwiseDistance", (), {}, ((3, 4), (3, 4)), lambda state, x, y: pairwise_ref(x, y)),
    Row("PairwiseDistance", (3.0, 0.1, True), {}, ((3, 4), (4,)),
        lambda state, x, y: pairwise_ref(x, y, 3.0, 0.1, True)),
    Row("MultiheadAttention", (4, 2), {"add_bias_kv": True, "add_zero_attn": True},
        ((3, 4), (5, 4), (5, 4)),
        lambda state, q, k, v: multihead(state, q[None], k[None], v[None], 2, None,
                                         {"k": state["bias_k"], "v": state["bias_v"]})[0][0],
        (*ATTENTION[:2], "bias_k", "bias_v", *ATTENTION[2:])),
    Row("MultiheadAttention", (4, 2), {"batch_first": True}, ((2, 3, 4), (2, 5, 4), (2, 5, 4)),
        lambda state, q, k, v: multihead(state, q, k, v, 2)[0], ATTENTION,
        text="\n  (out_proj): Linear(in_features=4, out_features=4, bias=True)\n"),
    Row("MultiheadAttention", (4, 1), {"bias": False}, ((3, 4), (5, 4), (5, 4)),
        lambda state, q, k, v: multihead(state, q[None], k[None], v[None], 1)[0][0],
        ("in_proj_weight", "out_proj.weight")),
    Row("MultiheadAttention", (4, 2), {"kdim": 3, "vdim": 2, "batch_first": True},
        ((2, 3, 4), (2, 5, 3), (2, 5, 2)),
        lambda state, q, k, v: multihead(state, q, k, v, 2)[0], (*PARTS, *ATTENTION[1:])),
    Row("MultiheadAttention", (4, 2), {"dropout": 0.5}, ((3, 4),) * 3,
        lambda state, q, k, v: multihead(state, q[None], k[None], v[None], 2)[0][0], ATTENTION,
        random=True),
    Row("TransformerEncoderLayer", (4, 2), {"batch_first": True, **SMALL}, ((2, 3, 4),),
        lambda state, x: block(state, x, 2), ENCODER),
    Row("TransformerEncoderLayer", (4, 2), {"norm_first": True, "activation": "gelu", **SMALL},
        ((3, 4),), lambda state, x: block(state, x[None], 2, None, gelu_of, True)[0], ENCODER),
    Row("TransformerEncoderLayer", (4, 1, 5), {"bias": False, "init": "torch"}, ((3, 4),),
        lambda state, x: block(state, x[None], 1)[0], block_state("self_attn", norms=2, bias=False),
        random=True),
    Row("TransformerDecoderLayer", (4, 2), {"batch_first": True, **SMALL}, ((2, 3, 4), (2, 5, 4)),
        lambda state, x, memory: block(state, x, 2, memory), DECODER),
    Row("TransformerDecoderLayer", (4, 2), {"norm_first": True, "activation": "gelu", **SMALL},
        ((3, 4), (5, 4)),
        lambda state, x, memory: block(state, x[None], 2, memory[None], gelu_of, True)[0], DECODER),
    Row("TransformerEncoder", (encoder_layer, 2), {}, ((2, 3, 4),),
        lambda state, x: stack(state, x, 2, activation=gelu_of), numbered("layers.", ENCODER, 2)),
    Row("TransformerEncoder", (encoder_layer, 1), {"norm": lambda: sf.nn.LayerNorm(4)},
        ((2, 3, 4),), lambda state, x: stack(state, x, 2, activation=gelu_of),
        (*numbered("layers.", ENCODER, 1), "norm.weight", "norm.bias")),
    Row("TransformerDecoder", (decoder_layer, 2), {}, ((2, 3, 4), (2, 5, 4)),
        lambda state, x, memory: stack(state, x, 2, memory, activation=gelu_of),
        numbered("layers.", DECODER, 2)),
    Row("Transformer", (4, 2, 1, 1, 3, 0.0), {"batch_first": True}, ((2, 3, 4), (2, 5, 4)),
        transformer,
        (*numbered("encoder.layers.", ENCODER, 1), "encoder.norm.weight", "encoder.norm.bias",
         *numbered("decoder.layers.", DECODER, 1), "decoder.norm.weight", "decoder.norm.bias")),
    Row("SinusoidalPositionalEncoding", (5,), {"max_len": 9}, ((7, 2, 5),),
        lambda state, x: x + sinusoids(7, 5)[:, None],
        text="5, max_len=9, dropout=0.0, batch_first=False"),
    Row("SinusoidalPositionalEncoding", (4, 7), {"batch_first": True}, ((2, 7, 4),),
        lambda state, x: x + sinusoids(7, 4)),
    Row("SinusoidalPositionalEncoding", (4,), {"dropout": 0.5}, ((7, 4),),
        lambda state, x: x + sinusoids(7, 4), random=True),
    Row("LearnedPositionalEncoding", (4, 9), {}, ((7, 2, 4),),
        lambda state, x: x + state["weight"][:7, None], ("weight",),
        text="4, max_len=9, dropout=0.0, batch_first=False"),
    Row("LearnedPositionalEncoding", (4, 9), {"batch_first": True}, ((2, 7, 4),),
        lambda state, x: x + state["weight"][:7], ("weight",)),
    Row(
        "Sequential",
        (mlp,),
        reference=mlp_reference,
        state=("up.weight", "up.bias", "down.weight", "down.bias"),
    ),
    Row("Sequential", reference=lambda state, x: x),
    Row("ModuleList", (lambda: [sf.nn.Linear(2, 2), sf.nn.ReLU()],), state=("0.weight", "0.bias")),
    Row(
        "ModuleDict",
        (mlp,),
        state=("up.weight", "up.bias", "down.weight", "down.bias"),
    ),
    Row("ParameterList", (lambda: [sf.ones(2), sf.zeros(3, 1)],), state=("0", "1")),
    Row("ParameterDict", (lambda: {"b": sf.ones(2), "a": sf.zeros(1)},), state=("b", "a")),
]  # fmt: skip
