"""Every benchmark of the page starts, runs a moment and prints a table, without other libraries."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "bench" / "python"
SCRIPTS = ("overhead", "steps", "threads", "footprint")


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_prints_a_table(name: str) -> None:
    """`--quick` measures the smallest case with surefoot."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--quick", "--markdown"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("|")]
    head, rule, *rows = lines
    assert set(rule) <= set("|-: ") and rows
    for row in rows:
        assert row.count("|") == head.count("|") == rule.count("|")
        assert float(row.split("|")[2]) > 0


def test_the_page_has_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    page = load("page", monkeypatch)
    assert set(page.SLICES) == set(SCRIPTS)
    text = page.PAGE.read_text()
    for name, slices in page.SLICES.items():
        assert text.count(f"<!-- {name} -->") == 1
        assert all((FOLDER / script).exists() for script, *_ in slices)
    measured = {net for _, _, *nets in page.SLICES["steps"] for net in nets}
    assert measured == set(load("_nets", monkeypatch).NETS)


@pytest.mark.parametrize("name", ["selu", "deep", "tiny"])
def test_numpy_takes_the_same_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step by hand that surefoot is compared with has surefoot's losses."""
    nets, arrays = load("_nets", monkeypatch), load("_arrays", monkeypatch)
    net = nets.NETS[name]
    model = net.build(sf)
    pairs = arrays.draw(net.build.sizes)
    with sf.no_grad():
        for p, value in zip(model.parameters(), (p for pair in pairs for p in pair), strict=True):
            p.copy_(sf.tensor(value))
    optimizer = net.rule(sf, model.parameters())
    x, y = map(sf.tensor, net.data())
    by_hand = arrays.training_step("numpy", net)
    ours, theirs = [], []
    for _ in range(3):
        optimizer.zero_grad()
        loss = sf.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        ours.append(loss.item())
        theirs.append(by_hand())
    np.testing.assert_allclose(ours, theirs, rtol=2e-5)
    assert ours[0] != ours[-1]
