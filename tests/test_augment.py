"""Augmentation against NumPy, sample by sample, and its promise of repeatable samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augment_reference as ref
import surefoot as sf
from surefoot import nn, optim
from surefoot.data import DataLoader, Dataset, Subset, TensorDataset
from surefoot.data import augment as A
from surefoot.train import Callback, Trainer

SEED, EPOCH = 2**40 + 7, 3
INDICES = [5, 0, 12345678901, 2, 7]
MODES = ["constant", "edge", "reflect", "symmetric", "wrap"]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = sf.get_num_threads()
    yield
    sf.set_num_threads(before)


def pictures(dtype: Any = np.float32, shape: tuple[int, ...] = (5, 3, 7, 10)) -> np.ndarray:
    numbers = np.random.default_rng(1).random(shape)
    return (numbers * 255).astype(dtype) if dtype == np.uint8 else numbers.astype(dtype)


def sequences(dtype: Any = np.float32) -> np.ndarray:
    return pictures(dtype, (5, 23, 3))


def call(transform: A.Transform, x: np.ndarray, **key: Any) -> np.ndarray:
    return transform(x, **{"seed": SEED, "epoch": EPOCH, "indices": INDICES} | key).numpy()


def per_feature(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return x * (1 + 0.3 * s.normals(x.shape[-1], x.dtype)).astype(x.dtype)


def noise(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return x + 0.5 + 0.2 * s.normals(x.size, x.dtype).reshape(x.shape)


def flip_h(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return x[:, :, ::-1] if s.uniform() < 0.5 else x


def flip_v(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return x[:, ::-1] if s.uniform() < 0.5 else x


# Transform, its reference, and what is done with the sums of floats: exact, or close.
EXACT: dict[str, tuple[A.Transform, ref.Sample]] = {
    "flip h": (A.RandomHorizontalFlip(), flip_h),
    "flip v": (A.RandomVerticalFlip(), flip_v),
    "flip always": (A.RandomHorizontalFlip(1), lambda x, s: x[:, :, ::-1]),
    "flip never": (A.RandomVerticalFlip(0), lambda x, s: x),
    "crop": (A.RandomCrop((5, 4)), lambda x, s: ref.crop(x, s, (5, 4))),
    "crop whole": (A.RandomCrop((7, 10)), lambda x, s: x),
    **{
        f"crop {mode}": (
            A.RandomCrop((8, 14), (6, 3, 2, 4), fill=1, padding_mode=mode),
            lambda x, s, mode=mode: ref.crop(x, s, (8, 14), (6, 3, 2, 4), mode, 1),
        )
        for mode in MODES
    },
    "erase": (
        A.RandomErasing(0.8, (0.1, 0.6), (0.2, 3), 1),
        lambda x, s: ref.erase(x, s, 0.8, (0.1, 0.6), (0.2, 3), 1),
    ),
    "cutout": (A.Cutout((4, 5), 1), lambda x, s: ref.cutout(x, s, (4, 5), 1)),
    "move": (
        A.RandomAffine(0, (0.5, 0.3), fill=1),
        lambda x, s: ref.affine(
            x, s, (0, 0), (0.5, 0.3), bilinear=False, mode="constant", fill=1
        ),
    ),
    **{
        f"nearest {mode}": (
            A.RandomAffine((-50, 70), (0.3, 0.2), (0.5, 2), (-9, 30, -10, 15), padding_mode=mode),
            lambda x, s, mode=mode: ref.affine(
                *(x, s, (-50, 70), (0.3, 0.2), (0.5, 2), (-9, 30, -10, 15)),
                bilinear=False, mode=mode, fill=0,
            ),
        )
        for mode in MODES
    },
}  # fmt: skip
CLOSE: dict[str, tuple[A.Transform, ref.Sample]] = {
    **{
        f"bilinear {mode}": (
            A.RandomAffine(30, None, (0.7, 1.5), 20, "bilinear", 1, padding_mode=mode),
            lambda x, s, mode=mode: ref.affine(
                *(x, s, (-30, 30), (0, 0), (0.7, 1.5), (-20, 20, 0, 0)),
                bilinear=True, mode=mode, fill=1,
            ),
        )
        for mode in MODES
    },
    "rotation": (
        A.RandomRotation((10, 80), "bilinear"),
        lambda x, s: ref.affine(x, s, (-80, -10), bilinear=True, mode="constant", fill=0),
    ),
    "color": (
        A.ColorJitter(0.5, (0.2, 1.9), 0.7),
        lambda x, s: ref.color(x, s, (0.5, 1.5), (0.2, 1.9), (1 - 0.7, 1.7)),
    ),
    "contrast": (
        A.ColorJitter(contrast=0.9),
        lambda x, s: ref.color(x, s, contrast=(1 - 0.9, 1.9)),
    ),
    "gray": (
        A.RandomGrayscale(0.5),
        lambda x, s: np.stack([ref.grey(x.astype(float))] * 3) if s.uniform() < 0.5 else x,
    ),
}  # fmt: skip
FLOATS: dict[str, tuple[A.Transform, ref.Sample]] = {
    "noise": (A.GaussianNoise(0.5, 0.2), noise),
    "normalize": (
        A.Normalize([0.1, 0.2, 0.3], [0.5, 0.25, 2]),
        lambda x, s: (
            (x - np.array([0.1, 0.2, 0.3])[:, None, None]) / np.array([0.5, 0.25, 2])[:, None, None]
        ),
    ),
}
TIME: dict[str, tuple[A.Transform, ref.Sample]] = {
    "roll": (A.TimeShift(30), lambda x, s: ref.time_shift(x, s, 30, "wrap", 0)),
    "shift": (
        A.TimeShift(9, "constant", fill=4),
        lambda x, s: ref.time_shift(x, s, 9, "constant", 4),
    ),
    "mask": (A.TimeMask(8, 2, 0.5), lambda x, s: ref.time_mask(x, s, 8, 2, 0.5)),
    "mask all": (A.TimeMask(99), lambda x, s: ref.time_mask(x, s, 99, 1, 0)),
}
TIME_CLOSE: dict[str, tuple[A.Transform, ref.Sample]] = {
    "warp": (A.TimeWarp(0.8, 3), lambda x, s: ref.time_warp(x, s, 0.8, 3)),
    "warp 64": (A.TimeWarp(1.5, 64), lambda x, s: ref.time_warp(x, s, 1.5, 64)),
    "scaling": (A.Scaling(0.3), per_feature),
}

FLOAT_TYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", [*FLOAT_TYPES, np.uint8])
@pytest.mark.parametrize("name", EXACT)
def test_whole_pixels_equal_numpy(name: str, dtype: Any) -> None:
    transform, sample = EXACT[name]
    x = pictures(dtype)
    before = x.copy()
    got = call(transform, x)
    np.testing.assert_array_equal(got, ref.over_batch([sample], x, SEED, EPOCH, INDICES))
    assert got.dtype == dtype
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", [*FLOAT_TYPES, np.uint8])
@pytest.mark.parametrize("name", CLOSE)
def test_interpolated_pixels_and_colors_are_close_to_numpy(name: str, dtype: Any) -> None:
    transform, sample = CLOSE[name]
    x = pictures(dtype)
    expected = ref.over_batch([sample], x, SEED, EPOCH, INDICES)
    got = call(transform, x)
    if dtype == np.uint8:  # a sum on a half may be rounded either way, once for each of its steps
        assert np.abs(got.astype(int) - np.rint(expected)).max() <= 2
        assert (got == np.rint(expected)).mean() > 0.97
    else:
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=2e-6 if dtype == np.float32 else 1e-13
        )
    assert got.dtype == dtype


@pytest.mark.parametrize("dtype", FLOAT_TYPES)
@pytest.mark.parametrize("name", FLOATS)
def test_numbers_are_close_to_numpy(name: str, dtype: Any) -> None:
    transform, sample = FLOATS[name]
    x = pictures(dtype)
    expected = ref.over_batch([sample], x, SEED, EPOCH, INDICES)
    tolerance = 3e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(call(transform, x), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", FLOAT_TYPES)
@pytest.mark.parametrize("name", [*TIME, *TIME_CLOSE])
def test_sequences_against_numpy(name: str, dtype: Any) -> None:
    transform, sample = (TIME | TIME_CLOSE)[name]
    x = sequences(dtype)
    expected = ref.over_batch([sample], x[:, None], SEED, EPOCH, INDICES)[:, 0]
    if name in TIME:
        np.testing.assert_array_equal(call(transform, x), expected)
    else:
        atol = 2e-6 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(call(transform, x), expected, rtol=0, atol=atol)


def test_bytes_are_normalized_to_float32() -> None:
    x = pictures(np.uint8)
    got = call(A.Compose([A.RandomHorizontalFlip(), A.Normalize([0.5] * 3, [0.25] * 3)]), x)
    flipped = ref.over_batch([flip_h], x, SEED, EPOCH, INDICES)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, (flipped / 255 - 0.5) / 0.25, rtol=1e-6, atol=1e-6)
    after = call(A.Compose([A.Normalize([0.0] * 3, [1.0] * 3), A.GaussianNoise(0, 0.1)]), x)
    expected = x / 255 + np.stack(
        [
            0.1 * ref.Stream(SEED, EPOCH, 1, i).normals(210, np.float32).reshape(3, 7, 10)
            for i in INDICES
        ]
    )
    np.testing.assert_allclose(after, expected, atol=2e-6)


# Chains.


def crop_4(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return ref.crop(x, s, (6, 9), (4, 4, 4, 4), "constant", 2)


def crop_small(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return ref.crop(x, s, (4, 5))


def crop_reflect(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return ref.crop(x, s, (8, 8), (3, 3, 3, 3), "reflect")


def turn(x: np.ndarray, s: ref.Stream) -> np.ndarray:
    return ref.affine(x, s, (-40, 40), bilinear=True, mode="edge", fill=0)


PARTS: dict[str, tuple[A.Transform, ref.Sample]] = {
    "h": (A.RandomHorizontalFlip(), flip_h),
    "v": (A.RandomVerticalFlip(), flip_v),
    "c": (A.RandomCrop((4, 5)), crop_small),
    "p": (A.RandomCrop((6, 9), 4, fill=2), crop_4),
    "r": (A.RandomCrop(8, 3, padding_mode="reflect"), crop_reflect),
    "a": (A.RandomRotation(40, "bilinear", padding_mode="edge"), turn),
    "e": (A.Cutout(3, 0.5), lambda x, s: ref.cutout(x, s, (3, 3), 0.5)),
}


@pytest.mark.parametrize(
    "chain", ["hv", "hp", "ph", "hvpvhc", "pp", "cp", "chr", "rhc", "ehp", "peh", "cece", "eprhe",
              *("".join(p) for p in itertools.permutations("hpec"))],
)  # fmt: skip
def test_chains_of_whole_pixels_equal_one_after_the_other(chain: str) -> None:
    transforms, samples = zip(*(PARTS[c] for c in chain), strict=True)
    x = pictures()
    expected = ref.over_batch(list(samples), x, SEED, EPOCH, INDICES)
    np.testing.assert_array_equal(call(A.Compose(transforms), x), expected)


@pytest.mark.parametrize(
    "chain", ["ha", "vha", "ahv", "hac", "vahc", "pa", "ca", "aa", "ap", "hapv"]
)
def test_fused_geometry_has_the_bits_of_separate_steps(chain: str) -> None:
    """Flips and crops around a rotation move into one read, without another rounding."""
    parts = [PARTS[c][0] for c in chain]
    x = pictures()
    apart = x
    for place, part in enumerate(parts):
        nothing = A.RandomHorizontalFlip(0)  # takes a place and changes nothing
        apart = call(A.Compose([*[nothing] * place, part]), apart)
    np.testing.assert_array_equal(call(A.Compose(parts), x), apart)
    samples = [PARTS[c][1] for c in chain]
    expected = ref.over_batch(samples, x, SEED, EPOCH, INDICES)
    np.testing.assert_allclose(call(A.Compose(parts), x), expected, atol=3e-6)


def test_nested_chains_are_flat_and_empty_ones_copy() -> None:
    h, p = PARTS["h"][0], PARTS["p"][0]
    x = pictures()
    nested = A.Compose([A.Compose([h]), A.Compose([A.Compose([p])])])
    np.testing.assert_array_equal(call(nested, x), call(A.Compose([h, p]), x))
    t = sf.tensor(x)
    copy = A.Compose([])(t)
    np.testing.assert_array_equal(copy.numpy(), x)
    copy.zero_()
    assert t.numpy().any()


# The promise.

EVERYTHING = {**EXACT, **CLOSE, **FLOATS, **TIME, **TIME_CLOSE}


def input_of(name: str) -> np.ndarray:
    return sequences() if name in TIME or name in TIME_CLOSE else pictures()


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_sample_is_the_same_in_any_batch_and_with_any_threads(name: str) -> None:
    transform = EVERYTHING[name][0]
    x = input_of(name)
    x = np.concatenate([x] * 8)
    indices = np.arange(40) * 3
    sf.set_num_threads(1)
    whole = call(transform, x, indices=indices)
    for threads in (2, 3, 8):
        sf.set_num_threads(threads)
        np.testing.assert_array_equal(call(transform, x, indices=indices), whole)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(call(transform, x[order], indices=indices[order]), whole[order])
    for i in (0, 17, 39):
        alone = call(transform, x[i : i + 1], indices=indices[i : i + 1])
        np.testing.assert_array_equal(alone[0], whole[i])


FIXED = {"flip always", "flip never", "crop whole", "normalize"}


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name not in FIXED])
def test_other_seeds_epochs_samples_and_places_differ(name: str) -> None:
    transform = EVERYTHING[name][0]
    x = np.concatenate([input_of(name)[:1]] * 40)
    base = call(transform, x, indices=np.arange(40))
    assert len({row.tobytes() for row in base}) > 1
    for key in ({"seed": SEED + 1}, {"epoch": EPOCH + 1}, {"indices": np.arange(40) + 2**33}):
        other = call(transform, x, **{"indices": np.arange(40)} | key)
        assert (other != base).any(), key
    later = A.Compose([A.RandomCrop(x.shape[-2:]), transform])
    assert (call(later, x, indices=np.arange(40)) != base).any()  # fmt: skip


def test_epochs_have_64_bits() -> None:
    x = pictures()
    epochs = (5, 5 + 2**32, 5 + 2**33, 2**64 - 1)
    noises = [call(A.GaussianNoise(), x, seed=3, epoch=epoch) for epoch in epochs]
    for i, j in itertools.combinations(range(len(epochs)), 2):
        assert (noises[i] != noises[j]).mean() > 0.99
    for epoch in epochs:
        flips = call(A.RandomHorizontalFlip(), x, seed=3, epoch=epoch)
        expected = ref.over_batch([flip_h], x, 3, epoch, INDICES)
        np.testing.assert_array_equal(flips, expected)


def test_without_a_seed_numbers_come_from_manual_seed() -> None:
    x = pictures()
    results = []
    for _ in range(2):
        sf.manual_seed(3)
        results.append([A.GaussianNoise()(x).numpy() for _ in range(2)])
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0][0] != results[0][1]).any()


def test_chains_of_many_moves_in_large_and_small_pictures() -> None:
    """Scratch memory: pictures larger than a chunk, chains that shrink and grow."""
    parts = [PARTS[c] for c in "epcepep"]
    transforms, samples = zip(*parts, strict=True)
    for n, side in ((3, 150), (70, 6)):
        x = pictures(np.float32, (n, 1, side, side))
        rows = list(range(n))
        if side == 6:
            grow = (A.RandomCrop(40, 17), lambda x, s: ref.crop(x, s, (40, 40), (17,) * 4))
            transforms, samples = (grow[0], *transforms), (grow[1], *samples)
        got = call(A.Compose(transforms), x, indices=rows)
        np.testing.assert_array_equal(got, ref.over_batch(list(samples), x, SEED, EPOCH, rows))


def test_sizes_that_do_not_fit_are_refused() -> None:
    x = np.zeros((2, 3, 8, 8), np.float32)
    far = A.RandomCrop(2**31 - 1, padding=2**30)
    with pytest.raises((ValueError, MemoryError)):
        A.Compose([far, A.RandomCrop(4)])(x)


def test_strided_and_grey_batches() -> None:
    x = pictures()
    views = {"transposed": x.transpose(0, 1, 3, 2), "stepped": x[:, :, ::2, ::-1]}
    program = A.Compose([A.RandomHorizontalFlip(), A.RandomCrop(3, 1)])
    for view in views.values():
        np.testing.assert_array_equal(call(program, view), call(program, view.copy()))
    grey = x[:, 0]
    np.testing.assert_array_equal(call(program, grey), call(program, grey[:, None])[:, 0])
    flat = x.reshape(5, -1)
    np.testing.assert_array_equal(
        call(A.GaussianNoise(), flat), call(A.GaussianNoise(), x).reshape(5, -1)
    )
    assert A.RandomCrop(3)(np.zeros((0, 1, 5, 5), np.float32)).shape == (0, 1, 3, 3)


def test_nan_stays_where_it_is() -> None:
    x = np.zeros((1, 1, 4, 4), np.float32)
    x[0, 0, 0, 0] = np.nan
    for transform in (A.RandomHorizontalFlip(1), A.ColorJitter(0.5), A.GaussianNoise()):
        assert np.isnan(transform(x).numpy()).sum() == 1
    turned = A.RandomAffine((90, 90), interpolation="bilinear", fill=1)(x).numpy()
    assert 1 <= np.isnan(turned).sum() <= 4


# Mixing.


def mixed(transform: A.Transform, x: np.ndarray, y: np.ndarray, **key: Any) -> Any:
    key = {"seed": SEED, "epoch": EPOCH, "indices": INDICES} | key
    return [part.numpy() for part in transform(x, y, **key)]


def shares(alpha: float, place: int = 0) -> np.ndarray:
    return np.array([ref.Stream(SEED, EPOCH, place, i).beta(alpha) for i in INDICES])


LABELS = np.array([2, 0, 1, 1, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 3.0])
def test_mixup_equals_numpy(alpha: float) -> None:
    x = pictures(np.float64)
    got, soft = mixed(A.MixUp(alpha, num_classes=3), x, LABELS)
    keep = shares(alpha)
    wide = keep[:, None, None, None]
    np.testing.assert_allclose(got, wide * x + (1 - wide) * np.roll(x, 1, 0), rtol=1e-12)
    expected = keep[:, None] * ONE_HOT + (1 - keep[:, None]) * np.roll(ONE_HOT, 1, 0)
    np.testing.assert_allclose(soft, expected, atol=1e-7)
    np.testing.assert_allclose(soft.sum(1), 1, atol=1e-7)
    assert soft.dtype == np.float32
    _, again = mixed(A.MixUp(alpha), x, ONE_HOT)
    np.testing.assert_allclose(again, soft, atol=1e-7)


def test_mixup_mixes_real_targets_and_any_shape() -> None:
    x, y = pictures().reshape(5, -1), np.arange(5.0)
    got, target = mixed(A.MixUp(), x, y)
    keep = shares(1.0)
    np.testing.assert_allclose(target, keep * y + (1 - keep) * np.roll(y, 1), rtol=1e-12)
    wide = keep[:, None]
    np.testing.assert_allclose(got, wide * x + (1 - wide) * np.roll(x, 1, 0), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_cutmix_equals_numpy(dtype: Any) -> None:
    x = pictures(dtype, (5, 3, 9, 11))
    got, soft = mixed(A.CutMix(num_classes=3), x, LABELS)
    for i, index in enumerate(INDICES):
        s = ref.Stream(SEED, EPOCH, 0, index)
        side = 0.5 * np.sqrt(1 - s.beta(1.0))
        rows, columns = int(side * 9), int(side * 11)
        r, c = s.below(9), s.below(11)
        box = np.s_[:, max(r - rows, 0) : r + rows, max(c - columns, 0) : c + columns]
        expected = x[i].copy()
        expected[box] = x[i - 1][box]
        np.testing.assert_array_equal(got[i], expected)
        keep = 1 - expected[0][box[1:]].size / 99
        target = keep * ONE_HOT[i] + (1 - keep) * ONE_HOT[i - 1]
        np.testing.assert_allclose(soft[i], target, atol=1e-6)


def test_mixing_after_and_before_other_transforms() -> None:
    x, y = pictures(), LABELS
    program = A.Compose([A.RandomHorizontalFlip(), A.MixUp(num_classes=3), A.GaussianNoise(0, 0.1)])
    got, _ = mixed(program, x, y)
    flipped = ref.over_batch([flip_h], x, SEED, EPOCH, INDICES)
    keep = shares(1.0, place=1)[:, None, None, None]
    both = keep * flipped + (1 - keep) * np.roll(flipped, 1, 0)
    noise = [0.1 * ref.Stream(SEED, EPOCH, 2, i).normals(210, np.float32) for i in INDICES]
    np.testing.assert_allclose(got, both + np.reshape(noise, x.shape), atol=3e-6)


@pytest.mark.parametrize("mix", [A.MixUp, A.CutMix])
def test_mixing_is_the_same_with_any_threads(mix: Any) -> None:
    x = pictures(np.float32, (64, 3, 16, 16))
    y = np.arange(64) % 10
    results = []
    for threads in (1, 2, 3, 8):
        sf.set_num_threads(threads)
        results.append(mix(num_classes=10)(x, y, seed=1, epoch=2))
    for a, b in results[1:]:
        assert (a == results[0][0]).all() and (b == results[0][1]).all()


# Laws.


def test_laws_of_the_random_parameters() -> None:
    """Shares, means and spreads over many samples, within five standard errors."""
    n = 20000
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4).repeat(n, 0)

    def share(hits: np.ndarray, p: float) -> None:
        assert abs(hits.mean() - p) < 5 * np.sqrt(p * (1 - p) / n)

    share(A.RandomHorizontalFlip(0.3)(x, seed=1).numpy()[:, 0, 0, 0] == 3, 0.3)
    share(A.RandomErasing(0.6, (0.3, 0.3), (1, 1), -1)(x, seed=2).numpy().min((1, 2, 3)) < 0, 0.6)
    corner = A.RandomCrop(2)(x, seed=3).numpy()[:, 0, 0, 0]
    for value in (0, 1, 2, 4, 5, 6):
        share(corner == value, 1 / 6)
    z = A.GaussianNoise(1.0, 2.0)(np.zeros((n, 64), np.float32), seed=4).numpy()
    assert abs(z.mean() - 1) < 0.01 and abs(z.std() - 2) < 0.01
    assert abs(np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]) < 5 / np.sqrt(n)
    for alpha in (0.2, 1.0, 4.0):
        ones = np.tile(np.array([[0.0], [1.0]]), (n // 2, 1))
        kept = A.MixUp(alpha)(ones, ones, seed=5)[0].numpy()[1::2, 0]
        variance = 1 / (4 * (2 * alpha + 1))
        assert abs(kept.mean() - 0.5) < 5 * np.sqrt(variance / len(kept))
        assert abs(kept.var() / variance - 1) < 0.1
    shifts = A.TimeShift(2)(np.tile(np.arange(7.0)[:, None], (n, 1, 1)), seed=6).numpy()[:, 0, 0]
    for value in (5, 6, 0, 1, 2):
        share(shifts == value, 0.2)
    factor = A.Scaling(0.1)(np.ones((n, 2, 1)), seed=7).numpy()[:, 0, 0]
    assert abs(factor.mean() - 1) < 0.005 and abs(factor.std() - 0.1) < 0.005


# In training.


def test_loader_hands_seed_epoch_and_rows() -> None:
    x, y = pictures(np.float32, (20, 1, 6, 6)), np.arange(20)
    program = A.Compose([A.RandomCrop(6, 2), A.GaussianNoise(0, 0.1)])

    def samples(batch_size: int, **options: Any) -> list[dict[int, np.ndarray]]:
        loader = DataLoader(TensorDataset(x, y), batch_size, transform=program, **options)
        epochs = []
        for _ in range(2):
            epochs.append(
                {i: row for a, b in loader for i, row in zip(b.tolist(), a.numpy(), strict=True)}
            )
        return epochs

    a = samples(7, shuffle=True, seed=4)
    b = samples(20, seed=4)
    for one, other in zip(a, b, strict=True):
        for i in range(20):
            np.testing.assert_array_equal(one[i], other[i])
    assert (a[0][3] != a[1][3]).any()
    expected = program(x[3:4], seed=4, epoch=1, indices=[3]).numpy()[0]
    np.testing.assert_array_equal(a[1][3], expected)
    sf.manual_seed(9)
    c = samples(7)
    sf.manual_seed(9)
    d = samples(7)
    assert all((c[e][i] == d[e][i]).all() for e in range(2) for i in range(20))


def test_training_is_the_same_with_any_workers_and_threads() -> None:
    x, y = pictures(np.float32, (300, 1, 12, 12)), np.arange(300) % 3
    program = A.Compose(
        [A.RandomCrop(12, 2), A.RandomRotation(20, "bilinear"), A.GaussianNoise(0, 0.01)]
    )
    weights = []
    for workers, threads in ((0, 1), (1, 3), (4, 2)):
        sf.set_num_threads(threads)
        sf.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 3))
        run = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), seed=0)
        options: dict[str, Any] = {"shuffle": True, "seed": 5, "num_workers": workers}
        loader = DataLoader(TensorDataset(x, y), 32, transform=program, **options)
        run.fit(loader, epochs=2, progress=False)
        weights.append(model[1].weight.detach().numpy())
    np.testing.assert_array_equal(weights[1], weights[0])
    np.testing.assert_array_equal(weights[2], weights[0])


@pytest.mark.parametrize("seed", [None, 8])
def test_resumed_loader_gives_the_same_samples(seed: int | None) -> None:
    def loader() -> DataLoader:
        x = np.zeros((25, 3), np.float32)
        return DataLoader(TensorDataset(x), 5, shuffle=True, seed=seed, transform=A.GaussianNoise())

    whole = loader()
    list(whole)
    batches = iter(whole)
    next(batches)
    state = whole.state_dict()
    resumed = loader()
    resumed.load_state_dict(state)
    for (a,), (b,) in zip(batches, resumed, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_loader_transforms_every_kind_of_batch() -> None:
    class Slow(Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> np.ndarray:
            return np.full(3, row, np.float32)

    noise = A.GaussianNoise(1.0, 0.0)
    (batch,) = DataLoader(Slow(), 4, transform=noise)
    np.testing.assert_array_equal(batch.numpy()[:, 0], [1, 2, 3, 4])
    (batch,) = DataLoader(np.zeros((4, 2), np.float32), 4, transform=noise)
    assert (batch == 1).all()
    data = TensorDataset(np.zeros((4, 2), np.float32), np.arange(4), np.arange(4))
    ((x, y, z),) = DataLoader(Subset(data, [1, 2]), 4, transform=noise)
    assert (x == 1).all() and y.tolist() == z.tolist() == [1, 2]
    with pytest.raises(TypeError, match="transform"):
        DataLoader(data, transform=3)  # type: ignore[arg-type]


def trainer() -> Trainer:
    sf.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    return Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), seed=1)


def test_fit_augments_training_batches_only() -> None:
    x, y = pictures(np.float32, (30, 1, 8, 8)), np.arange(30) % 3
    seen: dict[str, list[int]] = {"epochs": [], "rows": []}

    def record(inputs: Any, targets: Any, *, seed: int, epoch: int, indices: Any) -> Any:
        assert seed == 1
        seen["epochs"].append(epoch)
        seen["rows"] += indices.tolist()
        return inputs, targets

    run = trainer()
    run.fit((x, y), validation=(x, y), epochs=2, batch_size=10, augment=record, progress=False)
    assert seen["epochs"] == [0, 0, 0, 1, 1, 1]
    assert sorted(seen["rows"][:30]) == sorted(seen["rows"][30:]) == list(range(30))
    run.evaluate((x, y))
    assert len(seen["epochs"]) == 6


def test_fit_with_augmentation_is_reproducible_and_goes_on() -> None:
    x, y = pictures(np.float32, (30, 1, 8, 8)), np.arange(30) % 3
    program = A.Compose([A.RandomCrop(8, 2), A.MixUp(num_classes=3)])

    def weights(epochs: list[int], threads: int) -> np.ndarray:
        sf.set_num_threads(threads)
        run = trainer()
        for count in epochs:
            run.fit((x, y), epochs=count, batch_size=7, augment=program, progress=False)
        return run.model[1].weight.detach().numpy().copy()

    first = weights([3], 1)
    np.testing.assert_array_equal(weights([3], 3), first)
    np.testing.assert_array_equal(weights([1, 2], 2), first)
    plain = trainer()
    plain.fit((x, y), epochs=3, batch_size=7, progress=False)
    assert (plain.model[1].weight.detach().numpy() != first).any()


def test_accuracy_of_mixed_targets_counts_the_larger_share() -> None:
    x, y = pictures(np.float32, (30, 1, 8, 8)), np.arange(30) % 3
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    run = Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", seed=1)
    mix = A.CutMix(num_classes=3)
    history = run.fit((x, y), epochs=2, batch_size=10, augment=mix, progress=False)
    assert all(0 <= value <= 1 for value in history["accuracy"])


class SaveAt(Callback):
    """Writes a checkpoint after a step."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.step = path, step

    def on_batch_end(self, trainer: Trainer) -> None:
        if trainer.state.step == self.step:
            trainer.save(self.path)


@pytest.mark.parametrize("step", [2, 5, 7])
def test_a_checkpoint_goes_on_with_the_same_samples(tmp_path: Path, step: int) -> None:
    x, y = pictures(np.float32, (30, 1, 8, 8)), np.arange(30) % 3
    options: dict[str, Any] = {"epochs": 2, "batch_size": 7, "progress": False}
    program = A.Compose([A.RandomCrop(8, 2), A.MixUp(num_classes=3), A.GaussianNoise()])
    whole = trainer()
    whole.callbacks = [SaveAt(tmp_path / "run", step)]
    whole.fit((x, y), augment=program, **options)
    resumed = trainer()
    resumed.callbacks = [SaveAt(tmp_path / "again", 99)]
    resumed.fit((x, y), augment=program, resume=tmp_path / "run", **options)
    weights = [run.model[1].weight.detach().numpy() for run in (whole, resumed)]
    np.testing.assert_array_equal(*weights)
    other = trainer()
    other.callbacks = [SaveAt(tmp_path / "again", 99)]
    with pytest.raises(ValueError, match=r"augment: Compose\(.*RandomCrop"):
        other.fit((x, y), augment=A.RandomCrop(8, 2), resume=tmp_path / "run", **options)


def test_augment_needs_numbered_rows() -> None:
    loader = DataLoader(TensorDataset(np.zeros((4, 1, 8, 8), np.float32), np.zeros(4, np.int64)), 2)
    with pytest.raises(TypeError, match="transform="):
        trainer().fit(loader, augment=A.GaussianNoise(), epochs=1, progress=False)


# Mistakes.

X = np.zeros((2, 3, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: A.RandomHorizontalFlip(1.5), ValueError, r"\[0, 1\], got 1.5"),
        (lambda: A.RandomVerticalFlip("a"), TypeError, "p must be a number"),
        (lambda: A.RandomCrop(0), ValueError, "size must be at least 1"),
        (lambda: A.RandomCrop((3, 4, 5)), TypeError, "height, width"),
        (lambda: A.RandomCrop(3, (1, 2, 3)), ValueError, "1, 2 or 4"),
        (lambda: A.RandomCrop(3, -1), ValueError, "padding must be at least 0"),
        (lambda: A.RandomCrop(3, padding_mode="mirror"), ValueError, "reflect"),
        (lambda: A.RandomRotation(-5), ValueError, "degrees"),
        (lambda: A.RandomRotation((5, 1)), ValueError, "from <= to"),
        (lambda: A.RandomRotation(5, "cubic"), ValueError, "bilinear"),
        (lambda: A.RandomAffine(0, (0.5, 2)), ValueError, "shares"),
        (lambda: A.RandomAffine(0, scale=(0, 1)), ValueError, "scale"),
        (lambda: A.RandomAffine(0, shear=90), ValueError, "shear"),
        (lambda: A.RandomAffine(0, shear=(1, 2, 3)), ValueError, "shear"),
        (lambda: A.RandomAffine(float("nan")), ValueError, "degrees"),
        (lambda: A.GaussianNoise(0, -1), ValueError, "sigma"),
        (lambda: A.Normalize(0, 0), ValueError, "std must be positive"),
        (lambda: A.Normalize([0, 0], [1]), ValueError, "2 means and 1"),
        (lambda: A.Normalize([], []), ValueError, "empty"),
        (lambda: A.ColorJitter(-1), ValueError, "brightness"),
        (lambda: A.RandomErasing(scale=(0, 2)), ValueError, "scale"),
        (lambda: A.RandomErasing(ratio=(0, 1)), ValueError, "ratio"),
        (lambda: A.MixUp(0), ValueError, "alpha must be positive"),
        (lambda: A.CutMix(num_classes=0), ValueError, "num_classes"),
        (lambda: A.TimeMask(1, 0), ValueError, "num_masks"),
        (lambda: A.TimeWarp(0.1, 65), ValueError, "knots must be at most 64"),
        (lambda: A.TimeShift(2.5), TypeError, "int"),
        (lambda: A.Compose([print]), TypeError, "no transform"),
        (lambda: A.RandomCrop(9)(X), ValueError, r"size \(9, 9\) of pictures of \(8, 8\)"),
        (lambda: A.RandomCrop(3)(X[0, 0]), ValueError, r"\(N, C, H, W\)"),
        (lambda: A.TimeShift(3)(X), ValueError, r"\(N, T, F\)"),
        (lambda: A.RandomHorizontalFlip()(X[:, :, :0]), ValueError, "no pixels"),
        (lambda: A.Normalize(0, 1)(X), ValueError, "1 means for pictures of 3"),
        (lambda: A.ColorJitter(1)(X[:, :2]), ValueError, "2 channels"),
        (lambda: A.GaussianNoise()(X.astype(np.uint8)), TypeError, "uint8; put Normalize"),
        (lambda: A.RandomHorizontalFlip()(X.astype(np.int64)), TypeError, "int64"),
        (lambda: A.RandomHorizontalFlip()([1.0]), TypeError, "list"),
        (lambda: A.RandomHorizontalFlip()(sf.tensor(1.0)), ValueError, "0-d"),
        (lambda: A.RandomHorizontalFlip()(sf.tensor(X).requires_grad_()), ValueError, "detach"),
        (lambda: A.RandomHorizontalFlip()(X, indices=[1]), ValueError, "2 samples"),
        (lambda: A.RandomHorizontalFlip()(X, indices=sf.tensor([1.0, 2.0])), ValueError, "int64"),
        (lambda: A.RandomHorizontalFlip()(X, seed=-1), ValueError, "seed"),
        (lambda: A.RandomHorizontalFlip()(X, epoch=-1), ValueError, "epoch"),
        (lambda: A.MixUp()(X), ValueError, "inputs and targets"),
        (lambda: A.MixUp()(X, np.array([0, 1])), ValueError, "num_classes"),
        (lambda: A.MixUp(num_classes=2)(X, np.array([0, 2])), IndexError, "label 2 in row 1"),
        (lambda: A.MixUp(num_classes=2)(X, np.array([0])), ValueError, "one target"),
        (lambda: A.MixUp()(X, np.array([[0], [1]])), TypeError, "labels"),
        (lambda: A.MixUp()(X.astype(np.uint8), X), TypeError, "uint8"),
        (lambda: A.CutMix()(X[:, 0, 0], X), ValueError, "pictures"),
        (lambda: A.Transform()(X), NotImplementedError, "no transform"),
    ],
)
def test_mistakes_are_named(make: Callable[[], object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_transform_shows_its_options() -> None:
    assert repr(A.RandomCrop(8, 2)).startswith("RandomCrop(size=(8, 8), padding=(2, 2, 2, 2)")
    assert "GaussianNoise(mean=0.0, sigma=0.1)" in repr(A.Compose([A.GaussianNoise()]))


def test_numbers_outside_bytes_are_cut_off() -> None:
    x = np.full((1, 1, 2, 2), 7, np.uint8)
    assert (A.Cutout(9, 300)(x) == 255).all() and (A.Cutout(9, -5)(x) == 0).all()
