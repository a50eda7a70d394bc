"""The committed stub of the compiled core says what the built module says."""

import subprocess
import sys

import pytest

import surefoot as sf
from repo.tree import PACKAGE, ROOT

GENERATOR = ROOT / "tools" / "stubs.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATOR), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_committed_stub_is_what_the_generator_writes() -> None:
    result = run("--check")
    assert result.returncode == 0, result.stdout + result.stderr


def test_stub_names_every_op_once_as_a_function() -> None:
    text = (PACKAGE / "_core.pyi").read_text()
    for signature, where, _ in sf._core._op_signatures():
        name = signature.partition("(")[0]
        defined = f"\ndef {name}(" in text
        assert defined == (where != "method"), f"{name} is registered as {where}"


@pytest.mark.parametrize("name", ["float32", "Tensor", "Generator", "manual_seed"])
def test_stub_holds_what_is_no_op(name: str) -> None:
    text = (PACKAGE / "_core.pyi").read_text()
    assert any(f"\n{form}" in text for form in (f"{name}: ", f"class {name}:", f"def {name}("))
