"""L-BFGS: a second-order method that learns the curvature from its own steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from surefoot import _check, _core
from surefoot._core import Tensor

from ._closure import Closure, with_grad
from ._closure_rule import ClosureRule
from ._line_search import Trial, strong_wolfe
from ._state import Group, Key

__all__ = ["LBFGS"]

_LEAST_CURVATURE = 1e-10  # pairs with less would spoil the approximation


class LBFGS(ClosureRule):
    """L-BFGS: steps along ``-H g``, ``H`` the inverse Hessian as far as the last steps show it.

    For each of ``max_iter`` iterations, with the pairs ``s`` (step) and ``y`` (change of the
    gradient) of the last ``history_size`` ones::

        d = -H g        H = (y.s / y.y) I, then for each pair, old to new, with r = 1 / y.s:
                        H = (I - r s y') H (I - r y s') + r s s'
        p = p + t * d   t = lr (at first lr * min(1, 1 / sum |g|)), or by line search

    Made for losses without noise: all data in one batch, no dropout. One call of ``step`` makes up
    to ``max_iter`` iterations and calls the closure up to ``max_eval`` times.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or one dict; all of one dtype.
        lr: the step length, or where the line search begins, >= 0.
        max_iter: iterations per step, >= 1.
        max_eval: calls of the closure per step; default ``max_iter * 5 // 4``.
        tolerance_grad: stop when no number of the gradient is larger.
        tolerance_change: stop when parameters or loss change by less.
        history_size: pairs that are kept, >= 1.
        line_search_fn: ``'strong_wolfe'``, or None for steps of length lr.

    Raises:
        ValueError: no closure; a value out of range; a second group.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([-1.2, 1.0], requires_grad=True)
        >>> opt = sf.optim.LBFGS([w], max_iter=50, line_search_fn="strong_wolfe")
        >>> def closure():
        ...     opt.zero_grad()
        ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> _ = opt.step(closure)
        >>> [round(x, 3) for x in w.tolist()]
        [1.0, 1.0]

    Differences from PyTorch: ``max_eval`` counts the calls of the line search while it runs; a loss
    that is not finite makes the search go back.
    Source: Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization".
    """

    _contract = "a closure that clears the gradients, computes the loss, calls backward, returns it"
    _numbers = ("t", "H_diag", "prev_loss", "func_evals", "n_iter")
    _vectors = ("d", "prev_flat_grad")
    _lists = ("old_dirs", "old_stps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
    ) -> None:
        _check.integer("LBFGS", "max_iter", max_iter, 1)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len({p.dtype for p in self._params()}) > 1:
            raise ValueError("[LBFGS] the parameters must all have the same dtype")

    def _check(self, group: Group) -> None:
        for name in ("lr", "tolerance_grad", "tolerance_change"):
            _check.number("LBFGS", name, group[name], 0)
        for name in ("max_iter", "max_eval", "history_size"):
            _check.integer("LBFGS", name, group[name], 1)
        _check.choice("LBFGS", "line_search_fn", group["line_search_fn"], ("strong_wolfe", None))

    def _search(self, closure: Closure) -> Any:
        group = self.param_groups[0]
        first = with_grad(closure)
        loss, grad = self._number(first), self._flat_grad()
        entry = self.state.of(self._params()[0])
        entry["func_evals"] = entry.get("func_evals", 0) + 1
        last_eval = entry["func_evals"] - 1 + group["max_eval"]
        for i in range(group["max_iter"]):
            if grad.abs().max().item() <= group["tolerance_grad"]:
                break
            self._direction(group, entry, grad)
            entry["prev_flat_grad"], entry["prev_loss"] = grad, loss
            slope = _dot(grad, entry["d"])
            if not slope <= -group["tolerance_change"]:  # true for NaN
                break
            last = i + 1 == group["max_iter"] or entry["func_evals"] >= last_eval
            loss, grad = self._advance(group, entry, slope, closure, last_eval, last)
            change = entry["t"] * entry["d"].abs().max().item()
            small = min(change, abs(loss - entry["prev_loss"])) <= group["tolerance_change"]
            if entry["func_evals"] >= last_eval or (small and not last):
                break
        return first

    def _direction(self, group: Group, entry: dict[str, Any], grad: Tensor) -> None:
        """Learns from the last step and sets the direction d and the length t of the next."""
        entry["n_iter"] = entry.get("n_iter", 0) + 1
        if entry["n_iter"] == 1:
            entry.update(d=-grad, H_diag=1.0, old_dirs=[], old_stps=[])
            entry["t"] = group["lr"] * min(1.0, 1.0 / grad.abs().sum().item())
            return
        change, step = grad - entry["prev_flat_grad"], entry["d"] * entry["t"]
        curvature = _dot(change, step)
        if curvature > _LEAST_CURVATURE:
            entry["old_dirs"] = [*entry["old_dirs"], change][-group["history_size"] :]
            entry["old_stps"] = [*entry["old_stps"], step][-group["history_size"] :]
            entry["H_diag"] = curvature / _dot(change, change)
        entry["d"] = _two_loops(entry["old_dirs"], entry["old_stps"], entry["H_diag"], -grad)
        entry["t"] = group["lr"]

    def _advance(
        self,
        group: Group,
        entry: dict[str, Any],
        slope: float,
        closure: Closure,
        last_eval: int,
        last: bool,
    ) -> tuple[float, Tensor]:
        """Moves the parameters along d; the loss and the gradient there (if it is not the last)."""
        places = [p.detach().clone() for p in self._params()]
        start = Trial(0.0, entry["prev_loss"], slope, entry["prev_flat_grad"])

        def evaluate(t: float) -> Trial:
            self._move(places, entry["d"], t)
            loss, grad = self._number(with_grad(closure)), self._flat_grad()
            entry["func_evals"] += 1
            return Trial(t, loss, _dot(grad, entry["d"]), grad)

        if group["line_search_fn"] is None:
            if last:
                self._move(places, entry["d"], entry["t"])
                return start.loss, start.grad
            found = evaluate(entry["t"])
            return found.loss, found.grad
        width = group["tolerance_change"] / max(entry["d"].abs().max().item(), 1e-300)
        tries = max(1, min(25, last_eval - entry["func_evals"]))
        found = strong_wolfe(start, entry["t"], evaluate, width, tries)
        entry["t"] = found.t
        self._move(places, entry["d"], found.t)
        return found.loss, found.grad

    def _flat_grad(self) -> Tensor:
        parts = [
            (_core.zeros_like(p.detach()) if p.grad is None else p.grad.detach()).flatten()
            for p in self._params()
        ]
        return _core.cat(parts)

    def _move(self, places: list[Tensor], direction: Tensor, t: float) -> None:
        at = 0
        for parameter, place in zip(self._params(), places, strict=True):
            step = direction.narrow(0, at, place.numel()).reshape(place.shape)
            parameter.detach().copy_(place + t * step)
            at += place.numel()

    def _formula(self, group: Group) -> list[str]:
        search = group["line_search_fn"] == "strong_wolfe"
        how = f"strong Wolfe conditions, from {group['lr']:g}" if search else f"{group['lr']:g}"
        return [
            f"d = -H * grad, H from the last {group['history_size']} steps",
            f"p = p + t * d, t: {how}",
            f"up to {group['max_iter']} times a step, {group['max_eval']} calls of the closure",
        ]

    def _entry_lines(self, pairs: Mapping[Key, Key], saved: Mapping[str, Any]) -> list[str]:
        """As in the base; here vectors are as long as all parameters together."""
        size = sum(p.numel() for p in self._params())
        lines = []
        for mine, theirs in pairs.items():
            for name, value in saved["state"].get(theirs, {}).items():
                if name in self._numbers and isinstance(value, (int, float)):
                    continue
                vectors = value if name in self._lists else [value]
                if name not in (*self._vectors, *self._lists):
                    lines.append(f"! {mine}: unknown entry {name!r}")
                elif not all(isinstance(v, Tensor) and v.shape == (size,) for v in vectors):
                    lines.append(f"! {mine}: {name} has not {size} numbers")
        return lines


def _dot(a: Tensor, b: Tensor) -> float:
    return float(a.dot(b).item())


def _two_loops(changes: list[Tensor], steps: list[Tensor], scale: float, q: Tensor) -> Tensor:
    """``H q`` from the pairs, without a matrix; ``changes`` are never orthogonal to ``steps``."""
    shares = []
    for y, s in zip(reversed(changes), reversed(steps), strict=True):
        shares.append(_dot(s, q) / _dot(y, s))
        q = q - shares[-1] * y
    q = q * scale
    for y, s, share in zip(changes, steps, reversed(shares), strict=True):
        q = q + (share - _dot(y, q) / _dot(y, s)) * s
    return q
