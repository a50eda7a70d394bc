"""Tables: kinds of columns, what is fitted and on which rows, splits, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot.data import TableEncoder, class_weights, kfold, read_table, split
from surefoot.data._columns import kind_of

pd = pytest.importorskip("pandas")

ROWS = """size,town,day,flag,same,kind
1.5,Ulm,2024-01-01,True,7,a
,Jena,2024-01-03,False,7,b
3.5,,2024-01-02,True,7,a
2.0,Ulm,2024-01-05,False,7,b
"""


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_recognised_and_encoded(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ROWS), "kind")
    assert [kind_of(table.inputs[name]) for name in table.inputs] == [
        *("number", "category", "date", "number", "number")
    ]
    encoder = TableEncoder().fit(table)
    assert encoder.features == [
        *("size", "size missing", "town=Jena", "town=Ulm", "town missing", "day", "flag")
    ]
    assert encoder.notes == ["column 'same' is constant in the training rows: left out"]
    inputs, targets = encoder.encode(table).tensors
    size = np.array([1.5, 2.0, 3.5, 2.0])  # the median fills the gap
    day = np.array([0.0, 2.0, 1.0, 4.0])
    flag = np.array([1.0, 0.0, 1.0, 0.0])
    expected = np.stack(
        [
            (size - size.mean()) / size.std(),
            [0, 1, 0, 0],
            [0, 1, 0, 0],
            [1, 0, 0, 1],
            [0, 0, 1, 0],
            (day - day.mean()) / day.std(),
            (flag - flag.mean()) / flag.std(),
        ],
        axis=1,
    )
    np.testing.assert_allclose(inputs.numpy(), expected, rtol=1e-6, atol=1e-6)
    assert targets.tolist() == [0, 1, 0, 1] and encoder.classes == ["a", "b"]


def test_only_the_rows_it_is_fitted_on_are_looked_at(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ROWS), "kind")
    training = table.rows([0, 1, 3])
    encoder = TableEncoder().fit(training)
    assert "town missing" not in encoder.features
    before = json.dumps(encoder.to_json())
    other = table.inputs.copy()
    other.loc[2, ["size", "town"]] = [1e6, "Rom"]
    rows = encoder.inputs(other)
    assert (
        json.dumps(TableEncoder().fit(training).to_json())
        == before
        == json.dumps(encoder.to_json())
    )
    assert rows[2, encoder.features.index("size")] > 1e5
    town = [i for i, name in enumerate(encoder.features) if name.startswith("town")]
    assert (rows[2, town] == 0).all()  # a level that training did not see


def test_an_encoder_survives_json(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ROWS), "kind")
    encoder = TableEncoder().fit(table)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(again.inputs(table), encoder.inputs(table))
    assert again.decode(sf.tensor([[0.0, 1.0], [1.0, 0.0]])) == ["b", "a"]
    with pytest.raises(ValueError, match="describes no table"):
        TableEncoder.from_json({"columns": [{"name": "x"}]})


def test_levels_keep_their_texts_when_a_later_file_reads_as_numbers(tmp_path: Path) -> None:
    text = "code,y\n" + "".join(f"{c},{v}\n" for c, v in [("01", 1.5), ("02", 2.5), ("x", 3.25)])
    encoder = TableEncoder().fit(read_table(written(tmp_path, text), "y"))
    later = encoder.read(written(tmp_path, "code,z\n02,1\n01,5\n", "later.csv"))
    assert encoder.inputs(later).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_numbers_may_be_names() -> None:
    frame = pd.DataFrame({"code": [1, 2, 1, 3], "y": [0.5, 1.5, 2.25, 3.0]})
    encoder = TableEncoder().fit(read_table(frame, "y", categories=["code"]))
    assert encoder.features == ["code=1", "code=2", "code=3"]
    later = encoder.read(pd.DataFrame({"code": [3.0, 1.0]}))
    assert encoder.inputs(later).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_types_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "objects": [True, None, False, True],
            "booleans": pd.array([True, None, False, True], dtype="boolean"),
            "integers": pd.array([1, None, 3, 5], dtype="Int64"),
            "days": pd.to_datetime(["2024-01-01", None, "2024-01-03", "2024-01-05"]),
            "numbers": pd.Categorical([1, 2, None, 1]),
            "texts": pd.Categorical(["x", "y", None, "x"]),
        }
    )
    table = read_table(frame)
    encoder = TableEncoder().fit(table)
    assert encoder.features == [
        *("objects", "objects missing", "booleans", "booleans missing"),
        *("integers", "integers missing", "days", "days missing"),
        *("numbers", "numbers missing", "texts=x", "texts=y", "texts missing"),
    ]
    rows = encoder.inputs(table)
    np.testing.assert_array_equal(rows[:, 0:2], rows[:, 2:4])
    np.testing.assert_allclose(rows[:, 4:6], rows[:, 6:8], rtol=1e-5, atol=1e-6)
    assert rows[:, 1].tolist() == [0, 1, 0, 0] and rows[:, -1].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["n", "y", "y"], "classification", ["n", "y"]),
        ([True, False, True], "classification", [False, True]),
        ([3, 4, 3], "classification", [3, 4]),
        ([0, 1, 2] * 5, "classification", [0, 1, 2]),
        ([1.0, 0.0, 1.0], "classification", [0, 1]),
        ([0, 1, 2], "regression", []),
        (list(range(500)), "regression", []),
        ([0.5, 1.0, 0.5], "regression", []),
    ],
)
def test_the_task_follows_from_the_target(values: list[Any], task: str, classes: list[Any]) -> None:
    frame = pd.DataFrame({"x": np.arange(len(values)), "y": values})
    table = read_table(frame, "y")
    assert (table.task, table.classes) == (task, classes)
    other = "regression" if task == "classification" else "classification"
    if "n" not in values:
        assert read_table(frame, "y", task=other).task == other


def test_regression_targets_are_standardised_and_come_back() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3], "y": [10.5, 20.5, 60.5]})
    table = read_table(frame, "y")
    encoder = TableEncoder().fit(table)
    targets = encoder.encode(table).tensors[1]
    assert targets.shape == (3, 1) and abs(float(targets.mean())) < 1e-6
    np.testing.assert_allclose(encoder.decode(targets), [10.5, 20.5, 60.5], rtol=1e-6)


def test_numbers_whose_squares_overflow_are_standardised() -> None:
    x = np.array([1.0, 2.0, 4.0, 5.0])
    encoder = TableEncoder().fit(read_table(pd.DataFrame({"x": 1e300 * x, "y": -1e300 * x}), "y"))
    table = read_table(pd.DataFrame({"x": 1e300 * x, "y": x}), "y")
    np.testing.assert_allclose(encoder.inputs(table)[:, 0], (x - 3) / x.std(), rtol=1e-6)
    frame = pd.DataFrame({"x": x, "y": [-1e308, 1e308, 0.5e308, 1.5e308]})
    encoder = TableEncoder().fit(read_table(frame, "y"))
    targets = encoder.targets(read_table(frame, "y"))[:, 0]
    expected = np.array([-1.0, 1.0, 0.5, 1.5])
    np.testing.assert_allclose(targets, (expected - 0.5) / expected.std(), rtol=1e-6)


def test_delimiters_and_quotes(tmp_path: Path) -> None:
    semicolons = read_table(written(tmp_path, 'a;"b;c"\n1;"x;y"\n2;z\n'))
    assert list(semicolons.inputs) == ["a", "b;c"]
    assert semicolons.inputs["b;c"].tolist() == ["x;y", "z"]
    tabs = read_table(written(tmp_path, "a\tb\n1\t?\n2\t4\n", "t.tsv"))
    assert tabs.inputs["b"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "an empty file"),
        ("a,b\n", {}, "no rows"),
        ("a,b\n1,2\n3,4,5\n", {}, "found 3 cells in line 3, expected 2 in every line"),
        (f"a,b\n1,2\n{'x' * 99},4\n", {"target": "c"}, "there is a, b"),
        (f"{'x' * 99},b\n1,2\n", {"target": "c"}, f"there is {'x' * 40}..., b"),
        ("a,b\n1,2,3\n4,5,6\n", {}, "more cells than the first line"),
        ("a,b\n1,2\n", {"target": "c"}, "no column 'c'; there is a, b"),
        ("size,kind\n1,2\n", {"target": "knd"}, "did you mean 'kind'"),
        ("a,b\n1,x\n2,x\n", {"target": "b"}, "'x' in all 2 rows of the target 'b'"),
        ("a,b\n1,\n2,\n", {"target": "b"}, "no value in any row of the target 'b'"),
        ("a,b\n1,x\n2,\n3,y\n", {"target": "b"}, "'b' is missing in 1 of 3 rows (rows 2)"),
        ("a,b\n,x\n,y\n", {"target": "b"}, "no value in any column of inputs"),
        ("b\nx\ny\n", {"target": "b"}, "no columns of inputs"),
        ("a,b\n1,x\n2,y\n", {"target": "b", "task": "regression"}, "row 1: found 'x'"),
        (
            "a,b\n1,x\n2,y\n",
            {"target": "b", "task": "guess"},
            "must be one of 'classification'",
        ),
        ("a,t\n1,5\n2,\n", {"time": "t"}, "the time 't' is missing in row 2"),
    ],
)
def test_bad_tables_are_refused_in_one_line(
    tmp_path: Path, text: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError) as caught:
        read_table(written(tmp_path, text), **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="ends otherwise"):
        read_table(written(tmp_path, "a\n1\n", "table.xls"))
    (tmp_path / "bytes.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="not UTF-8"):
        read_table(tmp_path / "bytes.csv")
    (tmp_path / "bad.csv.gz").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"bad\.csv\.gz"):
        read_table(tmp_path / "bad.csv.gz")
    dropped = read_table(written(tmp_path, "a,b\n1,x\n2,\n3,y\n"), "b", missing_target="drop")
    assert len(dropped) == 2
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'surefoot\[table\]'"):
        read_table(tmp_path / "table.csv")


def test_the_encoder_refuses_what_does_not_fit(tmp_path: Path) -> None:
    encoder = TableEncoder().fit(read_table(written(tmp_path, ROWS), "kind"))
    frame = read_table(written(tmp_path, ROWS)).inputs
    with pytest.raises(
        ValueError, match=r"lacks 1 of the 4 columns .* 'size'; did you mean 'sizes'"
    ):
        encoder.inputs(frame.rename(columns={"size": "sizes"}))
    for name, value, words in [
        ("size", "wide", "'size', row 2: found 'wide', expected a finite number"),
        ("size", np.inf, "'size', row 2: found inf"),
        ("day", "soon", "'day', row 2: found 'soon', expected a date"),
        ("size", 1e300, "'size', row 2: too far"),
    ]:
        with pytest.raises(ValueError) as caught:
            encoder.inputs(
                frame.astype({name: object}).assign(
                    **{name: [*frame[name][:1], value, *frame[name][2:]]}
                )
            )
        assert words in str(caught.value)
    strange = read_table(written(tmp_path, ROWS.replace("7,b", "7,c")), "kind")
    with pytest.raises(
        ValueError, match="the value 'c', which is none of the model's classes: a, b"
    ):
        encoder.targets(strange)
    with pytest.raises(ValueError, match="constant or empty: 'x'"):
        TableEncoder().fit(read_table(pd.DataFrame({"x": [1, 1], "y": [0, 1]}), "y"))


# -------------------------------------------------------------------------------------------------
# Splits
# -------------------------------------------------------------------------------------------------


def indices(parts: Any) -> list[list[int]]:
    return [part.indices.tolist() for part in parts]


@pytest.mark.parametrize("stratified", [False, True])
def test_a_group_is_in_one_part(stratified: bool) -> None:
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(60), generator.integers(1, 9, 60))
    labels = (generator.random(60) < 0.3)[group]
    parts = split(
        group, (0.6, 0.2, 0.2), group=group, stratify=labels if stratified else None, seed=1
    )
    assert sorted(row for part in parts for row in part.indices) == list(range(len(group)))
    owners = [set(group[part.indices]) for part in parts]
    assert not owners[0] & owners[1] and not owners[1] & owners[2] and not owners[0] & owners[2]
    shares = [len(part) / len(group) for part in parts]
    np.testing.assert_allclose(shares, (0.6, 0.2, 0.2), atol=0.03)
    if stratified:
        for part in parts:
            assert abs(labels[part.indices].mean() - labels.mean()) < 0.05
    assert indices(parts) == indices(
        split(group, (0.6, 0.2, 0.2), group=group, stratify=labels if stratified else None, seed=1)
    )
    other = split(group, (0.6, 0.2, 0.2), group=group, seed=2)
    assert set(group[other[1].indices]) != owners[1]


def test_a_split_in_time_puts_the_past_first_and_cuts_no_time() -> None:
    time = np.array([5, 1, 3, 3, 3, 9, 0, 8])
    parts = split(time, (0.5, 0.5), time=time)
    assert indices(parts) == [[6, 1, 2, 3, 4], [0, 7, 5]]
    with pytest.raises(ValueError, match="2 different times do not make 3 parts"):
        split(time, (0.5, 0.25, 0.25), time=np.array([1] * 7 + [2]))
    with pytest.raises(ValueError, match="neither group nor stratify"):
        split(time, (0.5, 0.5), time=time, group=time)
    with pytest.raises(ValueError, match="2 groups do not make 3 parts"):
        split(time, (0.5, 0.25, 0.25), group=[0, 1] * 4)
    with pytest.raises(ValueError, match=r"group has shape \(2,\)"):
        split(time, (0.5, 0.5), group=[0, 1])


@pytest.mark.parametrize("k", [2, 3, 7])
def test_folds(k: int) -> None:
    generator = np.random.default_rng(k)
    labels = generator.integers(0, 3, 50)
    group = generator.integers(0, 12, 50)
    for options in ({}, {"stratify": labels}, {"group": group}, {"shuffle": False}):
        folds = kfold(labels, k, seed=3, **options)
        assert sorted(row for _, held in folds for row in held.indices) == list(range(50))
        for training, held in folds:
            assert sorted([*training.indices, *held.indices]) == list(range(50))
        sizes = [len(held) for _, held in folds]
        if "group" in options:
            assert all(
                not set(group[a.indices]) & set(group[b.indices]) and len(b) for a, b in folds
            )
        else:
            assert max(sizes) - min(sizes) <= 1
        if "stratify" in options:
            counts = [np.bincount(labels[held.indices], minlength=3) for _, held in folds]
            assert np.ptp(np.stack(counts), axis=0).max() <= 2
    time = generator.permutation(50)
    for training, held in kfold(labels, k, time=time):
        assert time[training.indices].max() < time[held.indices].min()


def test_fold_errors() -> None:
    with pytest.raises(ValueError, match="k must be at most 3, got 4"):
        kfold([1, 2, 3], 4)
    with pytest.raises(ValueError, match="3 folds in time need 4 samples"):
        kfold([1, 2, 3], 3, time=[1, 2, 3])


def test_a_table_splits_by_its_own_columns() -> None:
    n = 60
    frame = pd.DataFrame(
        {
            "x": np.arange(n),
            "who": [f"p{i % 10}" for i in range(n)],
            "day": pd.date_range("2024-01-01", periods=n).astype(str),
            "y": ["b" if i % 3 else "a" for i in range(n)],
        }
    )
    by_class = read_table(frame, "y", drop=["who", "day"]).split((0.5, 0.5), seed=1)
    assert [sum(part.labels() == 0) for part in by_class] == [10, 10]
    by_group = read_table(frame, "y", group="who", drop=["day"]).split((0.5, 0.5))
    assert list(by_group[0].inputs) == ["x"]
    assert not set(by_group[0].groups) & set(by_group[1].groups)
    by_time = read_table(frame, "y", time="day", drop=["who"]).split((0.5, 0.5))
    assert by_time[0].inputs["x"].max() < by_time[1].inputs["x"].min()
    assert len(read_table(frame, "y", group="who").kfold(5)) == 5
    with pytest.raises(ValueError, match="cannot stratify"):
        read_table(frame, "y", time="day").split((0.5, 0.5), stratify=True)


def test_class_weights_are_balanced() -> None:
    labels = np.array([0, 0, 0, 0, 1, 2, 2])
    weights = class_weights(labels).numpy()
    np.testing.assert_allclose(weights, 7 / (3 * np.array([4, 1, 2])), rtol=1e-6)
    np.testing.assert_allclose(weights[labels].mean(), 1.0, rtol=1e-6)
    assert class_weights([0, 2], num_classes=4).tolist() == [1.0, 0.0, 1.0, 0.0]
    for bad in ([], [0.5], [-1, 0], [[0]]):
        with pytest.raises(ValueError, match="expected class numbers"):
            class_weights(bad)
    with pytest.raises(ValueError, match="label 5, but 3 classes"):
        class_weights([0, 5], num_classes=3)


# -------------------------------------------------------------------------------------------------
# Embedded categories
# -------------------------------------------------------------------------------------------------


def test_embedded_categories_are_codes_behind_the_numbers(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ROWS), "kind")
    encoder = TableEncoder("embed").fit(table)
    assert encoder.features == ["size", "size missing", "day", "flag", "town code"]
    assert encoder.cardinalities == [4] and encoder.num_numbers == 4
    plain = TableEncoder().fit(table)
    assert plain.cardinalities == [] and plain.num_numbers == len(plain.features)
    inputs = encoder.inputs(table)
    assert inputs[:, -1].tolist() == [2, 1, 3, 2]  # Ulm, Jena, missing
    numbers = [i for i, name in enumerate(plain.features) if not name.startswith("town")]
    np.testing.assert_array_equal(inputs[:, :-1], plain.inputs(table)[:, numbers])
    later = table.inputs.assign(town=["Rom", None, "Jena", "Oslo"])
    assert encoder.inputs(later)[:, -1].tolist() == [0, 3, 1, 0]
    without_gaps = TableEncoder("embed").fit(table.rows([0, 1, 3]))
    assert without_gaps.cardinalities == [3]
    assert without_gaps.inputs(later)[:, -1].tolist() == [0, 0, 1, 0]
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(again.inputs(later), encoder.inputs(later))
    with pytest.raises(ValueError, match="must be one of 'onehot', 'embed', 'auto'"):
        TableEncoder("vectors")


def test_files_from_before_embeddings_are_read(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, ROWS), "kind")
    encoder = TableEncoder().fit(table)
    state = encoder.to_json()
    del state["category_encoding"]
    for column in state["columns"]:
        del column["embedded"]
    np.testing.assert_array_equal(
        TableEncoder.from_json(state).inputs(table), encoder.inputs(table)
    )


@pytest.mark.parametrize(("levels", "embedded"), [(50, False), (51, True)])
def test_auto_embeds_what_has_many_levels(levels: int, embedded: bool) -> None:
    names = [f"n{i:03}" for i in range(levels)] * 4
    frame = pd.DataFrame({"name": names, "y": np.arange(len(names)) * 0.5})
    table = read_table(frame, "y")
    encoder = TableEncoder("auto").fit(table)
    assert encoder.cardinalities == ([levels + 1] if embedded else [])
    assert encoder.num_numbers == (0 if embedded else levels)
    assert len(TableEncoder("onehot").fit(table).features) == 50


def test_a_network_with_embeddings_learns_what_levels_are_worth(tmp_path: Path) -> None:
    """80 shops with a value each: vectors learn them, 50 zeros and ones cannot."""
    rng = np.random.default_rng(0)
    worth = rng.normal(size=80)
    shop, x = rng.integers(0, 80, 1600), rng.normal(size=1600)
    frame = pd.DataFrame({"x": x, "shop": [f"s{i}" for i in shop], "y": worth[shop] + 0.5 * x})
    training, test = read_table(frame, "y").split((0.75, 0.25), seed=0)
    scores = {}
    for encoding in ("auto", "onehot"):
        encoder = TableEncoder(encoding).fit(training)
        sf.manual_seed(0)
        net = sf.nn.models.TabularMLP(encoder.num_numbers, encoder.cardinalities, [32], 1)
        optimizer = sf.optim.Adam(net.parameters(), lr=1e-2)
        trainer = sf.train.Trainer(net, sf.nn.MSELoss(), optimizer, "r2", seed=0)
        trainer.fit(encoder.encode(training), epochs=15, progress=False)
        scores[encoding] = trainer.evaluate(encoder.encode(test))["r2"]
        sf.save_model(net, tmp_path / "m.safetensors", {"table": encoder.to_json()})
        loaded, info = sf.load_model(tmp_path / "m.safetensors")
        again = TableEncoder.from_json(info["table"])
        rows = test.inputs.copy()
        rows.iloc[0, 1] = "a new shop"
        output = loaded.eval()(sf.tensor(again.inputs(rows)))
        assert again.decode(output) == encoder.decode(trainer.predict(encoder.inputs(rows)))
        assert np.isfinite(again.decode(output)).all()
    assert scores["auto"] > 0.95
    assert scores["onehot"] < 0.9


def test_names_of_rows_are_left_out_of_small_tables_too() -> None:
    frame = pd.DataFrame({"id": [f"x{i}" for i in range(20)], "a": range(20), "y": [0, 1] * 10})
    encoder = TableEncoder().fit(read_table(frame, "y"))
    assert (
        encoder.features == ["a"] and "'id' has 20 different texts in 20 rows" in encoder.notes[0]
    )


def test_a_text_among_numbers_is_refused_with_its_row_in_the_file() -> None:
    frame = pd.DataFrame({"a": [*map(str, range(29)), "oops"], "y": [0, 1] * 15})
    _, part = read_table(frame, "y").split((0.5, 0.5), shuffle=False, stratify=False)
    with pytest.raises(ValueError, match=r"numbers but for 1 of 15 cells, as 'oops' in row 30: "):
        TableEncoder().fit(part)
    frame = frame.assign(b=range(30))
    assert TableEncoder().fit(read_table(frame, "y", categories=["a"])).features == ["b"]


def test_a_class_alone_is_refused() -> None:
    frame = pd.DataFrame({"a": range(20), "y": ["p"] * 15 + ["q"] * 5})
    table = read_table(frame, "y")
    with pytest.raises(ValueError, match="target 'y' has one class alone"):
        TableEncoder().fit(table.rows(np.arange(15)))
