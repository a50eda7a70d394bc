"""ResNet for small images: a stem without pooling, stages of basic blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot import _core
from surefoot._check import integer
from surefoot._core import Tensor
from surefoot.nn import init
from surefoot.nn.batchnorm import BatchNorm2d
from surefoot.nn.container import Sequential
from surefoot.nn.conv import Conv2d
from surefoot.nn.linear import Linear
from surefoot.nn.module import Module

from ._parts import positive_ints

__all__ = ["BasicBlock", "ResNet"]


def _conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> Conv2d:
    return Conv2d(
        in_channels, out_channels, 3, stride, padding=1, bias=False, init="he_normal"
    )  # the norm that follows cancels a bias


class BasicBlock(Module):
    """y = relu(x' + F(x)), F = conv 3x3, norm, relu, conv 3x3, norm; x' is x or a projection of x.

    Shapes: x (N, in_channels, H, W), y (N, out_channels, ceil(H / stride), ceil(W / stride)).
    The projection, a strided 1x1 convolution with its norm, is there where the shapes differ.

    Source: He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition".

    Example:
        >>> import surefoot as sf
        >>> sf.nn.models.BasicBlock(16, 32, stride=2)(sf.zeros(1, 16, 8, 8)).shape
        (1, 32, 4, 4)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv3x3(in_channels, out_channels, stride)
        self.bn1 = BatchNorm2d(out_channels)
        self.conv2 = _conv3x3(out_channels, out_channels)
        self.bn2 = BatchNorm2d(out_channels)
        self.downsample: Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = Sequential(
                Conv2d(in_channels, out_channels, 1, stride, bias=False, init="he_normal"),
                BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        y: Tensor = _core.relu(self.bn1(self.conv1(x)))
        return _core.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet(Module):
    """A residual network for small images (32 x 32 and the like).

    conv 3x3, norm, relu; one stage per width, its first block halving the image (not in the first
    stage); mean over the image; Linear. Names are torchvision's (conv1, bn1, layer1.0.conv1, ...,
    fc). With blocks=(n, n, n) the depth is 6 n + 2: the default is ResNet-20.

    Shapes: x (N, in_channels, H, W), y (N, num_classes), scores without softmax.

    widths, blocks: channels and number of BasicBlocks of each stage, one entry per stage.
    zero_init_residual: begin with F = 0 in every block (the last norm's weight is 0), so that the
    net starts as if it were shallow (Goyal et al. 2017).

    The paper pads the shortcut with zero channels where the shapes differ (its option A); here, as
    in torchvision, a 1x1 convolution projects (option B).

    Source: He, Zhang, Ren, Sun 2016, section 4.2.

    Example:
        >>> import surefoot as sf
        >>> net = sf.nn.models.ResNet(blocks=(1, 1, 1))
        >>> net(sf.zeros(1, 3, 32, 32)).shape
        (1, 10)
    """

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 10,
        *,
        widths: Sequence[int] = (16, 32, 64),
        blocks: Sequence[int] = (3, 3, 3),
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        integer("ResNet", "num_classes", num_classes, 1)
        channels, counts = (
            positive_ints("ResNet", "widths", widths),
            positive_ints("ResNet", "blocks", blocks),
        )
        if len(channels) != len(counts) or not channels:
            raise ValueError(
                f"[ResNet] widths={tuple(channels)}, blocks={tuple(counts)}: needs one width and "
                "one number of blocks for each stage"
            )
        self.conv1 = _conv3x3(in_channels, channels[0])
        self.bn1 = BatchNorm2d(channels[0])
        self._stages = [f"layer{i}" for i in range(1, len(channels) + 1)]
        width = channels[0]
        for i, name in enumerate(self._stages):
            strides = [1 if i == 0 else 2, *[1] * (counts[i] - 1)]
            stage = []
            for stride in strides:
                stage.append(BasicBlock(width, channels[i], stride))
                width = channels[i]
            self.add_module(name, Sequential(*stage))
        self.fc = Linear(width, num_classes)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BasicBlock) and module.bn2.weight is not None:
                    init.zeros_(module.bn2.weight)
        self.config: dict[str, Any] = {
            "in_channels": in_channels,
            "num_classes": num_classes,
            "widths": channels,
            "blocks": counts,
            "zero_init_residual": zero_init_residual,
        }

    def forward(self, x: Tensor) -> Tensor:
        x = _core.relu(self.bn1(self.conv1(x)))
        for name in self._stages:
            x = getattr(self, name)(x)
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]
