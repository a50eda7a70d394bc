"""Ready architectures trained to a known accuracy. Minutes: `nox -s slow`."""

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import TensorDataset, augment, digits, split
from surefoot.nn.models import LeNet, LSTMClassifier, ResNet
from surefoot.optim import lr_scheduler
from surefoot.train import LRSchedule, Trainer

pytestmark = pytest.mark.slow


def digit_parts(images: np.ndarray, labels: np.ndarray) -> list[TensorDataset]:
    """70 % to train, 15 % to validate, 15 % to test; as `surefoot train` splits them."""
    parts = split(labels, (0.7, 0.15, 0.15), stratify=labels, seed=0)
    return [TensorDataset(images[part.indices], labels[part.indices]) for part in parts]


def accuracy(
    model: nn.Module, parts: list[TensorDataset], epochs: int, lr: float, transform: object = None
) -> float:
    """Of the best epoch on the validation part, measured on the test part."""
    optimizer = optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
    schedule = LRSchedule(lr_scheduler.CosineAnnealingLR(optimizer))
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    trainer = Trainer(model, loss, optimizer, "accuracy", callbacks=[schedule], seed=0)
    trainer.fit(*parts[:2], epochs=epochs, augment=transform, progress=False)
    trainer.restore_best()
    return float(trainer.evaluate(parts[2])["accuracy"])


def test_lenet_reads_digits() -> None:
    images, labels = digits()
    padded = np.pad(images / np.float32(16), ((0, 0), (4, 4), (4, 4)))[:, None]
    sf.manual_seed(0)
    model = LeNet(image_size=16)
    shaken = augment.RandomAffine(10, translate=(0.06, 0.06), scale=(0.9, 1.1), shear=5)
    parts = digit_parts(padded, labels)
    assert accuracy(model, parts, epochs=60, lr=2e-3, transform=shaken) >= 0.985


def test_an_lstm_reads_digits_row_by_row() -> None:
    images, labels = digits()
    rows = images / np.float32(16)  # (N, 8 steps, 8 features)
    sf.manual_seed(0)
    model = LSTMClassifier(8, 64, 10)
    assert accuracy(model, digit_parts(rows, labels), epochs=30, lr=5e-3) >= 0.97


def gratings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Waves in four directions, of random length, phase and colour, in noise: (N, 3, 32, 32).

    The class is the direction (0, 45, 90 or 135 degrees), which the pixels show almost surely.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    angle = labels * np.pi / 4
    frequency, phase = rng.uniform(0.5, 1.2, count), rng.uniform(0, 2 * np.pi, count)
    y, x = np.mgrid[0:32, 0:32]
    across = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    wave = np.sin(frequency[:, None, None] * across + phase[:, None, None])
    colour = rng.uniform(0.3, 1.0, (count, 3, 1, 1))
    noise = rng.normal(size=(count, 3, 32, 32))
    return (colour * wave[:, None] + noise).astype("float32"), labels


def test_resnet20_tells_directions_of_waves() -> None:
    parts = [TensorDataset(*gratings(n, seed)) for seed, n in enumerate((512, 128, 256))]
    sf.manual_seed(0)
    model = ResNet(num_classes=4)
    assert accuracy(model, parts, epochs=4, lr=3e-3) >= 0.98
