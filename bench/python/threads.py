"""Threads never hurt: surefoot with one thread against two, alone and beside a busy process.

python bench/python/threads.py [--only relu lenet] [--seconds 50] [--markdown]

Printed are median microseconds and how many times as fast two threads are (median of the ratios
of neighbours in time); a ratio below 0.95 is marked with an exclamation mark. The busy process
takes a core as an ordinary process does, without priority.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import timeit
from collections.abc import Iterator

import _side
import _table
from _nets import NETS, training_step

SLICE_S = 0.04
BUSY_SLICE_S = 0.25  # many of the time slices in which the system shares out its cores
LEAST = 0.95
SETUP = "import surefoot as sf; from surefoot.nn import functional as F; from surefoot import nn\n"
SIZES = (1_000, 30_000, 100_000, 1_000_000)
# what -> (setup, statement); {} is a number of elements
ELEMENTWISE = {
    "relu": ("x = sf.randn({})", "sf.relu(x)"),
    "tanh": ("x = sf.randn({})", "sf.tanh(x)"),
    "add": ("x = sf.randn({}); y = sf.randn({})", "x + y"),
    "sum": ("x = sf.randn({})", "x.sum()"),
    "relu, backward": ("x = sf.randn({}, requires_grad=True)", "sf.relu(x).sum().backward()"),
    "Adam": (
        "p = sf.randn({}, requires_grad=True); p.grad = sf.randn({})\n"
        "opt = sf.optim.Adam([p], lr=1e-4)",
        "opt.step()",
    ),
}
PRODUCTS = ((32, 64, 64), (64, 64, 64), (128, 128, 128), (256, 256, 256), (128, 784, 512))
ROWS = ((32, 100), (512, 1024), (4096, 1000))
OTHERS = {
    "softmax": ("x = sf.randn({}, {})", "sf.softmax(x, 1)"),
    "layer_norm": ("x = sf.randn({0}, {1})", "F.layer_norm(x, ({1},))"),
    "cross_entropy": (
        "x = sf.randn({0}, {1}, requires_grad=True); y = sf.randint(0, {1}, ({0},))",
        "F.cross_entropy(x, y).backward()",
    ),
    "dropout": ("x = sf.randn({}, {})", "F.dropout(x, 0.5)"),
}


def statements() -> dict[str, tuple[str, str]]:
    """What -> (setup, statement) of every single operation."""
    found = {}
    for size in SIZES:
        for name, (setup, statement) in ELEMENTWISE.items():
            found[f"{name} {size}"] = (setup.format(size, size), statement)
    for m, k, n in PRODUCTS:
        setup = f"a = sf.randn({m}, {k}); b = sf.randn({k}, {n})"
        found[f"matmul {m}x{k}x{n}"] = (setup, "a @ b")
    for shape in ROWS:
        for name, (setup, statement) in OTHERS.items():
            text = f"{name} {shape[0]}x{shape[1]}"
            found[text] = (setup.format(*shape), statement.format(*shape))
    for width, pixels in ((3, 8), (16, 32)):
        setup = f"c = nn.Conv2d({width}, 16, 3); x = sf.randn(16, {width}, {pixels}, {pixels})"
        found[f"Conv2d {width}-16, {pixels}x{pixels}"] = (setup, "c(x)")
    return found


CASES = statements()


def timer(library: str, case: str) -> timeit.Timer:
    import surefoot

    if case in NETS:
        return timeit.Timer(training_step(surefoot, NETS[case]), "import gc; gc.enable()")
    setup, statement = CASES[case]
    names: dict[str, object] = {}
    exec(SETUP + setup, names)
    return timeit.Timer(statement, "import gc; gc.enable()", globals=names)


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """One process that never rests."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(cases: list[str], seconds: float, slice_s: float) -> dict[str, list[float]]:
    """Microseconds with one thread and with two, and the ratio, by case."""
    sides = [_side.Side("threads", "surefoot", threads) for threads in (1, 2)]
    turns = max(3, int(seconds / len(cases) / len(sides) / slice_s))
    for _ in range(turns + 1):
        for case in cases:
            for side in sides:
                side.run(case, slice_s)
    found = {}
    for case in cases:
        one, two = sides
        found[case] = [1e6 * one.median(case), 1e6 * two.median(case), one.ratio(two, case)]
    for side in sides:
        side.close()
    return found


def main() -> None:
    parser = _table.parser(__doc__)
    parser.add_argument("--only", nargs="*", default=[""], help="cases that start so")
    parser.add_argument("--seconds", type=float, default=50.0, help="in all")
    args = parser.parse_args()
    if args.quick:
        args.only, args.seconds = ["softmax 32x100"], 0.1
    cases = [case for case in (*CASES, *NETS) if case.startswith(tuple(args.only))]
    heads = ("1 thread, us", "2 threads", "ratio")
    table = _table.Table(["work", *heads, *("busy: 1", "busy: 2", "ratio")], args.markdown)
    alone = measure(cases, args.seconds / 2, SLICE_S)
    with busy():
        beside = measure(cases, args.seconds / 2, BUSY_SLICE_S)
    marked = 0
    for case in cases:
        cells = []
        for one, two, ratio in (alone[case], beside[case]):
            mark = "" if ratio >= LEAST else " !"
            marked += ratio < LEAST
            cells += [_table.digits(one), _table.digits(two), f"{ratio:.2f}{mark}"]
        table.row(NETS[case].what if case in NETS else f"`{case}`", *cells)
    print(f"\n{marked} of {2 * len(cases)} below {LEAST}")


if __name__ == "__main__":
    main()
