"""Activations are within 2.5 units in the last place; bench/python/accuracy.py measures them."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf

SCRIPT = Path(__file__).parents[1] / "bench" / "python" / "accuracy.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("accuracy", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["accuracy"] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


accuracy = load()


@pytest.mark.skipif(sf._core._isa() == "baseline", reason="without FMA the errors are larger")
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider here")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", accuracy.CASES, ids=lambda case: case.name)
def test_error_of_activation(case: Any, dtype: Any) -> None:
    error, where = accuracy.worst_ulps(case, 20_000, dtype)
    assert 0 < error <= accuracy.LIMIT, f"at {where!r}"


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider here")
def test_reference_of_gelu_knows_the_normal_distribution() -> None:
    """Abramowitz & Stegun, table 26.1 and 26.2."""
    x = np.array([-5.0, -1.0, 1.0, 3.0], dtype=np.longdouble)
    phi = ["2.8665157187919391167e-07", "0.15865525393145705142"]
    phi += ["0.84134474606854294858", "0.99865010196836990547"]
    expected = x * np.array([np.longdouble(p) for p in phi])
    np.testing.assert_allclose(accuracy.gelu(x), expected, rtol=1e-18)
