"""Search for hyper-parameters: grid, random, Bayesian (TPE, Gaussian process) and genetic."""

from .result import Record, SearchResult
from .search import search
from .space import Choice, Int, LogUniform, Uniform, width_rule
from .trial import Report, Trial, TrialPruned

__all__ = [
    "Choice",
    "Int",
    "LogUniform",
    "Record",
    "Report",
    "SearchResult",
    "Trial",
    "TrialPruned",
    "Uniform",
    "search",
    "width_rule",
]
