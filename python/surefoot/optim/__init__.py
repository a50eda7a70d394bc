"""Update rules, simple to hard."""

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .groups import groups_by_name, no_decay_groups
from .lbfgs import LBFGS
from .line_search_gd import LineSearchGD
from .lion import Lion
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "SGD",
    "ASGD",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "Lion",
    "Rprop",
    "LineSearchGD",
    "LBFGS",
    "Optimizer",
    "no_decay_groups",
    "groups_by_name",
    "lr_scheduler",
    "swa_utils",
]
