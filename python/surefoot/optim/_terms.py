"""What update rules share: the coefficients that mean the same in each, and their text."""

from __future__ import annotations

import math

from surefoot._core import Tensor

from ._state import Group


def correction(beta: float, t: float) -> float:
    """``1 - beta**t``, without cancellation for the large t and the beta near 1 of long runs."""
    return 1.0 if beta == 0 else -math.expm1(t * math.log(beta))


def is_decoupled(group: Group) -> bool:
    return bool(group.get("decoupled_weight_decay", False))


def sign_and_decay(group: Group) -> tuple[float, float]:
    """How the rule's gradient is made of ``grad`` and ``p``: c[0] and c[1] of every row."""
    decay = 0.0 if is_decoupled(group) else group.get("weight_decay", 0.0)
    return (-1.0 if group.get("maximize") else 1.0), decay


def kept(group: Group) -> float:
    """What a decoupled weight decay leaves of the parameter."""
    return 1.0 - group["lr"] * group["weight_decay"] if is_decoupled(group) else 1.0


def eps_pair(group: Group) -> tuple[float, float]:
    """eps inside the root, eps outside it."""
    return (group["eps"], 0.0) if group["eps_mode"] == "inside" else (0.0, group["eps"])


def rate_of(rate: float, square: Tensor, eps: tuple[float, float]) -> Tensor:
    """``rate / root``, for every number."""
    inside, outside = eps
    return rate / ((square + inside).sqrt() + outside)


# Text for `explain`.


def gradient_line(group: Group, where: str = "") -> str:
    sign, decay = sign_and_decay(group)
    return f"g = {'-' if sign < 0 else ''}grad{where}{f' + {decay:g} * p' if decay else ''}"


def kept_text(group: Group) -> str:
    share = kept(group)
    return "p" if share == 1 else f"{share:.10g} * p"


def root_text(group: Group, square: str) -> str:
    inside, outside = eps_pair(group)
    return f"sqrt({square} + {inside:g})" if inside else f"(sqrt({square}) + {outside:g})"


def average_line(name: str, kept_share: float, of: str) -> str:
    return f"{name} = {kept_share:g} * {name} + {1 - kept_share:g} * {of}"
