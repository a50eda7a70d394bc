"""Data sets, batches, splits."""

import gc
import itertools
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.data import (
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
    split,
)


def numbers(n: int) -> TensorDataset:
    return TensorDataset(np.arange(n))


def rows_of(loader: DataLoader) -> list[list[int]]:
    return [batch.tolist() for (batch,) in loader]


def flat(loader: DataLoader) -> list[int]:
    return list(itertools.chain(*rows_of(loader)))


class Squares(Dataset):
    """Samples made one by one in Python."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: int) -> tuple[int, float]:
        if not 0 <= row < self.n:
            raise IndexError(row)
        return row, float(row * row)


# Gathering.

ARRAYS: dict[str, Callable[[], np.ndarray]] = {
    "float32": lambda: np.arange(600, dtype=np.float32).reshape(100, 6),
    "float64 images": lambda: np.arange(5400, dtype=np.float64).reshape(100, 2, 3, 9),
    "int64 labels": lambda: np.arange(100)[::-1].copy(),
    "int32": lambda: np.arange(100, dtype=np.int32),
    "uint8": lambda: np.arange(300, dtype=np.uint8).reshape(100, 3),
    "bool": lambda: np.arange(100) % 3 == 0,
    "no columns": lambda: np.zeros((100, 0), np.float32),
    "transposed": lambda: np.arange(400.0).reshape(4, 100).T,
    "every second row": lambda: np.arange(1000.0).reshape(200, 5)[::2],
    "backwards": lambda: np.arange(500.0).reshape(100, 5)[::-1],
    "repeated": lambda: np.broadcast_to(np.arange(3.0), (100, 3)),
    "wide": lambda: np.arange(100 * 5000, dtype=np.float32).reshape(100, 5000),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("threads", [1, 2])
def test_take_equals_numpy_indexing(name: str, threads: int) -> None:
    sf.set_num_threads(threads)
    values = ARRAYS[name]()
    data = TensorDataset(sf.tensor(values), np.arange(100))
    for index in ([], [99], [5, 5, 0, 98, 5], np.random.default_rng(0).integers(0, 100, 300)):
        rows = np.array(index, dtype=np.int64)
        batch, labels = data.take(sf.tensor(rows))
        np.testing.assert_array_equal(batch.numpy(), values[rows])
        assert batch.numpy().dtype == values.dtype and batch.is_contiguous()
        np.testing.assert_array_equal(labels.numpy(), rows)


def test_strided_rows_of_a_shared_array() -> None:
    values = np.arange(400.0).reshape(4, 100).T
    (batch,) = TensorDataset(values).take(sf.tensor(np.array([3, 98])))
    np.testing.assert_array_equal(batch.numpy(), values[[3, 98]])


@pytest.mark.parametrize("row", [100, -1, 2**62])
def test_take_out_of_range_names_the_row(row: int) -> None:
    with pytest.raises(IndexError, match=rf"rows\[1\] is {row}, out of range for 100 rows"):
        numbers(100).take(sf.tensor(np.array([0, row])))


def test_take_wants_int64_rows() -> None:
    for rows in (np.array([0.0]), np.array([0], np.int32), np.array([[0]])):
        with pytest.raises((TypeError, ValueError), match="rows must be int64"):
            numbers(3).take(sf.tensor(rows))


# Data sets.


def test_tensor_dataset_gives_tuples_of_rows() -> None:
    x, y = np.arange(6.0).reshape(3, 2), np.array([1, 0, 1])
    data = TensorDataset(sf.tensor(x), y)
    assert len(data) == 3
    assert [part.tolist() for part in data[1]] == [[2.0, 3.0], 0]
    assert [part.tolist() for part in data[-1]] == [[4.0, 5.0], 1]
    assert len(data.tensors) == 2
    with pytest.raises(IndexError, match="row 3"):
        data[3]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: TensorDataset(), ValueError, "at least one"),
        (lambda: TensorDataset(np.zeros(3), np.zeros(4)), ValueError, "3, 4"),
        (lambda: TensorDataset(np.float64(1)), TypeError, "float64"),
        (lambda: TensorDataset(np.array(1.0)), ValueError, "0-d"),
        (lambda: TensorDataset([1, 2]), TypeError, r"sf\.tensor"),
        (lambda: TensorDataset(sf.tensor([1.0]).requires_grad_()), ValueError, "detach"),
        (lambda: Subset(numbers(3), [0, 3]), IndexError, "index 3 at place 1"),
        (lambda: Subset(numbers(3), [0])[1], IndexError, "row 1"),
        (lambda: DataLoader(numbers(3), batch_size=0), ValueError, "batch_size"),
        (lambda: DataLoader(numbers(3), batch_size=-2), ValueError, "-2"),
        (lambda: DataLoader(numbers(3), batch_size=2.0), TypeError, "batch_size"),
        (lambda: DataLoader(numbers(3), batch_size=True), TypeError, "batch_size"),
        (lambda: DataLoader(numbers(3), workers=2), TypeError, "workers"),
        (lambda: DataLoader(numbers(3), num_workers=-1), ValueError, "num_workers"),
        (lambda: DataLoader(numbers(3), num_workers=1.5), TypeError, "num_workers"),
        (lambda: DataLoader(iter([1])), TypeError, "no data set"),
        (lambda: DataLoader(numbers(3), shuffle=True, sampler=[0]), ValueError, "not both"),
        (lambda: DataLoader(numbers(3), seed=-1), ValueError, "seed"),
        (lambda: DataLoader(numbers(3), seed=0.5), TypeError, "seed"),
        (lambda: list(DataLoader(numbers(3), sampler=[0, 7])), IndexError, "is 7"),
        (lambda: len(Dataset()), NotImplementedError, "__len__"),
        (lambda: split(numbers(3), (0.5, 0.4)), ValueError, "sum to 0.9"),
        (lambda: split(numbers(3), (2, 2)), ValueError, "3 samples"),
        (lambda: split(numbers(3), (-1, 4)), ValueError, ">= 0"),
        (lambda: split(numbers(3), ()), ValueError, "sizes"),
        (lambda: split(numbers(3), (2, 1), stratify=[0, 1]), ValueError, "stratify"),
        (lambda: default_collate([object()]), TypeError, "collate_fn"),
        (lambda: default_collate([np.zeros(2), np.zeros(3)]), ValueError, "sample 1"),
        (lambda: default_collate([(1, 2), (1,)]), ValueError, "lengths"),
        (lambda: default_collate([{"a": 1}, {"b": 1}]), ValueError, "keys"),
    ],
)
def test_mistakes_are_named(call: Callable, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# Loading.


def test_batches_in_order() -> None:
    assert rows_of(DataLoader(numbers(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert rows_of(DataLoader(numbers(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert rows_of(DataLoader(numbers(3))) == [[0], [1], [2]]
    assert rows_of(DataLoader(numbers(0), batch_size=2)) == []
    assert rows_of(DataLoader(numbers(4), batch_size=3, sampler=[3, 3, 0, 1])) == [[3, 3, 0], [1]]


@pytest.mark.parametrize("n", [0, 1, 5, 6])
@pytest.mark.parametrize("drop_last", [True, False])
def test_length_is_the_number_of_batches(n: int, drop_last: bool) -> None:
    loader = DataLoader(numbers(n), batch_size=3, drop_last=drop_last)
    assert len(loader) == len(list(loader))


def test_plain_arrays_give_plain_batches() -> None:
    x = np.arange(6.0).reshape(3, 2)
    for array in (x, sf.tensor(x)):
        batches = [batch.tolist() for batch in DataLoader(array, batch_size=2)]
        assert batches == [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]]]


def test_python_data_sets_are_collated() -> None:
    batches = list(DataLoader(Squares(3), batch_size=2))
    assert [part.tolist() for part in batches[0]] == [[0, 1], [0.0, 1.0]]
    assert [part.dtype for part in batches[0]] == [sf.int64, sf.float32]
    assert [list(b) for b in DataLoader(Squares(3), 2, collate_fn=iter)][1] == [(2, 4.0)]
    batches = list(DataLoader(numbers(3), batch_size=3, collate_fn=len))
    assert batches == [3]


def test_collate_keeps_structure() -> None:
    Pair = namedtuple("Pair", "x y")
    samples = [Pair({"a": np.float32(i), "b": "s"}, [i, sf.tensor([float(i)])]) for i in range(2)]
    batch = default_collate(samples)
    assert isinstance(batch, Pair)
    assert batch.x["a"].dtype == sf.float32 and batch.x["b"] == ["s", "s"]
    assert [part.tolist() for part in batch.y] == [[0, 1], [[0.0], [1.0]]]
    assert default_collate([True, False]).dtype == sf.bool


# Order.


def test_every_sample_once_in_every_epoch() -> None:
    loader = DataLoader(numbers(103), batch_size=10, shuffle=True, seed=3)
    epochs = [flat(loader) for _ in range(4)]
    assert all(sorted(epoch) == list(range(103)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert loader.epoch == 3


def test_order_is_a_function_of_seed_and_epoch() -> None:
    def run(seed: int, n: int = 50) -> list[list[int]]:
        loader = DataLoader(numbers(n), batch_size=7, shuffle=True, seed=seed)
        return [flat(loader) for _ in range(3)]

    sf.manual_seed(1)
    first = run(5)
    sf.manual_seed(2)
    assert first == run(5)
    everything = [tuple(order) for seed in range(20) for order in run(seed)]
    assert len(set(everything)) == 60


def philox(key: tuple[int, int], counter: int) -> list[int]:
    """The four 64-bit numbers of one block of Philox4x64-10 (Salmon et al. 2011)."""
    a, b, c, d = counter, 0, 0, 0
    k, m = key
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = (q >> 64) ^ b ^ k, q % 2**64, (p >> 64) ^ d ^ m, p % 2**64
        k, m = (k + 0x9E3779B97F4A7C15) % 2**64, (m + 0xBB67AE8584CAA73B) % 2**64
    return [a, b, c, d]


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_order_sorts_philox_numbers(seed: int) -> None:
    """So it is the same in every release and on every machine."""
    loader = DataLoader(numbers(10), shuffle=True, seed=seed)
    for epoch in range(3):
        blocks = [philox((seed, epoch), counter) for counter in (1, 2, 3)]
        keys = list(itertools.chain(*blocks))[:10]
        assert flat(loader) == sorted(range(10), key=keys.__getitem__)


@pytest.mark.parametrize("n", [0, 1, 2, 100, 4096, 70_000])
@pytest.mark.parametrize("most", [1, 5, 2**20, 2**64 - 1])
def test_order_of_keys_equals_a_stable_sort_of_numpy(n: int, most: int) -> None:
    """Few different keys: all rows in a bucket, and the order of equal ones is their own."""
    keys = np.random.default_rng(n).integers(0, most, n, dtype=np.uint64)
    order = sf._core._order_of_keys(sf.tensor(keys.view(np.int64))).numpy()
    np.testing.assert_array_equal(order, np.argsort(keys, kind="stable"))


def test_order_of_keys_wants_int64() -> None:
    for keys in (sf.zeros(3), sf.zeros(2, 2, dtype=sf.int64), sf.arange(6)[::2]):
        with pytest.raises((TypeError, ValueError), match="keys must be int64"):
            sf._core._order_of_keys(keys)


@pytest.mark.parametrize("wrap", ["tensors", "array", "subset of a subset"])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_from_the_core_are_those_of_python(wrap: str, drop_last: bool) -> None:
    """A collate function of one's own goes through Python, sample by sample."""
    x, y = np.random.default_rng(0).random((50, 3)), np.arange(50)
    data: Any = TensorDataset(x, y)
    if wrap == "array":
        data = x
    if wrap.startswith("subset"):
        data = Subset(Subset(data, np.arange(50)[::-1]), np.arange(0, 50, 2))
    options: dict[str, Any] = {"shuffle": True, "seed": 3, "drop_last": drop_last}
    fast = DataLoader(data, 8, **options)
    slow = DataLoader(data, 8, collate_fn=default_collate, **options)
    for _ in range(2):
        for batch, other in zip(fast, slow, strict=True):
            assert fast.state_dict() == slow.state_dict()
            parts, others = ((batch,), (other,)) if wrap == "array" else (batch, other)
            for part, expected in zip(parts, others, strict=True):
                np.testing.assert_array_equal(part.numpy(), expected.numpy())


def test_order_is_uniform() -> None:
    """Each of the 24 orders of 4 samples is as likely: chi-squared, 23 degrees of freedom."""
    loader = DataLoader(numbers(4), batch_size=4, shuffle=True, seed=11)
    counts: dict[tuple, int] = {}
    for _ in range(2400):
        order = tuple(flat(loader))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 49.7  # p = 0.001


def test_without_seed_the_order_comes_from_the_global_generator() -> None:
    loader = DataLoader(numbers(30), batch_size=30, shuffle=True)
    orders = []
    for _ in range(2):
        sf.manual_seed(4)
        orders.append([flat(loader), flat(loader)])
    assert orders[0] == orders[1] and orders[0][0] != orders[0][1]


def test_generator_gives_the_order() -> None:
    def orders(seed: int) -> list[list[int]]:
        generator = sf.Generator()
        generator.manual_seed(seed)
        loader = DataLoader(numbers(30), batch_size=30, shuffle=True, generator=generator)
        return [flat(loader), flat(loader)]

    assert orders(1) == orders(1) != orders(2)
    with pytest.raises(ValueError, match="not both"):
        DataLoader(numbers(3), shuffle=True, seed=1, generator=sf.Generator())


def take(batches: Iterator[Any], count: int) -> list[list[int]]:
    return [batch.tolist() for (batch,) in itertools.islice(batches, count)]


@pytest.mark.parametrize("seed", [None, 8])
@pytest.mark.parametrize("done", range(6))
def test_resume_goes_on_with_the_next_batch(seed: int | None, done: int) -> None:
    def loader() -> DataLoader:
        return DataLoader(numbers(25), batch_size=5, shuffle=True, seed=seed)

    whole = loader()
    list(whole)
    batches = iter(whole)
    take(batches, done)
    state, generator = whole.state_dict(), sf.get_rng_state()
    expected = [*take(batches, 9), *rows_of(whole)]

    resumed = loader()
    sf.manual_seed(77)
    resumed.load_state_dict(state)
    sf.set_rng_state(generator)
    got = rows_of(resumed) if 0 < done < 5 else []
    if done == 0:  # saved before the first batch: the epoch begins again
        assert resumed.state_dict()["batch"] == 0
        return
    assert [*got, *rows_of(resumed)] == expected


def test_state_of_another_loader_is_refused() -> None:
    loader = DataLoader(numbers(10), batch_size=5)
    with pytest.raises(ValueError, match="2 batches"):
        loader.load_state_dict({"epoch": 0, "batch": 3, "epoch_seed": 0})
    with pytest.raises(ValueError, match="epoch_seed"):
        loader.load_state_dict({"epoch": 0, "batch": 1})


def test_abandoned_epoch_is_over() -> None:
    loader = DataLoader(numbers(10), batch_size=2, shuffle=True, seed=1)
    next(iter(loader))
    assert sorted(flat(loader)) == list(range(10))
    assert loader.epoch == 1


def test_batches_do_not_share_memory_with_the_data() -> None:
    x = np.zeros(4)
    for (batch,) in DataLoader(TensorDataset(x), batch_size=2):
        batch.add_(1)
    assert not x.any()


# Threads.


class Watched(Dataset):
    """Counts the samples asked for; row 7 may fail."""

    def __init__(self, n: int, wait: float = 0.0, fails: bool = False) -> None:
        self.n, self.wait, self.fails = n, wait, fails
        self.asked = 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: int) -> int:
        self.asked += 1
        if row % 3 == 0:
            time.sleep(self.wait)  # so that batches end in another order than they begin
        if self.fails and row == 7:
            raise KeyError("row seven")
        return row


def loader_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("surefoot-loader")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_keep_the_order(workers: int) -> None:
    options: dict[str, Any] = {"batch_size": 4, "shuffle": True, "seed": 1}
    plain = DataLoader(Watched(30), **options)
    threaded = DataLoader(Watched(30, 0.001), **options, num_workers=workers)
    for _ in range(2):
        expected = [batch.tolist() for batch in plain]
        assert [batch.tolist() for batch in threaded] == expected
    assert loader_threads() == []
    assert rows_of(DataLoader(numbers(5), 2, num_workers=workers)) == [[0, 1], [2, 3], [4]]


def test_workers_stop_two_batches_a_thread_ahead() -> None:
    data = Watched(1000)
    batches = iter(DataLoader(data, 1, num_workers=3))
    for taken in range(1, 20):
        next(batches)
        deadline = time.monotonic() + 5
        while data.asked < taken + 5 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert data.asked == taken + 5
    batches.close()  # type: ignore[attr-defined]
    assert loader_threads() == [] and data.asked <= 30


def test_an_error_of_a_worker_comes_in_its_place() -> None:
    loader = DataLoader(Watched(40, fails=True), 2, num_workers=2)
    seen: list[list[int]] = []
    batches = (seen.append(batch.tolist()) for batch in loader)
    with pytest.raises(KeyError, match="row seven"):
        list(batches)
    assert seen == [[0, 1], [2, 3], [4, 5]]
    assert loader_threads() == []


def test_an_abandoned_epoch_leaves_no_threads() -> None:
    loader = DataLoader(Watched(40, 0.001), 2, num_workers=2)
    for _ in loader:
        break
    gc.collect()
    assert loader_threads() == []
    assert len(list(loader)) == 20


@pytest.mark.parametrize("done", [1, 4])
def test_workers_resume_with_the_next_batch(done: int) -> None:
    def loader(workers: int) -> DataLoader:
        return DataLoader(Watched(25), 5, shuffle=True, seed=3, num_workers=workers)

    whole = loader(2)
    batches = iter(whole)
    for _ in range(done):
        next(batches)
    state = whole.state_dict()
    expected = [batch.tolist() for batch in batches]
    for workers in (0, 3):
        resumed = loader(workers)
        resumed.load_state_dict(state)
        assert [batch.tolist() for batch in resumed] == expected


# Splitting.


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("sizes", [(0.7, 0.2, 0.1), (60, 40, 1), (1.0,), (0.5, 0.5)])
def test_parts_are_disjoint_and_complete(shuffle: bool, stratify: bool, sizes: tuple) -> None:
    labels = np.random.default_rng(0).integers(0, 4, 101) if stratify else None
    parts = split(numbers(101), sizes, shuffle=shuffle, stratify=labels, seed=2)
    rows = [part.indices.tolist() for part in parts]
    assert sorted(itertools.chain(*rows)) == list(range(101))
    expected = sizes if sum(sizes) > 1.5 else [101 * size for size in sizes]
    assert all(abs(len(part) - size) < 1 for part, size in zip(parts, expected, strict=True))
    assert all((part == sorted(part)) != shuffle for part in rows if len(part) > 5)


def test_strata_keep_their_shares() -> None:
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    for shuffle in (True, False):
        for part, size in zip(
            split(numbers(100), (0.6, 0.4), shuffle=shuffle, stratify=sf.tensor(labels)),
            (0.6, 0.4),
            strict=True,
        ):
            counts = np.bincount(labels[part.indices], minlength=3)
            assert (np.abs(counts - size * np.array([80, 15, 5])) <= 1).all()


def test_split_is_a_function_of_its_seed() -> None:
    def rows(seed: int) -> list[list[int]]:
        return [part.indices.tolist() for part in split(numbers(50), (0.5, 0.5), seed=seed)]

    assert rows(1) == rows(1) != rows(2)


def test_random_split_draws_from_the_generator() -> None:
    parts = []
    for _ in range(2):
        sf.manual_seed(6)
        parts.append([part.indices.tolist() for part in random_split(numbers(20), [15, 5])])
    assert parts[0] == parts[1]
    assert parts[0] != [part.indices.tolist() for part in random_split(numbers(20), [15, 5])]


def test_subsets_load_fast_and_slowly_alike() -> None:
    rows = [4, 2, 0]
    fast = DataLoader(Subset(numbers(5), rows), batch_size=2)
    assert rows_of(fast) == [[4, 2], [0]]
    nested = Subset(Subset(numbers(5), rows), [2, 0])
    assert flat(DataLoader(nested)) == [0, 4]
    slow = DataLoader(Subset(Squares(5), rows), batch_size=2)
    assert [x.tolist() for x, _ in slow] == [[4, 2], [0]]
