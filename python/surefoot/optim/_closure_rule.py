"""The base of the rules that evaluate the loss more than once per step."""

from __future__ import annotations

from typing import Any, ClassVar

from surefoot._core import Tensor

from ._closure import Closure
from .optimizer import Optimizer


class ClosureRule(Optimizer):
    """An optimizer with one group, whose ``step`` needs a closure."""

    _contract: ClassVar[str]  # what the closure has to do, for the error

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ValueError(
                f"[{self._rule()}] steps along one line for all parameters: "
                "there can be one group only"
            )
        super().add_param_group(param_group)

    def closure_kind(self) -> str:
        return "backward"

    def step(self, closure: Closure | None = None, *, max_norm: float | None = None) -> Any:
        if closure is None:
            raise ValueError(f"[{self._rule()}] call step(closure) with {self._contract}")
        if max_norm is not None:
            raise TypeError(
                f"[{self._rule()}] a step of many gradients takes no max_norm; where the closure "
                "calls backward, it may call nn.utils.clip_grad_norm_ after it"
            )
        return self._search(closure)

    def _search(self, closure: Closure) -> Any:
        raise NotImplementedError

    def _number(self, loss: Any) -> float:
        """The loss that the closure returned, as a number."""
        try:
            return float(loss)
        except (TypeError, ValueError):
            raise TypeError(
                f"[{self._rule()}] the closure returned {loss!r:.40}, not a loss of one number; "
                f"call step with {self._contract}"
            ) from None

    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params
