"""Rows of the recurrent layers: one layer, one direction, dense and packed, written as plain loops.

The layers of surefoot.nn, deeper and in both directions, are tested in test_rnn.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_table.row import Rng, Row, Sample, bad, call, normal

SHAPE_ERROR = (RuntimeError, ValueError)
DTYPE_ERROR = (TypeError, RuntimeError)
GATES = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 3}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def cell(kind: str, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any = None,
         b_hh: Any = None) -> tuple[Any, Any]:  # fmt: skip
    """One step of one sequence: the new (h, c)."""
    from_x = w_ih @ x + (0 if b_ih is None else b_ih)
    from_h = w_hh @ h + (0 if b_hh is None else b_hh)
    if kind == "tanh":
        return np.tanh(from_x + from_h), c
    if kind == "relu":
        return np.maximum(from_x + from_h, 0), c
    if kind == "lstm":
        i, f, g, o = np.split(from_x + from_h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(from_x, 3), np.split(from_h, 3)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h, c


def sequence(kind: str, steps: Any, h: Any, c: Any, weights: Any,
             reverse: bool) -> tuple[Any, Any, Any]:  # fmt: skip
    """One whole sequence: outputs in the order of time, last h, last c."""
    outs = []
    for x in steps[::-1] if reverse else steps:
        h, c = cell(kind, x, h, c, *weights)
        outs.append(h)
    return np.array(outs[::-1] if reverse else outs), h, c


def layer(kind: str, x: Any, h0: Any, c0: Any, *weights: Any, sizes: Any = None,
          batch_first: bool = False, reverse: bool = False) -> list[Any]:  # fmt: skip
    hidden = weights[1].shape[1]
    batch = len(h0)
    if sizes is None:
        # (batch, steps, input): row (t, i) of x
        rows = x if batch_first else x.transpose(1, 0, 2)
        where = None
        parts = list(rows)
    else:
        starts = np.concatenate([[0], np.cumsum(sizes)])
        where = [[starts[t] + i for t in range(len(sizes)) if i < sizes[t]] for i in range(batch)]
        parts = [x[rows_of] for rows_of in where]
    done = [sequence(kind, p, h0[i], c0[i], weights, reverse) for i, p in enumerate(parts)]
    out = np.zeros((*x.shape[:-1], hidden))
    for i, (values, _, _) in enumerate(done):
        if where is not None:
            out[where[i]] = values
        elif batch_first:
            out[i] = values
        else:
            out[:, i] = values
    last = [np.array([d[k] for d in done]).reshape(batch, hidden) for k in (1, 2)]
    return [out, *last] if kind == "lstm" else [out, last[0]]


def rnn_ref(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None,
            batch_sizes: Any = None, nonlinearity: str = "tanh",
            **options: Any) -> Any:  # fmt: skip
    return layer(nonlinearity, x, h0, h0, w_ih, w_hh, b_ih, b_hh, sizes=batch_sizes, **options)


def lstm_ref(x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None,
             batch_sizes: Any = None, **options: Any) -> Any:  # fmt: skip
    return layer("lstm", x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes=batch_sizes, **options)


def gru_ref(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None,
            batch_sizes: Any = None, **options: Any) -> Any:  # fmt: skip
    return layer("gru", x, h0, h0, w_ih, w_hh, b_ih, b_hh, sizes=batch_sizes, **options)


# ----------------------------------------------------------------------------------- samples


def sample(rng: Rng, kind: str, shape: tuple[int, ...], batch: int, hidden: int,
           biases: tuple[bool, bool] = (True, True), sizes: Any = None,
           **options: Any) -> Sample:  # fmt: skip
    rows = GATES[kind] * hidden
    scale = 1 / np.sqrt(hidden)
    states = [normal(rng, batch, hidden) for _ in range(2 if kind == "lstm" else 1)]
    weights = [scale * normal(rng, rows, shape[-1]), scale * normal(rng, rows, hidden)]
    weights += [normal(rng, rows) if wanted else None for wanted in biases]
    if sizes is not None:
        options["batch_sizes"] = np.array(sizes)
    if kind == "relu":
        options["nonlinearity"] = "relu"
    return call(normal(rng, *shape), *states, *weights, **options)


def samples_of(*kinds: str) -> Any:
    def samples(rng: Rng) -> list[Sample]:
        result = []
        for kind in kinds:
            result += [
                sample(rng, kind, (1, 1, 1), 1, 1),
                sample(rng, kind, (3, 2, 3), 2, 2, (False, False)),
                sample(rng, kind, (2, 3, 2), 2, 3, (True, False), batch_first=True, reverse=True),
                sample(rng, kind, (6, 2), 3, 3, (False, True), [3, 2, 1]),
                sample(rng, kind, (5, 3), 2, 2, (True, True), [2, 2, 1], reverse=True),
                sample(rng, kind, (2, 0, 3), 0, 2),
                sample(rng, kind, (3, 9, 2), 9, 5),
                sample(rng, kind, (9, 3, 4), 9, 3, batch_first=True),
            ]
        return result

    return samples


def large_of(kind: str) -> Any:
    def samples(rng: Rng) -> list[Sample]:
        sizes = [61, 60, 33, 9, 9, 1]
        return [
            sample(rng, kind, (9, 27, 33), 27, 47),
            sample(rng, kind, (5, 50, 17), 50, 66, reverse=True),
            sample(rng, kind, (30, 7, 40), 30, 64, batch_first=True),
            sample(rng, kind, (sum(sizes), 10), 61, 65, sizes=sizes),
            sample(rng, kind, (20, 3, 300), 3, 130),
            sample(rng, kind, (30, 9, 10), 9, 33),
            sample(rng, kind, (3, 110, 7), 110, 37, reverse=True),
            sample(rng, kind, (2, 16, 100), 16, 260),
        ]

    return samples


def errors_of(name: str, kind: str) -> tuple[Any, ...]:
    gates, states = GATES[kind], 2 if kind == "lstm" else 1

    def wrong(error: Any, match: tuple[str, ...], x: Any = (4, 2, 3), h: Any = (2, 5),
              w_ih: Any = (5, 3), w_hh: Any = (5, 5), bias: Any = (5,),
              **options: Any) -> Any:  # fmt: skip
        grown = [(gates * s[0], *s[1:]) for s in (w_ih, w_hh, bias)]
        x = np.ones(x) if isinstance(x, tuple) else x
        args = [x, *[np.ones(h)] * states, *[np.ones(s) for s in (*grown, grown[-1])]]
        return bad(error, (f"[{name}]", *match), *args, **options)

    rows, packed = gates * 5, np.array([2, 2])
    return (
        wrong(SHAPE_ERROR, ("(4, 3)", "(steps, batch, input)"), x=(4, 3)),
        wrong(SHAPE_ERROR, ("(0, 2, 3)", "no steps"), x=(0, 2, 3)),
        wrong(SHAPE_ERROR, ("h0", "(3, 5)", "(2, 5)"), h=(3, 5)),
        wrong(SHAPE_ERROR, ("h0", "(2, 4)", "(2, 5)"), h=(2, 4)),
        wrong(SHAPE_ERROR, ("weight_ih", f"({rows}, 4)", f"({rows}, 3)"), w_ih=(5, 4)),
        wrong(SHAPE_ERROR, ("weight_hh", f"({gates * 4}, 5)", f"({rows}, 5)"), w_hh=(4, 5)),
        wrong(SHAPE_ERROR, ("bias_ih", f"({gates * 4},)", f"({rows},)"), bias=(4,)),
        wrong(SHAPE_ERROR, ("(5, 3)", "add up to 4"), x=(5, 3), batch_sizes=packed),
        wrong(SHAPE_ERROR, ("(4, 2, 3)", "batch_sizes (2,)"), batch_sizes=packed),
        wrong(SHAPE_ERROR, ("batch_sizes (2,) of float64",), x=(4, 3), batch_sizes=packed * 1.0),
        wrong(ValueError, ("batch_sizes[1] is 3 after 1",), x=(4, 3),
              batch_sizes=np.array([1, 3])),
        wrong(ValueError, ("batch_sizes[1] is 0",), x=(2, 3), batch_sizes=np.array([2, 0])),
        wrong(DTYPE_ERROR, ("int64", "float()"), x=np.ones((4, 2, 3), np.int64)),
    )  # fmt: skip


def row(name: str, ref: Any, samples: Any, kind: str) -> Row:
    one = np.ones((1, 1))
    match = ("[rnn_layer]", "'sin'", "'tanh'")
    extra = (bad(ValueError, match, np.ones((1, 1, 1)), one, one, one, nonlinearity="sin"),)
    return Row(
        name=name,
        ref=ref,
        samples=samples,
        method=None,
        rtol32=2e-5,
        atol32=2e-5,
        large=large_of(kind),
        errors=errors_of(name, kind) + (extra if kind == "tanh" else ()),
    )


ROWS = [
    row("rnn_layer", rnn_ref, samples_of("tanh", "relu"), "tanh"),
    row("lstm_layer", lstm_ref, samples_of("lstm"), "lstm"),
    row("gru_layer", gru_ref, samples_of("gru"), "gru"),
]
