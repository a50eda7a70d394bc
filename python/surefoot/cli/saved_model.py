"""A model file as the commands use it: network, what it was trained on, and how to ask it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surefoot import _core
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.data import TableEncoder
from surefoot.model_file import load_model

from .errors import UserError, one_line
from .run_folder import CONFIG, MODEL

__all__ = ["SavedModel"]

Floats = npt.NDArray[np.float32]

_BATCH = 1024  # rows at a time, which bounds the memory


class SavedModel:
    """The model of a file or of a run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path / MODEL if path.is_dir() else path
        if path.is_dir() and not self.path.exists() and (path / CONFIG).exists():
            raise UserError(f"{path} has no model yet; go on with: surefoot resume {path}")
        try:
            self.model, self.info = load_model(self.path)
        except ValueError as error:
            raise UserError(one_line(error)) from None
        self.model.eval()

    @property
    def is_of_table(self) -> bool:
        """Whether it takes rows of a table."""
        return "table" in self.info

    @cached_property
    def encoder(self) -> TableEncoder:
        """What turns tables into the model's inputs."""
        try:
            return TableEncoder.from_json(self.info["table"])
        except ValueError as error:
            raise UserError(f"{self.path}: {one_line(error)}") from None

    @property
    def width(self) -> int | None:
        """How many numbers a row of the input has; None where rows are no lists of numbers."""
        for layer in self.model.modules():
            if layer.state_dict() and not list(layer.children()):
                size = getattr(layer, "num_features", getattr(layer, "in_features", None))
                return size if isinstance(size, int) else None
        return None

    def run(self, rows: Floats) -> Tensor:
        """Return the outputs for the rows, (N, classes)."""
        starts = range(0, max(len(rows), 1), _BATCH)
        try:
            with no_grad():
                parts = [self.model(_core.tensor(rows[i : i + _BATCH])) for i in starts]
                output = _core.cat(parts)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{self.path}: its layers do not fit together, or not the rows: {one_line(error)}"
            ) from None
        if output.ndim != 2:
            raise UserError(
                f"{self.path} gives {tuple(output.shape)}; expected a score per class, (N, C)"
            )
        return output

    def is_classifier(self, output: Tensor) -> bool:
        """Whether outputs are scores of classes."""
        known = self.info.get("task", "classification" if output.shape[1] > 1 else "regression")
        return bool(known == "classification")

    def classes(self, output: Tensor) -> list[Any]:
        """The names of the classes; their numbers where the file names none."""
        names = self.info.get("classes")
        if isinstance(names, list) and len(names) == output.shape[1]:
            return names
        return list(range(output.shape[1]))

    def decode(self, output: Tensor) -> list[Any]:
        """Return what is predicted: names of classes, or numbers."""
        if self.is_of_table:
            return self.encoder.decode(output)
        if not self.is_classifier(output):
            return [float(row[0]) for row in output.tolist()]
        names = self.classes(output)
        return [names[i] for i in output.argmax(dim=1).tolist()]
