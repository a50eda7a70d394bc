"""IDX files, and MNIST, which comes in four of them."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ._pictures import folder_of, labelled_pictures
from ._source import DAMAGED, PathLike, check_empty, find, open_maybe_gzip, read_exactly, refuse
from .dataset import TensorDataset

__all__ = ["mnist", "read_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: PathLike, *, sha256: str | None = None) -> NDArray[Any]:
    """Read an IDX file, plain or gzip, the format of MNIST.

    Two zero bytes, a type code (8 uint8, 9 int8, 0xB int16, 0xC int32, 0xD float32, 0xE float64),
    the number of dimensions, each size as a big-endian uint32, then the numbers, big-endian.

    Args:
        sha256: the digest that the file (as it lies on disk) must have.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an IDX file, more or fewer numbers than its header says, a broken gzip
            file, another digest. It names the file, what was found and what was expected.

    Example:
        >>> import pathlib, struct, tempfile
        >>> from surefoot.data import read_idx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "two-rows")
        >>> _ = path.write_bytes(struct.pack(">HBBII", 0, 8, 2, 2, 3) + bytes(range(6)))
        >>> read_idx(path).tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    file = find("read_idx", path, sha256)
    try:
        with open_maybe_gzip(file) as stream:
            return _read(file, stream)
    except DAMAGED as error:
        refuse("read_idx", file, f"a damaged gzip file ({error})", "a whole one")


def _read(file: Path, stream: IO[bytes]) -> NDArray[Any]:
    magic = read_exactly(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        expected = "an IDX file: 00 00, a type of 08, 09 or 0b to 0e, the number of dimensions"
        refuse("read_idx", file, f"the first bytes {magic.hex(' ')}", expected)
    ndim = magic[3]
    if not 1 <= ndim <= 8:
        refuse("read_idx", file, f"{ndim} dimensions", "1 to 8")
    sizes = read_exactly(stream, 4 * ndim)
    if len(sizes) < 4 * ndim:
        refuse("read_idx", file, f"a header of {4 + len(sizes)} bytes", f"{4 + 4 * ndim}")
    shape = struct.unpack(f">{ndim}I", sizes)
    check_empty("read_idx", file, "an array", shape)
    dtype = np.dtype(_TYPES[magic[2]])
    wanted = math.prod(shape) * dtype.itemsize
    data = read_exactly(stream, wanted)
    if len(data) < wanted:
        expected = f"{wanted} for the shape {shape} in its header; it was cut off"
        refuse("read_idx", file, f"{len(data)} bytes of numbers", expected)
    if stream.read(1):
        refuse("read_idx", file, "more bytes", f"the end after {wanted} bytes of shape {shape}")
    numbers = np.frombuffer(data, dtype).reshape(shape)
    return numbers.astype(dtype.newbyteorder("="))


_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def mnist(
    root: PathLike, *, raw: bool = False, sha256: Mapping[str, str] | None = None
) -> tuple[TensorDataset, TensorDataset]:
    """Read MNIST, or a set of its form such as Fashion-MNIST: (training, test).

    ``root`` holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with
    ``t10k``, plain or with ``.gz``. Nothing is downloaded.

    Args:
        raw: pictures as uint8 instead of float32 in [0, 1].
        sha256: digests by file name.

    Shapes: pictures (N, 1, H, W), labels int64 (N,) in 0..9.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a damaged file, other dimensions, numbers of pictures and labels that differ,
            a label above 9.

    Example:
        >>> import pathlib, struct, tempfile
        >>> from surefoot.data import mnist
        >>> root = pathlib.Path(tempfile.mkdtemp())
        >>> for part in ("train", "t10k"):
        ...     picture = struct.pack(">HBBIII", 0, 8, 3, 1, 2, 2) + bytes(4)
        ...     _ = (root / f"{part}-images-idx3-ubyte").write_bytes(picture)
        ...     label = struct.pack(">HBBI", 0, 8, 1, 1) + bytes([7])
        ...     _ = (root / f"{part}-labels-idx1-ubyte").write_bytes(label)
        >>> training, test = mnist(root)
        >>> training.tensors[0].shape, test[0][1].item()
        ((1, 1, 2, 2), 7)

    Difference from torchvision: returns both parts, as data sets that ``fit`` takes directly.
    """
    folder = folder_of("mnist", root)
    parts = []
    for names in _FILES.values():
        files = [_either(folder, name) for name in names]
        digests = [(sha256 or {}).get(file.name) for file in files]
        images, labels = (read_idx(f, sha256=d) for f, d in zip(files, digests, strict=True))
        if images.dtype != np.uint8 or images.ndim != 3:
            found = f"{images.dtype} of {images.ndim} dimensions"
            refuse("mnist", files[0], found, "pictures: uint8 of 3 dimensions")
        if labels.dtype != np.uint8 or labels.ndim != 1:
            found = f"{labels.dtype} of {labels.ndim} dimensions"
            refuse("mnist", files[1], found, "labels: uint8 of 1 dimension")
        if len(images) != len(labels):
            refuse("mnist", files[1], f"{len(labels)} labels", f"{len(images)}, one a picture")
        parts.append(labelled_pictures("mnist", files, images[:, None], labels, raw))
    return parts[0], parts[1]


def _either(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.exists():
            return file
    raise FileNotFoundError(f"[mnist] {folder}: there is neither {name} nor {name}.gz in it")
