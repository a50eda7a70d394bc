"""Training the members of an ensemble as one batched net against one by one, in turn in one run.

python bench/python/ensemble.py [TURNS]

Both give each member the same first weights and the same batches; they end with weights that agree
up to rounding, which is checked. Printed are the best time of each and the median of the ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import surefoot as sf
from surefoot import nn, optim
from surefoot.ensemble import Ensemble, deep_ensemble

# name: (sizes of the net, members, batch)
CASES = {
    "16-32-2, 5 members, batch 32": ((16, 32, 2), 5, 32),
    "16-32-2, 20 members, batch 32": ((16, 32, 2), 20, 32),
    "64-64-10, 10 members, batch 32": ((64, 64, 10), 10, 32),
    "64-256-10, 10 members, batch 128": ((64, 256, 10), 10, 128),
    "784-512-10, 5 members, batch 128": ((784, 512, 10), 5, 128),
}
ROWS = 2048


def train(case: tuple[tuple[int, int, int], int, int], batched: bool) -> tuple[float, Ensemble]:
    (inputs, hidden, classes), members, batch = case
    sf.manual_seed(0)
    data = sf.randn(ROWS, inputs), sf.randint(0, classes, (ROWS,))
    optimizer = partial(optim.SGD, lr=0.05, momentum=0.9)
    begin = time.perf_counter()
    net = deep_ensemble(
        lambda i: nn.models.MLP(inputs, [hidden], classes),
        data,
        members,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        epochs=1,
        batch_size=batch,
        batched=batched,
    )
    return time.perf_counter() - begin, net


def main(turns: int) -> None:
    for name, case in CASES.items():
        times = []
        for _ in range(turns):
            (apart, one_by_one), (together, batched) = train(case, False), train(case, True)
            times.append((apart, together))
            for a, b in zip(one_by_one.parameters(), batched.parameters(), strict=True):
                assert sf.allclose(a, b, rtol=1e-3, atol=1e-4), "the two differ"
        ratio = statistics.median(apart / together for apart, together in times)
        apart, together = (1e3 * min(side) for side in zip(*times, strict=True))
        print(f"{name:34s} one by one {apart:7.1f} ms   batched {together:7.1f} ms   {ratio:5.2f}x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
