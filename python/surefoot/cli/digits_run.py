"""``surefoot train`` without a table: a multi-layer perceptron on the handwritten digits."""

from __future__ import annotations

import argparse

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.data import TensorDataset, digits, split
from surefoot.model_file import save_model
from surefoot.train import History, ModelCheckpoint, NonFiniteLossError, Trainer, summary

from .errors import EXIT_INTERRUPTED, UserError, one_line
from .options import check_output

__all__ = ["DIGITS_DEFAULTS", "digits_trainer", "run_digits"]

FRACTIONS = (0.7, 0.15, 0.15)
DROPOUT = 0.3
NUM_CLASSES = 10
DIGITS_DEFAULTS = {"epochs": 30, "batch_size": 32, "lr": 1e-3, "hidden": [256], "seed": 0}


def digits_parts(seed: int) -> list[TensorDataset]:
    """Return the digits to train, validate and test with: float rows of 64, class numbers."""
    images, labels = digits()
    rows = images.reshape(len(images), -1).astype("float32")
    parts = split(labels, FRACTIONS, stratify=labels, seed=seed)
    return [TensorDataset(rows[part.indices], labels[part.indices]) for part in parts]


def build_model(rows: Tensor, hidden: list[int]) -> nn.Sequential:
    """Return a perceptron whose first layer standardises like the training rows."""
    model = nn.models.MLP(rows.shape[1], hidden, NUM_CLASSES, dropout=DROPOUT, standardize=True)
    first = model[0]
    assert isinstance(first, nn.Standardize)
    first.fit(rows)
    return model


def digits_trainer(
    args: argparse.Namespace, callbacks: list[ModelCheckpoint]
) -> tuple[Trainer, list[TensorDataset]]:
    """Return a Trainer and the three parts of the digits."""
    parts = digits_parts(args.seed)
    _core.manual_seed(args.seed)
    model = build_model(parts[0].tensors[0], args.hidden)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    loss = nn.CrossEntropyLoss()
    return Trainer(model, loss, optimizer, "accuracy", callbacks, seed=args.seed), parts


def run_digits(args: argparse.Namespace) -> int:
    """Train, test and save."""
    check_output("--output", args.output)
    if args.checkpoint is not None:
        check_output("--checkpoint", args.checkpoint)
    elif args.resume:
        raise UserError("--resume needs --checkpoint FILE, the file to go on from")
    savers = [] if args.checkpoint is None else [ModelCheckpoint(args.checkpoint)]
    trainer, parts = digits_trainer(args, savers)
    training, validation, test = parts
    if not args.quiet:
        print_head(trainer.model, parts)
    history = fit(trainer, training, validation, args)
    trainer.restore_best()
    accuracy = trainer.evaluate(test)["accuracy"]
    if not args.quiet and trainer.best is not None and trainer.best.epoch:
        print(f"best epoch: {trainer.best.epoch} (val_loss {trainer.best.value:.4f})")
    print(f"test accuracy: {accuracy:.3f}")
    info = {"data": "digits", "classes": list(range(NUM_CLASSES)), "test_accuracy": accuracy}
    save_model(trainer.model, args.output, info)
    if not args.quiet:
        print(f"model saved: {args.output}")
    return EXIT_INTERRUPTED if history.stop_reason == "interrupted" else 0


def fit(
    trainer: Trainer, training: TensorDataset, validation: TensorDataset, args: argparse.Namespace
) -> History:
    """Train, from the checkpoint on if that is asked for."""
    try:
        return trainer.fit(
            training,
            validation,
            epochs=args.epochs,
            batch_size=args.batch_size,
            progress=not args.quiet,
            resume=args.checkpoint if args.resume else None,
        )
    except NonFiniteLossError as error:
        raise UserError(f"training diverged: {error}") from None
    except ValueError as error:
        if not args.resume:
            raise
        raise UserError(one_line(error)) from None


def print_head(model: nn.Module, parts: list[TensorDataset]) -> None:
    """Print the sizes of the data and the layers of the model."""
    from rich.console import Console

    sizes = [len(part) for part in parts]
    print("digits: {} to train, {} to validate, {} to test".format(*sizes))
    Console().print(summary(model, parts[0].tensors[0].shape[1:]))
