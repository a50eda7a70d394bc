"""Loaders of data files: what is read, and how damage is named."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import surefoot as sf
from surefoot import nn, optim
from surefoot.data import (
    DataLoader,
    ImageFolder,
    TensorDataset,
    cifar10,
    mnist,
    read_csv,
    read_idx,
    read_npz,
)
from surefoot.train import Trainer

CODES = {"uint8": 8, "int8": 9, "int16": 0xB, "int32": 0xC, "float32": 0xD, "float64": 0xE}
rng = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.name], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def refused(call: Callable[[], object], path: Path, *words: str) -> None:
    """One ValueError that names the file, what was found and what was expected."""
    with pytest.raises(ValueError) as caught:
        call()
    text = str(caught.value)
    for word in (str(path), "found ", "expected ", *words):
        assert word in text, text
    assert "\n" not in text


# IDX.


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 3), (1, 1, 1, 1, 1, 1, 1, 1)])
def test_idx_is_read_as_written(tmp_path: Path, dtype: str, shape: Any, pack: bool) -> None:
    array = (rng.random(shape) * 100).astype(dtype)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(idx(array)) if pack else idx(array))
    got = read_idx(path)
    np.testing.assert_array_equal(got, array)
    assert got.dtype == array.dtype and got.flags.writeable


WHOLE = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
PACKED = gzip.compress(WHOLE)
IDX_DAMAGE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("an empty file",)),
    "short magic": (WHOLE[:3], ("00 00 08",)),
    "other magic": (b"\x89PNG" + WHOLE, ("89 50 4e 47",)),
    "unknown type": (b"\0\0\x0a\x01" + WHOLE[4:], ("00 00 0a 01",)),
    "no dimensions": (b"\0\0\x08\0", ("0 dimensions", "1 to 8")),
    "many dimensions": (b"\0\0\x08\xff" + WHOLE, ("255 dimensions",)),
    "short header": (WHOLE[:10], ("a header of 10 bytes", "16")),
    "truncated": (WHOLE[:-1], ("23 bytes", "24", "(2, 3, 4)")),
    "no numbers": (WHOLE[:16], ("0 bytes", "24")),
    "trailing": (WHOLE + b"\0", ("more bytes", "24")),
    "huge": (b"\0\0\x0e\x08" + b"\xff" * 32 + b"abc", ("3 bytes",)),
    "gzip cut off": (gzip.compress(WHOLE)[:-9], ("damaged gzip",)),
    "gzip flipped": (PACKED[:-6] + b"\xff\xff" + PACKED[-4:], ("gzip",)),
    "gzip header alone": (b"\x1f\x8b", ("gzip",)),
    "gzip of garbage": (b"\x1f\x8b\x08" + b"\x07" * 40, ("gzip",)),
    "gzip trailing": (gzip.compress(WHOLE + b"\0"), ("more bytes",)),
    "gzip tail": (gzip.compress(WHOLE) + b"tail", ("gzip",)),
}  # fmt: skip


@pytest.mark.parametrize("name", IDX_DAMAGE)
def test_damaged_idx_is_refused(tmp_path: Path, name: str) -> None:
    data, words = IDX_DAMAGE[name]
    path = tmp_path / "images"
    path.write_bytes(data)
    refused(lambda: read_idx(path), path, *words)


def test_digests_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(WHOLE)
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert read_idx(path, sha256=digest.upper()).shape == (2, 3, 4)
    refused(lambda: read_idx(path, sha256="0" * 64), path, digest, "0" * 64)


@pytest.mark.parametrize("read", [read_idx, read_npz, read_csv])
def test_missing_files_and_folders(tmp_path: Path, read: Any) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing.*no such file"):
        read(tmp_path / "nothing")
    refused(lambda: read(tmp_path), tmp_path, "a folder")
    (tmp_path / "empty").touch()
    refused(lambda: read(tmp_path / "empty"), tmp_path, "an empty file")


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(lambda: read_idx(tmp_path / "pipe"), tmp_path / "pipe", "no regular file")


@pytest.mark.parametrize("read", [read_idx, read_npz, read_csv])
def test_a_file_that_may_not_be_read(
    tmp_path: Path, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(WHOLE)

    def closed(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(PermissionError, match=r"\[read_.*a: it may not be read"):
        read(tmp_path / "a")


def test_a_shape_too_large_for_an_array_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, 0, 2**32 - 1, 2**32 - 1))
    refused(lambda: read_idx(path), path, "4294967295", "2^60")
    np.savez(path.with_suffix(".npz"), x=np.zeros((0, 3)))
    path = path.with_suffix(".npz")
    whole = path.read_bytes()
    for size in (2**62, 2**70):
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, %d)}" % size
        with zipfile.ZipFile(path, "w") as archive:
            length = struct.pack("<H", len(header))
            archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + length + header)
        refused(lambda: read_npz(path), path, str(size), "2^60")
    path.write_bytes(whole)
    assert read_npz(path).tensors[0].shape == (0, 3)


# MNIST.

MNIST = {
    "train-images-idx3-ubyte": (rng.random((6, 5, 4)) * 255).astype(np.uint8),
    "train-labels-idx1-ubyte": np.array([0, 9, 3, 3, 1, 2], np.uint8),
    "t10k-images-idx3-ubyte": (rng.random((2, 5, 4)) * 255).astype(np.uint8),
    "t10k-labels-idx1-ubyte": np.array([7, 0], np.uint8),
}


def write_mnist(root: Path, pack: bool = False, **changed: np.ndarray) -> None:
    for name, array in MNIST.items():
        data = idx(changed.get(name.replace("-", "_"), array))
        (root / (name + ".gz" * pack)).write_bytes(gzip.compress(data) if pack else data)


@pytest.mark.parametrize("pack", [False, True])
def test_mnist(tmp_path: Path, pack: bool) -> None:
    write_mnist(tmp_path, pack)
    training, test = mnist(tmp_path)
    x, y = training.tensors
    assert x.shape == (6, 1, 5, 4) and x.dtype == sf.float32 and y.dtype == sf.int64
    expected = MNIST["train-images-idx3-ubyte"][:, None] / np.float32(255)
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)
    assert y.tolist() == [0, 9, 3, 3, 1, 2] and test.tensors[1].tolist() == [7, 0]
    raw = mnist(tmp_path, raw=True)[1].tensors[0]
    np.testing.assert_array_equal(raw.numpy()[:, 0], MNIST["t10k-images-idx3-ubyte"])
    assert raw.dtype == sf.uint8


def test_mnist_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        mnist(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"neither train-images-idx3-ubyte nor .*\.gz"):
        mnist(tmp_path)
    labels, images = "train-labels-idx1-ubyte", "train-images-idx3-ubyte"
    cases: list[tuple[str, np.ndarray, tuple[str, ...]]] = [
        (labels, np.zeros(5, np.uint8), ("5 labels", "6")),
        (labels, np.array([0, 1, 10, 2, 3, 4], np.uint8), ("label 10 in row 2", "0 to 9")),
        (labels, np.zeros((6, 1), np.uint8), ("2 dimensions",)),
        (labels, np.zeros(6, np.int32), ("int32",)),
        (images, np.zeros((6, 20), np.uint8), ("2 dimensions",)),
        (images, np.zeros((6, 5, 4), np.float32), ("float32",)),
    ]
    for name, array, words in cases:
        write_mnist(tmp_path, **{name.replace("-", "_"): array})
        refused(lambda: mnist(tmp_path), tmp_path / name, *words)
    empty = {images.replace("-", "_"): np.zeros((0, 5, 4), np.uint8)}
    write_mnist(tmp_path, **empty, train_labels_idx1_ubyte=np.zeros(0, np.uint8))
    refused(lambda: mnist(tmp_path), tmp_path / images, "one picture at least")
    write_mnist(tmp_path)
    refused(lambda: mnist(tmp_path, sha256={labels: "ab"}), tmp_path / labels, "SHA-256")


def test_loaded_sets_are_trained_on_directly(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    training, test = mnist(tmp_path)
    model = nn.Sequential(nn.Flatten(), nn.Linear(20, 10))
    run = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), seed=0)
    program = sf.data.augment.RandomCrop((5, 4), 1)
    history = run.fit(training, test, epochs=2, batch_size=3, augment=program, progress=False)
    assert len(history["loss"]) == 2


# CIFAR-10.


def write_cifar(root: Path, n: int = 3) -> np.ndarray:
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    records = (rng.random((6, n, 3073)) * 255).astype(np.uint8)
    records[:, :, 0] %= 10
    for name, part in zip(names, records, strict=True):
        (root / name).write_bytes(part.tobytes())
    return records


@pytest.mark.parametrize("folder", ["", "cifar-10-batches-bin"])
def test_cifar10(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    records = write_cifar(tmp_path / folder)
    (x, y), (tx, ty) = (part.tensors for part in cifar10(tmp_path, raw=True))
    np.testing.assert_array_equal(x.numpy().reshape(5, 3, 3072), records[:5, :, 1:])
    np.testing.assert_array_equal(y.numpy(), records[:5, :, 0].reshape(-1))
    assert x.shape == (15, 3, 32, 32) and tx.shape == (3, 3, 32, 32) and len(ty) == 3
    scaled = cifar10(tmp_path)[0].tensors[0]
    np.testing.assert_allclose(scaled.numpy(), x.numpy() / np.float32(255), rtol=1e-6)


def test_cifar10_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="data_batch_1"):
        cifar10(tmp_path)
    write_cifar(tmp_path)
    path = tmp_path / "data_batch_4.bin"
    whole = path.read_bytes()
    for data, words in (
        (whole[:-1], ("9218 bytes", "multiple of 3073")),
        (whole + b"\0", ("9220 bytes",)),
        (b"", ("an empty file",)),
        (whole[:3073] + b"\x0a" + whole[3074:], ("label 10 in record 1",)),
    ):
        path.write_bytes(data)
        refused(lambda: cifar10(tmp_path), path, *words)
    path.write_bytes(whole)
    refused(lambda: cifar10(tmp_path, sha256={path.name: "00"}), path, "SHA-256")
    path.unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_4"):
        cifar10(tmp_path)


# NPZ.


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.npz"
    x = rng.random((5, 2, 3))
    arrays = {
        "x": x, "f": np.asfortranarray(x[:, 0]), "y": np.arange(5), "b": np.arange(5) > 2,
        "i1": np.arange(5, dtype=np.int8), "u2": np.arange(5, dtype=np.uint16),
        "u4": np.arange(5, dtype=np.uint32) + 2**31, "f2": np.arange(5, dtype=np.float16),
        "big": np.arange(5, dtype=">i4"), "none": np.zeros((5, 0), np.float32),
    }  # fmt: skip
    save(path, **arrays)
    data = read_npz(path)
    for tensor, array in zip(data.tensors, arrays.values(), strict=True):
        np.testing.assert_array_equal(tensor.numpy(), array)
    dtypes = [t.dtype for t in data.tensors]
    assert dtypes[4:9] == [sf.int32, sf.int32, sf.int64, sf.float32, sf.int32]
    assert [len(t.shape) for t in read_npz(path, "y", "x").tensors] == [1, 3]
    assert len(list(DataLoader(data, 2))) == 3


def npz(members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def npy(array: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def header(text: str) -> bytes:
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()


def described(shape: str, dtype: str = "<f8") -> bytes:
    return header(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}")


def long_header() -> bytes:
    """Of version 2.0, and 64 MB of spaces, which a zip file holds in a few bytes."""
    text = b" " * (1 << 26)
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text


GOOD = npy(np.arange(4.0))
NPZ_DAMAGE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "no zip": (b"hello world", ("damaged",)),
    "cut off": (npz({"x.npy": GOOD})[:-30], ("damaged",)),
    "flipped": (npz({"x.npy": GOOD}).replace(GOOD[-16:], b"\xff" * 16), ("damaged", "CRC")),
    "no arrays": (npz({}), ("no arrays",)),
    "objects": (npz({"x.npy": npy(np.array([{}, []], object), allow_pickle=True)}), ("objects",)),
    "text": (npz({"x.npy": npy(np.array(["a"]))}), ("dtype <U1",)),
    "complex": (npz({"x.npy": npy(np.array([1j]))}), ("complex128",)),
    "scalar": (npz({"x.npy": npy(np.array(1.0))}), ("0 dimensions",)),
    "short array": (npz({"x.npy": GOOD[:-8]}), ("24 bytes", "32")),
    "long array": (npz({"x.npy": GOOD + b"\0"}), ("more bytes", "32")),
    "no npy": (npz({"x.npy": b"hello, this is not an array"}), ("damaged header",)),
    "huge": (npz({"x.npy": described("(1099511627776, 1048576)") + b"1234"}), ("4 bytes",)),
    "negative": (npz({"x.npy": described("(-4,)")}), ("not negative",)),
    "bad header": (npz({"x.npy": header("{'descr': __import__('os')")}), ("damaged header",)),
    "long header": (npz({"x.npy": long_header()}, zipfile.ZIP_DEFLATED), ("67108864", "10000")),
    "lengths": (npz({"x.npy": GOOD, "y.npy": npy(np.arange(3))}), ("x: 4, y: 3",)),
}


@pytest.mark.parametrize("name", NPZ_DAMAGE)
def test_damaged_npz_is_refused(tmp_path: Path, name: str) -> None:
    data, words = NPZ_DAMAGE[name]
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    refused(lambda: read_npz(path), path, *words)


def test_the_header_of_an_npz_is_not_inflated_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(NPZ_DAMAGE["long header"][0])
    tracemalloc.start()
    with pytest.raises(ValueError, match="67108864 bytes"):
        read_npz(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 21


def test_npz_without_the_array_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros(3), labels=np.zeros(3))
    refused(lambda: read_npz(path, "x"), path, "no array 'x'", "images, labels")
    refused(lambda: read_npz(path, sha256="12"), path, "SHA-256")


# CSV.


def csv_file(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "t.csv", '\ufeffa, b,"c ""d"""\r\n1,2.5,-3\r\n\r\n 4 ,5e2,"6"\r\n')
    (x,) = read_csv(path).tensors
    assert x.dtype == sf.float32 and x.tolist() == [[1, 2.5, -3], [4, 500, 6]]
    for target in ('c "d"', 2, -1):
        x, y = read_csv(path, target).tensors
        assert x.tolist() == [[1, 2.5], [4, 500]] and y.tolist() == [-3, 6]
        assert y.dtype == sf.int64
    assert read_csv(path, "b").tensors[1].dtype == sf.float32
    bare = csv_file(tmp_path / "bare.csv", "1;2\n3;4")
    assert read_csv(bare, 0, header=False, delimiter=";").tensors[0].tolist() == [[2], [4]]
    assert read_csv(bare, 0, header=None).tensors[0].tolist() == [[2], [4]]  # ; is seen
    assert read_csv(bare).tensors[0].tolist() == [[3, 4]]
    named = csv_file(tmp_path / "named.tsv", "a\tb,c\n1\t2\n")
    assert read_csv(named, "b,c", header=None).tensors[0].tolist() == [[1]]
    (tmp_path / "n.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read_csv(tmp_path / "n.csv.gz").tensors[0].tolist()[1] == [4, 500, 6]
    numbers = rng.random((50, 7))
    np.savetxt(tmp_path / "n.csv", numbers, delimiter=",")
    got = read_csv(tmp_path / "n.csv", header=False).tensors[0]
    np.testing.assert_array_equal(got.numpy(), numbers.astype(np.float32))


CSV_DAMAGE: dict[str, tuple[str | bytes, dict[str, Any], tuple[str, ...]]] = {
    "word": ("a,b\n1,2\n3,x\n", {}, ("'x' in line 3, column 2 (b)", "finite number")),
    "gap": ("a,b\n1,\n", {}, ("'' in line 2, column 2 (b)",)),
    "nan": ("a,b\nnan,1\n", {}, ("'nan' in line 2, column 1 (a)",)),
    "infinite": ("a,b\n1,1e999\n", {}, ("'1e999'",)),
    "underscore": ("a\n1_000\n", {}, ("'1_000'",)),
    "short line": ("a,b\n1,2\n3\n", {}, ("1 cells in line 3", "2 as in the first line")),
    "long line": ("a,b\n1,2\n\n3,4,5\n", {}, ("3 cells in line 4",)),
    "no rows": ("a,b\n", {}, ("no rows",)),
    "blank lines": ("\n\n", {}, ("no rows",)),
    "unknown target": ("a,b\n1,2\n", {"target": "c"}, ("no column 'c'", "a, b")),
    "target without names": ("1,2\n", {"target": "c", "header": False}, ("no header",)),
    "target too far": ("a,b\n1,2\n", {"target": 2}, ("no column 2", "-2 to 1")),
    "target alone": ("a\n1\n", {"target": "a"}, ("one column",)),
    "same names": ("a,a\n1,2\n", {}, ("two columns called 'a'",)),
    "names as numbers": ("a,b\n1,2\n", {"header": False}, ("'a' in line 1", "header=True")),
    "not text": (b"a,b\n1,\xff\n", {}, ("not UTF-8",)),
    "open quote": ('a,b\n1,"2\n', {}, ("line 2",)),
    "multi-line cell": ('a,b\n1,"2\n\n"\n3,x\n', {}, ("'x' in line 5",)),
    "another delimiter": ("a;b\n1;2\n", {"delimiter": ","}, ("'1;2' in line 2",)),
    "unknown target before bad cells": ("a,b\n1,x\n", {"target": "c"}, ("no column 'c'",)),
    "damaged gzip": (b"\x1f\x8bnonsense", {}, ("damaged gzip",)),
    "digest": ("a\n1\n", {"sha256": "aa"}, ("SHA-256",)),
}


@pytest.mark.parametrize("name", CSV_DAMAGE)
def test_damaged_csv_is_refused(tmp_path: Path, name: str) -> None:
    text, options, words = CSV_DAMAGE[name]
    path = csv_file(tmp_path / "t.csv", text)
    refused(lambda: read_csv(path, **options), path, *words)


def test_a_wide_csv_is_read_in_linear_time(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(30_000))
    (tmp_path / "a").write_text(names + "\n" + ",".join(["1"] * 30_000) + "\n")
    start = time.perf_counter()
    assert read_csv(tmp_path / "a").tensors[0].shape == (1, 30_000)
    assert time.perf_counter() - start < 8  # 0.1 s; half a minute if names are compared in pairs


def test_csv_delimiter_is_one_character(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "t.csv", "a\n1\n")
    with pytest.raises(ValueError, match="one character"):
        read_csv(path, delimiter="; ")


# Image folders.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cats (one in a deeper folder), three dogs; other files are left out."""
    image = pytest.importorskip("PIL.Image")
    numbers = np.random.default_rng(1)
    for i, name in enumerate(
        ["cat/b.png", "cat/deep/a.PNG", "dog/1.png", "dog/10.bmp", "dog/2.png"]
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = (numbers.random((6, 5, 3)) * 255).astype(np.uint8)
        pixels[0, 0] = i
        image.fromarray(pixels).save(path)
    (tmp_path / "dog" / "notes.txt").write_text("not a picture")
    (tmp_path / "dog" / ".hidden.png").write_text("not a picture")
    (tmp_path / ".cache").mkdir()
    return tmp_path


def test_image_folder(folder: Path) -> None:
    from PIL import Image

    data = ImageFolder(folder)
    assert data.classes == ["cat", "dog"] and data.targets.tolist() == [0, 0, 1, 1, 1]
    names = [path.relative_to(folder).as_posix() for path, _ in data.samples]
    assert names == ["cat/b.png", "cat/deep/a.PNG", "dog/1.png", "dog/10.bmp", "dog/2.png"]
    x, label = data[3]
    assert label == 1 and x.shape == (3, 6, 5) and x.dtype == sf.float32
    pixels = np.asarray(Image.open(data.samples[3][0]))
    np.testing.assert_allclose(x.numpy(), pixels.transpose(2, 0, 1) / 255, atol=1e-7)
    for threads in (None, 1, 3):
        raw = ImageFolder(folder, raw=True, num_threads=threads)
        batches = list(DataLoader(raw, 2))
        assert [y.tolist() for _, y in batches] == [[0, 0], [1, 1], [1]]
        assert [row[0, 0, 0] for x, _ in batches for row in x.numpy()] == [0, 1, 2, 3, 4]
    grey = ImageFolder(folder, channels=1, size=(4, 8))[0][0]
    expected = Image.open(data.samples[0][0]).convert("L").resize((8, 4), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(grey.numpy()[0], np.asarray(expected) / 255, atol=1e-7)


def test_image_folder_is_trained_on_with_augmentation(folder: Path) -> None:
    data = ImageFolder(folder, size=8)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    run = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), seed=0)
    flip = sf.data.augment.RandomHorizontalFlip()
    history = run.fit(data, data, epochs=1, batch_size=2, augment=flip, progress=False)
    assert np.isfinite(history["loss"]).all()


def test_image_folder_damage(folder: Path) -> None:
    from PIL import Image

    path = folder / "dog" / "1.png"
    whole = path.read_bytes()
    size = struct.pack(">II", 2**20, 2**20)
    for data in (b"", b"hello", whole[:40], whole[:-30], whole[:16] + size + whole[24:]):
        path.write_bytes(data)
        refused(lambda: ImageFolder(folder)[2], path, "cannot be read")
        refused(lambda: list(DataLoader(ImageFolder(folder), 5)), path, "cannot be read")
    Image.fromarray(np.zeros((7, 5, 3), np.uint8)).save(path)
    refused(lambda: list(DataLoader(ImageFolder(folder), 5)), path, "(7, 5)", "(6, 5)", "size=")
    lazy = ImageFolder(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.png"):
        lazy[2]


def test_image_folder_refuses_16_bits(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    path = folder / "dog" / "1.png"
    image.fromarray(np.array([[256, 40000]], np.uint16)).save(path)
    refused(lambda: ImageFolder(folder, channels=1)[2], path, "more than 8 bits")


def test_image_folder_mistakes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        ImageFolder(folder / "nothing")
    refused(lambda: ImageFolder(folder / "cat" / "deep"), folder, "no sub-folders")
    (folder / "empty").mkdir()
    refused(lambda: ImageFolder(folder), folder / "empty", "no pictures", ".png")
    (folder / "empty").rmdir()
    for options, words in (
        ({"size": 0}, "size"), ({"size": 2**14}, "at most"),
        ({"channels": 2}, "channels"), ({"num_threads": 0}, "num_threads"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            ImageFolder(folder, **options)
    for size in ((3,), (3, 4, 5), 2.5, (2.5, 2), "ab"):
        with pytest.raises(TypeError, match=r"size must be an int or \(height, width\)"):
            ImageFolder(folder, size)
    data = ImageFolder(folder)
    with pytest.raises(IndexError, match="row 5"):
        data[5]
    with pytest.raises(IndexError, match="row 5"):
        data.take(sf.tensor(np.array([5])))
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[image\]'"):
        ImageFolder(folder)


# Whatever the bytes are: an array or the documented error.


def names_the_file(error: ValueError, path: Path) -> None:
    assert str(path) in str(error) and "expected" in str(error)


FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.binary(max_size=60), st.integers(0, 16), st.booleans())
def test_idx_of_any_bytes(tmp_path: Path, noise: bytes, keep: int, pack: bool) -> None:
    path = tmp_path / "fuzz"
    data = WHOLE[:keep] + noise
    path.write_bytes(gzip.compress(data)[: 15 + len(noise)] if pack else data)
    try:
        assert read_idx(path).size <= len(data) * 50
    except ValueError as error:
        names_the_file(error, path)


@FUZZ
@given(st.data())
def test_npz_of_flipped_bytes(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(npz({"x.npy": npy(np.arange(6.0).reshape(2, 3)), "y.npy": npy(np.arange(2))}))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzz.npz"
    path.write_bytes(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    try:
        assert isinstance(read_npz(path), TensorDataset)
    except ValueError as error:
        names_the_file(error, path)


@FUZZ
@given(st.text("0123456789.,;-e\"'\n\r\t nax", max_size=40), st.booleans())
def test_csv_of_any_text(tmp_path: Path, text: str, header: bool) -> None:
    path = csv_file(tmp_path / "fuzz.csv", text)
    try:
        assert np.isfinite(read_csv(path, header=header).tensors[0].numpy()).all()
    except ValueError as error:
        names_the_file(error, path)
