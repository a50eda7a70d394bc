"""Initialisation laws under Keras's names: objects that fill a tensor when called.

Differences from Keras: shapes are torch's, (out, in, *kernel), so fan_in is the second size; and
`seed=None` draws from the generator of `sf.manual_seed`, so every call gives new numbers. With an
integer seed every call gives the same numbers, as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from surefoot._check import choice, positive
from surefoot._core import Generator, Tensor
from surefoot.autograd import no_grad

from . import init

__all__ = [
    "Initializer",
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "Orthogonal",
    "RandomUniform",
    "RandomNormal",
    "TruncatedNormal",
    "Constant",
    "Zeros",
    "Ones",
    "Identity",
    "variance_scaling",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "random_uniform",
    "random_normal",
    "truncated_normal",
    "constant",
    "zeros",
    "ones",
    "identity",
    "get",
]


# Standard deviation of N(0, 1) restricted to [-2, 2]: Keras's "normal" laws divide by it.
TRUNCATED_STD = 0.87962566103423978


class Initializer:
    """Base class: `law(tensor)` fills the tensor in place and returns it.

    seed: None (global generator), an int, or a Generator.
    """

    def __init__(self, seed: int | Generator | None = None) -> None:
        if isinstance(seed, bool) or not (seed is None or isinstance(seed, (int, Generator))):
            raise TypeError(
                f"[{type(self).__name__}] seed must be an int, a Generator or None, got {seed!r}"
            )
        self.seed = seed

    def __call__(self, tensor: Tensor) -> Tensor:
        if not isinstance(self.seed, int):
            return self.fill(tensor, self.seed)
        generator = Generator()
        generator.manual_seed(self.seed)
        return self.fill(tensor, generator)

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        """Write the values; subclasses define it."""
        raise NotImplementedError(f"[{type(self).__name__}] has no fill(tensor, generator)")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class Constant(Initializer):
    """Every element `value`."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        return init.constant_(tensor, self.value)


class Zeros(Constant):
    """Every element 0."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Every element 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class Identity(Initializer):
    """`gain` times the identity matrix."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        init.eye_(tensor)
        with no_grad():
            return tensor.mul_(self.gain)


class RandomUniform(Initializer):
    """U(minval, maxval)."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | Generator | None = None
    ) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        return init.uniform_(tensor, self.minval, self.maxval, generator)


class RandomNormal(Initializer):
    """N(mean, stddev^2)."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: int | Generator | None = None
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        return init.normal_(tensor, self.mean, self.stddev, generator)


class TruncatedNormal(RandomNormal):
    """N(mean, stddev^2) cut at two stddev; not rescaled, so the values spread 0.88 stddev."""

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        low, high = self.mean - 2.0 * self.stddev, self.mean + 2.0 * self.stddev
        return init.trunc_normal_(tensor, self.mean, self.stddev, low, high, generator)


class Orthogonal(Initializer):
    """Orthogonal rows or columns of length `gain`."""

    def __init__(self, gain: float = 1.0, seed: int | Generator | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        return init.orthogonal_(tensor, self.gain, generator)


class VarianceScaling(Initializer):
    """Zero mean and variance scale / fan.

    mode: 'fan_in', 'fan_out' or 'fan_avg', their mean. distribution: 'truncated_normal' (cut at
    two standard deviations, then rescaled by 1 / 0.87962566 to have the wanted variance),
    'untruncated_normal' or 'uniform' (bound sqrt(3 * scale / fan)).
    """

    MODES = ("fan_in", "fan_out", "fan_avg")
    DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | Generator | None = None,
    ) -> None:
        super().__init__(seed)
        owner = type(self).__name__
        self.scale = positive(owner, "scale", scale)
        self.mode = choice(owner, "mode", mode, self.MODES)
        self.distribution = choice(owner, "distribution", distribution, self.DISTRIBUTIONS)

    def fill(self, tensor: Tensor, generator: Generator | None) -> Tensor:
        fan_in, fan_out = init._calculate_fan_in_and_fan_out(tensor)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        std = math.sqrt(self.scale / max(fan, 1.0))
        if self.distribution == "uniform":
            bound = math.sqrt(3.0) * std
            return init.uniform_(tensor, -bound, bound, generator)
        if self.distribution == "untruncated_normal":
            return init.normal_(tensor, 0.0, std, generator)
        wide = std / TRUNCATED_STD
        return init.trunc_normal_(tensor, 0.0, wide, -2.0 * wide, 2.0 * wide, generator)


class _Named(VarianceScaling):
    law: tuple[float, str, str]

    def __init__(self, seed: int | Generator | None = None) -> None:
        super().__init__(*self.law, seed=seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed!r})"


class GlorotUniform(_Named):
    """U(-r, r), r = sqrt(6 / (fan_in + fan_out)): Keras's default for dense layers."""

    law = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal with variance 2 / (fan_in + fan_out)."""

    law = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """U(-r, r), r = sqrt(6 / fan_in): for the ReLU family."""

    law = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal with variance 2 / fan_in: for the ReLU family."""

    law = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """U(-r, r), r = sqrt(3 / fan_in)."""

    law = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal with variance 1 / fan_in: for SELU."""

    law = (1.0, "fan_in", "truncated_normal")


zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_uniform, random_normal, truncated_normal = (RandomUniform, RandomNormal, TruncatedNormal)
orthogonal, variance_scaling = Orthogonal, VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

NAMES: dict[str, Callable[[], Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "identity": Identity,
    "random_uniform": RandomUniform,
    "random_normal": RandomNormal,
    "truncated_normal": TruncatedNormal,
    "orthogonal": Orthogonal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
}
_BY_CLASS_NAME = {law.__name__: law for law in NAMES.values() if isinstance(law, type)}


def get(identifier: Any, owner: str = "initializers.get") -> Callable[[Tensor], object]:
    """The law of a name ('he_normal' or 'HeNormal'), of a class, or any callable on a tensor."""
    if isinstance(identifier, str):
        law = NAMES.get(identifier) or _BY_CLASS_NAME.get(identifier)
        if law is None:
            raise ValueError(
                f"[{owner}] init={identifier!r}: must be 'auto', 'torch', one of "
                f"{', '.join(NAMES)}, or a callable on a tensor"
            )
        return law()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        law_of_user: Callable[[Tensor], object] = identifier
        return law_of_user
    raise TypeError(
        f"[{owner}] init={identifier!r}: must be a name, an initializer or a callable on a tensor"
    )
