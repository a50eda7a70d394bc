"""What one eager operation costs from Python, in nanoseconds, beside PyTorch and NumPy.

python bench/python/overhead.py [--only add linear] [--seconds 30] [--markdown]

Operands are so small that arithmetic hardly counts. One thread; each library lives in a process
of its own, and all operations take turns, so that a slow minute of the machine meets all alike.
Printed are medians of the times, and of the ratios between neighbours in time.
"""

from __future__ import annotations

import importlib
import timeit
from dataclasses import dataclass
from typing import Any

import _side
import _table

LIBRARIES = ("surefoot", "torch", "numpy")
TENSORS = """
a, b, m = lib.ones(16), lib.ones(16), lib.ones(4, 4)
x, y, w = (lib.ones(n, requires_grad=True) for n in ((16,), (16,), (4, 4)))
"""
MODULES = """
nn = lib.nn
linear, row = nn.Linear(4, 4), lib.ones(1, 4)
net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
"""
LOSS = TENSORS + "\nloss = (x * y + x).sum()"
OPTIMIZER = """
fused = {{"fused": True}} if lib.__name__ == "torch" else {{}}
leaves = [lib.ones(4, 4, requires_grad=True) for _ in range(6)]
gradients = [lib.ones(4, 4) for _ in leaves]
for leaf, gradient in zip(leaves, gradients):
    leaf.grad = gradient
optimizer = lib.optim.{}(leaves, lr=1e-3, **fused)
"""
SLICE_S = 0.02
ARRAYS = "import numpy as np; array = np.ones(16, 'float32'); numbers = [1.0] * 16"


@dataclass(frozen=True)
class Case:
    statement: str
    setup: str
    what: str
    numpy: bool = False  # whether NumPy can do it
    recording: bool = True


CASES = {
    "add": Case("a + b", TENSORS, "`a + b`, 16 elements", True),
    "add_grad": Case("x + y", TENSORS, "`a + b`, recording"),
    "mul_scalar": Case("a * 2.0", TENSORS, "`a * 2.0`", True),
    "mul_scalar_grad": Case("x * 2.0", TENSORS, "`a * 2.0`, recording"),
    "add_": Case("iadd(a, b)", "from operator import iadd" + TENSORS, "`a += b`", True),
    "relu": Case("lib.relu(a)", TENSORS, "`relu(a)`"),
    "relu_grad": Case("lib.relu(x)", TENSORS, "`relu(a)`, recording"),
    "matmul": Case("m @ m", TENSORS, "`m @ m`, 4 x 4", True),
    "matmul_grad": Case("w @ w", TENSORS, "`m @ m`, recording"),
    "sum": Case("a.sum()", TENSORS, "`a.sum()`", True),
    "sum_grad": Case("x.sum()", TENSORS, "`a.sum()`, recording"),
    "index": Case("m[1]", TENSORS, "`m[1]`", True),
    "slice": Case("m[1:3, :2]", TENSORS, "`m[1:3, :2]`", True),
    "reshape": Case("a.reshape(4, 4)", TENSORS, "`a.reshape(4, 4)`", True),
    "shape": Case("m.shape", TENSORS, "`m.shape`", True),
    "item": Case("s.item()", TENSORS + "\ns = a.sum()", "`s.item()`", True),
    "zeros": Case("lib.zeros(16)", "", "`zeros(16)`", True),
    "tensor": Case("lib.tensor(array)", ARRAYS, "`tensor(array)`, 16 elements"),
    "tensor_list": Case("lib.tensor(numbers)", ARRAYS, "`tensor(list)`, 16 numbers"),
    "from_numpy": Case("lib.from_numpy(array)", ARRAYS, "`from_numpy(array)`"),
    "linear": Case("linear(row)", MODULES, "`nn.Linear(4, 4)(x)`"),
    "linear_no_grad": Case("linear(row)", MODULES, "the same, `no_grad`", recording=False),
    "sequential": Case("net(row)", MODULES, "`Sequential(Linear, ReLU, Linear)(x)`"),
    "backward": Case("loss.backward(retain_graph=True)", LOSS, "`backward()` of 3 operations"),
    "forward_backward": Case("(x * y + x).sum().backward()", TENSORS, "the same with forward"),
    "sgd": Case("optimizer.step()", OPTIMIZER.format("SGD"), "`SGD.step()`, 6 tensors"),
    "adam": Case("optimizer.step()", OPTIMIZER.format("Adam"), "`Adam.step()`, 6 tensors"),
    "zero_grad": Case(
        "for leaf, gradient in pairs: leaf.grad = gradient\noptimizer.zero_grad()",
        OPTIMIZER.format("SGD") + "\npairs = list(zip(leaves, gradients))",
        "`zero_grad()` after `p.grad = g`, 6 tensors",
    ),
}


def timer(library: str, case: str) -> timeit.Timer | None:
    """The statement of the case with the setup done; None where the library has no such thing."""
    lib = importlib.import_module(library)
    row = CASES[case]
    setup = row.setup
    if library == "numpy":
        if not row.numpy:
            return None
        setup = "\n".join(line for line in setup.splitlines() if "requires_grad" not in line)
        setup = setup.replace("lib.ones(16)", "lib.ones(16, 'f')")
        setup = setup.replace("lib.ones(4, 4)", "lib.ones((4, 4), 'f')")
    names: dict[str, Any] = {"lib": lib}
    mode = f"lib.set_grad_enabled({row.recording})" if library != "numpy" else ""
    exec(setup, names)
    return timeit.Timer(row.statement, f"import gc; gc.enable(); {mode}", globals=names)


def main() -> None:
    parser = _table.parser(__doc__)
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seconds", type=float, default=30.0, help="in all")
    args = parser.parse_args()
    only, libraries = args.only, _side.installed(LIBRARIES)
    if args.quick:
        only, libraries, args.seconds = ["add"], ["surefoot"], 0.1
    sides = [_side.Side("overhead", name) for name in libraries]
    able = {case: [side for side in sides if side.knows(case)] for case in only}
    turns = max(3, int(args.seconds / SLICE_S / sum(map(len, able.values()))))
    for _ in range(turns + 1):
        for case in only:
            for side in able[case]:
                side.run(case, SLICE_S)
    heads = (head for side in sides[1:] for head in (f"{side.library}, ns", "ratio"))
    table = _table.Table(["operation", "surefoot, ns", *heads], args.markdown)
    for case in only:
        cells = [_table.digits(1e9 * sides[0].median(case))]
        for side in sides[1:]:
            has = side in able[case]
            cells.append(_table.digits(1e9 * side.median(case)) if has else "-")
            cells.append(_table.ratio(side.ratio(sides[0], case)) if has else "-")
        table.row(CASES[case].what, *cells)
    for side in sides:
        side.close()


if __name__ == "__main__":
    main()
