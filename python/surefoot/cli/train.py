"""``surefoot train``: a multi-layer perceptron on the handwritten digits."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from surefoot import _core, nn, optim
from surefoot._core import Tensor
from surefoot.data import TensorDataset, digits, split
from surefoot.model_file import save_model
from surefoot.train import History, ModelCheckpoint, NonFiniteLossError, Trainer, summary

from .errors import EXIT_INTERRUPTED, UserError, one_line

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FRACTIONS = (0.7, 0.15, 0.15)
DROPOUT = 0.3
NUM_CLASSES = 10

_EPILOG = """examples:
  surefoot train
  surefoot train --epochs 50 --hidden 512 128 --seed 7 --output mine.safetensors
  surefoot train --epochs 500 --checkpoint run.safetensors
  surefoot train --epochs 500 --checkpoint run.safetensors --resume   after a crash
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a network on handwritten digits and save it",
        description="Train a multi-layer perceptron on the 1797 handwritten digits that ship "
        "with surefoot (70 %% to train, 15 %% to validate, 15 %% to test), and save it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--epochs", type=positive_int, default=30, help="passes over the data (default 30)")
    add("--batch-size", type=positive_int, default=32, help="rows per step (default 32)")
    add("--lr", type=positive_float, default=1e-3, help="Adam's learning rate (default 0.001)")
    add(
        "--hidden",
        type=positive_int,
        nargs="*",
        default=[256],
        metavar="SIZE",
        help="sizes of the hidden layers (default 256); none for a linear model",
    )
    add("--seed", type=seed_int, default=0, help="fixes split, weights and order (default 0)")
    add(
        "--output",
        type=Path,
        default=Path("digits.safetensors"),
        metavar="FILE",
        help="where the model goes (default digits.safetensors)",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="write the whole run there after every epoch, to go on from",
    )
    add(
        "--resume",
        action="store_true",
        help="go on from the file of --checkpoint; options must be those of the first run, but "
        "--epochs, the total, may be larger",
    )
    add("--quiet", action="store_true", help="print the test accuracy only")
    parser.set_defaults(run=run)


def positive_int(text: str) -> int:
    """Read an integer above 0."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected an integer above 0, not {text!r}")
    return value


def seed_int(text: str) -> int:
    """Read an integer from 0 to 2^63 - 1."""
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2^63 - 1, not {text!r}")
    return value


def positive_float(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text!r}")
    return value


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


def run(args: argparse.Namespace) -> int:
    """Train, test and save."""
    check_output("--output", args.output)
    if args.checkpoint is not None:
        check_output("--checkpoint", args.checkpoint)
    elif args.resume:
        raise UserError("--resume needs --checkpoint FILE, the file to go on from")
    parts = digits_parts(args.seed)
    training, validation, test = parts
    _core.manual_seed(args.seed)
    model = build_model(training.tensors[0], args.hidden)
    if not args.quiet:
        print_head(model, parts)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    savers = [] if args.checkpoint is None else [ModelCheckpoint(args.checkpoint)]
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", savers, seed=args.seed)
    history = fit(trainer, training, validation, args)
    trainer.restore_best()
    accuracy = trainer.evaluate(test)["accuracy"]
    if not args.quiet and trainer.best is not None and trainer.best.epoch:
        print(f"best epoch: {trainer.best.epoch} (val_loss {trainer.best.value:.4f})")
    print(f"test accuracy: {accuracy:.3f}")
    info = {"data": "digits", "classes": list(range(NUM_CLASSES)), "test_accuracy": accuracy}
    save_model(model, args.output, info)
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


def check_output(option: str, path: Path) -> None:
    """Refuse before training what could not be saved after it."""
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; expected a file name")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option} {path}: there is no folder {path.parent}")


def print_head(model: nn.Sequential, parts: list[TensorDataset]) -> None:
    """Print the sizes of the data and the layers of the model."""
    from rich.console import Console

    sizes = [len(part) for part in parts]
    print("digits: {} to train, {} to validate, {} to test".format(*sizes))
    Console().print(summary(model, parts[0].tensors[0].shape[1:]))
