"""The examples in the docstrings run as written."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

from surefoot import data, nn, optim, plot, regularize, train
from surefoot.nn.utils import prune
from surefoot.optim import lr_scheduler

PACKAGES = [data, lr_scheduler, nn, optim, regularize]
MODULES = [
    *("surefoot.initializers", "surefoot.files", "surefoot.model_file"),
    *(
        m.name
        for p in [*PACKAGES, plot, train]
        for m in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("package", [*PACKAGES, prune], ids=lambda package: package.__name__)
def test_every_class_has_an_example(package: object) -> None:
    silent = [
        name
        for name in package.__all__
        if isinstance(getattr(package, name), type)
        and ">>>" not in (getattr(package, name).__doc__ or "")
    ]
    assert not silent
