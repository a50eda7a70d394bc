"""save and load: what goes in comes out, a bad file is an error, a crash loses nothing."""

import contextlib
import json
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surefoot as sf
from surefoot import nn
from surefoot.files import read_tensors, write_tensors

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


def some_tensors() -> dict[str, Any]:
    return {
        "z.weight": sf.tensor(np.arange(6, dtype="float32").reshape(2, 3)),
        "a.bias": sf.tensor(np.array([0.5, -0.5])),
    }


def equal(left: Any, right: Any) -> bool:
    return bool(left.dtype == right.dtype and np.array_equal(left.numpy(), right.numpy()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_dtypes_and_shapes(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    values = (np.arange(np.prod(shape)) % 2 == 1).reshape(shape).astype(dtype)
    sf.save({"x": sf.tensor(values)}, tmp_path / "x.safetensors")
    loaded = sf.load(tmp_path / "x.safetensors")["x"]
    assert tuple(loaded.shape) == shape
    assert loaded.numpy().dtype == values.dtype
    np.testing.assert_array_equal(loaded.numpy(), values)


def test_bits_survive(tmp_path: Path) -> None:
    values = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1e-45], dtype="float32")
    sf.save({"x": sf.tensor(values)}, tmp_path / "x.safetensors")
    assert sf.load(str(tmp_path / "x.safetensors"))["x"].numpy().tobytes() == values.tobytes()


def test_order_of_names_survives(tmp_path: Path) -> None:
    sf.save(some_tensors(), tmp_path / "x.safetensors")
    assert list(sf.load(tmp_path / "x.safetensors")) == ["z.weight", "a.bias"]


def test_numpy_numbers_become_numbers(tmp_path: Path) -> None:
    opt = sf.optim.SGD([sf.zeros(2, requires_grad=True)], lr=np.float32(0.1))
    sf.save({"opt": opt.state_dict(), "n": np.int64(3), "b": np.bool_(True)}, tmp_path / "x.sf")
    loaded = sf.load(tmp_path / "x.sf")
    assert (loaded["n"], loaded["b"]) == (3, True)
    assert loaded["opt"]["param_groups"][0]["lr"] == float(np.float32(0.1))


def test_views_and_parameters(tmp_path: Path) -> None:
    base = sf.tensor(np.arange(12.0).reshape(3, 4))
    tensors = {"transposed": base.t(), "part": base[1:, ::2], "p": nn.Parameter(base)}
    sf.save(tensors, tmp_path / "x.safetensors")
    loaded = sf.load(tmp_path / "x.safetensors")
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(loaded[name].numpy(), tensor.detach().numpy())
        assert not loaded[name].requires_grad


def test_a_model_and_its_optimizer(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = sf.optim.Adam(model.parameters(), lr=0.01)
    model(sf.ones((2, 3))).sum().backward()
    optimizer.step()
    path = tmp_path / "both.safetensors"
    sf.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, path)
    loaded = sf.load(path)
    assert loaded["epoch"] == 3
    other = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    other.load_state_dict(loaded["model"])
    fresh = sf.optim.Adam(other.parameters(), lr=0.5)
    fresh.load_state_dict(loaded["optimizer"])
    for m, o in ((model, optimizer), (other, fresh)):
        o.zero_grad()
        m(sf.ones((2, 3))).sum().backward()
        o.step()
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert equal(a.detach(), b.detach())


def test_nested_structure(tmp_path: Path) -> None:
    x = sf.tensor(np.array([1, 2]))
    tree = {
        "list": [x, None, True, 1.5, "text", float("inf")],
        "tuple": (1, (2, x)),
        "numbers": {5: x},
        "by number": {0: x, 1: {"tensor": "a name that means something inside"}},
        "empty": {},
        "a.b": x,
        "a": {"b": sf.tensor(np.array([3.0]))},
    }
    sf.save(tree, tmp_path / "x.safetensors")
    loaded = sf.load(tmp_path / "x.safetensors")
    assert loaded["list"][1:] == tree["list"][1:] and equal(loaded["list"][0], x)
    assert loaded["tuple"][0] == 1 and isinstance(loaded["tuple"][1], tuple)
    assert equal(loaded["by number"][0], x) and loaded["by number"][1] == tree["by number"][1]
    assert list(loaded["numbers"]) == [5]
    assert loaded["empty"] == {} and equal(loaded["a.b"], x)
    assert loaded["a"]["b"].item() == 3.0
    assert list(loaded) == list(tree)


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    from safetensors import numpy as other_reader

    sf.save(some_tensors(), tmp_path / "x.safetensors", metadata={"note": "mine"})
    arrays = other_reader.load_file(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(arrays["a.bias"], [0.5, -0.5])
    assert read_tensors(tmp_path / "x.safetensors")[1] == {"note": "mine"}
    other_reader.save_file({"w": np.ones(2, "float32")}, tmp_path / "y.safetensors")
    assert sf.load(tmp_path / "y.safetensors")["w"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (sf.zeros(2), "expected a dict of tensors"),
        (3, "not int"),
        ({"f": print}, "'f' is a builtin_function_or_method"),
        ({"o": np.array([object()])}, "'o' has dtype object"),
        ({1.5: sf.zeros(1), "n": 1}, "keys are strings or integers, not 1.5"),
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, obj: Any, text: str) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(TypeError, match=text):
        sf.save(obj, path)
    assert os.listdir(tmp_path) == []


def test_a_name_of_the_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'__metadata__' belongs to the file format"):
        sf.save({"__metadata__": sf.zeros(1)}, tmp_path / "x.safetensors")


def test_a_module_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"pass model.state_dict\(\)"):
        sf.save(nn.Linear(2, 2), tmp_path / "x.safetensors")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sf.load(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError):
        sf.save(some_tensors(), tmp_path / "no folder" / "x.safetensors")


class Trap:
    """Pickled, this would write a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(ValueError, match=r"x\.safetensors is not a usable safetensors file"):
        sf.load(path)
    assert not (tmp_path / "ran").exists()


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    sf.save(some_tensors(), path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="not a usable safetensors file"):
            sf.load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match="not a usable"):
        sf.load(path)


def test_a_changed_byte_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Whatever one byte of the header becomes: a ValueError, or a dict of tensors."""
    path = tmp_path / "x.safetensors"
    sf.save({"model": some_tensors(), "epoch": 1}, path)
    whole = bytearray(path.read_bytes())
    end = 8 + int.from_bytes(whole[:8], "little")
    for position in range(end):
        for value in (0, 0x22, 0x39):
            changed = whole.copy()
            changed[position] = value
            path.write_bytes(changed)
            with contextlib.suppress(ValueError):
                sf.load(path)


def with_header(header: Any, data: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(**changes: Any) -> dict[str, Any]:
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin like one"),
        (b"hello, this is text", "does not begin like one"),
        ((2**63).to_bytes(8, "little") + b"{}", "does not begin like one"),
        ((500).to_bytes(8, "little") + b"{}", "truncated"),
        (with_header(b'{"w": '), "header is damaged"),
        (with_header(b'{"\xff": 1}'), "header is damaged"),
        (with_header(b'{"a": ' * 3000), "header is damaged"),
        (with_header(b'{"w": 1, "w": 2}'), "occurs twice"),
        (with_header({"__metadata__": 3}), "header is damaged"),
        (with_header({"__metadata__": {"a": 1}, **entry()}), "not a usable"),
        (with_header({"w": 5}), "dtype None"),
        (with_header(entry(dtype="F16", shape=[4])), "dtype F16; surefoot reads BOOL, F32"),
        (with_header(entry(shape=[3])), "not a usable"),
        (with_header(entry(shape=[2**62, 4])), "not a usable"),
        (with_header(entry(shape=[-2])), "not a usable"),
        (with_header(entry(data_offsets=[0, 16])), "not a usable"),
        (with_header(entry(data_offsets=[4, 12]), b"\0" * 12), "not a usable"),
        (with_header({**entry(), "v": entry()["w"]}), "not a usable"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        sf.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "tree",
    [
        "[",
        '{"tensor": "other"}',
        '{"exec": 1}',
        '{"dict": 3}',
        '{"dict": [[[], 1]]}',
        '{"a":1,"b":2}',
    ],
)
def test_a_structure_that_does_not_fit_is_an_error(tmp_path: Path, tree: str) -> None:
    path = tmp_path / "bad.safetensors"
    write_tensors(path, some_tensors(), {"surefoot.tree": tree})
    with pytest.raises(ValueError, match="its structure does not fit"):
        sf.load(path)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    sf.save(some_tensors(), path)
    before = path.read_bytes()

    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            with pytest.raises(OSError, match="No space left"):
                sf.save({"other": sf.zeros(3)}, path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["x.safetensors"]


def test_data_is_on_disk_before_the_name_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def spy(*args: Any, _name: str = name, _original: Any = original) -> Any:
            calls.append(_name)
            return _original(*args)

        monkeypatch.setattr(os, name, spy)
    sf.save(some_tensors(), tmp_path / "x.safetensors")
    assert calls == ["fsync", "replace", "fsync"]


def test_mode_bits_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "x.safetensors", tmp_path / "link.safetensors"
    sf.save(some_tensors(), path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path)
    sf.save({"new": sf.zeros(1)}, link)
    assert link.is_symlink() and list(sf.load(path)) == ["new"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
