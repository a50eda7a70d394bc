"""`__all__` is the public API: everything in it exists, nothing private leaks through it."""

import importlib
import pkgutil
from types import ModuleType

import pytest

import surefoot as sf


def public_modules() -> list[str]:
    found = [info.name for info in pkgutil.walk_packages(sf.__path__, "surefoot.")]
    return ["surefoot", *(name for name in found if "._" not in name)]


MODULES = public_modules()


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_all_is_declared_importable_and_unique(module: ModuleType) -> None:
    assert hasattr(module, "__all__"), f"{module.__name__} has no __all__"
    assert len(set(module.__all__)) == len(module.__all__), "a name stands twice in __all__"
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing, f"{module.__name__}.__all__ names what is not there: {missing}"


def test_all_names_nothing_private_or_foreign(module: ModuleType) -> None:
    for name in module.__all__:
        dunder = name.startswith("__") and name.endswith("__")
        assert dunder or not name.startswith("_"), f"{module.__name__}.{name} is private"
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            assert value.__name__.startswith("surefoot."), f"{module.__name__}.{name} leaks"
        owner = getattr(value, "__module__", None) or "surefoot"
        if callable(value) and not isinstance(value, ModuleType):
            assert owner.split(".")[0] == "surefoot", f"{module.__name__}.{name} is {owner}'s"


def test_packages_show_no_stray_names() -> None:
    """What `dir(package)` shows without `__all__` is a submodule, not a helper that slipped out."""
    for name in MODULES:
        module = importlib.import_module(name)
        if not hasattr(module, "__path__"):
            continue
        for attribute in set(dir(module)) - set(module.__all__):
            if attribute.startswith("_") or attribute in {"annotations", "TYPE_CHECKING"}:
                continue
            value = getattr(module, attribute)
            owner = value.__name__ if isinstance(value, ModuleType) else ""
            assert owner.startswith("surefoot."), f"{name}.{attribute} is not in __all__"


def test_public_callables_say_what_they_do(module: ModuleType) -> None:
    silent = [
        name
        for name in module.__all__
        if callable(getattr(module, name)) and not (getattr(module, name).__doc__ or "").strip()
    ]
    assert not silent, f"{module.__name__}: no docstring on {silent}"
