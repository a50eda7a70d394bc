"""A run to be killed: python kill_run.py FOLDER SEED KILLS

Trains with a checkpoint after every second step, in lives that a SIGKILL ends at random instants;
each life resumes the last one's file, on another number of threads. Prints one JSON line: how many
lives there were, how many of them were killed in mid-run, and whether the last file is the
unbroken run's.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

import surefoot as sf
from surefoot import nn, optim
from surefoot.optim import lr_scheduler as ls
from surefoot.train import EarlyStopping, LRSchedule, ModelCheckpoint, Trainer

ROWS, EPOCHS, BATCH = 120, 6, 8


def train(path: Path, threads: int) -> None:
    sf.set_num_threads(threads)
    sf.manual_seed(1)
    x = np.random.RandomState(0).randn(ROWS, 12).astype("float32")
    y = (x.sum(axis=1) > 0).astype("int64")
    hidden = [nn.Linear(12, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Dropout(0.2)]
    model = nn.Sequential(*hidden, nn.Linear(40, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    callbacks = [
        LRSchedule(ls.CosineAnnealingLR(optimizer)),
        EarlyStopping(EPOCHS),
        ModelCheckpoint(path, every=2, unit="step"),
    ]
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", callbacks, seed=5)
    resume = path if path.exists() else None
    trainer.fit((x, y), (x, y), epochs=EPOCHS, batch_size=BATCH, progress=False, resume=resume)
    trainer.save(path)


def life(path: Path, threads: int, delay: float | None) -> bool:
    """One process; whether it came to its end by itself."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            train(path, threads)
            status = 0
        finally:
            os._exit(status)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a life could not go on"
    return not os.WIFSIGNALED(status)


def main(folder: Path, seed: int, kills: int) -> None:
    draw = random.Random(seed)
    began = time.perf_counter()
    life(folder / "whole", 1, None)
    length = time.perf_counter() - began
    expected = (folder / "whole").read_bytes()
    lives = killed = 0
    equal = True
    path = folder / "broken"
    while killed < kills:
        # about five kills in every run; what survives to its end is compared and begun anew
        done = life(path, draw.randint(1, 3), draw.uniform(0, length / 2))
        lives, killed = lives + 1, killed + (not done)
        if done:
            equal = equal and path.read_bytes() == expected
            path.unlink()
    life(path, 2, None)
    equal = equal and path.read_bytes() == expected
    left = sorted(set(os.listdir(folder)) - {"whole", "broken"})
    report = {"lives": lives + 1, "killed": killed, "equal": equal, "left": left}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
