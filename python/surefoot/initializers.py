"""Initialisation laws under Keras's names, accepted by `init=` of layers.

Each is a class whose objects fill a tensor in place; the lower-case name is the same class.

Example:
    >>> import surefoot as sf
    >>> w = sf.initializers.he_normal(seed=1)(sf.empty(64, 32))
    >>> layer = sf.nn.Linear(32, 64, init=sf.initializers.GlorotUniform(seed=7))
"""

from surefoot.nn.initializer import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    constant,
    get,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    lecun_normal,
    lecun_uniform,
    ones,
    orthogonal,
    random_normal,
    random_uniform,
    truncated_normal,
    variance_scaling,
    zeros,
)

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
