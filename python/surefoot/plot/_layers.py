"""Histograms of what flows through the layers: forward, backward, and the weights themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from surefoot import _core, autograd
from surefoot._check import choice, integer
from surefoot.nn import Module
from surefoot.nn.activation import Activation

from ._figure import Array, array, labelled, model_input, new_figure, undisturbed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Models = Module | Mapping[str, Module]
Layers = Sequence[str] | type[Module] | tuple[type[Module], ...] | None
Row = dict[str, Array]  # numbers by name of the layer


def activation_histograms(
    models: Models, inputs: Any, *, layers: Layers = None, bins: int = 50
) -> Figure:
    """Draw how the outputs of each layer are distributed, a row of panels per model.

    Args:
        models: a model, or a dict of models by label, e.g. one for each initialisation.
        inputs: a batch of rows.
        layers: names of modules, or a class of modules. None: the activations, or all layers with
            parameters where there are none.
        bins: bars of each histogram, over the range of the whole row.

    Titles tell the standard deviation; where it falls to 0 from layer to layer the signal vanishes,
    where it grows it explodes. The model runs in the mode it is in and is afterwards as before,
    running statistics and random numbers included.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.Linear(4, 8), sf.nn.Tanh(), sf.nn.Linear(8, 2))
        >>> figure = activation_histograms(net, sf.randn(32, 4))
        >>> figure.axes[0].get_title().split()[:2]
        ['1', 'std']

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", figures 6 and 7.
    """
    rows: dict[str, Row] = {}
    for label, model in _models("activation_histograms", models).items():
        with undisturbed(model), autograd.no_grad():
            _, outputs = _run("activation_histograms", model, inputs, layers)
            rows[label] = {name: array(output).copy() for name, output in outputs.items()}
    return _draw("activation_histograms", rows, bins, "output")


def gradient_histograms(
    models: Models,
    inputs: Any,
    targets: Any,
    loss: Callable[[Any, Any], Any],
    *,
    of: Literal["outputs", "weights"] = "outputs",
    layers: Layers = None,
    bins: int = 50,
    log: bool = True,
) -> Figure:
    """Draw how the gradients of the loss are distributed in each layer, a row per model.

    Args:
        models, inputs, layers, bins: as in ``activation_histograms``.
        targets, loss: the gradients are those of ``loss(model(inputs), targets)``.
        of: ``"outputs"``, with respect to what the layers give out; or ``"weights"``, to the
            parameters of two or more dimensions (``layers`` then has names of these).
        log: draw log10 of the magnitude, over one range for all panels, the smallest 2% in the
            first bar; gradients of 0 are counted in the title. False draws the values, over the
            range of each row.

    No ``.grad`` is touched. Titles tell the standard deviation: where it falls towards the first
    layers gradients vanish, where it grows they explode.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.Sequential(sf.nn.Linear(4, 8), sf.nn.Tanh(), sf.nn.Linear(8, 2))
        >>> x, y = sf.randn(32, 4), sf.zeros(32, dtype=sf.int64)
        >>> figure = gradient_histograms(net, x, y, sf.nn.CrossEntropyLoss(), of="weights")
        >>> [axes.get_title().split()[0] for axes in figure.axes]
        ['0.weight', '2.weight']

    Source: as of ``activation_histograms``.
    """
    owner = "gradient_histograms"
    choice(owner, "of", of, ("outputs", "weights"))
    rows = {}
    for label, model in _models(owner, models).items():
        with undisturbed(model), autograd.enable_grad():
            output, outputs = _run(owner, model, inputs, None if of == "weights" else layers)
            value = loss(output, targets if targets is None else _target(targets))
            chosen = _weights(owner, model, layers) if of == "weights" else outputs
            chosen = {name: t for name, t in chosen.items() if t.requires_grad}
            if not chosen:
                raise ValueError(f"[{owner}] none of the chosen {of} requires a gradient")
            grads = autograd.grad(value, list(chosen.values()), allow_unused=True)
        rows[label] = {
            name: np.zeros(tuple(tensor.shape)) if grad is None else array(grad).copy()
            for (name, tensor), grad in zip(chosen.items(), grads, strict=True)
        }
    return _draw(owner, rows, bins, "gradient", log=log)


def weight_histograms(
    models: Models, *, layers: Sequence[str] | None = None, bins: int = 50
) -> Figure:
    """Draw how the weights of each layer are distributed, a row of panels per model.

    Args:
        models: a model, or a dict of models by label, e.g. one for each penalty.
        layers: names of parameters, e.g. ``["0.weight"]``; None: all of two or more dimensions.
        bins: bars of each histogram, over the range of the whole row.

    Titles tell the standard deviation and the share of exact zeros.

    Example:
        >>> import surefoot as sf
        >>> figure = weight_histograms(sf.nn.Linear(3, 2, init="zeros"))
        >>> figure.axes[0].get_title()
        'weight\\nstd 0, 100% zero'
    """
    owner = "weight_histograms"
    rows = {
        label: {name: array(p).copy() for name, p in _weights(owner, model, layers).items()}
        for label, model in _models(owner, models).items()
    }
    return _draw(owner, rows, bins, "weight")


def _models(owner: str, models: Any) -> dict[str, Module]:
    return labelled(owner, "models", models, lambda value: isinstance(value, Module))


def _is_names(layers: Any) -> bool:
    return isinstance(layers, Sequence) and all(isinstance(name, str) for name in layers)


def _names(owner: str, layers: Any) -> list[str]:
    if isinstance(layers, str) or not _is_names(layers):
        raise TypeError(f"[{owner}] layers={layers!r}: must be a list of names, or classes")
    return list(layers)


def _target(targets: Any) -> Any:
    return targets if isinstance(targets, _core.Tensor) else _core.tensor(np.asarray(targets))


def _weights(owner: str, model: Module, names: Any) -> dict[str, Any]:
    known = dict(model.named_parameters())
    if names is not None:
        return {name: known[name] for name in _known(owner, _names(owner, names), known)}
    chosen = {name: p for name, p in known.items() if p.dim() >= 2}
    if not chosen:
        raise ValueError(f"[{owner}] {type(model).__name__} has no weights of 2 dimensions or more")
    return chosen


def _known(owner: str, names: Sequence[str], known: Mapping[str, Any]) -> Sequence[str]:
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise KeyError(f"[{owner}] no layer {missing}; there is {', '.join(filter(None, known))}")
    return names


def _choose(owner: str, model: Module, layers: Layers) -> dict[str, Module]:
    known = dict(model.named_modules())
    if isinstance(layers, type) or (isinstance(layers, tuple) and not _is_names(layers)):
        chosen = {name: m for name, m in known.items() if isinstance(m, layers)}
    elif layers is not None:
        chosen = {name: known[name] for name in _known(owner, _names(owner, layers), known)}
    else:
        leaves = {name: m for name, m in known.items() if not list(m.children())}
        chosen = {name: m for name, m in leaves.items() if isinstance(m, Activation)}
        chosen = chosen or {name: m for name, m in leaves.items() if list(m.parameters())}
    if not chosen:
        raise ValueError(f"[{owner}] {type(model).__name__} has no such layers: name them, layers=")
    return chosen


def _run(owner: str, model: Module, inputs: Any, layers: Layers) -> tuple[Any, dict[str, Any]]:
    """The output, and those of the chosen layers in the order of their calls."""
    outputs: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., Any]:
        def hook(module: Module, args: Any, output: Any) -> Any:
            single = isinstance(output, _core.Tensor)
            calls = sum(key.partition(" (")[0] == name for key in outputs)
            outputs[f"{name} ({calls + 1})" if calls else name] = output if single else output[0]
            return output.clone() if single else None  # what follows may work in place

        return hook

    handles = [
        module.register_forward_hook(keep(name or type(module).__name__))
        for name, module in _choose(owner, model, layers).items()
    ]
    try:
        output = model(model_input(model, inputs))
    finally:
        for handle in handles:
            handle.remove()
    if not outputs:
        raise ValueError(f"[{owner}] the chosen layers of {type(model).__name__} were not called")
    return output, outputs


def _draw(
    owner: str, rows: Mapping[str, Row], bins: int, quantity: str, log: bool = False
) -> Figure:
    bins = integer(owner, "bins", bins, 1)
    drawn = {
        label: {name: _shown(values, log) for name, values in row.items()}
        for label, row in rows.items()
    }
    columns = max(len(row) for row in rows.values())
    figure, panels = new_figure(owner, len(rows), columns, (2.2, 1.9))
    everything = np.concatenate([v for row in drawn.values() for v in row.values()])
    for i, (label, row) in enumerate(rows.items()):
        own = panels[i * columns : (i + 1) * columns]
        shown = everything if log else np.concatenate(list(drawn[label].values()))
        edges = _edges(shown, bins, tail=0.02 if log else 0.0)
        for panel, (name, values) in zip(own, row.items(), strict=False):
            counts, _ = np.histogram(np.clip(drawn[label][name], edges[0], edges[-1]), edges)
            panel.stairs(counts, edges, fill=True)
            panel.set_title(f"{name}\n{_numbers(values)}", fontsize=8)
            panel.set_xlim(edges[0], edges[-1])
            panel.tick_params(labelsize=7)
            panel.set_yticks([])
        for panel in own[len(row) :]:
            panel.set_axis_off()
        own[0].set_ylabel(label, fontsize=9)
    figure.supxlabel(f"log10 |{quantity}|" if log else quantity, fontsize=9)
    return figure


def _shown(values: Array, log: bool) -> Array:
    """What goes into the bars: finite numbers, of the magnitudes those above 0."""
    flat = values[np.isfinite(values)].astype(np.float64)
    return np.log10(np.abs(flat[flat != 0])) if log else flat


def _edges(values: Array, bins: int, tail: float) -> Array:
    """The ends of the bars, without the share ``tail`` of the lowest numbers."""
    if not values.size:
        return np.linspace(-1.0, 1.0, bins + 1)
    low, high = float(np.quantile(values, tail)), float(values.max())
    least = 1e-6 * max(abs(low), abs(high)) or 1.0
    if high - low < least:
        low, high = low - least, high + least
    return np.linspace(low, high, bins + 1)


def _numbers(values: Array) -> str:
    finite = values[np.isfinite(values)].astype(np.float64)
    text = f"std {finite.std():.2g}" if finite.size else "std unknown"
    zeros = float(np.mean(values == 0)) if values.size else 0.0
    if zeros:
        text += f", {100 * zeros:.3g}% zero"
    if finite.size < values.size:
        text += f", {values.size - finite.size} not finite"
    return text
