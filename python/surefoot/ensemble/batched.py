"""Several nets of one architecture as a single net: one batched product in place of M small."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.regularize import collect

__all__ = ["Batched", "why_not_batched"]

# Layers that treat every number by itself and have no parameters.
_ELEMENTWISE = tuple(
    getattr(nn, name)
    for name in (
        *("Identity", "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish"),
        *("Hardswish", "Softplus", "Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Hardtanh"),
        "Hardsigmoid",
    )
)


class Batched(nn.Module):
    """M nets of Linear layers and activations as one, each weight (M, in, out).

    models: Sequentials (nn.models.MLP too) with the same layers: Linear, activations without
    parameters, Flatten, fitted Standardize. Their weights are copied; ``unstack`` copies back.

    Shapes: x (N, M, *), the rows of each member; or x (N, *) with ``shared=True``, the same for
    all. y (N, M, out).

    A sum of the members' losses gives each the gradients it would have alone, and a rule that
    treats every number by itself (SGD, Adam, ...) the same steps.

    Raises:
        ValueError: nets that differ in their layers, or a layer that is none of these.

    Example:
        >>> import surefoot as sf
        >>> nets = [sf.nn.models.MLP(4, [8], 3) for _ in range(5)]
        >>> x = sf.randn(6, 4)
        >>> y = Batched(nets)(x, shared=True)
        >>> y.shape, sf.allclose(y[:, 2], nets[2](x), atol=1e-6)
        ((6, 5, 3), True)
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        models = list(models)
        reason = why_not_batched(models)
        if reason:
            raise ValueError(f"[Batched] {reason}")
        self._sources = tuple(models)  # a tuple: these are no submodules
        rows = zip(*(leaves(model) for model in models), strict=True)
        self.layers = nn.ModuleList([_batched(list(row)) for row in rows])

    def forward(self, x: Tensor, shared: bool = False) -> Tensor:
        count = len(self._sources)
        if shared:
            x = x.unsqueeze(1).expand(x.shape[0], count, *x.shape[1:])
        if x.ndim < 3 or x.shape[1] != count:
            raise ValueError(
                f"[Batched] input {tuple(x.shape)}: expected (N, {count}, ...), a row of each of "
                f"{count} members; the same rows for all: shared=True"
            )
        x = x.transpose(0, 1)
        for layer in self.layers:
            x = layer(x)
        return x.transpose(0, 1)

    def unstack(self) -> list[nn.Module]:
        """Copy the weights into the models it was made of, and return these."""
        columns = [leaves(model) for model in self._sources]
        with no_grad():
            for i, layer in enumerate(self.layers):
                if isinstance(layer, _Products):
                    layer.write([column[i] for column in columns])
        return list(self._sources)


class _Products(nn.Module):
    """y_m = x_m W_m^T + b_m: x (M, N, in), W^T (M, in, out), b (M, 1, out).

    Transposed, since a batched product and its two gradients then read and write rows in place.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        state = [dict(layer.named_parameters()) for layer in layers]
        weights = _core.stack([own["weight"].detach() for own in state])
        self.weight = nn.Parameter(weights.transpose(1, 2).contiguous())
        if "bias" in state[0]:
            biases = _core.stack([own["bias"].detach() for own in state])
            self.bias = nn.Parameter(biases.unsqueeze(1))
        else:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        y = _core.bmm(x, self.weight)
        return y if self.bias is None else y + self.bias

    def write(self, layers: Sequence[nn.Module]) -> None:
        for m, layer in enumerate(layers):
            own = dict(layer.named_parameters())
            own["weight"].copy_(self.weight[m].t())
            if self.bias is not None:
                own["bias"].copy_(self.bias[m, 0])


class _Rescaled(nn.Module):
    """Standardize of each member: mean and std (M, 1, features)."""

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        for name in ("mean", "std"):
            parts = [dict(layer.named_buffers())[name] for layer in layers]
            self.register_buffer(name, _core.stack(parts).unsqueeze(1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class _Flattened(nn.Module):
    """Flatten(1, -1) of each member."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2)


_STACKED: dict[type[nn.Module], Callable[[Sequence[nn.Module]], nn.Module]] = {
    nn.Linear: _Products,
    nn.Standardize: _Rescaled,
    nn.Flatten: _Flattened,
}


def _batched(layers: Sequence[nn.Module]) -> nn.Module:
    make = _STACKED.get(type(layers[0]))
    return layers[0] if make is None else make(layers)


def leaves(model: nn.Module) -> list[nn.Module]:
    """The layers of nested Sequentials in their order."""
    if isinstance(model, nn.Sequential):
        return [leaf for child in model for leaf in leaves(child)]
    return [model]


def why_not_batched(models: Sequence[nn.Module]) -> str:
    """Why these models cannot be one, or an empty string."""
    if not models:
        return "no models"
    first = [repr(layer) for layer in leaves(models[0])]
    for i, model in enumerate(models):
        reason = _not_plain(model)
        if reason:
            return f"member {i}: {reason}"
        if [repr(layer) for layer in leaves(model)] != first:
            return f"member {i} has other layers than member 0"
        if [p.dtype for p in model.parameters()] != [p.dtype for p in models[0].parameters()]:
            return f"member {i} has another dtype than member 0"
    if len({id(p) for model in models for p in model.parameters()}) != sum(
        len(list(layer.parameters())) for model in models for layer in leaves(model)
    ):
        return "parameters are shared"
    return ""


def _not_plain(model: nn.Module) -> str:
    if isinstance(model, nn.Sequential) and type(model) not in (nn.Sequential, nn.models.MLP):
        return f"a {type(model).__name__} may have a forward of its own"
    if any(module._hooks is not None for module in model.modules()):
        return "it has hooks, which act on one model"
    if len(collect(model, None)):
        return "it has regularizers of its own"
    if not all(p.requires_grad for p in model.parameters()):
        return "some of its parameters are frozen"
    for layer in leaves(model):
        names = {name for name, _ in layer.named_parameters()} - {"weight", "bias"}
        kind = type(layer).__name__
        if type(layer) in _ELEMENTWISE:
            continue
        if type(layer) not in _STACKED or names:
            return f"{kind} has no batched form; only Linear, activations, Flatten, Standardize"
        if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
            return "only Flatten(1, -1) has a batched form"
        if isinstance(layer, nn.Standardize) and not _is_ready(layer):
            return "Standardize must be fitted and its features in the last dimension"
    return ""


def _is_ready(layer: nn.Standardize) -> bool:
    return layer.dim == -1 and bool((layer.std > 0).all().item())
