"""Pictures in folders, one folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot import _core
from surefoot._check import choice, integer
from surefoot._core import Tensor

from ._pictures import folder_of
from ._source import PathLike, refuse
from .augment._ranges import size_of
from .dataset import Dataset

__all__ = ["ImageFolder"]

EXTENSIONS = (
    *(".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
_MOST_PIXELS = 2**26  # of one picture: a damaged header does not fill the memory


class ImageFolder(Dataset):
    """Pictures in sub-folders of ``root``, which are the classes; needs Pillow.

    Classes are the sub-folders in sorted order, samples their files, at any depth, sorted by path;
    hidden files and other extensions are left out. Files are read when they are asked for, those of
    a batch in several threads. Sample i is (picture float32 in [0, 1], label).

    Args:
        size: height and width, or one number for both, that pictures are brought to (bilinear). By
            default they stay as they are, and those of a batch must have one size.
        channels: 3 (RGB) or 1 (grey).
        raw: pictures as uint8.
        num_threads: for decoding; by default as many as the core uses.

    ``classes`` are the names, ``samples`` the (path, label) pairs, ``targets`` all labels, int64.

    Raises:
        FileNotFoundError: no such folder. ImportError: Pillow is not installed.
        ValueError: no sub-folders, one without pictures; (on access) a file that is no picture, is
            damaged, has more than 2^26 pixels or more than 8 bits a channel (16-bit grey, which
            Pillow would cut off at 255); pictures of several sizes in a batch.

    Shapes: (channels, H, W), in a batch (N, channels, H, W) and (N,).

    Example:
        >>> import pathlib, tempfile
        >>> from surefoot.data import ImageFolder
        >>> root = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("night", "snow"):
        ...     (root / name).mkdir()
        ...     _ = (root / name / "1.pgm").write_bytes(b"P5 2 1 255 " + bytes(2))
        >>> data = ImageFolder(root, channels=1)
        >>> data.classes, data[1][0].tolist(), data[1][1]
        (['night', 'snow'], [[[0.0, 0.0]]], 1)

    Differences from torchvision: ``size``, ``channels`` and ``raw`` instead of transforms of a
    sample; a picture comes as a tensor. Augmentation is the loader's: ``transform=``.
    """

    def __init__(
        self,
        root: PathLike,
        size: int | Sequence[int] | None = None,
        *,
        channels: int = 3,
        raw: bool = False,
        num_threads: int | None = None,
    ) -> None:
        _pillow()
        choice("ImageFolder", "channels", channels, (1, 3))
        if num_threads is not None:
            integer("ImageFolder", "num_threads", num_threads, 1)
        self.root = folder_of("ImageFolder", root)
        self.size = _size(size)
        self.channels, self.raw, self.num_threads = channels, raw, num_threads
        folders = [f for f in self.root.iterdir() if f.is_dir() and f.name[0] != "."]
        if not folders:
            refuse("ImageFolder", self.root, "no sub-folders", "one for each class")
        folders.sort(key=lambda folder: folder.name)
        self.classes = [folder.name for folder in folders]
        self.samples = [(file, k) for k, folder in enumerate(folders) for file in _files(folder)]
        self.targets = np.array([label for _, label in self.samples], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"[ImageFolder] row {row} is out of range for {len(self)} samples")
        return self._tensor(self._decode(row)), int(self.targets[row])

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures ``rows`` and their labels, decoded in threads."""
        wanted = rows.tolist()
        for row in wanted:
            if not 0 <= row < len(self):
                raise IndexError(f"[ImageFolder] row {row} is out of range for {len(self)} samples")
        threads = min(self.num_threads or _core.get_num_threads(), max(len(wanted), 1))
        with ThreadPoolExecutor(threads) as pool:
            images = list(pool.map(self._decode, wanted))
        for row, image in zip(wanted, images, strict=True):
            if image.shape != images[0].shape:
                _, *others = image.shape
                expected = f"{tuple(images[0].shape[1:])} as the first of the batch; pass size="
                refuse("ImageFolder", self.samples[row][0], f"a size of {tuple(others)}", expected)
        return self._tensor(np.stack(images)), _core.tensor(self.targets[wanted])

    def _tensor(self, image: NDArray[np.uint8]) -> Tensor:
        x = _core.from_numpy(image)
        return x if self.raw else x.float().div_(255)

    def _decode(self, row: int) -> NDArray[np.uint8]:
        """Picture ``row`` as (channels, H, W)."""
        path = self.samples[row][0]
        image = _pillow()
        try:
            with image.open(path) as picture:
                width, height = picture.size
                if width * height > _MOST_PIXELS:
                    raise ValueError(f"{width} x {height} pixels, more than 2^26")
                if picture.mode.startswith(("I", "F")):  # Pillow would cut off what is above 255
                    raise ValueError(f"mode {picture.mode}, more than 8 bits a channel")
                plain = picture.convert("RGB" if self.channels == 3 else "L")
        except FileNotFoundError:
            raise FileNotFoundError(f"[ImageFolder] {path}: there is no such file") from None
        except Exception as error:  # Pillow raises what its decoders raise
            refuse("ImageFolder", path, f"what cannot be read ({error})", "a whole picture")
        if self.size is not None:
            plain = plain.resize(self.size[::-1], image.Resampling.BILINEAR)
        pixels = np.asarray(plain, dtype=np.uint8)
        pixels = pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("[ImageFolder] needs Pillow: pip install 'surefoot[image]'") from None
    return Image


def _size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    height, width = size_of("ImageFolder", size)
    if height * width > _MOST_PIXELS:
        raise ValueError(f"[ImageFolder] size {size}: a picture has at most 2^26 pixels")
    return height, width


def _files(folder: Path) -> list[Path]:
    files = [
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in EXTENSIONS and file.name[0] != "." and file.is_file()
    ]
    if not files:
        refuse("ImageFolder", folder, "no pictures", f"files of {', '.join(EXTENSIONS)}")
    return sorted(files, key=lambda file: file.as_posix())
