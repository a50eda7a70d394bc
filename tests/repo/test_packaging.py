"""What the installed package promises: typed, small, one version, few dependencies."""

import importlib.metadata
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import surefoot as sf
from repo.tree import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text()
WHEEL_BYTES = 10_000_000


def installed() -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution("surefoot")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("surefoot is not installed here, only found on the path")


def test_version_is_said_once_and_the_same_everywhere() -> None:
    (written,) = re.findall(r'^version = "(.+)"$', PYPROJECT, re.MULTILINE)
    assert sf.__version__ == written
    assert installed().version == written


def test_package_is_typed() -> None:
    package = Path(sf.__file__).parent
    assert (package / "py.typed").is_file()
    assert (package / "_core.pyi").is_file()


def test_wheel_stays_small() -> None:
    files = [path for path in installed().files or [] if path.parts[0] == "surefoot"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in files:
            if path.suffix != ".pyc":
                wheel.writestr(str(path), Path(str(path.locate())).read_bytes())
    assert packed.tell() < WHEEL_BYTES, f"{packed.tell()} bytes packed"


def test_runtime_dependencies_are_three() -> None:
    required = [line for line in installed().requires or [] if "extra ==" not in line]
    names = sorted(re.split(r"[^\w-]", line)[0] for line in required)
    assert names == ["numpy", "rich", "safetensors"]


def test_import_is_light() -> None:
    """`import surefoot` loads numpy and itself; the rest comes when it is used."""
    probe = "import sys, surefoot; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", probe]
    loaded = set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"rich", "safetensors", "matplotlib", "pandas", "torch"}
