"""What a Tensor does in Python alone: printing, copying, pickling, a few attributes.

Importing this module completes the type that the core provides.
"""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Iterator
from typing import Any

import numpy as np

from surefoot import _core
from surefoot._core import Tensor


def _repr(self: Tensor) -> str:
    values = np.array2string(
        self.detach().numpy(), separator=", ", prefix="tensor(", threshold=1000, precision=4
    )
    suffix = ""
    if self.dtype not in (_core.float32, _core.int64, _core.bool) or self.numel() == 0:
        suffix += f", dtype={self.dtype}"
    if self.grad_fn is not None:
        suffix += f", grad_fn={self.grad_fn}"
    elif self.requires_grad:
        suffix += ", requires_grad=True"
    return f"tensor({values}{suffix})"


def _format(self: Tensor, spec: str) -> str:
    return format(self.item(), spec) if self.numel() == 1 and spec else repr(self)


def _iter(self: Tensor) -> Iterator[Tensor]:
    if self.ndim == 0:
        raise TypeError("cannot iterate over a 0-d tensor")
    return iter(self.unbind(0))


def _contains(self: Tensor, value: Any) -> bool:
    equal: Any = self == value
    return bool(equal.any().item()) if isinstance(equal, Tensor) else False


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if not self.is_leaf:
        raise RuntimeError(
            "[deepcopy] only leaves can be copied with their gradient state; use "
            "x.detach().clone() for the values"
        )
    out: Tensor = _core._make_subclass(type(self), self.detach().clone(), self.requires_grad)
    out.__dict__.update(copy.deepcopy(self.__dict__, memo)) if hasattr(out, "__dict__") else None
    if self.grad is not None:
        out.grad = self.grad.detach().clone()
    memo[id(self)] = out
    return out


def _rebuild(kind: type[Tensor], values: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    out: Tensor = _core._make_subclass(kind, _core.tensor(values), requires_grad)
    return out


def _reduce(self: Tensor) -> tuple[Any, ...]:
    if not self.is_leaf:
        raise RuntimeError("[pickle] only leaves can be pickled; use x.detach()")
    return _rebuild, (type(self), self.detach().numpy(), self.requires_grad)


def _positive(self: Tensor) -> Tensor:
    return self


def _dtype_named(name: str) -> Any:
    return getattr(_core, name)


def _reduce_dtype(dtype: Any) -> tuple[Any, ...]:
    return _dtype_named, (str(dtype).rsplit(".", 1)[-1],)


def _transposed(self: Tensor) -> Tensor:
    return self.permute(*range(self.ndim - 1, -1, -1))


def _matrix_transposed(self: Tensor) -> Tensor:
    return self.transpose(-2, -1)


def _complete() -> None:
    kind: Any = Tensor
    kind.__repr__ = _repr
    kind.__format__ = _format
    kind.__iter__ = _iter
    kind.__contains__ = _contains
    kind.__deepcopy__ = _deepcopy
    kind.__reduce__ = _reduce
    kind.__pos__ = _positive
    kind.__ifloordiv__ = kind.floor_divide_
    kind.__imod__ = kind.remainder_
    copyreg.pickle(type(_core.float32), _reduce_dtype)
    kind.T = property(_transposed, doc="A view with the order of the dimensions reversed.")
    kind.mT = property(_matrix_transposed, doc="A view with the last two dimensions swapped.")
    kind.nbytes = property(lambda self: self.numel() * self.dtype.itemsize, doc="Bytes of data.")
    kind.itemsize = property(lambda self: self.dtype.itemsize, doc="Bytes of one element.")


_complete()
