"""Initialisation laws under Keras's names, accepted by `init=` of layers.

Each is a class whose objects fill a tensor in place; the lower-case name is the same class.

Example:
    >>> import surefoot as sf
    >>> w = sf.initializers.he_normal(seed=1)(sf.empty(64, 32))
    >>> layer = sf.nn.Linear(32, 64, init=sf.initializers.GlorotUniform(seed=7))
"""

from surefoot.nn.initializer import *  # noqa: F403
from surefoot.nn.initializer import __all__ as __all__  # noqa: PLC0414
