"""Whole training steps of surefoot and, where it is installed, PyTorch, in turn in one run.

python bench/python/steps.py [--nets lenet lstm] [--threads 1 2] [--seconds 4]

Each library lives in a process of its own, which sleeps while the other one works: threads that
spin after their work would otherwise cost the neighbour. A step is zero_grad, forward, loss,
backward and update; the same source builds the net for both. Printed are the median time of a step,
the ratio of the medians, and the share of the multiply-add peak measured in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import _peak
import numpy as np

LIBRARIES = ("surefoot", "torch")


@dataclass(frozen=True)
class Net:
    build: Callable[[Any], Any]  # library -> module
    optimizer: Callable[[Any, Any], Any]  # library, parameters -> optimizer
    inputs: tuple[int, ...]
    outputs: int  # classes; 0 for regression


def mlp(lib: Any, sizes: tuple[int, ...], activation: str, norm: bool = False) -> Any:
    nn = lib.nn
    layers: list[Any] = []
    for i, (width, size) in enumerate(itertools.pairwise(sizes)):
        layers.append(nn.Linear(width, size))
        if i + 2 < len(sizes):
            layers += [nn.BatchNorm1d(size)] if norm else []
            layers.append(getattr(nn, activation)())
    return nn.Sequential(*layers)


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


def sgd(lib: Any, parameters: Any) -> Any:
    options = {"fused": True} if lib.__name__ == "torch" else {}
    return lib.optim.SGD(parameters, lr=1e-3, momentum=0.9, nesterov=True, **options)


def adaptive(name: str, **options: Any) -> Callable[[Any, Any], Any]:
    def build(lib: Any, parameters: Any) -> Any:
        fused = lib.__name__ == "torch" and name in ("Adam", "AdamW")
        extra = {"fused": True} if fused else {}
        return getattr(lib.optim, name)(parameters, lr=1e-4, **options, **extra)

    return build


def perceptron(*sizes: int, activation: str = "ReLU", norm: bool = False) -> Callable[[Any], Any]:
    return lambda lib: mlp(lib, sizes, activation, norm)


NETS = {
    "lenet": Net(lenet, sgd, (64, 1, 28, 28), 10),
    "resnet": Net(resnet, sgd, (64, 3, 32, 32), 10),
    "lstm": Net(lstm, adaptive("Adam"), (32, 50, 32), 10),
    "mlp512": Net(perceptron(784, 512, 512, 10), sgd, (128, 784), 10),
    "mlp2048": Net(perceptron(784, 2048, 2048, 10), adaptive("Adam"), (256, 784), 10),
    "batchnorm": Net(perceptron(32, 256, 256, 256, 1, norm=True), adaptive("AdamW"), (512, 32), 0),
    "selu": Net(perceptron(*[512] * 9, 10, activation="SELU"), sgd, (128, 512), 10),
    "deep": Net(perceptron(*[64] * 51, 10, activation="Tanh"), adaptive("RMSprop"), (64, 64), 10),
    "tiny": Net(perceptron(4, 64, 64, 2), adaptive("Adam"), (32, 4), 2),
}


def worker(library: str, name: str, threads: int) -> None:
    """Answer each number of steps on stdin with the seconds a step took."""
    lib = importlib.import_module(library)
    lib.set_num_threads(threads)
    lib.manual_seed(0)
    net = NETS[name]
    model = net.build(lib)
    optimizer = net.optimizer(lib, model.parameters())
    rng = np.random.default_rng(0)
    x = lib.tensor(rng.normal(size=net.inputs).astype("float32"))
    if net.outputs:
        y = lib.tensor(rng.integers(0, net.outputs, net.inputs[0]))
        loss = lib.nn.CrossEntropyLoss()
    else:
        y, loss = (
            lib.tensor(rng.normal(size=(net.inputs[0], 1)).astype("float32")),
            lib.nn.MSELoss(),
        )

    def step() -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    for _ in range(3):
        step()
    print(lib._core._isa() if library == "surefoot" else "", macs(lib, model, x), flush=True)
    for line in sys.stdin:
        count = int(line)
        begin = time.perf_counter()
        for _ in range(count):
            step()
        print((time.perf_counter() - begin) / count, flush=True)


def macs(lib: Any, model: Any, x: Any) -> int:
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

    handles = [layer.register_forward_hook(count) for layer in model.modules()]
    model(x)
    for handle in handles:
        handle.remove()
    first = found[0] if type(model).__name__ != "Classifier" else 0
    return 3 * sum(found) - first


class Side:
    """One library at work in its own process."""

    def __init__(self, library: str, name: str, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", library, name, str(threads)]
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        *isa, macs = self._line().split()
        self.isa, self.macs, self.times = "".join(isa), int(macs), list[float]()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended; its message stands above")
        return line

    def run(self, count: int) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        self.times.append(float(self._line()))
        return self.times[-1]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(name: str, threads: int, libraries: list[str], seconds: float) -> None:
    sides = {library: Side(library, name, threads) for library in libraries}
    slice_seconds = 0.1
    counts = {lib: max(1, int(slice_seconds / side.run(3))) for lib, side in sides.items()}
    own, peak = sides["surefoot"], 0.0
    for side in sides.values():
        side.times.clear()
    for _ in range(max(5, int(seconds / slice_seconds / len(sides)))):
        peak = max(peak, _peak.flops(own.isa, threads))
        for library, side in sides.items():
            side.run(counts[library])
    texts = [f"{name:10s} {threads} threads"]
    for library, side in sides.items():
        median = statistics.median(side.times)
        share = 2 * own.macs / median / peak
        texts.append(f"{library} {1e3 * median:8.3f} ms (share of peak {share:.3f})")
        side.close()
    if "torch" in sides:
        medians = [statistics.median(sides[lib].times) for lib in ("torch", "surefoot")]
        texts.append(f"torch / surefoot {medians[0] / medians[1]:5.2f}")
    print("   ".join(texts), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="*", choices=list(NETS), default=list(NETS))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--seconds", type=float, default=4.0, help="per net and thread count")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker[0], args.worker[1], int(args.worker[2]))
        return
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for threads in args.threads:
        for name in args.nets:
            compare(name, threads, libraries, args.seconds)


if __name__ == "__main__":
    main()
