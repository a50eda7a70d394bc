"""What Trainer costs above a loop written by hand over the same steps, in turn in one run.

python bench/python/trainer.py [TURNS]

Both draw the same batches from a DataLoader, read the loss of every batch and end with the same
weights, bit for bit. Each runs EPOCHS epochs in turn; printed are the best time of each and the
median of the ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, TensorDataset
from surefoot.train import Trainer

NETS = {
    "16-32-2, batch 32": (16, 32, 2, 32),
    "64-256-10, batch 32": (64, 256, 10, 32),
    "64-256-10, batch 128": (64, 256, 10, 128),
    "784-512-10, batch 128": (784, 512, 10, 128),
}
ROWS = 16384
EPOCHS = 1


class Side:
    """One of the two loops, an epoch at a time."""

    def __init__(self, inputs: int, hidden: int, classes: int, batch: int) -> None:
        sf.manual_seed(0)
        x, y = sf.randn(ROWS, inputs), sf.randint(0, classes, (ROWS,))
        self.loader = DataLoader(TensorDataset(x, y), batch, shuffle=True, seed=0)
        self.model = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
        self.optimizer = optim.Adam(self.model.parameters())
        self.loss = nn.CrossEntropyLoss()
        self.trainer = Trainer(self.model, self.loss, self.optimizer, seed=0)

    def by_hand(self) -> None:
        for _ in range(EPOCHS):
            self.model.train()
            total, rows = 0.0, 0
            for inputs, targets in self.loader:
                self.optimizer.zero_grad()
                loss = self.loss(self.model(inputs), targets)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(targets)
                rows += len(targets)

    def by_trainer(self) -> None:
        self.trainer.fit(self.loader, epochs=EPOCHS, progress=False)


def seconds(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main(turns: int) -> None:
    for name, sizes in NETS.items():
        hand, trainer = Side(*sizes), Side(*sizes)
        times = [(seconds(hand.by_hand), seconds(trainer.by_trainer)) for _ in range(turns)]
        for a, b in zip(hand.model.parameters(), trainer.model.parameters(), strict=True):
            assert a.tolist() == b.tolist(), "the two loops differ"
        ratio = statistics.median(mine / theirs for theirs, mine in times)
        steps = EPOCHS * len(hand.loader)
        theirs, mine = (1e6 * min(side) / steps for side in zip(*times, strict=True))
        print(
            f"{name:22s} by hand {theirs:7.1f} us/step   Trainer {mine:7.1f} us/step   "
            f"{100 * (ratio - 1):+5.1f} %"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
