"""Ready architectures, small: MLP, LeNet, ResNet for small images, LSTMClassifier, TabularMLP.

Each keeps the arguments of its constructor in ``config``: ``surefoot.save_model`` describes it so.
"""

from .lenet import LeNet
from .lstm_classifier import LSTMClassifier
from .mlp import MLP
from .resnet import BasicBlock, ResNet
from .tabular_mlp import TabularMLP

__all__ = ["BasicBlock", "LSTMClassifier", "LeNet", "MLP", "ResNet", "TabularMLP"]
