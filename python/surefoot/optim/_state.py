"""What an optimizer remembers about each parameter, and how a saved memory is matched to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from surefoot._core import Tensor

Key = str | int  # a parameter's name, or its position where names are not known
Group = dict[str, Any]


class State(dict[Key, dict[str, Any]]):
    """One dict per parameter, keyed by name; a parameter itself is accepted as a key, too."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[int, Key] = {}

    def register(self, parameter: Tensor, key: Key) -> None:
        self._keys[id(parameter)] = key

    def key_of(self, parameter: Tensor) -> Key:
        try:
            return self._keys[id(parameter)]
        except KeyError:
            raise RuntimeError(
                f"[optim] a parameter of shape {tuple(parameter.shape)} was put into a group "
                "behind the optimizer's back; use add_param_group"
            ) from None

    @contextmanager
    def stand_in(self, tensor: Tensor) -> Iterator[dict[str, Any]]:
        """A dict for a tensor that is a parameter only within the block."""
        key = f"stand-in {id(tensor)}"
        self._keys[id(tensor)] = key
        own = self[key] = {}
        try:
            yield own
        finally:
            del self._keys[id(tensor)], self[key]

    def of(self, parameter: Tensor) -> dict[str, Any]:
        """The parameter's own dict, made on first use."""
        return self.setdefault(self.key_of(parameter), {})

    def __setitem__(self, key: Any, entry: dict[str, Any]) -> None:
        super().__setitem__(self.key_of(key) if isinstance(key, Tensor) else key, entry)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._keys.get(id(key)) if isinstance(key, Tensor) else key)

    def get(self, key: Any, default: Any = None) -> Any:
        """As of any dict; makes nothing."""
        known = key in self
        return self[key] if known else default

    def __missing__(self, key: object) -> dict[str, Any]:
        if isinstance(key, Tensor):
            return self.of(key)
        raise KeyError(key)


def copied(value: Any) -> Any:
    """A state entry of its own: a number, a tensor or a list of tensors."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value.detach().clone() if isinstance(value, Tensor) else value


def signature(parameter: Tensor) -> dict[str, Any]:
    """What a saved state must agree with before it is loaded."""
    return {"shape": list(parameter.shape), "dtype": str(parameter.dtype).rsplit(".", 1)[-1]}


def _words(sign: Mapping[str, Any]) -> str:
    return f"{sign['dtype']} {tuple(sign['shape'])}"


def match_keys(own: Sequence[Key], saved: Sequence[Key]) -> tuple[dict[Key, Key], list[str]]:
    """Own key -> saved key: by name where both sides have names, else by position."""
    if all(isinstance(key, str) for key in (*own, *saved)):
        lines = [f"- {key}: in the state, not in the optimizer" for key in saved if key not in own]
        lines += [f"+ {key}: in the optimizer, not in the state" for key in own if key not in saved]
        return {key: key for key in own if key in saved}, lines
    lines = []
    if len(own) != len(saved):
        lines = [f"the state has {len(saved)} parameters, the optimizer has {len(own)}"]
    return dict(zip(own, saved, strict=False)), lines


def signature_lines(
    pairs: Mapping[Key, Key], own: Mapping[Key, Any], saved: Mapping[Key, Any]
) -> list[str]:
    """One line for every matched parameter whose shape or dtype differs."""
    lines = []
    for mine, theirs in pairs.items():
        if theirs not in saved:
            lines.append(f"! {mine}: not described in the state")
        elif dict(own[mine]) != dict(saved[theirs]):
            lines.append(
                f"! {mine}: {_words(saved[theirs])} in the state, {_words(own[mine])} in the "
                "optimizer"
            )
    return lines
