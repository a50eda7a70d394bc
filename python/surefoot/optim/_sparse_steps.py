"""Steps of single rows: for embeddings, where a batch touches few of many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from surefoot import _core
from surefoot._core import Tensor

from ._state import Group
from .optimizer import Optimizer


class SparseSteps(Optimizer):
    """An optimizer whose rule treats every number by itself, so that it can step some rows."""

    def _start(self, group: Group, field: str) -> float:
        """The value that state tensor ``field`` is filled with at first."""
        return 0.0

    def step_rows(self, parameter: Tensor, indices: Tensor, grad_rows: Tensor) -> None:
        """Updates only rows ``indices`` of ``parameter``, and their part of the state.

        The work does not depend on the number of rows that are left alone. Rows change as by
        ``step()`` with a gradient that is 0 elsewhere; the others, and what is remembered of them,
        stay as they are (no decay, no momentum): the "lazy" form of Adam and its kin.

        Args:
            parameter: (N, ...), one that the optimizer has.
            indices: (R,), integers from 0 to N - 1; the gradients of equal ones are added.
            grad_rows: (R, ...), the gradient of each of these rows.

        Raises:
            ValueError: shapes that do not fit.
            IndexError: a row that is not there.

        Example:
            >>> import surefoot as sf
            >>> table = sf.zeros(1000, 2, requires_grad=True)
            >>> opt = sf.optim.Adagrad([table], lr=0.5)
            >>> opt.step_rows(table, sf.tensor([7, 2, 7]), sf.ones(3, 2))
            >>> table.detach()[[2, 3, 7]].tolist()
            [[-0.5, -0.5], [0.0, 0.0], [-0.5, -0.5]]
        """
        rows, grads = _summed(parameter, indices, grad_rows)
        entry, group = self.state.of(parameter), self._group_of(parameter)
        if not rows.numel():
            return
        part = parameter.detach().index_select(0, rows)
        with self.state.stand_in(part) as own:
            own.update(
                (k, v.index_select(0, rows) if isinstance(v, Tensor) else v)
                for k, v in entry.items()
            )
            self._update(group, [part], [grads])
        parameter.detach()[rows] = part
        for name, value in own.items():
            if not isinstance(value, Tensor):
                entry[name] = value
                continue
            if name not in entry:
                entry[name] = _core.full_like(parameter.detach(), self._start(group, name))
            entry[name][rows] = value

    def _group_of(self, parameter: Tensor) -> Group:
        return next(g for g in self.param_groups if any(p is parameter for p in g["params"]))


def _summed(parameter: Tensor, indices: Any, grad_rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows without repetition, in order, and the sum of the gradients of each."""
    if not isinstance(indices, Tensor) or indices.is_floating_point():
        raise TypeError("[step_rows] indices must be a tensor of integers")
    wanted = (indices.numel(), *parameter.shape[1:])
    if parameter.ndim == 0 or indices.ndim != 1 or tuple(grad_rows.shape) != wanted:
        raise ValueError(
            f"[step_rows] parameter {tuple(parameter.shape)}, indices {tuple(indices.shape)}, "
            f"grad_rows {tuple(grad_rows.shape)}: give indices (R,) and grad_rows (R, ...) with "
            "the parameter's row shape"
        )
    rows, places = np.unique(indices.numpy(), return_inverse=True)
    outside = rows[(rows < 0) | (rows >= parameter.shape[0])]
    if outside.size:
        raise IndexError(
            f"[step_rows] row {outside[0]} of a parameter with {parameter.shape[0]} rows"
        )
    width = math.prod(parameter.shape[1:])
    flat = grad_rows.detach().reshape(indices.numel(), width)
    index = _core.from_numpy(places.astype(np.int64)).reshape(-1, 1).expand(*flat.shape)
    sums = _core.zeros(len(rows), width, dtype=flat.dtype).scatter_add(0, index, flat)
    return _core.from_numpy(rows.astype(np.int64)), sums.reshape(len(rows), *parameter.shape[1:])
