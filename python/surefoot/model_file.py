"""Models that a file can describe: known layers in a row, ready architectures, ensembles."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from surefoot import nn
from surefoot._core import Tensor
from surefoot.files import StrPath, read_tensors, write_tensors

__all__ = ["load_model", "save_model"]

_MODEL = "surefoot.model"
_INFO = "surefoot.info"
_FORMAT, _NEWEST = "surefoot.model_format", 1

# What a file may name. The arguments of a layer are those of its constructor that it keeps as
# attributes of the same name; a ready architecture keeps them in `config`.
_LAYERS = {
    name: getattr(nn, name)
    for name in (
        *("Standardize", "Linear", "Conv1d", "Conv2d", "Flatten", "Identity"),
        *("Embedding", "EmbeddingBag", "LearnedPositionalEncoding"),
        *("BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm", "Dropout", "AlphaDropout"),
        *("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool2d", "ZeroPad2d"),
        *("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Tanh", "Sigmoid", "Softmax"),
    )
}
_ARCHITECTURES = {name: getattr(nn.models, name) for name in nn.models.__all__}
_FREE = ("stride", "padding", "dilation", "output_size", "divisor_override")  # take no memory
_COUNTS = ("num_layers", "blocks")  # of parts that have tensors of their own
_UNUSABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RuntimeError, MemoryError),  # RecursionError is a RuntimeError
)
_NOT_DESCRIBED = ("self", "init", "dtype", "inplace")  # how it was built, not what it is


def save_model(model: nn.Module, path: StrPath, info: Mapping[str, Any] | None = None) -> None:
    """Write a model to one safetensors file, from which ``load_model`` rebuilds it.

    The model is a Sequential of known layers, an architecture of ``nn.models``, a Sequential of
    both, or a ``surefoot.ensemble.Ensemble`` of such. TypeError names a layer that is none of
    these, or whose parameters are others than it was built with (``sf.save`` writes the state of
    any module); an MLP whose layers were changed comes back as a Sequential.
    ``info`` is anything that JSON can hold, for people and programs that read the file.

    Example:
        >>> import surefoot as sf, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
        >>> sf.save_model(sf.nn.models.MLP(4, [8], 3), path, {"classes": ["a", "b", "c"]})
        >>> net, info = sf.load_model(path)
        >>> net(sf.ones(2, 4)).shape, info["classes"]
        ((2, 3), ['a', 'b', 'c'])
    """
    try:
        notes = json.dumps(dict(info or {}))
    except (TypeError, ValueError) as error:
        raise TypeError(f"[save_model] info must be a dict that JSON can hold: {error}") from None
    described = _describe(model)
    with nn.init._undrawn():
        odd = _build(described).state_dict().keys() ^ model.state_dict().keys()
    if odd:
        raise TypeError(
            f"[save_model] {min(odd)!r} is not what the layers were built with; sf.save takes it"
        )
    metadata = {_FORMAT: str(_NEWEST), _MODEL: json.dumps(described), _INFO: notes}
    write_tensors(path, model.state_dict(), metadata)


def load_model(path: StrPath) -> tuple[nn.Module, dict[str, Any]]:
    """Return the model and the info that ``save_model`` wrote; the file runs no code.

    Draws no random numbers. Raises ValueError, naming the file, for one that describes no usable
    model, or is of a later version.
    """
    tensors, metadata = read_tensors(path)
    if _MODEL not in metadata:
        raise ValueError(f"[load_model] {path} holds tensors but does not say which model they are")
    found = metadata.get(_FORMAT, "1")  # files before it was written
    if found != str(_NEWEST):
        raise ValueError(
            f"[load_model] {path} has format {found}, of another version of surefoot; this one "
            f"reads {_NEWEST}: pip install --upgrade surefoot"
        )
    try:
        described = json.loads(metadata[_MODEL])
        _check_sizes(described, tensors)
        with nn.init._undrawn():
            model = _build(described)
        _match_dtype(model, tensors)
        info = dict(json.loads(metadata.get(_INFO, "{}")))
        model.load_state_dict(tensors)
        _tie(model, tensors)
    except _UNUSABLE as error:
        raise ValueError(f"[load_model] {path} does not describe a usable model: {error}") from None
    return model, info


def _describe(module: nn.Module) -> Any:
    """Return what JSON can hold of a module: a list for a Sequential, a dict for all else."""
    kind = type(module).__name__
    if type(module) is nn.Sequential:
        return [_describe(child) for child in module]
    if kind in ("Ensemble", "Bagging") and isinstance(module, _ensemble_class()):
        models = module.get_submodule("models").children()
        return {"ensemble": [_describe(model) for model in models], "combine": module.combine}
    if _ARCHITECTURES.get(kind) is type(module):
        config: dict[str, Any] = vars(module)["config"]
        with nn.init._undrawn():
            built = type(module)(**config)
        if repr(built) == repr(module):
            return {"model": kind, **config}
        if not isinstance(module, nn.Sequential):
            raise TypeError(f"[save_model] cannot describe a {kind} that was changed once built")
        return [_describe(child) for child in module]
    if _LAYERS.get(kind) is not type(module):
        known = ", ".join([*_LAYERS, *_ARCHITECTURES])
        raise TypeError(f"[save_model] cannot describe a {kind}; known layers: {known}")
    arguments = {name: getattr(module, name) for name in _argument_names(kind)}
    if "bias" in arguments:
        arguments["bias"] = arguments["bias"] is not None
    state = [name for name, value in arguments.items() if isinstance(value, Tensor)]
    return {"layer": kind, **{k: v for k, v in arguments.items() if k not in state}}


@cache
def _argument_names(kind: str) -> tuple[str, ...]:
    names = inspect.signature(_LAYERS[kind].__init__).parameters
    return tuple(n for n in names if n not in _NOT_DESCRIBED and not n.startswith("_"))


def _own_arguments(kind: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(kind).parameters)


def _build(described: Any) -> nn.Module:
    if isinstance(described, list):
        return nn.Sequential(*map(_build, described))
    if "ensemble" in dict(described):
        models = [_build(model) for model in described["ensemble"]]
        ensemble: nn.Module = _ensemble_class()(models, described["combine"])
        return ensemble
    arguments = {name: _tupled(value) for name, value in dict(described).items()}
    known = _ARCHITECTURES if "model" in arguments else _LAYERS
    kind = arguments.pop("model" if "model" in arguments else "layer")
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"no layer {described}")
    names = _argument_names(kind) if kind in _LAYERS else _own_arguments(known[kind])
    odd = [name for name in arguments if name not in names]
    if odd:
        raise ValueError(f"a {kind} takes no {odd[0]!r}")
    module: nn.Module = known[kind](**arguments)
    return module


def _ensemble_class() -> Any:
    from surefoot.ensemble import Ensemble  # loads the training loop: only where it is needed

    return Ensemble


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _check_sizes(described: Any, tensors: Mapping[str, Tensor]) -> None:
    """Refuse a size that no tensor of the file has, before memory is taken for it."""
    largest = max((size for tensor in tensors.values() for size in tensor.shape), default=0)
    for name, number in _integers(described):
        if number > max(largest, 1024):
            raise ValueError(f"it names a size of {number}, its largest tensor has {largest}")
        if name in _COUNTS and number > len(tensors):
            raise ValueError(f"it names {name}={number}, and holds {len(tensors)} tensors")


def _integers(described: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """The integers for which memory is taken, and the arguments that hold them."""
    if isinstance(described, dict):
        free = _FREE + ("kernel_size",) * ("Pool" in str(described.get("layer")))
        for key, value in described.items():
            if key not in free:
                yield from _integers(value, key)
    elif isinstance(described, list):
        for value in described:
            yield from _integers(value, name)
    elif isinstance(described, int):
        yield name, described


def _match_dtype(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    owners = {
        name.rpartition(".")[0]: tensor.dtype
        for name, tensor in tensors.items()
        if tensor.is_floating_point()
    }
    for path, module in model.named_modules():  # parents before their parts
        if path in owners:
            module.to(owners[path])


def _tie(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Let parameters that were one when they were saved be one again."""
    first: dict[int, str] = {}
    for name, tensor in tensors.items():
        earlier = first.setdefault(id(tensor), name)
        path, _, own_name = name.rpartition(".")
        owner = model.get_submodule(path)
        if earlier != name and own_name in owner._parameters:
            setattr(owner, own_name, model.get_parameter(earlier))
