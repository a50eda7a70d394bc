"""Models that a file can describe: built from a list of known layers, saved with their shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from surefoot import nn
from surefoot._core import Tensor
from surefoot.files import StrPath, read_tensors, write_tensors

__all__ = ["load_model", "mlp", "save_model"]

_MODEL = "surefoot.model"
_INFO = "surefoot.info"


# Layers that a file may name, each with the constructor arguments that describe it.
_LAYERS: dict[str, tuple[type[nn.Module], tuple[str, ...]]] = {
    "Standardize": (nn.Standardize, ("num_features", "dim")),
    "Linear": (nn.Linear, ("in_features", "out_features", "bias")),
    "Dropout": (nn.Dropout, ("p",)),
    "Flatten": (nn.Flatten, ()),
    "ReLU": (nn.ReLU, ()),
    "Tanh": (nn.Tanh, ()),
    "Sigmoid": (nn.Sigmoid, ()),
}


def mlp(features: int, hidden: Sequence[int], classes: int, dropout: float = 0.0) -> nn.Sequential:
    """Return a multi-layer perceptron over standardised inputs.

    Standardize, then Linear, ReLU and Dropout (if above 0) per hidden size, then Linear.

    Example:
        >>> len(mlp(64, [256], 10, dropout=0.3))
        5
    """
    layers: list[nn.Module] = [nn.Standardize(features)]
    width = features
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
        width = size
    return nn.Sequential(*layers, nn.Linear(width, classes))


def save_model(model: nn.Sequential, path: StrPath, info: Mapping[str, Any] | None = None) -> None:
    """Write a Sequential of known layers to one file, from which ``load_model`` rebuilds it.

    ``info`` is anything that JSON can hold, for people and programs that read the file.
    """
    layers = [_describe(layer) for layer in model]
    metadata = {_MODEL: json.dumps(layers), _INFO: json.dumps(dict(info or {}))}
    write_tensors(path, model.state_dict(), metadata)


def load_model(path: StrPath) -> tuple[nn.Sequential, dict[str, Any]]:
    """Return the model and the info that ``save_model`` wrote; the file runs no code."""
    tensors, metadata = read_tensors(path)
    if _MODEL not in metadata:
        raise ValueError(f"[load_model] {path} holds tensors but does not say which model they are")
    try:
        layers = json.loads(metadata[_MODEL])
        built = [_build(layer, f"{i}.", tensors) for i, layer in enumerate(layers)]
        info = dict(json.loads(metadata.get(_INFO, "{}")))
        model = nn.Sequential(*built)
        model.load_state_dict(tensors)
        _tie(model, tensors)
    except (ValueError, TypeError, KeyError, RuntimeError, RecursionError) as error:
        raise ValueError(f"[load_model] {path} does not describe a usable model: {error}") from None
    return model, info


def _tie(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Let parameters that were one when they were saved be one again."""
    first: dict[int, str] = {}
    for name, tensor in tensors.items():
        earlier = first.setdefault(id(tensor), name)
        path, _, own_name = name.rpartition(".")
        owner = model.get_submodule(path)
        if earlier != name and own_name in owner._parameters:
            setattr(owner, own_name, model.get_parameter(earlier))


def _describe(layer: nn.Module) -> dict[str, Any]:
    kind = type(layer).__name__
    if kind not in _LAYERS or type(layer) is not _LAYERS[kind][0]:
        known = ", ".join(_LAYERS)
        raise TypeError(f"[save_model] cannot describe a {kind}; known layers: {known}")
    arguments = {name: getattr(layer, name) for name in _LAYERS[kind][1]}
    if "bias" in arguments:
        arguments["bias"] = arguments["bias"] is not None
    return {"layer": kind, **arguments}


def _build(described: Any, prefix: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Build one layer; its sizes must be those of its tensors before memory is taken for it."""
    arguments = dict(described)
    kind = arguments.pop("layer")
    if kind not in _LAYERS or set(arguments) != set(_LAYERS[kind][1]):
        raise ValueError(f"no layer {described}")
    if kind == "Linear":
        weight = tuple(tensors[prefix + "weight"].shape)
        if weight != (arguments["out_features"], arguments["in_features"]):
            raise ValueError(f"layer {described} has weights {weight}")
    if kind == "Standardize" and tensors[prefix + "mean"].shape != (arguments["num_features"],):
        raise ValueError(f"layer {described} has another number of means")
    return _LAYERS[kind][0](**arguments)
