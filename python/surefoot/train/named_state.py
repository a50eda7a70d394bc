"""States under the names of the model's parameters, and the differences between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot import nn, optim
from surefoot._core import Tensor

__all__ = ["differences", "named_optimizer_state", "own_optimizer_state", "signatures"]


def signatures(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Name -> dtype and shape, as text."""
    return {name: f"{_dtype(tensor)} {tuple(tensor.shape)}" for name, tensor in tensors.items()}


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).rsplit(".", 1)[-1]


def differences(saved: Mapping[str, str], own: Mapping[str, str], kind: str = "model") -> list[str]:
    """One line for every name or signature that the two do not share."""
    lines = [f"- {n}: {saved[n]} in the file, not in the {kind}" for n in saved if n not in own]
    lines += [f"+ {n}: {own[n]} in the {kind}, not in the file" for n in own if n not in saved]
    return lines + [
        f"! {n}: {saved[n]} in the file, {own[n]} in the {kind}"
        for n in saved
        if n in own and saved[n] != own[n]
    ]


def named_optimizer_state(optimizer: optim.Optimizer, model: nn.Module) -> dict[str, Any]:
    """The optimizer's state, keyed by the names that the model gives to its parameters."""
    state, names = optimizer.state_dict(), _names(optimizer, model)
    groups = [{**g, "params": [names[key] for key in g["params"]]} for g in state["param_groups"]]
    return {
        "rule": state["rule"],
        "parameters": {names[key]: entry for key, entry in state["parameters"].items()},
        "state": {names[key]: entry for key, entry in state["state"].items()},
        "param_groups": groups,
    }


def own_optimizer_state(
    saved: Mapping[str, Any], optimizer: optim.Optimizer, model: nn.Module
) -> dict[str, Any]:
    """A state by names under the optimizer's own keys, in the order of its own groups.

    Raises:
        ValueError: the groups hold other parameters; the text lists every difference.
    """
    names = _names(optimizer, model)
    own_groups = optimizer.state_dict()["param_groups"]
    lines, groups = [], []
    for i, (own, group) in enumerate(zip(own_groups, saved["param_groups"], strict=False)):
        mine, theirs = [names[key] for key in own["params"]], group["params"]
        where = f"group {i} of the optimizer"
        lines += [f"- {n}: in the file, not in {where}" for n in theirs if n not in mine]
        lines += [f"+ {n}: in {where}, not in the file" for n in mine if n not in theirs]
        groups.append({**group, "params": list(own["params"])})
    if len(own_groups) != len(saved["param_groups"]):
        found = len(saved["param_groups"])
        lines.append(f"! groups: {found} in the file, {len(own_groups)} in the optimizer")
    if lines:
        raise ValueError(
            "[Trainer] the optimizer's state does not fit, nothing was loaded:\n  "
            + "\n  ".join(lines)
        )
    keys = {name: key for key, name in names.items()}
    return {
        "rule": saved["rule"],
        "parameters": {keys[name]: entry for name, entry in saved["parameters"].items()},
        "state": {keys[name]: entry for name, entry in saved["state"].items()},
        "param_groups": groups,
    }


def _names(optimizer: optim.Optimizer, model: nn.Module) -> dict[Any, str]:
    """The optimizer's key of a parameter -> its name in the model, if it is there."""
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    names = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            key = optimizer.state.key_of(parameter)
            names[key] = known.get(id(parameter), f"not in the model: {key}")
    return names
