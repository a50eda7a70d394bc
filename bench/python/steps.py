"""Whole training steps of surefoot, PyTorch, NumPy and jax, in turn in one run.

python bench/python/steps.py [--nets lenet lstm] [--threads 1 2] [--seconds 4] [--markdown]
python bench/python/steps.py --warm  # first, where torch.compile takes part

Each library lives in a process of its own, which sleeps while the others work. A step is
zero_grad, forward, loss, backward and update. PyTorch takes its fused optimizers and images with
channels last; torch.compile takes forward and loss. NumPy and jax run the same step written by
hand (_arrays.py), where that is short. With N threads, the others may take fewer if they are
faster so. Printed are median milliseconds, how many times as long the others take (median of the
ratios of neighbours in time), and the share of the multiply-add peak measured in the same run.
PyTorch takes up to a minute to compile a net: `--warm` lets it, says how long that took and
measures nothing; what it compiled lies on disk for the runs after it.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import timeit

import _peak
import _side
import _table
from _nets import NETS, macs, training_step

LIBRARIES = ("surefoot", "torch", "torch.compile", "numpy", "jax")
SLICE_S = 0.06


def timer(library: str, case: str) -> timeit.Timer | None:
    """A training step of the net, or None where the library has none."""
    net = NETS[case]
    if library in ("numpy", "jax"):
        import _arrays

        return timeit.Timer(_arrays.training_step(library, net)) if _arrays.able(net) else None
    lib = importlib.import_module(library.partition(".")[0])
    step = training_step(lib, net, compiled=library == "torch.compile")
    for _ in range(3):
        step()
    return timeit.Timer(step, "import gc; gc.enable()")


def measure(
    name: str, threads: list[int], libraries: list[str], seconds: float
) -> tuple[list[_side.Side], dict[int, float]]:
    """The sides that can train the net with their times, and the peak for each thread count."""
    found = [_side.Side("steps", library, n) for n in threads for library in libraries]
    sides = [side for side in found if side.knows(name)]
    for side in found:
        if side.reason and side.threads == threads[0]:
            print(f"{side.library}: {side.reason}", file=sys.stderr)
    peaks = dict.fromkeys(threads, 0.0)
    for side in sides:
        side.run(name, SLICE_S)
    turn = sum(side.slice_s for side in sides)
    for _ in range(max(3, int(seconds / turn))):
        for n in threads:
            peaks[n] = max(peaks[n], _peak.flops(_isa(), n))
        for side in sides:
            side.run(name, SLICE_S)
    for side in found:
        side.close()
    return sides, peaks


def _isa() -> str:
    import surefoot

    return str(surefoot._core._isa())


def rows(
    table: _table.Table, name: str, threads: list[int], libraries: list[str], s: float
) -> None:
    """Measure one net and print a row for each thread count."""
    import surefoot

    sides, peaks = measure(name, threads, libraries, s)
    flop = 2 * macs(surefoot, NETS[name])
    for n in threads:
        (own,) = (side for side in sides if (side.library, side.threads) == ("surefoot", n))
        median = own.median(name)
        cells = [str(n), _table.digits(1e3 * median), f"{flop / median / peaks[n]:.2f}"]
        for library in libraries[1:]:
            able = [side for side in sides if side.library == library and side.threads <= n]
            best = min(able, key=lambda side: side.median(name), default=None)
            if best is None:
                cells.append("-")
                continue
            factor = _table.ratio(best.ratio(own, name))
            cells.append(f"{_table.digits(1e3 * best.median(name))} ({factor})")
        table.row(NETS[name].what, *cells)


def warm(names: list[str], threads: list[int]) -> None:
    """Have PyTorch compile the nets, one process at a time as when they are measured."""
    for name in names:
        for n in threads:
            begin = time.perf_counter()
            side = _side.Side("steps", "torch.compile", n)
            word = "compiled" if side.knows(name) else side.reason
            side.close()
            print(f"{name}, {n} threads: {time.perf_counter() - begin:.0f} s, {word}", flush=True)


def main() -> None:
    parser = _table.parser(__doc__)
    parser.add_argument("--nets", nargs="*", choices=list(NETS), default=list(NETS))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count() or 1])
    parser.add_argument("--seconds", type=float, default=5.0, help="per net")
    parser.add_argument("--libraries", nargs="*", choices=LIBRARIES[1:], default=LIBRARIES[1:])
    parser.add_argument("--warm", action="store_true", help="compile for PyTorch, measure nothing")
    args = parser.parse_args()
    if args.warm:
        warm(args.nets if _side.installed(["torch.compile"]) else [], args.threads)
        return
    if args.quick:
        args.nets, args.threads, args.seconds, args.libraries = ["tiny"], [1], 0.1, ["numpy"]
    libraries = ["surefoot", *_side.installed(args.libraries)]
    others = [f"{library}, ms" for library in libraries[1:]]
    heads = ["net, rule, batch", "threads", "surefoot, ms", "of the peak", *others]
    table = _table.Table(heads, args.markdown)
    for name in args.nets:
        rows(table, name, args.threads, libraries, args.seconds)


if __name__ == "__main__":
    main()
