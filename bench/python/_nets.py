"""The nets whose training steps are measured; one source builds each for surefoot and PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Perceptron:
    """Linear layers with an activation between them, and BatchNorm before it if asked for."""

    sizes: tuple[int, ...]
    activation: str = "ReLU"
    norm: bool = False

    def __call__(self, lib: Any) -> Any:
        nn = lib.nn
        layers: list[Any] = []
        for i, (width, size) in enumerate(itertools.pairwise(self.sizes)):
            layers.append(nn.Linear(width, size))
            if i + 2 < len(self.sizes):
                layers += [nn.BatchNorm1d(size)] if self.norm else []
                layers.append(getattr(nn, self.activation)())
        return nn.Sequential(*layers)


@dataclass(frozen=True)
class Rule:
    """An optimizer by its name, fused where PyTorch has it so."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, lib: Any, parameters: Any) -> Any:
        fused = lib.__name__ == "torch" and self.name in ("SGD", "Adam", "AdamW")
        extra = {"fused": True} if fused else {}
        return getattr(lib.optim, self.name)(parameters, **self.options, **extra)


NESTEROV = Rule("SGD", {"lr": 1e-3, "momentum": 0.9, "nesterov": True})
ADAM, ADAMW, RMSPROP = (Rule(name, {"lr": 1e-4}) for name in ("Adam", "AdamW", "RMSprop"))


@dataclass(frozen=True)
class Net:
    what: str
    build: Callable[[Any], Any]  # library -> module
    rule: Rule
    inputs: tuple[int, ...]
    classes: int  # 0 for regression

    def data(self) -> tuple[Any, Any]:
        """Inputs, and labels or values."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=self.inputs).astype("float32")
        if self.classes:
            return x, rng.integers(0, self.classes, self.inputs[0])
        return x, rng.normal(size=(self.inputs[0], 1)).astype("float32")


def lenet(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def resnet(lib: Any) -> Any:
    nn = lib.nn

    def conv_norm(width: int, size: int, kernel: int, stride: int) -> list[Any]:
        conv = nn.Conv2d(width, size, kernel, stride, padding=kernel // 2, bias=False)
        return [conv, nn.BatchNorm2d(size)]

    class Block(nn.Module):
        def __init__(self, width: int, size: int, stride: int) -> None:
            super().__init__()
            first, second = conv_norm(width, size, 3, stride), conv_norm(size, size, 3, 1)
            self.body = nn.Sequential(*first, nn.ReLU(), *second)
            same = stride == 1 and width == size
            self.shortcut = None if same else nn.Sequential(*conv_norm(width, size, 1, stride))

        def forward(self, x: Any) -> Any:
            return lib.relu(self.body(x) + (x if self.shortcut is None else self.shortcut(x)))

    blocks = [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    return nn.Sequential(
        *(*conv_norm(3, 16, 3, 1), nn.ReLU(), *(Block(*block) for block in blocks)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )


def lstm(lib: Any) -> Any:
    nn = lib.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.fc = nn.LSTM(32, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.fc(self.lstm(x)[1][0][0])

    return Classifier()


def perceptron(
    what: str, rule: Rule, batch: int, *sizes: int, activation: str = "ReLU", norm: bool = False
) -> Net:
    build, classes = Perceptron(sizes, activation, norm), sizes[-1] if sizes[-1] > 1 else 0
    return Net(f"{what}, {rule.name}, {batch}", build, rule, (batch, sizes[0]), classes)


NETS = {
    "lenet": Net("LeNet, 28x28, SGD, 64", lenet, NESTEROV, (64, 1, 28, 28), 10),
    "resnet": Net("ResNet of 13 layers, 32x32, SGD, 64", resnet, NESTEROV, (64, 3, 32, 32), 10),
    "lstm": Net("LSTM 32-128, 50 steps, Adam, 32", lstm, ADAM, (32, 50, 32), 10),
    "mlp512": perceptron("784-512-512-10", NESTEROV, 128, 784, 512, 512, 10),
    "mlp2048": perceptron("784-2048-2048-10", ADAM, 256, 784, 2048, 2048, 10),
    "batchnorm": perceptron(
        "32-256-256-256-1, BatchNorm", ADAMW, 512, 32, 256, 256, 256, 1, norm=True
    ),
    "selu": perceptron("8 x 512 SELU", NESTEROV, 128, *[512] * 9, 10, activation="SELU"),
    "deep": perceptron("50 x 64 tanh", RMSPROP, 64, *[64] * 51, 10, activation="Tanh"),
    "tiny": perceptron("4-64-64-2", ADAM, 32, 4, 64, 64, 2),
}


def training_step(lib: Any, net: Net, compiled: bool = False) -> Callable[[], None]:
    """zero_grad, forward, loss, backward and update, with surefoot or PyTorch."""
    lib.manual_seed(0)
    model = net.build(lib)
    x, y = map(lib.tensor, net.data())
    if lib.__name__ == "torch" and len(net.inputs) == 4:
        model, x = (t.to(memory_format=lib.channels_last) for t in (model, x))
    optimizer = net.rule(lib, model.parameters())
    criterion = lib.nn.CrossEntropyLoss() if net.classes else lib.nn.MSELoss()

    def forward(x: Any, y: Any) -> Any:
        return criterion(model(x), y)

    loss = lib.compile(forward) if compiled else forward

    def step() -> None:
        optimizer.zero_grad()
        loss(x, y).backward()
        optimizer.step()

    return step


def macs(lib: Any, net: Net) -> int:
    """Return the multiply-adds of the products in one step (x needs no gradient)."""
    found: list[int] = []

    def count(layer: Any, inputs: Any, output: Any) -> None:
        kind = type(layer).__name__
        if kind == "Linear":
            found.append(output.numel() * layer.in_features)
        elif kind == "Conv2d":
            found.append(output.numel() * layer.weight.numel() // layer.weight.shape[0])
        elif kind == "LSTM":
            steps = inputs[0].shape[0] * inputs[0].shape[1]
            found.append(steps * (layer.weight_ih_l0.numel() + layer.weight_hh_l0.numel()))

    model = net.build(lib)
    for layer in model.modules():
        layer.register_forward_hook(count)
    model(lib.tensor(net.data()[0]))
    first = (
        0 if net.build is lstm else found[0]
    )  # of the LSTM's first product only a part is spared
    return 3 * sum(found) - first
