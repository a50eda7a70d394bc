"""The examples in the docstrings of nn run as written."""

import doctest
import importlib
import pkgutil

import pytest
from surefoot import nn

MODULES = [
    "surefoot.initializers",
    *(m.name for m in pkgutil.walk_packages(nn.__path__, "surefoot.nn.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_every_class_has_an_example() -> None:
    silent = [
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type) and ">>>" not in (getattr(nn, name).__doc__ or "")
    ]
    assert not silent
