"""The base of all update rules: groups, state, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from surefoot import _check, _core
from surefoot._core import Tensor

from ._closure import Closure, with_grad
from ._state import Group, Key, State, copied, match_keys, signature, signature_lines

__all__ = ["Optimizer"]

# What a group holds besides the options of its rule; schedules keep their first rate there.
_GROUP_KEYS = ("params", "param_names", "name", "initial_lr")


class Optimizer:
    """Base class of the update rules.

    Args:
        params: leaf tensors; or ``(name, tensor)`` pairs, as ``model.named_parameters()`` gives
            them; or dicts, one per group, with the key ``params``, any option of the rule, and a
            ``name`` for ``explain`` if wanted (see ``no_decay_groups``, ``groups_by_name``).
        defaults: the options of groups that do not set them.

    ``param_groups`` is a list of live dicts: a change of ``opt.param_groups[0]["lr"]`` holds from
    the next step on. ``state`` has one dict per parameter, keyed by its name (by its position
    where names are not known); ``opt.state[parameter]`` works as well.

    Example:
        A rule of your own is a subclass with ``_check``, ``_update`` and, for ``explain``,
        ``_formula``; state tensors of its own it names in ``_fields``.

        >>> import surefoot as sf
        >>> class Signs(sf.optim.Optimizer):
        ...     def _check(self, group):
        ...         pass
        ...     def _update(self, group, params, grads):
        ...         for p, g in zip(params, grads):
        ...             p.detach().sub_(group["lr"] * g.sign())
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> Signs([w], {"lr": 0.5}).step()
        >>> w.tolist()
        [0.5, 1.5]

    Difference from PyTorch: with named parameters a saved state is matched by name, shape and
    dtype, never by position, so a changed order of parameters cannot mix up their states.
    """

    last_norm: Tensor | None = None  # of all gradients, before clipping, at the last such step

    _fields: ClassVar[tuple[str, ...]] = ()  # state tensors, each of the parameter's shape
    _numbers: ClassVar[tuple[str, ...]] = ("step",)  # state entries that are plain numbers

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        rule = self._rule()
        if isinstance(params, (Tensor, str, Mapping)) or not isinstance(params, Iterable):
            raise TypeError(
                f"[{rule}] params must be an iterable of tensors, of (name, tensor) pairs or of "
                f"dicts, got {type(params).__name__}; "
                "pass [tensor], model.parameters() or model.named_parameters()"
            )
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"[{rule}] a set of parameters has no order; pass a list")
        self.defaults = dict(defaults)
        self.param_groups: list[Group] = []
        self.state = State()
        self._check(self.defaults)
        items = list(params)
        if not items:
            raise ValueError(
                f"[{rule}] the list of parameters is empty; "
                "an iterator such as model.parameters() can be used only once"
            )
        if not all(isinstance(item, dict) for item in items):
            items = [{"params": items}]
        for group in items:
            self.add_param_group(group)

    # What a rule defines.

    def _check(self, group: Group) -> None:
        """Raises ValueError or TypeError for options out of range."""
        raise NotImplementedError

    def _update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        """Changes ``params`` in place; they all have a gradient."""
        raise NotImplementedError

    def _step_group(self, group: Group, scale: float) -> None:
        """``_update`` by the gradients times ``scale``."""
        params, grads = _core._with_grads(group["params"])
        if params:
            scaled = grads if scale == 1.0 else [grad.detach() * scale for grad in grads]
            self._update(group, params, scaled)

    def _formula(self, group: Group) -> list[str]:
        """The update of one step, a line each, with the numbers now in use."""
        raise NotImplementedError

    def _report(self, group: Group) -> list[str]:
        """Lines on the state of a group that ``explain`` adds."""
        return []

    # What users call.

    def step(self, closure: Closure | None = None, *, max_norm: float | None = None) -> Any:
        """Updates every parameter that has a gradient; ``.grad`` itself is left as it is.

        closure: computes the loss and its gradients first; its result is returned.
        max_norm: clips all gradients together, ``g * min(1, max_norm / (norm + 1e-6))``, within
        the pass over memory that the update makes anyhow. The new parameters have the bits that
        ``nn.utils.clip_grad_norm_`` and then ``step()`` give them, and a norm of inf or NaN does
        as much harm, but ``.grad`` stays what backward left. ``last_norm`` is the norm.

        PyTorch has no ``max_norm``. Source: as ``nn.utils.clip_grad_norm_``.

        Example:
            >>> import surefoot as sf
            >>> w = sf.tensor([3.0, 4.0], requires_grad=True)
            >>> opt = sf.optim.SGD([w], lr=1.0)
            >>> (w * w).sum().backward()
            >>> opt.step(max_norm=1.0)
            >>> [round(x, 4) for x in w.tolist()], opt.last_norm.item()
            ([2.4, 3.2], 10.0)
        """
        loss = None if closure is None else with_grad(closure)
        scale = 1.0 if max_norm is None else self._clip_factor(max_norm)
        try:
            for group in self.param_groups:
                self._step_group(group, scale)
        except (TypeError, OverflowError):
            for group in self.param_groups:  # perhaps an option was set wrongly: say which
                self._check(group)
            raise
        return loss

    def closure_kind(self) -> str:
        """What ``step`` needs: "", or a closure that calls "backward" or only gives the "loss"."""
        return ""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, without a pass over their memory; the next backward gives others.

        ``set_to_none=False`` keeps their memory and fills it with 0.
        """
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none or parameter.grad is None:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach().zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group: a dict with ``params`` and any option of the rule.

        Raises:
            ValueError: a parameter or a name that is already there, a tensor that is not a leaf,
                an option out of range.
            TypeError: an unknown option, something that is not a tensor.
        """
        group = self._new_group(param_group)
        tensors: list[Tensor] = group["params"]
        start = sum(len(g["params"]) for g in self.param_groups)
        keys: list[Key] = group.get("param_names") or list(range(start, start + len(tensors)))
        self._check_new(tensors, keys, named="param_names" in group)
        for parameter, key in zip(tensors, keys, strict=True):
            self.state.register(parameter, key)
        self.param_groups.append(group)

    def explain(self) -> str:
        """Prints the rule in use with its present numbers, and returns the text.

        Example:
            >>> import surefoot as sf
            >>> w = sf.zeros(3, requires_grad=True)
            >>> _ = sf.optim.SGD([w], lr=0.1).explain()
            SGD, group 0: 1 tensor, 3 numbers
              g = grad
              p = p - 0.1 * g
        """
        lines = []
        for i, group in enumerate(self.param_groups):
            tensors = group["params"]
            numbers = sum(parameter.numel() for parameter in tensors)
            plural = "" if len(tensors) == 1 else "s"
            name = f" '{group['name']}'" if "name" in group else ""
            lines.append(
                f"{self._rule()}, group {i}{name}: {len(tensors)} tensor{plural}, {numbers} numbers"
            )
            lines += ["  " + line for line in (*self._formula(group), *self._report(group))]
        text = "\n".join(lines)
        print(text)  # noqa: T201
        return text

    def state_dict(self) -> dict[str, Any]:
        """The state as plain dicts, lists, numbers and tensors.

        As in PyTorch the tensors are those in use: clone them to keep them past the next step.
        """
        groups = []
        for group in self.param_groups:
            saved = {k: v for k, v in group.items() if k not in ("params", "param_names")}
            groups.append({"params": self._keys(group), **saved})
        return {
            "rule": self._rule(),
            "parameters": self._signatures(),
            "state": {key: dict(entry) for key, entry in self.state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where ``state_dict`` was taken; its tensors are copied.

        Parameters are matched by name if both sides have names, else by position; shape and dtype
        must agree.

        Raises:
            ValueError: the state does not fit; the message lists every difference, and the
                optimizer stays as it was.
        """
        groups, state = self._matched(state_dict)
        for group, options in zip(self.param_groups, groups, strict=True):
            group.update(options)
        self.state.clear()
        self.state.update(state)

    def __repr__(self) -> str:
        lines = [f"{self._rule()} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(self.defaults)]
        return "\n".join([*lines, ")"])

    def __copy__(self) -> Any:
        """Another optimizer of the same groups with the same state, both shared."""
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """For deep copies and pickles: parameters are known by identity, which is not copied."""
        keys = [self._keys(group) for group in self.param_groups]
        return {**vars(self), "state": dict(self.state), "keys": keys}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        vars(self).update(saved)
        self.state = State()
        self.state.update(saved["state"])
        for group, keys in zip(self.param_groups, vars(self).pop("keys"), strict=True):
            for parameter, key in zip(group["params"], keys, strict=True):
                self.state.register(parameter, key)

    # Helpers.

    def _rule(self) -> str:
        return type(self).__name__

    def _clip_factor(self, max_norm: float) -> float:
        """What ``max_norm`` makes of every gradient; notes the norm."""
        _check.number(self._rule(), "max_norm", max_norm, 0, infinite=True)
        grads = [g for group in self.param_groups for g in _core._with_grads(group["params"])[1]]
        self.last_norm = _core._total_norm(grads, 2.0)
        return float(_core._clip_factor(self.last_norm, max_norm).item())

    # Groups.

    def _keys(self, group: Group) -> list[Key]:
        return [self.state.key_of(parameter) for parameter in group["params"]]

    def _signatures(self) -> dict[Key, dict[str, Any]]:
        return {
            self.state.key_of(parameter): signature(parameter)
            for group in self.param_groups
            for parameter in group["params"]
        }

    def _new_group(self, param_group: Any) -> Group:
        rule = self._rule()
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(
                f"[{rule}] a group must be a dict with the key 'params', got {param_group!r:.80}"
            )
        for option in param_group:
            if option not in self.defaults and option not in _GROUP_KEYS:
                raise TypeError(
                    f"[{rule}] unknown option {option!r} in a group; "
                    f"known: {', '.join(self.defaults)}"
                )
        group = {**self.defaults, **param_group}
        params = group["params"]
        items = [params] if isinstance(params, Tensor) else list(params)
        if not items:
            raise ValueError(f"[{rule}] the group has no parameters")
        pairs = [item for item in items if isinstance(item, tuple)]
        if pairs and len(pairs) != len(items):
            raise ValueError(f"[{rule}] some parameters have names and some have not")
        if pairs:
            group["param_names"] = [name for name, _ in pairs]
            items = [tensor for _, tensor in pairs]
        group["params"] = items
        self._check(group)
        return group

    def _check_new(self, tensors: list[Tensor], keys: list[Key], named: bool) -> None:
        """Raises unless the tensors of a new group can be optimized and are new."""
        rule = self._rule()
        if len(keys) != len(tensors):
            raise ValueError(f"[{rule}] {len(tensors)} parameters but {len(keys)} param_names")
        if self.param_groups and named != ("param_names" in self.param_groups[0]):
            raise ValueError(f"[{rule}] name the parameters of all groups or of none")
        ids = {id(p) for group in self.param_groups for p in group["params"]}
        names = {key for group in self.param_groups for key in self._keys(group)}
        for key, tensor in zip(keys, tensors, strict=True):
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"[{rule}] parameter {key!r} must be a Tensor, got {type(tensor).__name__}"
                )
            if not tensor.is_leaf:
                raise ValueError(
                    f"[{rule}] parameter {key!r} of shape {tuple(tensor.shape)} is the result of "
                    "an op, not a leaf; pass x.detach().requires_grad_() or what it came from"
                )
            if not tensor.is_floating_point():
                raise ValueError(
                    f"[{rule}] parameter {key!r} has dtype {tensor.dtype}; only float32 and "
                    "float64 can be optimized"
                )
            if id(tensor) in ids:
                raise ValueError(f"[{rule}] parameter {key!r} is in the optimizer twice")
            if key in names:
                raise ValueError(f"[{rule}] two parameters have the name {key!r}")
            ids.add(id(tensor))
            names.add(key)

    # Loading.

    def _matched(
        self, state_dict: Mapping[str, Any]
    ) -> tuple[list[Group], dict[Key, dict[str, Any]]]:
        """The options and the state to load, all checked and copied; changes nothing."""
        rule = self._rule()
        missing = {"rule", "parameters", "state", "param_groups"} - set(state_dict)
        if missing:
            raise ValueError(f"[{rule}] not an optimizer state: {sorted(missing)} missing")
        if state_dict["rule"] != rule:
            raise ValueError(f"[{rule}] this is the state of a {state_dict['rule']}")
        saved_groups = state_dict["param_groups"]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                f"[{rule}] the state has {len(saved_groups)} groups, the optimizer has "
                f"{len(self.param_groups)}"
            )
        pairs: dict[Key, Key] = {}
        lines: list[str] = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            matched, differences = match_keys(self._keys(group), saved["params"])
            pairs.update(matched)
            lines += differences
        lines += signature_lines(pairs, self._signatures(), state_dict["parameters"])
        lines += self._entry_lines(pairs, state_dict)
        if lines:
            raise ValueError(
                f"[{rule}] the state does not fit, nothing was loaded:\n  " + "\n  ".join(lines)
            )
        return [self._options(saved) for saved in saved_groups], self._copied(pairs, state_dict)

    def _options(self, saved: Group) -> Group:
        options = {name: saved[name] for name in (*self.defaults, "initial_lr") if name in saved}
        options = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
        self._check({**self.defaults, **options})
        return options

    def _entry_lines(self, pairs: Mapping[Key, Key], saved: Mapping[str, Any]) -> list[str]:
        """One line for every state tensor that is unknown or does not have its parameter's form."""
        lines = []
        own = self._signatures()
        for mine, theirs in pairs.items():
            for name, value in saved["state"].get(theirs, {}).items():
                if name in self._numbers:
                    if isinstance(value, bool) or not isinstance(value, (int, float)):
                        lines.append(f"! {mine}: {name} must be a number, is {value!r:.40}")
                elif name not in self._fields:
                    lines.append(f"! {mine}: unknown entry {name!r}")
                elif not isinstance(value, Tensor) or signature(value) != own[mine]:
                    lines.append(f"! {mine}: {name} has not the shape and dtype of the parameter")
        return lines

    def _copied(self, pairs: Mapping[Key, Key], saved: Mapping[str, Any]) -> dict[Key, Any]:
        return {
            mine: {name: copied(value) for name, value in saved["state"][theirs].items()}
            for mine, theirs in pairs.items()
            if theirs in saved["state"]
        }
