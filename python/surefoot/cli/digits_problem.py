"""The handwritten digits that ship with surefoot, as a problem to train on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot import nn
from surefoot._core import Tensor
from surefoot.data import TensorDataset, digits, split

from .problem import Problem, shares_of
from .scores import Scores, class_scores

__all__ = ["DigitsProblem", "digits_problem"]

NUM_CLASSES = 10


class DigitsProblem(Problem):
    """Rows of 64 pixels, targets 0 to 9."""

    def head(self) -> list[str]:
        """How many rows there are."""
        sizes = {name: len(part) for name, part in self.parts.items()}
        verbs = {"training": "to train", "validation": "to validate", "test": "to test"}
        return ["digits: " + ", ".join(f"{size} {verbs[name]}" for name, size in sizes.items())]

    def network(self, options: Mapping[str, Any]) -> nn.Module:
        """Return a perceptron whose first layer standardises like the training rows."""
        rows = self.parts["training"].tensors[0]
        dropout, width = options["dropout"], rows.shape[1]
        model = nn.models.MLP(
            width, options["hidden"], NUM_CLASSES, dropout=dropout, standardize=True
        )
        first = model[0]
        assert isinstance(first, nn.Standardize)
        first.fit(rows)
        return model

    def score(self, output: Tensor, part: str) -> Scores:
        """Compare outputs with the digits."""
        return class_scores(output, self.parts[part].tensors[1], self.classes)


def digits_problem(options: Mapping[str, Any]) -> DigitsProblem:
    """Cut the digits into parts, each with its share of every digit."""
    images, labels = digits()
    rows = images.reshape(len(images), -1).astype("float32")
    wanted = shares_of(options)
    cut = split(labels, list(wanted.values()), stratify=labels, seed=options["seed"])
    parts = {
        name: TensorDataset(rows[part.indices], labels[part.indices])
        for name, part in zip(wanted, cut, strict=True)
    }
    return DigitsProblem("digits", "classification", "digit", list(range(NUM_CLASSES)), parts)
