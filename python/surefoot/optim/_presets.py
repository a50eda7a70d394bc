"""``like='keras'``: defaults of another library, for the options that a call leaves out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from surefoot import _check

Init = TypeVar("Init", bound=Callable[..., None])

# Keras 3, where its defaults differ from PyTorch's, under our names.
_KERAS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.01, "momentum_form": "classical"},
    "Adagrad": {"lr": 1e-3, "initial_accumulator_value": 0.1, "eps": 1e-7, "eps_mode": "inside"},
    "Adadelta": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7},
    "RMSprop": {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7, "eps_mode": "inside"},
    "Adam": {"eps": 1e-7, "eps_mode": "uncorrected"},
    "AdamW": {"eps": 1e-7, "eps_mode": "uncorrected", "weight_decay": 4e-3},
    "Adamax": {"lr": 1e-3, "eps": 1e-7},
    "NAdam": {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1.0},
    "Lion": {"lr": 1e-3},
}


def with_presets(init: Init) -> Init:
    """Lets a rule's ``__init__`` with a keyword ``like`` take its defaults from the table."""
    signature = inspect.signature(init)
    rule = init.__qualname__.partition(".")[0]

    @functools.wraps(init)
    def preset_init(self: Any, *args: Any, **options: Any) -> None:
        like = options.get("like", "torch")
        _check.choice(rule, "like", like, ("torch", "keras"))
        if like == "keras":
            given = signature.bind_partial(self, *args, **options).arguments
            preset = _KERAS[rule]
            options.update({name: preset[name] for name in preset if name not in given})
        init(self, *args, **options)

    return preset_init  # type: ignore[return-value]
