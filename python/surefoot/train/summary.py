"""A table of a model's layers, output shapes and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.nn._mode import evaluating

from .cost import flops

__all__ = ["Summary", "summary"]

if TYPE_CHECKING:
    from rich.table import Table

Shape = tuple[int, ...]
HEADER = ("layer", "type", "output shape", "parameters", "FLOPs")
TEXTS = 3  # columns before those of numbers


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name in the model, class, output shape without the batch, parameters.

    ``flops``: operations of its products and convolutions for one row, 2 for each multiplication.
    """

    name: str
    kind: str
    output_shape: Shape | None
    num_parameters: int
    flops: int = 0

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        shape = "-"
        if self.output_shape is not None:
            shape = "(" + ", ".join(["N", *map(str, self.output_shape)]) + ")"
        return self.name, self.kind, shape, f"{self.num_parameters:,}", f"{self.flops:,}"


class Summary:
    """The rows and totals of a model; ``print`` it, or give it to a rich console."""

    def __init__(
        self, rows: list[LayerRow], num_parameters: int, num_trainable: int, num_bytes: int
    ) -> None:
        self.rows = rows
        self.num_parameters = num_parameters
        self.num_trainable = num_trainable
        self.num_bytes = num_bytes  # of parameters and buffers
        self.flops = sum(row.flops for row in rows)

    def totals(self) -> str:
        """Return the line under the table."""
        return (
            f"parameters: {self.num_parameters:,}, trainable: {self.num_trainable:,}; "
            f"{_size(self.num_bytes)}; {self.flops:,} FLOPs"
        )

    def __str__(self) -> str:
        lines = [HEADER, *(row.cells() for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
        text = []
        for line in lines:
            cells = [
                cell.ljust(width) if i < TEXTS else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            text.append("  ".join(cells))
        rule = "-" * len(text[0])
        return "\n".join([text[0], rule, *text[1:], rule, self.totals()])

    __repr__ = __str__

    def __rich__(self) -> Table:
        from rich.table import Table

        table = Table(caption=self.totals(), caption_justify="left")
        for i, name in enumerate(HEADER):
            table.add_column(name, justify="left" if i < TEXTS else "right")
        for row in self.rows:
            table.add_row(*row.cells())
        return table


def summary(model: nn.Module, input_shape: Sequence[int], dtype: Any = None) -> Summary:
    """Return the layers of ``model`` for one input of ``input_shape`` (without the batch).

    The shapes come from a forward pass over zeros in eval mode; weights shared by several layers
    count once. ``dtype`` is the input's, by default that of the model's first parameter. FLOPs are
    those of products and convolutions for one row, a multiplication and an addition counted as two;
    forward and backward of a training step take about three times as many.

    Example:
        >>> from surefoot import nn
        >>> print(summary(nn.Sequential(nn.Linear(64, 10)), (64,)))
        layer  type    output shape  parameters  FLOPs
        ----------------------------------------------
        0      Linear  (N, 10)              650  1,280
        ----------------------------------------------
        parameters: 650, trainable: 650; 2.6 KB; 1,280 FLOPs
    """
    shapes, costs = _watched(model, input_shape, dtype)
    rows: list[LayerRow] = []
    seen: set[int] = set()
    for name, module in model.named_modules():
        fresh = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        is_leaf = next(iter(module.children()), None) is None
        if is_leaf or fresh:
            count = sum(p.numel() for p in fresh)
            kind = type(module).__name__
            rows.append(LayerRow(name, kind, shapes.get(name), count, costs.get(name, 0)))
        seen.update(id(p) for p in fresh)
    parameters = list(model.parameters())
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    size = sum(t.numel() * t.element_size() for t in model.state_dict(keep_vars=True).values())
    return Summary(rows, sum(p.numel() for p in parameters), trainable, size)


def _size(count: int) -> str:
    power = min(max(len(str(count)) - 1, 0) // 3, 3)
    if power == 0:
        return f"{count} bytes"
    return f"{count / 1000**power:.1f} {('KB', 'MB', 'GB')[power - 1]}"


def _watched(
    model: nn.Module, input_shape: Sequence[int], dtype: Any
) -> tuple[dict[str, Shape], dict[str, int]]:
    """Output shape and FLOPs by name; of a layer that is called again, the sum."""
    shapes: dict[str, Shape] = {}
    costs: dict[str, int] = {}

    def watch(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            if isinstance(output, (tuple, list)) and output:
                output = output[0]
            if isinstance(output, Tensor):
                shapes[name] = tuple(output.shape[1:])
                costs[name] = costs.get(name, 0) + flops(module, inputs, output)

        return hook

    handles = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    if dtype is None:
        dtype = next((p.dtype for p in model.parameters()), None)
    try:
        with evaluating(model):
            model(_core.zeros((1, *input_shape), dtype=dtype))
    finally:
        for handle in handles:
            handle.remove()
    return shapes, costs
