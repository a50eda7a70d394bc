"""Modules, layers, losses and their helpers, with torch's names and meanings."""

from . import (
    activation,
    attention,
    batchnorm,
    class_loss,
    container,
    conv,
    ctc_loss,
    distance,
    dropconnect,
    dropout,
    flatten,
    fold,
    functional,
    init,
    linear,
    loss,
    margin_loss,
    models,
    module,
    normalization,
    padding,
    param_container,
    parameter,
    pooling,
    positional,
    rectifier,
    rnn,
    rnn_cell,
    softmax,
    sparse,
    standardize,
    transformer,
    transformer_layer,
    upsampling,
    utils,
)
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .batchnorm import *  # noqa: F403
from .class_loss import *  # noqa: F403
from .container import *  # noqa: F403
from .conv import *  # noqa: F403
from .ctc_loss import *  # noqa: F403
from .distance import *  # noqa: F403
from .dropconnect import *  # noqa: F403
from .dropout import *  # noqa: F403
from .flatten import *  # noqa: F403
from .fold import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .margin_loss import *  # noqa: F403
from .module import *  # noqa: F403
from .normalization import *  # noqa: F403
from .padding import *  # noqa: F403
from .param_container import *  # noqa: F403
from .parameter import *  # noqa: F403
from .pooling import *  # noqa: F403
from .positional import *  # noqa: F403
from .rectifier import *  # noqa: F403
from .rnn import *  # noqa: F403
from .rnn_cell import *  # noqa: F403
from .softmax import *  # noqa: F403
from .sparse import *  # noqa: F403
from .standardize import *  # noqa: F403
from .transformer import *  # noqa: F403
from .transformer_layer import *  # noqa: F403
from .upsampling import *  # noqa: F403

__all__ = ["functional", "init", "models", "utils"]
__all__ += module.__all__
__all__ += parameter.__all__
__all__ += container.__all__
__all__ += param_container.__all__
__all__ += linear.__all__
__all__ += conv.__all__
__all__ += flatten.__all__
__all__ += activation.__all__
__all__ += rectifier.__all__
__all__ += softmax.__all__
__all__ += dropout.__all__
__all__ += dropconnect.__all__
__all__ += batchnorm.__all__
__all__ += normalization.__all__
__all__ += standardize.__all__
__all__ += sparse.__all__
__all__ += distance.__all__
__all__ += rnn.__all__
__all__ += rnn_cell.__all__
__all__ += pooling.__all__
__all__ += padding.__all__
__all__ += upsampling.__all__
__all__ += fold.__all__
__all__ += loss.__all__
__all__ += class_loss.__all__
__all__ += margin_loss.__all__
__all__ += ctc_loss.__all__
__all__ += attention.__all__
__all__ += transformer.__all__
__all__ += transformer_layer.__all__
__all__ += positional.__all__
