"""Parameter groups by kind and by name, ready for an optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from surefoot._core import Tensor

from ._state import Group

__all__ = ["no_decay_groups", "groups_by_name"]


def _pairs(parameters: Any) -> list[tuple[str, Tensor]]:
    """The (name, tensor) pairs of a model or of an iterable of such pairs."""
    named = getattr(parameters, "named_parameters", None)
    pairs = list(named() if named else parameters)
    for item in pairs:
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)):
            raise TypeError(
                "[optim] groups need names: pass a model or (name, tensor) pairs such as "
                f"model.named_parameters(), got {type(item).__name__}"
            )
    return pairs


def no_decay_groups(
    parameters: Any | Iterable[tuple[str, Tensor]], weight_decay: float
) -> list[Group]:
    """Two groups: ``decay`` with the weights, ``no decay`` with biases and scales of norms.

    A penalty on the size of biases and of norm layers' scales only gets in their way; they are the
    parameters with less than two dimensions. A group that would be empty is left out.

    Args:
        parameters: a model, or (name, tensor) pairs.
        weight_decay: for the group ``decay``.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(3, 2)
        >>> opt = sf.optim.AdamW(sf.optim.no_decay_groups(model, 0.1), lr=0.01)
        >>> [(g["name"], g["param_names"], g["weight_decay"]) for g in opt.param_groups]
        [('decay', ['weight'], 0.1), ('no decay', ['bias'], 0.0)]
    """
    pairs = _pairs(parameters)
    groups: list[Group] = [
        {
            "name": "decay",
            "params": [(name, p) for name, p in pairs if p.ndim >= 2],
            "weight_decay": weight_decay,
        },
        {
            "name": "no decay",
            "params": [(name, p) for name, p in pairs if p.ndim < 2],
            "weight_decay": 0.0,
        },
    ]
    return [group for group in groups if group["params"]]


def groups_by_name(
    parameters: Any | Iterable[tuple[str, Tensor]], options: Mapping[str, Mapping[str, Any]]
) -> list[Group]:
    """One group for each name pattern, and ``rest`` for what none of them fits.

    Args:
        parameters: a model, or (name, tensor) pairs.
        options: pattern -> options of its group. ``*`` stands for any characters, dots too. A
            parameter goes to the first pattern that fits.

    Raises:
        ValueError: a pattern that fits no parameter, or none that is still free.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Sequential(sf.nn.Linear(3, 4), sf.nn.ReLU(), sf.nn.Linear(4, 2))
        >>> groups = sf.optim.groups_by_name(model, {"0.*": {"lr": 1e-4}})
        >>> opt = sf.optim.SGD(groups, lr=0.1)
        >>> [(g["name"], g["lr"]) for g in opt.param_groups]
        [('0.*', 0.0001), ('rest', 0.1)]
    """
    groups: dict[str, Group] = {
        pattern: {"name": pattern, "params": [], **chosen} for pattern, chosen in options.items()
    }
    rest: Group = {"name": "rest", "params": []}
    for name, parameter in _pairs(parameters):
        pattern = next((p for p in options if fnmatchcase(name, p)), None)
        (rest if pattern is None else groups[pattern])["params"].append((name, parameter))
    for pattern, group in groups.items():
        if not group["params"]:
            raise ValueError(
                f"[optim] no parameter is left for the pattern {pattern!r}: compare it with the "
                "names of model.named_parameters(); the first pattern that fits takes a parameter"
            )
    return [*groups.values(), *([rest] if rest["params"] else [])]
