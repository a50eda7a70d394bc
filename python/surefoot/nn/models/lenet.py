"""LeNet: the small convolutional network for small images."""

from __future__ import annotations

from typing import Any

from surefoot._check import integer
from surefoot.nn.container import Sequential
from surefoot.nn.conv import Conv2d
from surefoot.nn.flatten import Flatten
from surefoot.nn.linear import Linear
from surefoot.nn.module import Module

from ._parts import activation_named, pooling_named

__all__ = ["LeNet"]


class LeNet(Sequential):
    """LeNet-5: two convolutions with pooling, then three linear layers.

    conv 5x5 (6 channels, padding 2) - pool 2 - conv 5x5 (16 channels) - pool 2 - 120 - 84 -
    num_classes, an activation after each layer but the last and the pools.

    Shapes: x (N, in_channels, image_size, image_size), y (N, num_classes), scores without softmax.

    image_size: at least 12 (pad smaller images with nn.functional.pad); 28 is MNIST's.
    activation, pooling: 'relu' and 'max' as it is built today; the paper's were a scaled tanh and
    a trainable average ('tanh' and 'avg' come close), its second convolution was not fully
    connected, and it ended in radial basis functions.

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition".

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.LeNet()
        >>> net(sf.zeros(2, 1, 28, 28)).shape
        (2, 10)
        >>> sum(p.numel() for p in net.parameters())
        61706
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 10,
        *,
        image_size: int = 28,
        activation: str = "relu",
        pooling: str = "max",
    ) -> None:
        side = (integer("LeNet", "image_size", image_size, 1) // 2 - 4) // 2
        if side < 1:
            raise ValueError(
                f"[LeNet] image_size={image_size}: two 5x5 convolutions and two poolings need at "
                "least 12; pad the images with nn.functional.pad"
            )

        def act() -> Module:
            return activation_named("LeNet", activation)

        super().__init__(
            *(Conv2d(in_channels, 6, 5, padding=2), act(), pooling_named("LeNet", pooling)),
            *(Conv2d(6, 16, 5), act(), pooling_named("LeNet", pooling)),
            Flatten(),
            *(Linear(16 * side * side, 120), act()),
            *(Linear(120, 84), act()),
            Linear(84, num_classes),
        )
        self.config: dict[str, Any] = {
            "in_channels": in_channels,
            "num_classes": num_classes,
            "image_size": image_size,
            "activation": activation,
            "pooling": pooling,
        }
