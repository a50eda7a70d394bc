"""Pruning, as a short way to ``surefoot.nn.utils.prune``."""

from surefoot.nn.utils.prune import *  # noqa: F403
from surefoot.nn.utils.prune import __all__  # noqa: F401
