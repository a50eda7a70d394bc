"""``surefoot predict``: classes or numbers for the rows of a file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surefoot import _core, nn
from surefoot._core import Tensor
from surefoot.autograd import no_grad
from surefoot.data import TableEncoder
from surefoot.model_file import load_model

from .errors import UserError, one_line, user_errors
from .run_folder import MODEL

__all__ = ["add_parser", "encoder_of", "open_model", "run", "run_model"]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Floats = npt.NDArray[np.float32]

_EPILOG = """examples:
  surefoot predict digits.safetensors images.npy
  surefoot predict digits.safetensors rows.csv --probabilities --output classes.csv
  surefoot predict runs/houses-1/model.safetensors new.csv    columns as in training

A model of a table finds its columns by name; other columns, such as the target, are ignored.
"""


def add_parser(commands: Commands) -> None:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "predict",
        help="print the class or number of every row of a file",
        description="Print the prediction for every row of INPUT, one a line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a file of 'surefoot train', or a run folder")
    add(
        "input",
        type=Path,
        metavar="INPUT",
        help="a row per item: .npy or .csv; for a model of a table .csv, .tsv or .parquet",
    )
    add("--output", type=Path, metavar="FILE", help="write there instead of to the terminal")
    add("--probabilities", action="store_true", help="add the probability of each class")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Load model and rows, and write the predictions."""
    model, info, path = open_model(args.model)
    if "table" in info:
        encoder = encoder_of(info, path)
        if args.probabilities and encoder.task != "classification":
            raise UserError(f"--probabilities: {path} predicts a number, not a class")
        with user_errors():
            inputs = encoder.inputs(encoder.read(args.input))
        output = run_model(model, inputs, path)
        text = as_lines(encoder.decode(output), output if args.probabilities else None)
    else:
        rows = read_rows(args.input, num_inputs(model, path))
        text = as_text(run_model(model, rows, path), info.get("classes"), args.probabilities)
    if args.output is None:
        sys.stdout.write(text)
    else:
        args.output.write_text(text, encoding="utf-8")
    return 0


def open_model(path: Path) -> tuple[nn.Module, dict[str, Any], Path]:
    """Return model, info and file, of a model file or a run folder."""
    path = path / MODEL if path.is_dir() else path
    try:
        model, info = load_model(path)
    except ValueError as error:
        raise UserError(one_line(error)) from None
    return model.eval(), info, path


def encoder_of(info: dict[str, Any], path: Path) -> TableEncoder:
    """Return what turns tables into the model's inputs."""
    try:
        return TableEncoder.from_json(info["table"])
    except ValueError as error:
        raise UserError(f"{path}: {one_line(error)}") from None


def run_model(model: nn.Module, rows: Floats, path: Path) -> Tensor:
    """Return the model's output for the rows, (N, classes)."""
    try:
        with no_grad():
            output: Tensor = model.eval()(_core.tensor(rows))
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{path}: its layers do not fit together: {one_line(error)}") from None
    if output.ndim != 2:
        raise UserError(f"{path} gives {tuple(output.shape)}; expected a score per class, (N, C)")
    return output


def num_inputs(model: nn.Module, path: Path) -> int:
    """Return how many numbers a row of the model's input has."""
    for layer in model.modules():
        size = getattr(layer, "num_features", getattr(layer, "in_features", None))
        if isinstance(size, int):
            return size
    raise UserError(f"{path} has no layer that says how wide its input is")


def as_lines(values: list[Any], output: Tensor | None) -> str:
    """Return one line per row: the prediction, then the probabilities of the classes if wanted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    shares: list[list[float]] = [] if output is None else output.softmax(dim=1).tolist()
    for i, value in enumerate(values):
        text = f"{value:.7g}" if isinstance(value, float) else str(value)
        writer.writerow([text, *(f"{p:.6f}" for p in (shares[i] if shares else ()))])
    return stream.getvalue()


def as_text(output: Tensor, classes: Any, probabilities: bool) -> str:
    """Return one line per row: its class, then the probabilities if wanted."""
    numbers: list[int] = output.argmax(dim=1).tolist()
    known = isinstance(classes, list) and len(classes) == output.shape[1]
    names = [str(classes[i]) if known else str(i) for i in numbers]
    if not probabilities:
        return "".join(f"{name}\n" for name in names)
    shares: list[list[float]] = output.softmax(dim=1).tolist()
    lines = [[name, *(f"{p:.6f}" for p in row)] for name, row in zip(names, shares, strict=True)]
    return "".join(",".join(line) + "\n" for line in lines)


def read_rows(path: Path, width: int) -> Floats:
    """Return the rows of a .npy or .csv file as float32 (N, width)."""
    readers = {".npy": read_npy, ".csv": read_csv}
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: expected a file that ends in .npy or .csv")
    array = readers[path.suffix.lower()](path)
    shape = array.shape
    if array.size == width:  # one item alone
        array = array.reshape(1, width)
    found = int(np.prod(array.shape[1:]))
    if found != width:
        raise UserError(
            f"{path}: rows have {found} values (shape {shape}), the model needs {width}"
        )
    if len(array) == 0:
        raise UserError(f"{path} has no rows of numbers")
    with np.errstate(over="ignore"):  # what is too large for float32 is reported below
        rows: Floats = array.reshape(len(array), width).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise UserError(f"{path}: row {bad[0] + 1} holds a value that is not a finite number")
    return rows


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Read an array of numbers; arrays of Python objects are refused."""
    try:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path} is not a usable .npy file: {one_line(error)}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim == 0:
        raise UserError(f"{path}: expected an array of numbers with one row per item")
    return array


def read_csv(path: Path) -> npt.NDArray[Any]:
    """Read a table of numbers; one line of column names at the top is skipped."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file") from None
    rows: list[list[float]] = []
    for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not cells:
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            if number == 1 and not any(_is_number(cell) for cell in cells):
                continue
            bad = next(cell for cell in cells if not _is_number(cell))
            raise UserError(f"{path}, line {number}: {bad!r} is not a number") from None
        if rows and len(values) != len(rows[0]):
            raise UserError(
                f"{path}, line {number}: {len(values)} values, the lines before have {len(rows[0])}"
            )
        rows.append(values)
    if not rows:
        raise UserError(f"{path} has no rows of numbers")
    return np.array(rows)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
