"""Regularizers: penalties on weights and constraints, for a layer or for a whole model."""

from ._base import Regularizer
from .attach import Terms, apply_, attach, collect, detach, penalty
from .constraints import MaxNorm
from .penalties import L1, L2, ElasticNet, LpNorm, Orthogonality

__all__ = [
    "Regularizer",
    "L1",
    "L2",
    "ElasticNet",
    "LpNorm",
    "Orthogonality",
    "MaxNorm",
    "Terms",
    "attach",
    "detach",
    "collect",
    "penalty",
    "apply_",
]
