"""Progress: a plain line per epoch for pipes, a bar on a terminal."""

import io
import sys
from typing import Any

import numpy as np
import pytest

from surefoot import nn, optim
from surefoot.train import Trainer
from surefoot.train.progress import format_row


def run(epochs: int = 2, progress: bool = True) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), seed=0)
    trainer.fit((np.eye(2), np.array([0, 1])), epochs=epochs, progress=progress)


def test_one_plain_line_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    run(epochs=3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("loss" in line and "\x1b" not in line for line in lines)


def test_silence_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    run(progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    run(epochs=2)
    text = screen.getvalue()
    assert "\x1b[" in text
    assert "epoch 1/2" in text and "epoch 2/2" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (0.0, "0.0000"), (1e-5, "1.000e-05"), (3, "3"), (None, "None")],
)
def test_numbers_stay_readable(value: Any, text: str) -> None:
    assert format_row({"epoch": 2, "loss": value}, 10, 1.25) == f"epoch  2/10  loss {text}  1.2 s"
