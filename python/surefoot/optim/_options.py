"""Checks of the options that mean the same in every rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot import _check

_AT_LEAST_0 = (
    *("lr", "eps", "weight_decay", "momentum", "dampening", "lr_decay", "momentum_decay"),
    *("initial_accumulator_value", "lambd", "t0"),
)
_FLAGS = ("maximize", "amsgrad", "bias_correction", "centered", "decoupled_weight_decay")


def check_options(rule: str, group: Mapping[str, Any]) -> None:
    """Checks those options of a group that mean the same in every rule."""
    for name in _AT_LEAST_0:
        if name in group:
            _check.number(rule, name, group[name], 0)
    for name in _FLAGS:
        if name in group:
            _check.flag(rule, name, group[name])
    if "rho" in group:
        _check.number(rule, "rho", group["rho"], 0, 1)
    if "betas" in group:
        _check.pair(rule, "betas", group["betas"], 0, 1)
