"""The digits that ship with the package."""

import hashlib
from pathlib import Path

import numpy as np

import surefoot
from surefoot.data import digits

# Of the source's values as bytes, row by row.
IMAGES_SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def test_shapes_types_and_range() -> None:
    images, labels = digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert (images.min(), images.max()) == (0, 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_every_value_is_the_source_s() -> None:
    images, labels = digits()
    assert hashlib.sha256(images.tobytes()).hexdigest() == IMAGES_SHA256
    assert hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest() == LABELS_SHA256


def test_each_call_gives_arrays_of_its_own() -> None:
    digits()[0][:] = 99
    assert digits()[0].max() == 16


def test_source_and_licence_travel_with_the_data() -> None:
    folder = Path(surefoot.__file__).parent / "data" / "files"
    text = (folder / "uci_digits.txt").read_text()
    assert "CC BY 4.0" in text and "Alpaydin" in text and "10.24432/C50P49" in text
    assert (folder / "uci_digits.npz").stat().st_size < 60_000
